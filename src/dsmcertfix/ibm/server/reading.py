"""Reads an instance natively: its key database, the certificates it exported, its ports. Changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dsmcertfix.errors import DsmcertfixError, Problem, StoreUnreadable
from dsmcertfix.ibm.certificate_file import certificates_in
from dsmcertfix.ibm.client.contents import Contents, contents_of
from dsmcertfix.ibm.key_database import certificate
from dsmcertfix.ibm.server import options
from dsmcertfix.ibm.server.instance import Arm, Instance, LocatedInstance, Service
from dsmcertfix.ibm.server.locate import OPTION_FILE
from dsmcertfix.model import Export, ServerFile, Stanza
from dsmcertfix.system.base import Places, Platform
from dsmcertfix.system.servers import Running, Servers, Starter

_LIMIT = 1024 * 1024
_ARM = ".arm"


def read_instance(platform: Platform, servers: Servers, located: LocatedInstance) -> Instance:
    """The instance as it is now. Never raises: `problem` says what is wrong with it."""
    places = platform.places
    seen = Instance(
        located,
        arms=read_arms(places, located.directory),
        ports=_ports(places, located.directory),
        running=is_running(servers, located),
        services=_services(places, servers, located),
        problem=located.problem,
    )
    return seen if located.problem is not None else _with_database(platform, seen)


def _with_database(platform: Platform, seen: Instance) -> Instance:
    try:
        found = contents_of(platform, seen.located)
    except DsmcertfixError as error:
        return replace(seen, problem=_of_a_server(error.problem()))
    except OSError as error:
        why = f"`{seen.directory}` cannot be read: {error.strerror}"
        return replace(seen, problem=StoreUnreadable("store-unreadable", why).problem())
    return replace(
        seen,
        files=found.facts,
        version=found.version,
        certificates=found.certificates,
        default=found.default,
        problem=_of_a_server(found.problem) if found.problem else _stash_missing(seen, found),
    )


def _stash_missing(seen: Instance, found: Contents[ServerFile]) -> Problem | None:
    if any(fact.file is ServerFile.STH and fact.present for fact in found.facts):
        return None
    return StoreUnreadable(
        "server-stash-missing",
        f"`{seen.directory / ServerFile.STH.value}` is missing: the key database cannot be edited",
    ).problem()


def _of_a_server(problem: Problem) -> Problem:
    """The problem without the advice for a client's store: no client makes a server's files anew."""
    if problem.kind != StoreUnreadable.__name__:
        return problem
    return problem._replace(hint="Restore cert.kdb and cert.sth from one backup of the instance directory.")


def read_arms(places: Places, directory: Path) -> tuple[Arm, ...]:
    """The certificates that the server exported there, by name; cert256.arm first."""
    try:
        names = sorted(name for name in places.names(directory) if name.lower().endswith(_ARM))
    except OSError:
        return ()
    names.sort(key=lambda name: name != ServerFile.ARM.value)
    return tuple(_read_arm(places, directory, name) for name in names)


def _read_arm(places: Places, directory: Path, name: str) -> Arm:
    try:
        content = places.read(directory / name, _LIMIT)
        (first, *_) = certificates_in(content.data)
    except OSError as error:
        return Arm(name, None, f"it cannot be read: {error.strerror}")
    except ValueError as error:
        return Arm(name, None, f"it holds {error}")
    word_of = content.uid if content.open_to is None else None
    return Arm(name, certificate.describe(first, name), word_of=word_of)


def _ports(places: Places, directory: Path) -> tuple[int, ...]:
    try:
        return options.ports(places.read(directory / OPTION_FILE, _LIMIT).data)
    except OSError:
        return ()


def is_running(servers: Servers, located: LocatedInstance) -> bool | None:
    """Whether a server works in that directory, as its owner or root; None when that could not be seen."""
    possible = [item for item in servers.running() if item.uid in (0, located.owner.uid, None)]
    # A journal does not know the device: its number may be another after a reboot.
    device, inode = located.identity
    for item in possible:
        if item.directory is not None and item.directory[1] == inode and device in (0, item.directory[0]):
            return True
    return None if any(item.directory is None for item in possible) else False


def _services(places: Places, servers: Servers, located: LocatedInstance) -> tuple[Service, ...]:
    return tuple(
        Service(starter.kind, starter.name, Path(starter.file))
        for starter in servers.starters()
        if _starts(places, starter, located)
    )


def _starts(places: Places, starter: Starter, located: LocatedInstance) -> bool:
    """Whether it starts that instance: it names the directory, or only its owner (dsmserv.rc, 8.2.2)."""
    if not starter.directories:
        return located.owner.name in (starter.user, starter.name.removesuffix(".service"))
    try:
        return any(
            places.resolve(places.below(name)).path == located.directory for name in starter.directories
        )
    except OSError:
        return False


def directories_of(places: Places, stanza: Stanza) -> tuple[Path, ...]:
    """The instance directories that a stanza for a database backup names: its PASSWORDDIR, its log's.

    IBM's own configuration puts both there (blueprint, sp_config.pl).
    """
    log = str(Path(stanza.errorlogname).parent) if stanza.errorlogname else None
    found = []
    for written in (stanza.passworddir, log):
        try:
            place = places.resolve(places.below(written)) if written else None
        except OSError:
            continue
        if place is not None and place.path is not None and place.refused is None:
            found.append(place.path)
    return tuple(dict.fromkeys(found))


def exports_for(places: Places, stanza: Stanza, running: tuple[Running, ...]) -> tuple[Export, ...]:
    """What the server whose database that stanza backs up exported; files that anybody may write are none.

    `running` are the servers that run.
    """
    if not stanza.database_backup:
        return ()
    return tuple(
        Export(stanza, directory / arm.name, arm.certificate, arm.word_of, arm.word_of == server_s)
        for directory in directories_of(places, stanza)
        for server_s in (_server_user(places, directory, running),)
        for arm in read_arms(places, directory)
        if arm.certificate is not None and arm.word_of is not None
    )


def _server_user(places: Places, directory: Path, running: tuple[Running, ...]) -> int | None:
    """The owner of the directory, if a server works in it as that user; None otherwise."""
    try:
        entry = places.look(directory)
    except OSError:
        return None
    works = any(item.directory == entry.identity and item.uid == entry.uid for item in running)
    return entry.uid if works else None


def backing_up(places: Places, located: LocatedInstance, stanzas: tuple[Stanza, ...]) -> frozenset[Stanza]:
    """The stanzas with which the database of that instance is backed up."""
    own_name = f"TSMDBMGR_{located.owner.name}".casefold()
    found = set()
    for stanza in stanzas:
        if stanza.database_backup:
            directories = directories_of(places, stanza)
            if located.directory in directories or (not directories and stanza.name.casefold() == own_name):
                found.add(stanza)
    return frozenset(found)
