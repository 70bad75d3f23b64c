"""The Pythons of this machine, to run what is shipped."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

PLACES = ("/usr/bin", "/usr/local/bin")


@cache
def find(version: str) -> Path | None:
    """A Python of that minor version: the system's, one that pyenv keeps, or one on PATH."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    on_path = shutil.which(f"python{version}")
    named = (
        [Path(place, f"python{version}") for place in PLACES] + kept + ([Path(on_path)] if on_path else [])
    )
    return next((path for path in named if path.exists() and _is(path, version)), None)


def of_the_system() -> Path | None:
    """The Python that the launcher would take."""
    versions = ("3.14", "3.13", "3.12", "3.11", "3.10")
    paths = [Path(place, f"python{version}") for version in versions for place in PLACES]
    return next((path for path in paths if path.exists()), None)


def _is(path: Path, version: str) -> bool:
    asked = [str(path), "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stdout.strip() == version
