"""Where things are in the source tree, and the time that stands in everything built from it."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path

UNIX = Path(__file__).resolve().parent.parent
TOP = UNIX.parent.parent
CACHE = TOP / ".cache"
LOCK = TOP / "packaging" / "requirements.lock"
NAME = "dsmcertfix"


@cache
def version() -> str:
    """The version of dsmcertfix in this tree."""
    text = (TOP / "src" / NAME / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise ValueError("src/dsmcertfix/__init__.py names no version")
    return found.group(1)


@cache
def epoch() -> int:
    """The time of all that is built, in seconds since 1970: SOURCE_DATE_EPOCH, or the commit's.

    A tree without git has the time of its newest source file.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    if (TOP / ".git").exists():
        asked = ["git", "-C", str(TOP), "log", "-1", "--format=%ct"]
        return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    return max(int(file.stat().st_mtime) for file in (TOP / "src").rglob("*.py"))


def environment() -> dict[str, str]:
    """The environment of every tool that builds: the time is ours, hashing is not random."""
    return {
        **os.environ,
        "SOURCE_DATE_EPOCH": str(epoch()),
        "PYTHONHASHSEED": "0",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def run(*argv: str | Path, **settings: str) -> str:
    """The tool has done its work, with those environment variables besides; what it printed.

    Raises SystemExit with what it said when it has not.
    """
    words = [os.fspath(word) for word in argv]
    done = subprocess.run(
        words,
        env={**environment(), **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
