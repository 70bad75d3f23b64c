"""Finds the server instances of a machine. Reads only, never fails on what it finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dsmcertfix.errors import NotFound, Problem
from dsmcertfix.ibm.ownership import Directory, why_left_alone
from dsmcertfix.ibm.server.instance import LocatedInstance
from dsmcertfix.model import ServerFile
from dsmcertfix.system.base import Entry, Places
from dsmcertfix.system.servers import Place, Servers

OPTION_FILE = "dsmserv.opt"
_AGENT_FILE = "dsmsta.opt"
"""A storage agent has a cert.kdb, too (DSMSTA SETSTORAGESERVER, 8.2.2): it is none of ours."""


def locate_instances(places: Places, servers: Servers) -> tuple[LocatedInstance, ...]:
    """Every instance that something on the machine leads to, each once, with all that led to it."""
    found: dict[tuple[int, int], LocatedInstance] = {}
    for place in servers.places():
        instance = _at(places, places.below(place.directory), place)
        if instance is not None:
            known = found.get(instance.identity, instance)
            reasons = tuple(dict.fromkeys((*known.because, *instance.because)))
            found[instance.identity] = replace(known, because=reasons)
    return tuple(found.values())


def instance_at(places: Places, directory: Path) -> LocatedInstance:
    """The instance in the directory that a person named. Raises NotFound when there is none."""
    instance = _at(places, directory, Place(str(directory), "named by --instance"))
    if instance is None:
        raise NotFound(
            "no-server-instance",
            f"`{directory}` is no instance directory of a server: it has neither {OPTION_FILE} nor "
            f"{ServerFile.KDB.value}",
            hint="`dsmcertfix server inspect` lists the instances that are found.",
        )
    return instance


def _at(places: Places, directory: Path, place: Place) -> LocatedInstance | None:
    try:
        found = places.resolve(directory)
        if found.path is None or found.refused is not None:
            return None
        entry = places.look(found.path)
        names = frozenset(places.names(found.path)) if entry.kind == "directory" else frozenset()
        if ServerFile.KDB.value not in names and OPTION_FILE not in names:
            return None
        if _AGENT_FILE in names and OPTION_FILE not in names:
            return None
        return _instance(places, Directory(found.path, entry.identity, entry.uid), entry, place)
    except OSError:
        # Not ours to look into, or gone by now.
        return None


def _instance(places: Places, directory: Directory, entry: Entry, place: Place) -> LocatedInstance:
    problem: Problem | None
    try:
        database = places.look(directory.path / ServerFile.KDB.value)
    except FileNotFoundError:
        owner = places.store_owner(directory.path, entry)
        problem = NotFound(
            "no-server-key-database", f"`{directory.path}` has no {ServerFile.KDB.value}"
        ).problem()
    else:
        owner = places.store_owner(directory.path, database)
        problem = why_left_alone(places, directory, database, owner, ServerFile)
    return LocatedInstance(directory.path, directory.identity, owner, (place.because,), problem)
