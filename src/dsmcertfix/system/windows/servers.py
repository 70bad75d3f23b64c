"""Windows: finds server instances by the registry, by services, by what runs, and where they usually are.

An instance is a key of the registry with its directory; its service, and a server on the command line, names
the key behind `-k` (the manuals' pages on starting the server; IBM's blueprint). Reads only.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from dsmcertfix.system.servers import INSTANCE_DIRECTORIES, Place, Running, Starter
from dsmcertfix.system.win32 import processes
from dsmcertfix.system.windows import tables as windows_tables
from dsmcertfix.system.windows.clues import program_name
from dsmcertfix.system.windows.places import SERVICES, WindowsPlaces

PROGRAMS = frozenset(("dsmsvc.exe", "dsmserv.exe"))
"""The server as a service, and on a command line."""

_DEFAULT_KEY = "Server1"
_KEY = re.compile(r"[\s\"][-/]k\s*(?:\"([^\"]+)\"|(\S+))", re.IGNORECASE)
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')


class WindowsServers:
    """See `Servers`."""

    def __init__(self, places: WindowsPlaces):
        self._places = places

    def places(self) -> Iterator[Place]:
        """See `Servers.places`."""
        for key, directory in self._instances().items():
            yield Place(directory, f"registry key {windows_tables.SERVERS}\\{key}")
        for clue in self._places.clues():
            if clue.setting == "DSMI_CONFIG":
                yield Place(ntpath.dirname(clue.value), f"DSMI_CONFIG of {clue.because}")
        for directory in INSTANCE_DIRECTORIES["windows"]:
            yield Place(directory, "where instances usually are")

    def running(self) -> tuple[Running, ...]:
        """See `Servers.running`. Whose a server is does not matter: only administrators start services."""
        suspects = [number for number, name in processes.running() if name.lower() in PROGRAMS]
        return tuple(Running(number, None, self._works_in(number)) for number in suspects)

    def starters(self) -> tuple[Starter, ...]:
        """See `Servers.starters`."""
        known, manager = self._instances(), str(self._system / "sc.exe")
        return tuple(
            Starter("service", name, manager, (known[key],) if key in known else ())
            for name, key in services_of(self._services())
        )

    def words(self, command: str) -> tuple[str, ...]:
        """See `Servers.words`: a backslash is part of a path here."""
        if command.count('"') % 2:
            raise ValueError("No closing quotation")
        return tuple(word.replace('"', "") for word in _WORD.findall(command))

    def program(self, name: str) -> Path | None:
        """See `Servers.program`."""
        path = Path(name)
        if not path.suffix:
            path = path.with_suffix(".exe")
        if ntpath.basename(name) == name:
            path = self._system / path
        return path if path.is_absolute() and path.is_file() else None

    @property
    def _system(self) -> Path:
        (directory, *_) = self._places.starting_directories()
        return directory

    def _instances(self) -> dict[str, str]:
        registry = self._places.registry
        top = windows_tables.SERVERS
        return instances_of({name: registry.values(f"{top}\\{name}") for name in registry.names(top)})

    def _services(self) -> Iterator[tuple[str, str]]:
        registry = self._places.registry
        for name in registry.names(SERVICES):
            values = registry.values(f"{SERVICES}\\{name}")
            command = next((text for key, text in values.items() if key.lower() == "imagepath"), "")
            yield name, command

    def _works_in(self, number: int) -> tuple[int, int] | None:
        """(device, inode) of the instance of that process; None when that cannot be seen."""
        import psutil

        try:
            process = psutil.Process(number)
            # Each word in marks, so that a blank in one is none between two.
            key = key_in(" ".join(f'"{word}"' for word in process.cmdline()[1:]))
            as_service = process.name().lower() == "dsmsvc.exe"
            directory = self._instances().get(key or (_DEFAULT_KEY if as_service else ""))
            found = self._places.resolve(self._places.below(directory or process.cwd()))
            return self._places.look(found.path).identity if found.path is not None else None
        except (psutil.Error, OSError):
            return None


def instances_of(keys: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Key to directory of the instances that the registry has: name of the key to its values."""
    found = {}
    for name, values in keys.items():
        directory = next((text for key, text in values.items() if key.lower() == "path" and text), None)
        if directory is not None:
            found[name] = directory
    return found


def services_of(rows: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The servers' among the services, (name, command): its name, and the key of its instance."""
    for name, command in rows:
        if program_name(command) in PROGRAMS:
            yield name, key_in(command) or _DEFAULT_KEY


def key_in(command: str) -> str | None:
    """The instance's key that a command names, None without one."""
    found = _KEY.search(command.replace('"-k" "', '"-k "').replace('"/k" "', '"/k "'))
    return next(group for group in found.groups() if group) if found else None
