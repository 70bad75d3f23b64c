"""Finds the client's error logs on a machine and reads their ends. Changes nothing, never fails on a file.

A log is read as everything that users may have placed: through `Places`, whose links lead nobody astray; one
that an ordinary user's option file or client names is only read if it is that user's own, and every user's
own as that user, by its path.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.ibm.client.messages import found_in
from dsmcertfix.ibm.client.option_files import find_option_files
from dsmcertfix.ibm.client.secrets import without_secrets
from dsmcertfix.model import Stanza
from dsmcertfix.system.base import FileTail, OwnerLimits, Places, Task

NAMES = ("dsmerror.log", "dsierror.log")
"""The backup-archive client's log and the API's, where ERRORLOGNAME does not say otherwise."""

LARGEST = 8 * 1024 * 1024
"""Bytes that are read at the end of a log. A log up to this size may wrap (ERRORLOGMAX) and is read whole."""

LARGEST_SUM = 64 * 1024 * 1024
"""Bytes that are read of all logs together; what is over it is told, not passed over in silence."""

_LIMITS = OwnerLimits(memory=192 << 20)
"""A log of that size in which each line has a code takes 90 MiB while it is parsed."""

_LATEST_S = 4102444800.0
"""The year 2100: Windows knows no time after 3000, Python none after 9999, and files have any."""

_SETTINGS = ("DSM_LOG", "DSMI_LOG")
_TURNED = (".1", ".2", ".3", ".0", ".bak", ".old", ".pru")


@dataclass(frozen=True, slots=True)
class ErrorLog:
    """A log that was read: where, why it was looked at, which stanzas write to it, whose it is."""

    path: Path
    because: str
    stanzas: tuple[Stanza, ...]
    user: str
    entries: tuple[Logged, ...]


@dataclass(frozen=True, slots=True)
class ErrorLogs:
    """Every log that was found, and why others were not read."""

    logs: tuple[ErrorLog, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A log that may be there. With `only_of` it must belong to one of these uids."""

    path: Path
    because: str
    stanza: Stanza | None = None
    only_of: frozenset[int] | None = None

    def require_theirs(self, uid: int) -> None:
        """A log of that user's is one to which whoever named it may lead. Raises OSError."""
        if self.only_of is not None and uid not in self.only_of:
            raise OSError(errno.EPERM, "an ordinary user named it, to whom it does not belong")


def read_error_logs(places: Places) -> ErrorLogs:
    """The error logs of the machine with their codes, each file once, earlier (pruned) ones among them."""
    return _Reading(places).result()


class _Reading:
    """What was read so far, by (device, inode)."""

    def __init__(self, places: Places):
        self._places = places
        self._found: dict[tuple[int, int], tuple[_Candidate, Path, FileTail, list[Stanza]]] = {}
        self._paths: dict[Path, tuple[int, int]] = {}
        self._warnings: dict[str, None] = {}
        self._left = LARGEST_SUM

    def result(self) -> ErrorLogs:
        for candidate in _candidates(self._places):
            for path in _with_turned(candidate.path):
                self._read(candidate, path)
        logs = tuple(self._log(*item) for item in self._found.values())
        return ErrorLogs(logs, tuple(self._warnings))

    def _read(self, candidate: _Candidate, path: Path) -> None:
        try:
            os.lstat(path)
            found = self._places.resolve(path)
            if found.path is None or found.refused is not None:
                self._warn(path, found.refused or "its link leads nowhere")
                return
            known = self._paths.get(found.path)
            if known is not None:
                candidate.require_theirs(self._found[known][2].uid)
                self._add_stanza(known, candidate)
                return
            candidate.require_theirs(self._places.look(found.path).uid)
            tail = self._places.tail(found.path, LARGEST)
            candidate.require_theirs(tail.uid)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self._warn(path, error.strerror or str(error))
            return
        self._take(candidate, found.path, tail)

    def _take(self, candidate: _Candidate, path: Path, tail: FileTail) -> None:
        if tail.identity not in self._found:
            self._left -= len(tail.data)
            if self._left < 0:
                self._warn(path, "the logs of this machine are too large to read all of them")
                return
            self._found[tail.identity] = (candidate, path, tail, [])
        self._paths[path] = tail.identity
        self._add_stanza(tail.identity, candidate)

    def _add_stanza(self, identity: tuple[int, int], candidate: _Candidate) -> None:
        stanzas = self._found[identity][3]
        if candidate.stanza is not None and candidate.stanza not in stanzas:
            stanzas.append(candidate.stanza)

    def _warn(self, path: Path, why: str) -> None:
        self._warnings[f"{path} is not read: {why}"] = None

    def _log(self, candidate: _Candidate, path: Path, tail: FileTail, stanzas: list[Stanza]) -> ErrorLog:
        owner = self._places.owner(tail.uid)
        return ErrorLog(
            path,
            candidate.because,
            tuple(stanzas),
            owner.name if owner is not None else f"uid {tail.uid}",
            self._entries(path, tail),
        )

    def _entries(self, path: Path, tail: FileTail) -> tuple[Logged, ...]:
        """What the log says, parsed with the rights of whose it is; nothing where that failed."""
        task = Task(entries_of, tail.data, local_time(tail.modified_s).isoformat(), tail.cut)
        try:
            told = self._places.as_user(tail.uid, task, _LIMITS)
            return tuple(_logged(*item) for item in told) if isinstance(told, list) else ()
        except DsmcertfixError as error:
            self._warn(path, error.message)
        except (ValueError, TypeError):
            self._warn(path, "what was read of it has not the form in which it is told")
        return ()


