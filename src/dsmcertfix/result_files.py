"""Finds the results that somebody collected: files, directories, standard input. Reads, and changes nothing.

What lies in a directory may have been put there by the machines themselves: links are not followed, and only
regular files are opened.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from dsmcertfix.errors import NotFound
from dsmcertfix.fleet.endpoints import Fleet
from dsmcertfix.fleet.picture import Foreign
from dsmcertfix.fleet.reading import Damage, values
from dsmcertfix.fleet.seen import Reader
from dsmcertfix.fleet_report import ForeignReport

STANDARD_INPUT = Path("-")
MOST_LISTED = 200
"""Damaged and foreign files that are named; how many there are in all is told."""

_NO_TRAPS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class Collected:
    """What the files held: the results by endpoint, how many, and what could not be used."""

    fleet: Fleet
    results: int
    foreign: Foreign


def collect(paths: Iterable[Path], leaving_out: Iterable[Path] = ()) -> Collected:
    """Every result in these files and directories; the files `leaving_out` are not looked into.

    Raises NotFound when a path does not exist, or when there is no result at all.
    """
    reader, fleet, results = Reader(), Fleet(), 0
    foreign: list[ForeignReport] = []
    in_all = 0
    ours = {path.resolve() for path in leaving_out}
    for name, found in _contents(paths, ours):
        if isinstance(found, Damage):
            told: str | None = found.reason
            line = found.line
        else:
            value, made = found
            seen = reader.seen(value, made)
            told, line = (seen, None) if isinstance(seen, str) else (None, None)
            if not isinstance(seen, str):
                fleet.add(seen)
                results += 1
        if told is not None:
            in_all += 1
            if len(foreign) < MOST_LISTED:
                foreign.append(ForeignReport(name, told, line))
    if not results:
        raise NotFound(
            "no-results",
            "there is no result of dsmcertfix in what was named",
            context=tuple(f"{item.file}: {item.reason}" for item in foreign[:10]),
            hint="Collect what `dsmcertfix detect --json` and `dsmcertfix fix --json` print.",
        )
    return Collected(fleet, results, Foreign(tuple(foreign), in_all))


def text_of(path: Path) -> str:
    """The text of a file that was named. Raises NotFound when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _not_there(path, error) from error


def _contents(
    paths: Iterable[Path], ours: set[Path]
) -> Iterator[tuple[str, Damage | tuple[dict[str, object], int | None]]]:
    """Name of the file, and a value with the time of its file, or damage."""
    for path in paths:
        if path == STANDARD_INPUT:
            yield from _values("standard input", lambda: (sys.stdin.buffer, None))
        elif _is_directory(path):
            yield from _below(path, ours)
        elif not path.exists():
            raise _not_there(path, None)
        elif path.resolve() not in ours:
            yield from _values(str(path), partial(_named, path))


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except PermissionError as error:
        raise _not_there(path, error) from error


def _below(
    directory: Path, ours: set[Path]
) -> Iterator[tuple[str, Damage | tuple[dict[str, object], int | None]]]:
    """Everything in the directory and below, in the order of names. No link is followed."""
    try:
        with os.scandir(directory) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield str(directory), Damage(f"it cannot be read: {error.strerror}")
        return
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path), ours)
        elif not entry.is_file(follow_symlinks=False):
            yield entry.path, Damage("it is no regular file")
        elif not ours or Path(entry.path).resolve() not in ours:
            yield from _values(entry.path, partial(_regular, entry.path))


def _values(
    name: str, opened: Callable[[], tuple[BinaryIO, int | None]]
) -> Iterator[tuple[str, Damage | tuple[dict[str, object], int | None]]]:
    some = False
    try:
        stream, made = opened()
        with stream:
            for value in values(stream):
                some = True
                yield name, value if isinstance(value, Damage) else (value, made)
    except OSError as error:
        yield name, Damage(f"it cannot be read: {error.strerror or error}")
        return
    if not some:
        yield name, Damage("it is empty")


def _named(path: Path) -> tuple[BinaryIO, int | None]:
    """A file that somebody named: a pipe is welcome, too."""
    stream = path.open("rb", buffering=0)
    return stream, _time(stream.fileno())


def _regular(path: str) -> tuple[BinaryIO, int | None]:
    handle = os.open(path, _NO_TRAPS)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError("it is no regular file")
    return os.fdopen(handle, "rb", buffering=0), _time(handle)


def _time(handle: int) -> int | None:
    info = os.fstat(handle)
    return int(info.st_mtime) if stat.S_ISREG(info.st_mode) else None


def _not_there(path: Path, error: OSError | None) -> NotFound:
    why = error.strerror if error is not None and error.strerror else "it is not there"
    return NotFound("input-not-found", f"`{path}` cannot be read: {why}")
