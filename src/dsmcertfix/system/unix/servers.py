"""Unix: finds server instances by what starts them, what runs, Db2's profiles and in homes. Reads only."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from dsmcertfix.system import processes
from dsmcertfix.system.servers import (
    INSTANCE_DIRECTORIES,
    PROGRAM,
    SCRIPTS_DIRECTORY,
    Place,
    Running,
    Starter,
    instances_in,
    starts_server,
)
from dsmcertfix.system.unix import clues as unix_clues
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.services import scripts_in

if TYPE_CHECKING:
    import psutil

OPTION_FILE = "dsmserv.opt"
_SEARCHED = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")
_INSTANCE_VARIABLES = ("instance_dir", "INSTANCE_DIR", "DSMSERV_DIR")


class UnixServers:
    """See `Servers`. What starts servers is read once."""

    def __init__(self, places: UnixPlaces):
        self._places = places
        self._starters: tuple[Starter, ...] | None = None

    def places(self) -> Iterator[Place]:
        """See `Servers.places`."""
        yield from self._running_places()
        for starter in self.starters():
            for directory in starter.directories:
                yield Place(directory, f"{starter.kind} {starter.file}")
        for clue in self._places.clues():
            if clue.setting == "DSMI_CONFIG" and clue.value.startswith("/"):
                yield Place(os.path.dirname(clue.value), f"DSMI_CONFIG of {clue.because}")
        for directory in INSTANCE_DIRECTORIES["unix"]:
            yield Place(directory, "where instances usually are")
        for home in self._places.homes():
            for path in (home.path, *map(str, self._below(Path(home.path)))):
                yield Place(unix_clues.as_written(path, self._places.root), f"home of {home.user}")

    def running(self) -> tuple[Running, ...]:
        """See `Servers.running`. The instance directory is the working directory of its server."""
        psutil = processes.library()
        from dsmcertfix.system.holders import process_ids

        found = []
        for number in process_ids():
            try:
                process = psutil.Process(number)
                # What has ended and was not fetched yet works in no directory any more.
                if process.name() == PROGRAM and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(Running(process.pid, process.uids().real, _identity(process)))
            except (psutil.Error, OSError):
                # It ended meanwhile, or is none of ours.
                continue
        return tuple(found)

    def starters(self) -> tuple[Starter, ...]:
        """See `Servers.starters`."""
        if self._starters is None:
            self._starters = tuple(self._find_starters())
        return self._starters

    def words(self, command: str) -> tuple[str, ...]:
        """See `Servers.words`."""
        return tuple(shlex.split(command))

    def program(self, name: str) -> Path | None:
        """See `Servers.program`."""
        candidates = (name,) if "/" in name else (f"{directory}/{name}" for directory in _SEARCHED)
        found = next((path for item in candidates if (path := Path(item)).is_file()), None)
        return found if found is not None and found.is_absolute() else None

    def _find_starters(self) -> Iterator[Starter]:
        for name, paths in self._places.starters.units():
            texts = [text for path in paths if (text := self._places.text(path)) is not None]
            if any(map(starts_server, texts)):
                settings = [pair for text in texts for pair in unix_clues.unit_settings(text)]
                user = next((value for key, value in reversed(settings) if key == "User" and value), None)
                yield Starter("unit", name, str(paths[0]), _named("\n".join(texts)), user)
        for path in (*self._places.starters.scripts(), *scripts_in(self._places.below(SCRIPTS_DIRECTORY))):
            text = self._places.text(path)
            if text is not None and starts_server(text):
                yield Starter("script", path.name, str(path), _named(text))

    def _running_places(self) -> Iterator[Place]:
        psutil = processes.library()
        for running in self.running():
            try:
                directory = psutil.Process(running.pid).cwd()
            except (psutil.Error, OSError):
                continue
            written = unix_clues.as_written(directory, self._places.root)
            if directory and (str(self._places.root) == "/" or written != directory):
                yield Place(written, f"running {PROGRAM} (process {running.pid})")

    def _below(self, home: Path) -> Iterator[Path]:
        """The directories right below a home that have a server's option file."""
        try:
            found = self._places.resolve(home)
            names = self._places.names(found.path) if found.path and found.refused is None else ()
        except OSError:
            return
        for name in sorted(names):
            if found.path is not None and os.path.lexists(found.path / name / OPTION_FILE):
                yield found.path / name


def _named(text: str) -> tuple[str, ...]:
    """The instances that a start names, and those that a copy of IBM's dsmserv.rc is set to."""
    values = unix_clues.assignments(text)
    assigned = (values.get(name, "") for name in _INSTANCE_VARIABLES)
    return (*instances_in(text), *(value for value in assigned if value.startswith("/")))


def _identity(process: psutil.Process) -> tuple[int, int] | None:
    """The directory that it works in; one that was started by root hides that even from its own user."""
    psutil = processes.library()
    # Linux's own link leads there by whatever name, into a container too, even when the directory is gone.
    link = f"/proc/{process.pid}/cwd"
    looks: tuple[Callable[[], str], ...] = (
        lambda: link,
        lambda: str(process.cwd()),
        lambda: _given(process.cmdline()),
    )
    for look in looks:
        with contextlib.suppress(psutil.Error, OSError):
            info = os.stat(look())
            return info.st_dev, info.st_ino
    return None


def _given(words: list[str]) -> str:
    """The directory behind `-i`. Raises FileNotFoundError without one."""
    for word, after in pairwise(words):
        if word == "-i" and after.startswith("/"):
            return after
    raise FileNotFoundError(errno.ENOENT, "it names no instance")
