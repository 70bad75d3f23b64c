"""Finds every store on a machine. Reads only, never fails on what it finds, never waits.

Every directory that may hold a store is looked at, because the order in which the client looks for its own is
not documented. Nothing is decided here about certificates.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dsmcertfix import NamedTuple
from dsmcertfix.ibm.client.option_files import OptionFiles, SystemFile, find_option_files
from dsmcertfix.ibm.client.usage import Knowledge, KnownStanza, uses_of
from dsmcertfix.ibm.ownership import Directory, not_believed, why_left_alone
from dsmcertfix.model import (
    API_AREAS,
    Area,
    Located,
    LocatedStore,
    Origin,
    Owner,
    Place,
    Programs,
    Stanza,
    StoreFile,
)
from dsmcertfix.system.base import Entry, Exposed, Places


def locate(places: Places, *, named: tuple[Path, ...] = ()) -> Located:
    """Every place looked at, and the stores found; with `named`, only the stores in those directories.

    A store that must not or cannot be worked on has a `problem`; a place that could not be looked into says
    why. Two paths to one directory are one store with the origins of both.
    """
    files = find_option_files(places, tuple(dict.fromkeys(places.clues())))
    look = _Look(places)
    candidates = dict.fromkeys(_candidates(places, files, named))
    looked = _allowed([(candidate, look.at(candidate.directory)) for candidate in candidates])
    stores = list(_stores(places, looked))
    # Of all stores: whose a stanza is does not depend on which of them were named.
    knowledge = _knowledge(places, files, stores, look)
    chosen = [store for store in stores if not named or _is_named(store)]
    opened = {system.path: system.open_to for system in files.system if system.open_to is not None}
    used = (store._replace(stanzas=uses_of(store, knowledge)) for store in chosen)
    return Located(
        places=tuple(map(_place, looked)),
        stores=tuple(_believed(store, opened) for store in used),
        stanzas=tuple(known.stanza for known in knowledge.stanzas),
        programs=find_programs(places),
        default_server=_default_server(files),
        warnings=(*files.warnings, *places.not_entered(), *_elsewhere(looked)),
        not_believed=frozenset(opened),
        excess=places.excess(),
    )


def _believed(store: LocatedStore, opened: dict[Path, Exposed]) -> LocatedStore:
    """The store, to be left alone where an option file of its stanzas could be somebody else's word."""
    file = next((use.stanza.option_file for use in store.stanzas if use.stanza.option_file in opened), None)
    if file is None or store.problem is not None:
        return store
    return store._replace(problem=not_believed(file, opened[file]))


class _Candidate(NamedTuple):
    """A directory to look into, and why; with `only_of`, only if it belongs to that uid.

    One that a stanza names may be on a disk that a cluster has mounted on another node.
    """

    directory: str
    origin: Origin
    only_of: int | None = None
    of_stanza: bool = False


class _Looked(NamedTuple):
    """What is at a path: a directory or not, and the state of the key database in it."""

    directory: Directory | None = None
    database: Entry | None = None
    problem: str | None = None
    refused: bool = False


_NOTHING = _Looked()
NOT_HERE = "not here: if it is on a cluster's disk, that is mounted on another node now, and repaired there"
_MOST_ELSEWHERE = 3
_NOT_ABSOLUTE = "the path is not absolute"


class _Look:
    """Looks at directories, at each once."""

    def __init__(self, places: Places):
        self._places = places
        self._seen: dict[str, _Looked] = {}

    def at(self, path: str) -> _Looked:
        """What is at `path`. Never raises."""
        looked = self._seen.get(path)
        if looked is None:
            try:
                looked = self._look(path)
            except OSError as error:
                looked = _Looked(problem=f"{path} cannot be looked into: {error.strerror}")
            self._seen[path] = looked
        return looked

    def _look(self, path: str) -> _Looked:
        if path[:1] != "/" and not Path(path).is_absolute():
            return _Looked(problem=_NOT_ABSOLUTE)
        found = self._places.resolve(path)
        if found.refused is not None:
            return _Looked(problem=found.refused, refused=True)
        if found.path is None:
            return _NOTHING
        entry = self._places.look(found.path)
        if entry.kind != "directory":
            return _Looked(problem="it is not a directory")
        directory = Directory(found.path, entry.identity, entry.uid)
        try:
            database = self._places.look(found.path / StoreFile.KDB.value)
        except FileNotFoundError:
            return _Looked(directory)
        except OSError as error:
            return _Looked(directory, problem=f"it cannot be looked into: {error.strerror}")
        return _Looked(directory, database)


