"""The whole story of a renewal, run with three endpoints; `scripts/renewal-demo.sh` runs it with twelve."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "scripts" / "renewal_demo.py"


@pytest.mark.slow
def test_nobody_is_refused_in_a_staged_renewal_and_everybody_in_one_that_is_not() -> None:
    done = subprocess.run(
        [sys.executable, DEMO, "3"], capture_output=True, text=True, timeout=1500, check=False
    )
    print(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no-go: Switching TSM01 today would refuse 3 of 3 endpoints" in done.stdout
    assert "go: Switching TSM01 today would refuse none of 3 endpoints." in done.stdout
