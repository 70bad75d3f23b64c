"""The shell on the demo's endpoint: what the README has a stranger do, typed into it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_DEMO = Path(__file__).parents[2] / "scripts/demo.sh"
_TYPED = """
dsmcertfix fix --yes --expect-file cert256.arm
echo "fix: $?"
dsmadmc -id=admin update node ALICE sessionsecurity=transitional
dsmcertfix server macro transitional --node SECOND --output second.mac
dsmadmc macro second.mac
dsmcertfix fix --yes --expect-file cert256.arm
echo "fix: $?"
dsmcertfix detect
echo "detect: $?"
dsmcertfix undo --yes
echo "undo: $?"
dsmcertfix detect
echo "detect: $?"
"""


@pytest.mark.slow
def test_the_endpoint_of_the_demo_is_repaired_by_hand_refused_nodes_included() -> None:
    done = subprocess.run(
        [str(_DEMO), "--shell"],
        input=_TYPED,
        env={**os.environ, "python": sys.executable},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith(("ANR", "fix:", "detect:", "undo:"))]
    assert said == [
        "fix: 21",
        "ANR2063I Node ALICE updated.",
        "ANR2063I Node SECOND updated.",
        "fix: 0",
        "detect: 0",
        "undo: 0",
        "detect: 3",
    ]
    directory = next(
        word for word in done.stdout.split() if "dsmcertfix-demo-" in word and word.endswith("/endpoint")
    )
    assert not Path(directory).parent.exists()


def test_an_option_that_the_demo_does_not_have_is_refused() -> None:
    done = subprocess.run([str(_DEMO), "--frob"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--shell" in done.stdout
