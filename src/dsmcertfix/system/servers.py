"""Where a server's instances are, what starts them, and which of them run. Tables and the questions.

Sources: the manuals' pages on dsmserv, rc.dsmserv and dsmserv.rc (8.1.10, 8.2.2) and on starting servers
automatically; IBM's own blueprint and must-gather scripts. A place that is no instance does no harm: one is
known by what lies in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dsmcertfix.model import StarterKind

PROGRAM = "dsmserv"

INSTANCE_DIRECTORIES: dict[str, tuple[str, ...]] = {
    "unix": ("/tsminst1", "/opt/tivoli/tsm/server/bin"),
    "windows": (
        r"C:\tsminst1",
        r"C:\Program Files\Tivoli\TSM\server1",
        r"C:\Program Files\Tivoli\TSM\server",
    ),
}
"""Where the blueprint, the manuals' examples and older releases put an instance."""

SCRIPTS_DIRECTORY = "/opt/tivoli/tsm/server/bin"
"""Here lie rc.dsmserv and dsmserv.rc, and copies of the latter that are named after an instance's owner."""

_STARTS = re.compile(rf"(?<![\w-])(?:rc\.{PROGRAM}|{PROGRAM}\.rc|{PROGRAM})(?![\w-])|{SCRIPTS_DIRECTORY}/")
_INSTANCE_OPTION = re.compile(r"""\s-i\s*("[^"\n]+"|'[^'\n]+'|[^\s"';]+)""")


@dataclass(frozen=True, slots=True)
class Place:
    """A directory that may be an instance's, as written on that machine, and why."""

    directory: str
    because: str


@dataclass(frozen=True, slots=True)
class Running:
    """A running dsmserv: its process, whose it is, and (device, inode) of the directory that it works in.

    What could not be seen is None.
    """

    pid: int
    uid: int | None
    directory: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Starter:
    """What starts a server: its file, the instances that it names, and as whom it runs if it says so.

    Of a Windows service the file is the program that stops and starts services.
    """

    kind: StarterKind
    name: str
    file: str
    directories: tuple[str, ...] = ()
    user: str | None = None


class Servers(Protocol):
    """What a system tells about the servers on it."""

    def places(self) -> Iterator[Place]:
        """Directories that may be instances."""
        ...

    def running(self) -> tuple[Running, ...]:
        """The servers that run."""
        ...

    def starters(self) -> tuple[Starter, ...]:
        """The units, scripts and services that start servers."""
        ...

    def words(self, command: str) -> tuple[str, ...]:
        """The command split as this system's shell does, for running it without one. Raises ValueError."""
        ...

    def program(self, name: str) -> Path | None:
        """The program of that path, or of that name in the system's own directories; None without one."""
        ...


def starts_server(text: str) -> bool:
    """Whether a unit, script or inittab starts a server."""
    return _STARTS.search(text) is not None


def instances_in(text: str) -> Iterator[str]:
    """The directories behind `-i` on every line that starts a server."""
    for line in text.splitlines():
        if not line.lstrip().startswith("#") and starts_server(line):
            for match in _INSTANCE_OPTION.finditer(line):
                directory = match[1].strip("\"'")
                if "$" not in directory and "`" not in directory:
                    yield directory
