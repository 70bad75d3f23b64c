"""Which fast test runs which lines of the code that is changed; kept below .cache until a file changes."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest
from tests.mutation.trials import LIVED, TOLD, Forks, Tests

FAST = 1.0
"""Seconds of processor time, its children's among it: what takes more is no test of a run."""
HANGS = 10.0
"""Seconds by the clock."""

Lines = dict[str, list[int]]


class Test(NamedTuple):
    """One fast test that passes here."""

    name: str
    version: str
    """Another one when its file has changed."""
    seconds: float
    lines: Lines

    def share(self, file: str) -> float:
        """How much of what it runs is in that file."""
        return len(self.lines[file]) / sum(map(len, self.lines.values()))


class Recorder:
    """In a child: which lines of those files run in its first thread and those that it starts."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.lines: dict[str, set[int]] = {}

    def called(self, frame: FrameType, event: str, argument: object) -> Any:
        """For sys.settrace."""
        name = self.files.get(frame.f_code.co_filename)
        if name is None:
            return None
        seen = self.lines.setdefault(name, set())

        def line(frame: FrameType, event: str, argument: object) -> Any:
            seen.add(frame.f_lineno)
            return line

        return line(frame, event, argument)


def recorded(
    items: Sequence[pytest.Item], tests: Tests, forks: Forks, files: dict[str, str], kept: Path, base: str
) -> list[Test]:
    """The fast tests of these that pass. `files`: the name of each changed file, by its path."""
    page = kept / f"lines-{base}.json"
    known: dict[str, dict[str, tuple[float, Lines]]] = json.loads(page.read_text()) if page.exists() else {}
    wanted: dict[str, list[str]] = {}
    for item in items:
        if item.get_closest_marker("skip") is None:
            wanted.setdefault(digest([item.path]), []).append(item.nodeid)
    for version, names in wanted.items():
        if version in known:
            continue
        known[version] = {}
        for name in names:
            _record(name, tests, forks, files, known[version])
        forks.finish()
        page.write_text(json.dumps(known))
    found = [Test(name, version, *one) for version in wanted for name, one in known[version].items()]
    return [test for test in found if test.seconds <= FAST and test.lines]


def digest(paths: Iterable[Path]) -> str:
    """Another one when the content of a file has changed."""
    sums = (hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths))
    return hashlib.sha256("".join(sums).encode()).hexdigest()[:16]


def _record(
    name: str, tests: Tests, forks: Forks, files: dict[str, str], found: dict[str, tuple[float, Lines]]
) -> None:
    """Runs it twice: for its time, and for its lines."""
    taken: list[float] = []

    def measured(scratch: Path) -> int:
        code = tests.run([name], scratch)
        (scratch / TOLD).write_text(str(sum(os.times()[:4])))
        return code

    def traced(scratch: Path) -> int:
        recorder = Recorder(files)
        threading.settrace(recorder.called)
        sys.settrace(recorder.called)
        code = tests.run([name], scratch)
        sys.settrace(None)
        (scratch / TOLD).write_text(json.dumps({name: sorted(seen) for name, seen in recorder.lines.items()}))
        return code

    def has_lines(code: int, told: str) -> None:
        if code == LIVED:
            found[name] = (taken[0], json.loads(told))

    def has_time(code: int, told: str) -> None:
        if code == LIVED and float(told) <= FAST:
            taken.append(float(told))
            forks.start(traced, HANGS, has_lines)

    forks.start(measured, HANGS, has_time)