def entries_of(content: bytes, modified: str, cut: bool) -> object:
    """What `read` finds, as data."""
    found = read(content, modified=datetime.fromisoformat(modified), cut=cut)
    return [[item.code, item.at and item.at.isoformat(), item.line] for item in found]


def _logged(code: object, at: str | None, line: object) -> Logged:
    """An entry as a child told it. Raises ValueError and TypeError for anything else."""
    if not isinstance(code, str) or not isinstance(line, str):
        raise TypeError("an entry is text")
    return Logged(code, datetime.fromisoformat(at) if at is not None else None, line)


def local_time(modified_s: float) -> datetime:
    """When a file was written, in local time; where its owner made that up, the nearest of this age."""
    return datetime.fromtimestamp(max(0.0, min(modified_s, _LATEST_S)))


def _candidates(places: Places) -> Iterator[_Candidate]:
    clues = tuple(dict.fromkeys(places.clues()))
    for system in find_option_files(places, clues).system:
        only_of = None if system.trusted else system.users
        for stanza in system.content.stanzas:
            for path, because in _named(places, stanza, only_of):
                yield _Candidate(path, because, stanza, only_of)
    for clue in clues:
        if clue.setting in _SETTINGS and Path(clue.value).is_absolute():
            users = None if clue.word_of is None else frozenset((clue.word_of,))
            for name in NAMES:
                path = places.below(clue.value) / name
                yield _Candidate(path, f"{clue.setting} of {clue.because}", only_of=users)
    for directory, because in _directories(places):
        for name in NAMES:
            yield _Candidate(directory / name, because)


def _named(places: Places, stanza: Stanza, only_of: frozenset[int] | None) -> Iterator[tuple[Path, str]]:
    """Where the stanza's ERRORLOGNAME is; a relative one is taken from where the client was started.

    What an ordinary user's file names is looked up in that user's home alone: with all homes it would be
    millions of look-ups.
    """
    written, because = stanza.errorlogname, f"ERRORLOGNAME of stanza {stanza.name}"
    if written is None:
        return
    if Path(written).is_absolute():
        yield places.below(written), because
        return
    for directory, why in _directories(places) if only_of is None else _homes(places, only_of):
        yield directory / written, f"{because}, {why}"


def _directories(places: Places) -> Iterator[tuple[Path, str]]:
    for _, directory in places.client_directories():
        yield directory, "installation directory"
    for directory in places.option_directories():
        yield directory, "directory of option files"
    yield from _homes(places)
    for directory in places.starting_directories():
        yield directory, "directory where services start"


def _homes(places: Places, only_of: frozenset[int] | None = None) -> Iterator[tuple[Path, str]]:
    for home in places.homes():
        if only_of is None or home.uid in only_of:
            yield Path(home.path), f"home of {home.user}"