def _candidates(places: Places, files: OptionFiles, named: tuple[Path, ...]) -> Iterator[_Candidate]:
    for path in named:
        yield _Candidate(str(path.absolute()), Origin("named", "named by --store"))
    for area, path in places.client_directories():
        yield _Candidate(str(path), Origin(area, "installation directory"))
    for path, origin, word_of in files.directories:
        yield _Candidate(str(path), origin, word_of)
    for system in files.system:
        for stanza in system.content.stanzas:
            if stanza.passworddir is not None:
                origin = Origin(_area(system), f"PASSWORDDIR of stanza {stanza.name}")
                # A user's own option file must not lead to what is somebody else's.
                for only_of in (None,) if system.trusted else sorted(system.users):
                    yield _Candidate(_passworddir(places, stanza), origin, only_of, of_stanza=True)
    default = _default_passworddir(places)
    if default is not None:
        yield _Candidate(default, Origin("passworddir", "default PASSWORDDIR"))
    stores, between = places.home_stores(), os.sep
    for home in places.homes():
        start, origin = home.path.rstrip(between), Origin("home", f"home of {home.user}")
        for relative in stores:
            yield _Candidate(f"{start}{between}{relative}", origin)


def _allowed(looked: list[tuple[_Candidate, _Looked]]) -> list[tuple[_Candidate, _Looked]]:
    """What an ordinary user's word led to, and nothing else did, is left out unless it is theirs."""
    if all(one.only_of is None for one, _ in looked):
        return looked
    known = {item.directory.identity for one, item in looked if one.only_of is None and item.directory}
    return [(candidate, _allowed_one(candidate, item, known)) for candidate, item in looked]


def _allowed_one(candidate: _Candidate, looked: _Looked, known: set[tuple[int, int]]) -> _Looked:
    owner, directory = candidate.only_of, looked.directory
    if owner is None or directory is None or directory.uid == owner or directory.identity in known:
        return looked
    by = f"a client or an option file of uid {owner}"
    return _Looked(problem=f"it was named by {by}, to whom it does not belong", refused=True)


def _area(system: SystemFile) -> Area:
    """The area of the PASSWORDDIRs of a file: the API's own, when only the API reads that file."""
    return "passworddir" if system.areas - API_AREAS else min(system.areas, default="passworddir")


def _passworddir(places: Places, stanza: Stanza) -> str:
    """The PASSWORDDIR that the stanza names, as a real path; as written where it is not absolute."""
    written = stanza.passworddir or ""
    return str(places.below(written)) if Path(written).is_absolute() else written


def _default_passworddir(places: Places) -> str | None:
    written = places.default_passworddir()
    return str(places.below(written)) if written is not None else None


def _place(looked_at: tuple[_Candidate, _Looked]) -> Place:
    candidate, (_, database, problem, refused) = looked_at
    problem = NOT_HERE if _is_elsewhere(*looked_at) else problem
    return Place(candidate.directory, candidate.origin, database is not None, problem, refused)


def _is_elsewhere(candidate: _Candidate, looked: _Looked) -> bool:
    """Whether an option file names that directory for a stanza's password, and there is none."""
    return looked is _NOTHING and candidate.of_stanza


def _elsewhere(looked: list[tuple[_Candidate, _Looked]]) -> Iterator[str]:
    """What is said of the directories that stanzas name and that are not there."""
    away = dict.fromkeys(
        f"{one.origin.because}, {one.directory}, is {NOT_HERE}"
        for one, item in looked
        if _is_elsewhere(one, item)
    )
    yield from list(away)[:_MOST_ELSEWHERE]
    if len(away) > _MOST_ELSEWHERE:
        yield f"{len(away) - _MOST_ELSEWHERE} more PASSWORDDIRs are not here: `dsmcertfix locate` lists them"


