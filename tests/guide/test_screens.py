"""What the documentation shows is what a terminal shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest
from tests.shown import shown_only_if

TOP = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@shown_only_if(which("tmux") is not None, "the screens of the guide and the README: there is no tmux here")
def test_the_screens_and_pictures_of_the_documentation_are_what_a_terminal_shows_today() -> None:
    done = subprocess.run(
        [sys.executable, str(TOP / "scripts" / "screens.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
