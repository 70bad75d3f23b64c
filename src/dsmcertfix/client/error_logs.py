"""Finds the client's error logs on a machine and reads their ends. Changes nothing, never fails on a file.

A log is read as everything that users may have placed: through `Places`, whose links lead nobody astray; one
that an ordinary user's option file names is only read if it is that user's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dsmcertfix.client.error_log import Logged, read
from dsmcertfix.client.option_files import find_option_files
from dsmcertfix.model import Stanza
from dsmcertfix.platforms.base import FileTail, Places

NAMES = ("dsmerror.log", "dsierror.log")
"""The backup-archive client's log and the API's, where ERRORLOGNAME does not say otherwise."""

LARGEST = 8 * 1024 * 1024
"""Bytes that are read at the end of a log. A log up to this size may wrap (ERRORLOGMAX) and is read whole."""

LARGEST_SUM = 64 * 1024 * 1024
"""Bytes that are read of all logs together; what is over it is told, not passed over in silence."""

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
            if found.path in self._paths:
                self._add_stanza(self._paths[found.path], candidate)
                return
            tail = self._places.tail(found.path, LARGEST)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self._warn(path, error.strerror or str(error))
            return
        self._take(candidate, found.path, tail)

    def _take(self, candidate: _Candidate, path: Path, tail: FileTail) -> None:
        if candidate.only_of is not None and tail.uid not in candidate.only_of:
            self._warn(path, "an ordinary user's option file names it, to whom it does not belong")
            return
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
            read(tail.data, modified=local_time(tail.modified_s), cut=tail.cut),
        )


def local_time(modified_s: float) -> datetime:
    """When a file was written, in local time; where its owner made that up, the nearest of this age."""
    return datetime.fromtimestamp(max(0.0, min(modified_s, _LATEST_S)))


def _candidates(places: Places) -> Iterator[_Candidate]:
    clues = tuple(dict.fromkeys(places.clues()))
    for system in find_option_files(places, clues).system:
        only_of = None if system.trusted else system.users
        for stanza in system.content.stanzas:
            for path, because in _named(places, stanza):
                yield _Candidate(path, because, stanza, only_of)
    for clue in clues:
        if clue.setting in _SETTINGS and Path(clue.value).is_absolute():
            for name in NAMES:
                yield _Candidate(places.below(clue.value) / name, f"{clue.setting} of {clue.because}")
    for directory, because in _directories(places):
        for name in NAMES:
            yield _Candidate(directory / name, because)


def _named(places: Places, stanza: Stanza) -> Iterator[tuple[Path, str]]:
    """Where the stanza's ERRORLOGNAME is; a relative one is taken from where the client was started."""
    written, because = stanza.errorlogname, f"ERRORLOGNAME of stanza {stanza.name}"
    if written is None:
        return
    if Path(written).is_absolute():
        yield places.below(written), because
        return
    for directory, why in _directories(places):
        yield directory / written, f"{because}, {why}"


def _directories(places: Places) -> Iterator[tuple[Path, str]]:
    for _, directory in places.client_directories():
        yield directory, "installation directory"
    for directory in places.option_directories():
        yield directory, "directory of option files"
    for home in places.homes():
        yield Path(home.path), f"home of {home.user}"
    for directory in places.starting_directories():
        yield directory, "directory where services start"


def _with_turned(path: Path) -> Iterator[Path]:
    """The log, and the names under which the client (ERRORLOGRETENTION) or a rotation keeps old ones."""
    if not path.name:
        return
    yield path
    for ending in _TURNED:
        yield path.with_name(f"{path.name}{ending}")
    yield path.with_suffix(".pru")
    yield path.with_name("dsmerlog.pru")