def is_passive(located: Located) -> bool:
    """Whether there is no store here, and a stanza names a directory for one that is not here now.

    So is a cluster's node without the disk that its client's store is on: nothing is wrong with it.
    """
    return not located.stores and any(place.problem == NOT_HERE for place in located.places)


def _stores(places: Places, looked: list[tuple[_Candidate, _Looked]]) -> Iterator[LocatedStore]:
    found: dict[tuple[int, int], tuple[_Looked, dict[Origin, None]]] = {}
    for candidate, item in looked:
        if item.directory is not None and item.database is not None:
            _, origins = found.setdefault(item.directory.identity, (item, {}))
            origins[candidate.origin] = None
    for item, origins in found.values():
        if item.directory is not None and item.database is not None:
            yield _store(places, item.directory, item.database, tuple(origins))


def _store(
    places: Places, directory: Directory, database: Entry, origins: tuple[Origin, ...]
) -> LocatedStore:
    owner = places.store_owner(directory.path, database)
    return LocatedStore(
        directory.path,
        directory.identity,
        origins,
        owner,
        problem=why_left_alone(places, directory, database, owner, StoreFile),
    )


def _knowledge(places: Places, files: OptionFiles, stores: list[LocatedStore], look: _Look) -> Knowledge:
    default = _default_passworddir(places)
    stanzas = tuple(
        KnownStanza(stanza, system, _named_passworddir(places, stanza, look))
        for system in files.system
        for stanza in system.content.stanzas
    )
    return Knowledge(
        stanzas=stanzas,
        user_files=files.user,
        file_directories={system.identity: _directories(system, look) for system in files.system},
        default_passworddir=look.at(default).directory if default is not None else None,
        homes=_homes(places, stores, stanzas, look),
        stores={store.identity: store.owner.uid for store in stores},
    )


def _homes(
    places: Places, stores: list[LocatedStore], stanzas: tuple[KnownStanza, ...], look: _Look
) -> dict[int, Path]:
    """The real homes of the ordinary users who own a store or a PASSWORDDIR."""
    system = places.system_uids()
    owners: dict[int, Owner | None] = {store.owner.uid: store.owner for store in stores}
    for uid in {item.passworddir.uid for item in stanzas if item.passworddir is not None} - owners.keys():
        owners[uid] = places.owner(uid) if uid not in system else None
    return {
        uid: home.path
        for uid, owner in owners.items()
        if uid not in system and owner is not None and owner.home is not None
        if (home := look.at(str(owner.home)).directory) is not None
    }


def _named_passworddir(places: Places, stanza: Stanza, look: _Look) -> Directory | None:
    return None if stanza.passworddir is None else look.at(_passworddir(places, stanza)).directory


def _directories(system: SystemFile, look: _Look) -> frozenset[tuple[int, int]]:
    looked = (look.at(str(path)).directory for path in system.directories)
    return frozenset(directory.identity for directory in looked if directory is not None)


def _is_named(store: LocatedStore) -> bool:
    return any(origin.area == "named" for origin in store.origins)


def find_programs(places: Places) -> Programs:
    """IBM's programs, as far as they are there."""
    return Programs(
        gsk8capicmd=_first_file(places, places.gsk8capicmd()),
        dsmc=_first_file(places, places.client_programs("dsmc")),
    )


def _first_file(places: Places, candidates: tuple[Path, ...]) -> Path | None:
    """The first that is a regular file, links followed. Whether it may be run is not asked here."""
    for candidate in candidates:
        try:
            found = places.resolve(candidate)
            if found.path is not None and found.refused is None and places.look(found.path).kind == "file":
                return found.path
        except OSError:
            continue
    return None


def _default_server(files: OptionFiles) -> str | None:
    """DEFAULTSERVER of the client's own dsm.sys, or else of the first file that has one."""
    ordered = sorted(files.system, key=lambda system: not system.installed)
    return next((name for system in ordered if (name := system.content.default_server) is not None), None)
