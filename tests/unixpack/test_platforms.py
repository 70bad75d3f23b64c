"""The one file repairs the demo's four stores: on each bare Python, and on an emulated s390x (big-endian)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.unixpack import pythons

from dsmpack.places import TOP

pytestmark = pytest.mark.slow

LIMIT_S = 1800
HERE = ("3.10", "3.11", "3.12", "3.13")
FOREIGN = ("s390x", "python3.14")


def on(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What platforms.sh did; the test is not shown where what it needs is not to be had."""
    done = subprocess.run(
        [str(TOP / "scripts/platforms.sh"), *words],
        env={**os.environ, "python": sys.executable, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )
    _, missing, why = done.stdout.rpartition("not to be had here: ")
    if done.returncode and missing:
        not_shown(f"{' '.join(words)}: {why.strip()}")
    return done


@pytest.mark.parametrize("platform", [*FOREIGN, *HERE])
def test_the_demo_runs_from_its_first_look_to_its_last(platform: str, pyz: Path) -> None:
    word = platform
    if platform in HERE:
        word = str(pythons.find(platform) or not_shown(f"there is no Python {platform}"))
    done = on(word, PYZ=str(pyz))
    assert done.returncode == 0, done.stdout
    (found,) = (line for line in done.stdout.splitlines() if line.startswith(f"== {word}: "))
    assert platform != "s390x" or ("s390x" in found and " big, " in found)
    assert done.stdout.count("Done: 4 stores changed.") == 2
    assert done.stdout.endswith("# Done.\n")


def test_key_databases_are_read_and_written_on_s390x_as_here() -> None:
    done = on("--tests", "1/6")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