def _with_turned(path: Path) -> Iterator[Path]:
    """The log, and the names under which the client (ERRORLOGRETENTION) or a rotation keeps old ones."""
    if not path.name:
        return
    yield path
    for ending in _TURNED:
        yield path.with_name(f"{path.name}{ending}")
    yield path.with_suffix(".pru")
    yield path.with_name("dsmerlog.pru")


_LONGEST = 300
_UTF16_SHARE = 5
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HINTS = re.compile(rb"ANS|ANR|CTGSK|GSKit", re.IGNORECASE)
_DATE = re.compile(
    r"\s*(?P<first>\d{1,4})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<third>\d{2,4})[ T]+"
    r"(?P<hour>\d{1,2})[:.,](?P<minute>\d\d)[:.,](?P<s>\d\d)\s*(?P<half>[AaPp])?(?:[Mm]\b)?"
)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Logged:
    """A line with a code: when (local time there, None where the line does not say), and its text."""

    code: str
    at: datetime | None
    line: str


def read(data: bytes, *, modified: datetime, cut: bool = False) -> tuple[Logged, ...]:
    """Every code in the log, in the order of the file. Never raises.

    `modified` (local, naive) is when the file was written last: it tells whether 03/04 is in March or in
    April. With `cut` the first line is only the end of one.
    """
    lines = _lines(data, cut=cut)
    dates = [_DATE.match(line) for line in lines]
    day_first = _is_day_first([date for date in dates if date is not None], modified)
    found: list[Logged] = []
    at: datetime | None = None
    for line, date in zip(lines, dates, strict=True):
        # A long message goes on in lines without a date of their own.
        at = _time(date, day_first=day_first) if date is not None else at
        if codes := found_in(line):
            text = without_secrets(line.strip())[:_LONGEST]
            found += [Logged(code, at, text) for code in codes]
    return tuple(found)


def _lines(data: bytes, *, cut: bool) -> list[str]:
    for mark in _BOMS:
        data = data.removeprefix(mark)
    if data.count(0) * _UTF16_SHARE > len(data):
        # UTF-16 of either order, perhaps from the middle of a character: codes and times are ASCII.
        data = data.replace(b"\0", b"")
    raw = data.splitlines()[1 if cut else 0 :]
    dated = [line for line in raw if _HINTS.search(line) or line[:1].isdigit()]
    return [_text(line) for line in dated]


def _text(line: bytes) -> str:
    """A beginning of the line; bytes that are not UTF-8 are taken for Latin-1."""
    line = line[: 4 * _LONGEST]
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _is_day_first(dates: list[re.Match[str]], modified: datetime) -> bool:
    """Whether the day stands before the month: a number is no month, or else the file's own time tells."""
    for date in dates:
        if date["mark"] != "/" or len(date["first"]) > 2:
            continue
        if int(date["first"]) > 12:
            return True
        if int(date["second"]) > 12:
            return False
    latest = {
        order: max((time for date in dates if (time := _time(date, day_first=order))), default=None)
        for order in (False, True)
    }
    month_first, day_first = latest[False], latest[True]
    if month_first is None or day_first is None:
        return month_first is None
    # The last line is as old as the file, unless the file was copied; the client's default is month first.
    if abs(modified - month_first) <= _ONE_DAY:
        return False
    return abs(modified - day_first) <= _ONE_DAY or month_first - modified > _ONE_DAY >= day_first - modified


def _time(date: re.Match[str], *, day_first: bool) -> datetime | None:
    first, second, third = (int(date[name]) for name in ("first", "second", "third"))
    if len(date["first"]) == 4:
        year, month, day = first, second, third
    elif date["mark"] != "/" or day_first:
        # DD-MM-YYYY and DD.MM.YYYY (DATEFORMAT 2 and 4).
        day, month, year = first, second, third
    else:
        month, day, year = first, second, third
    hour = int(date["hour"])
    if date["half"]:
        hour = hour % 12 + (12 if date["half"] in "Pp" else 0)
    year += 2000 if year < 100 else 0
    try:
        return datetime(year, month, day, hour, int(date["minute"]), int(date["s"]))
    except ValueError:
        return None
