"""What starts programs on a Unix machine: systemd's units, init scripts, an inittab, AIX's subsystems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.system.base import Places
from dsmcertfix.system.unix import services as unix_services
from dsmcertfix.system.unix import trust
from dsmcertfix.system.unix.subsystems import LSSRC, Subsystem, subsystems
from dsmcertfix.system.unix.tables import System


class _Readable(Places, Protocol):
    """Places that are read as text."""

    def directory(self, path: str) -> Path:
        """A directory of the machine without links, or as it is named where it cannot be looked up."""
        ...

    def text(self, path: Path) -> str | None:
        """The text of a small regular file, None when there is none that may be read."""
        ...


class Starters:
    """What starts programs, in that system's places. Programs that tell of it are run only with `asks`."""

    def __init__(self, places: _Readable, table: System, *, asks: bool):
        self._places = places
        self._table = table
        self._asks = asks

    def units(self) -> Iterator[tuple[str, list[Path]]]:
        """Every systemd unit of a service: its name, and its files with its drop-ins."""
        return unix_services.units_in(map(self._places.directory, self._table.units))

    def scripts(self) -> Iterator[Path]:
        """Every init script, the files in which programs to start are listed, and scripts named there."""
        below = self._places.below
        for path in self._table.script_directories:
            yield from unix_services.scripts_in(self._places.directory(path))
        for path in self._table.scripts:
            yield below(path)
            if path.endswith("/inittab"):
                named = unix_services.scripts_named(self._places.text(below(path)) or "")
                yield from (below(one) for one in named if self._is_systems(one))
        for area, directory in self._places.client_directories():
            if area == "ba":
                yield from unix_services.scripts_in(directory, "rc.dsmcad")

    def lssrc(self) -> Path | None:
        """The program that tells of subsystems (AIX), where it may be asked: only root can change it."""
        try:
            found = self._places.resolve(self._places.below(LSSRC)).path if self._asks else None
            return found and trust.require_trusted(found, below=self._places.root)
        except (DsmcertfixError, OSError):
            return None

    def subsystems(self) -> tuple[Subsystem, ...]:
        """The subsystems that the System Resource Controller knows; nothing where there is none."""
        lssrc = self.lssrc()
        return () if lssrc is None else subsystems(lssrc)

    def _is_systems(self, path: str) -> bool:
        """Whether it is a file of the system's users: what another one writes is not the machine's word."""
        try:
            found = self._places.resolve(self._places.below(path)).path
            return found is not None and self._places.look(found).uid in self._places.system_uids()
        except OSError:
            return False
