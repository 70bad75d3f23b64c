"""What bench.py needs to measure finding: the calls that `locate` makes, those calls alone, and `find`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

HOMES, STORES = 10_000, 200
SAMPLE, DIRECTORIES, FILES = 50, 200, 10
"""Furnished homes: so many, each with so many directories of so many files, as a browser's profile has."""

_CALL = re.compile(r'"(?P<path>/(?:[^"\\]|\\.)*)"')
# Both in one process, in turn, so that neither has Python's start in it.
_MEASURED = """
import json, os, sys, time
from pathlib import Path
import dsmcertfix.cli  # as a command: it keeps the search for cycles off
from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.system.unix.places import UnixPlaces

root, runs = Path(sys.argv[1]), int(sys.argv[3])
paths = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
pairs, found = [], None
for _ in range(runs + 1):
    found = None  # to let go of the last one is no part of finding
    start = time.perf_counter()
    found = locate(UnixPlaces(root))
    between = time.perf_counter()
    for path in paths:
        try:
            os.lstat(path)
        except OSError:
            pass
    pairs.append((between - start, time.perf_counter() - between))
print(json.dumps({"pairs": pairs[1:], "stores": len(found.stores)}))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Seconds of finding, and of its calls alone, in turn; `calls` is how many those are."""

    pairs: tuple[tuple[float, float], ...]
    calls: int


def finding(root: Path, runs: int, directory: Path, environment: Mapping[str, str]) -> Finding | None:
    """How long `locate` takes, and a loop over the same calls; None where strace is not installed.

    Raises RuntimeError when it does not find the stores.
    """
    strace = shutil.which("strace")
    if strace is None:
        return None
    calls, paths = directory / "calls", directory / "paths"
    traced = (strace, "-f", "-qq", "-e", "trace=newfstatat,stat,lstat", "-o", calls)
    tool = (sys.executable, "-m", "dsmcertfix", "--trust-root", "--root", root, "locate", "--json")
    subprocess.run((*traced, *tool), check=True, stdout=subprocess.DEVNULL, env=environment)
    lines = calls.read_text(encoding="utf-8", errors="replace").splitlines()
    asked = [match["path"] for line in lines if (match := _CALL.search(line)) is not None]
    below = [path for path in asked if path.startswith(os.fspath(root))]
    paths.write_text("\n".join(below), encoding="utf-8")
    words = (sys.executable, "-c", _MEASURED, root, paths, str(runs))
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    told = json.loads(done.stdout)
    if told["stores"] != STORES:
        raise RuntimeError(f"locate found {told['stores']} stores of {STORES}")
    return Finding(tuple((one, other) for one, other in told["pairs"]), len(below))


def furnish(directory: Path) -> Path:
    """A tree of SAMPLE homes as people have them is in the directory."""
    for home in range(SAMPLE):
        for place in range(DIRECTORIES):
            inside = directory / f"u{home:05}" / f"d{place // 20:02}" / f"d{place:03}"
            inside.mkdir(parents=True)
            for file in range(FILES):
                (inside / f"f{file}").touch()
    return directory


def find_s(directory: Path) -> float:
    """Seconds that `find` takes for the tree."""
    start = perf_counter()
    subprocess.run(("find", directory, "-name", "dsmcert.kdb"), check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start
