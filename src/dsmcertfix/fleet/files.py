"""Finds the results that somebody collected: files, directories, standard input. Reads, and changes nothing.

What lies in a directory may have been put there by the machines themselves: links are not followed, and only
regular files are opened.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO

from dsmcertfix.budgets import LIST_FILE, RESULT_FILES, RESULT_UNUSED
from dsmcertfix.errors import NotFound, UsageError
from dsmcertfix.fleet.endpoints import Fleet
from dsmcertfix.fleet.picture import Foreign
from dsmcertfix.fleet.reading import Damage, TooMuch, decoded, values
from dsmcertfix.fleet.seen import Reader
from dsmcertfix.report.details import ForeignReport

STANDARD_INPUT = Path("-")
MOST_LISTED = 200
"""Damaged and foreign files that are named; how many there are in all is told."""

CLOCKS_APART = timedelta(minutes=10)
"""How far the clock of another machine may be ahead: twice what Kerberos allows."""

_NO_TRAPS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class Collected:
    """What the files held: the results by endpoint, how many, and what could not be used."""

    fleet: Fleet
    results: int
    foreign: Foreign


def collect(paths: Iterable[Path], now: datetime, leaving_out: Iterable[Path] = ()) -> Collected:
    """Every result in these files and directories; the files `leaving_out` are not looked into.

    A result that says it was made after `now` is left out: it would be the newest for ever. So is what is
    over a bound, and the rest of a file in which too much cannot be used. All that is left out is told.

    Raises NotFound when a path does not exist, or when there is no result at all.
    """
    latest = int((now + CLOCKS_APART).timestamp())
    reader, fleet, results, left_out = Reader(), Fleet(), 0, _LeftOut()
    for name, found in _contents(paths, _Allowance(leaving_out, left_out)):
        if isinstance(found, Damage):
            left_out.add(name, found.reason, found.line)
            continue
        seen = reader.seen(*found)
        if isinstance(seen, str):
            left_out.add(name, seen)
        elif seen.at is not None and seen.at > latest:
            left_out.add(name, f"it says that it was made in the future: look at the clock of {seen.host}")
        else:
            fleet.add(seen)
            results += 1
    if not results:
        raise NotFound(
            "no-results",
            "there is no result of dsmcertfix in what was named",
            context=tuple(f"{item.file}: {item.reason}" for item in left_out.listed[:10]),
        )
    return Collected(fleet, results, Foreign(tuple(left_out.listed), left_out.in_all))


@dataclass(slots=True)
class _LeftOut:
    """What could not be used so far: the first of it, how much in all, and how much of the file at hand."""

    listed: list[ForeignReport] = field(default_factory=list)
    in_all: int = 0
    of_this_file: int = 0

    def add(self, file: str, reason: str, line: int | None = None) -> None:
        self.in_all += 1
        self.of_this_file += 1
        if len(self.listed) < MOST_LISTED:
            self.listed.append(ForeignReport(file, reason, line))


class _Allowance:
    """Which files are not read, and how much may still be read of the others."""

    def __init__(self, leaving_out: Iterable[Path], left_out: _LeftOut):
        self._ours = {path.resolve() for path in leaving_out}
        self._left_out = left_out
        self._bytes = RESULT_FILES.cap

    def is_ours(self, path: Path) -> bool:
        return bool(self._ours) and path.resolve() in self._ours

    def take(self, size: int) -> None:
        """So many more bytes are looked at. Raises TooMuch when there are too many in all."""
        self._bytes -= size
        if self._bytes < 0:
            raise TooMuch("all files together are larger than what is read at once")

    def begin_file(self) -> None:
        self._left_out.of_this_file = 0

    @property
    def too_little_is_used(self) -> bool:
        return self._left_out.of_this_file >= RESULT_UNUSED.cap


def text_of(path: Path) -> str:
    """The text of a list that was named, in UTF-8 or in the UTF-16 that Windows PowerShell writes.

    Raises NotFound when it cannot be read, UsageError when it is larger than what is read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LIST_FILE.cap + 1)
    except OSError as error:
        raise _not_there(path, error) from error
    if len(content) > LIST_FILE.cap:
        raise UsageError(
            "list-too-large",
            f"`{path}` has more than {LIST_FILE.cap:,} bytes: that is no list of hosts or nodes",
        )
    return "".join(decoded((content,)))


def _contents(
    paths: Iterable[Path], allowance: _Allowance
) -> Iterator[tuple[str, Damage | tuple[dict[str, object], int | None]]]:
    """Name of the file, and a value with the time of its file, or damage."""
    for path in paths:
        if path == STANDARD_INPUT:
            yield from _values("standard input", lambda: (sys.stdin.buffer, None), allowance)
        elif _is_directory(path):
            yield from _below(path, allowance)
        elif not path.exists():
            raise _not_there(path, None)
        elif not allowance.is_ours(path):
            yield from _values(str(path), partial(_named, path), allowance)


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except PermissionError as error:
        raise _not_there(path, error) from error


def _below(
    directory: Path, allowance: _Allowance
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
            yield from _below(Path(entry.path), allowance)
        elif not entry.is_file(follow_symlinks=False):
            yield entry.path, Damage("it is no regular file")
        elif not allowance.is_ours(Path(entry.path)):
            yield from _values(entry.path, partial(_regular, entry.path), allowance)


def _values(
    name: str, opened: Callable[[], tuple[BinaryIO, int | None]], allowance: _Allowance
) -> Iterator[tuple[str, Damage | tuple[dict[str, object], int | None]]]:
    some = False
    allowance.begin_file()
    try:
        stream, made = opened()
        with stream:
            for value in values(stream, allowance.take):
                some = True
                yield name, value if isinstance(value, Damage) else (value, made)
                if allowance.too_little_is_used:
                    yield name, Damage("too much of it cannot be used: the rest is not read")
                    return
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
