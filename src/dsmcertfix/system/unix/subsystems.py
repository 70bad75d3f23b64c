"""AIX's System Resource Controller, by its own programs: what subsystems there are, and what they do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dsmcertfix import NamedTuple
from dsmcertfix.errors import DsmcertfixError

if TYPE_CHECKING:
    from dsmcertfix.system.process.output import Completed

LSSRC = "/usr/bin/lssrc"
_ASK_S = 20.0
_FIELDS = ("subsysname", "cmdargs", "path", "uid")
_STATES = {"active": "running", "inoperative": "stopped"}


class Subsystem(NamedTuple):
    """A subsystem: its name, the program with its arguments as a shell reads them, and its user's number."""

    name: str
    command: str
    uid: int

    @property
    def starts_client(self) -> bool:
        """Whether its program is the client acceptor, or the client with the word for its scheduler."""
        program, *arguments = self.command.split() or [""]
        name = program.rpartition("/")[2]
        return name in ("dsmcad", "rc.dsmcad") or (name == "dsmc" and arguments[:1] == ["sched"])


def subsystems(lssrc: Path) -> tuple[Subsystem, ...]:
    """Every subsystem that lssrc knows; nothing where it cannot be asked."""
    try:
        asked = _asked(lssrc, "-S")
    except DsmcertfixError:
        return ()
    return tuple(listed(asked.stdout)) if asked.returncode == 0 else ()


def listed(text: str) -> Iterator[Subsystem]:
    """The subsystems in what `lssrc -S` prints: a line of titles after `#`, then a line each, with colons.

    A line with another number of fields is passed over: a colon in a value looks like the next field.
    """
    lines = text.splitlines()
    titles = lines[0].removeprefix("#").split(":") if lines else []
    if not set(_FIELDS).issubset(titles):
        return
    for line in lines[1:]:
        values = line.split(":")
        row = dict(zip(titles, values, strict=False))
        if len(values) == len(titles) and row["uid"].isdigit():
            yield Subsystem(row["subsysname"], f"{row['path']} {row['cmdargs']}", int(row["uid"]))


def state(lssrc: Path, name: str) -> str:
    """Running, stopped, or what lssrc says of the subsystem."""
    asked = _asked(lssrc, "-s", name)
    words = asked.stdout.split()
    return _STATES.get(words[-1], words[-1]) if words and asked.returncode == 0 else "unknown"


def _asked(lssrc: Path, *words: str) -> Completed:
    from dsmcertfix.system.process.run import clean_environment, run

    return run((str(lssrc), *words), env=clean_environment(), timeout_s=_ASK_S)
