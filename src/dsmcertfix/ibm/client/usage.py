"""Which stanzas use a store, and how that is known. Pure: paths are compared here, not looked up.

The order in which the client looks for its store is not documented, so a stanza counts for every store that
something connects it with, and is called certain only where that is written down on the machine.
"""

from __future__ import annotations

from pathlib import Path

from dsmcertfix import NamedTuple
from dsmcertfix.ibm.client.option_files import SystemFile, UserFile
from dsmcertfix.ibm.ownership import Directory
from dsmcertfix.model import LocatedStore, Stanza, StanzaUse


class KnownStanza(NamedTuple):
    """A stanza, its file, and its PASSWORDDIR if it names one that exists."""

    stanza: Stanza
    file: SystemFile
    passworddir: Directory | None = None


class Knowledge(NamedTuple):
    """All that decides on uses. `homes` are the real homes by uid; the system's own users have none.

    `stores` are the owners of all stores of the machine, by the identity of their directories.
    """

    stanzas: tuple[KnownStanza, ...]
    user_files: tuple[UserFile, ...]
    file_directories: dict[tuple[int, int], frozenset[tuple[int, int]]]
    default_passworddir: Directory | None
    homes: dict[int, Path]
    stores: dict[tuple[int, int], int]


def uses_of(store: LocatedStore, knowledge: Knowledge) -> tuple[StanzaUse, ...]:
    """The stanzas that use the store, in the order of their files, failover servers after them.

    A stanza from a file that an ordinary user can write counts for that user's stores only: such a file must
    not lead root's client, or root's store, to another server.
    """
    allowed = [
        known for known in knowledge.stanzas if known.file.trusted or store.owner.uid in known.file.users
    ]
    normal = [known for known in allowed if not known.stanza.replication]
    uses = [
        _use(known, because, store, knowledge)
        for known in normal
        if (because := _evidence(known, store, knowledge)) is not None
    ]
    if not uses:
        uses = _possible(store, normal, knowledge)
    failover = [known.stanza for known in allowed if known.stanza.replication]
    return (*uses, *_failover(uses, failover))


def _evidence(known: KnownStanza, store: LocatedStore, knowledge: Knowledge) -> str | None:
    """What connects the stanza with the store, None when nothing does."""
    name, own = known.stanza.name, known.passworddir
    if own is not None and own.identity == store.identity:
        return f"PASSWORDDIR of stanza {name}"
    if store.identity in knowledge.file_directories.get(known.file.identity, ()):
        beside = known.file.path.name == "dsm.sys" or known.file.path.parent == store.directory
        path = known.file.path
        return f"{path.name} is in the same directory" if beside else f"the client there reads {path}"
    default = knowledge.default_passworddir
    if known.stanza.passworddir is None and default is not None and default.identity == store.identity:
        return f"stanza {name} has the default PASSWORDDIR"
    if not _is_home_store(store, knowledge):
        return None
    home = knowledge.homes[store.owner.uid]
    if own is not None and (own.uid == store.owner.uid or own.path.is_relative_to(home)):
        return f"PASSWORDDIR of stanza {name} is {store.owner.name}'s"
    if store.owner.uid in known.file.users:
        return f"{known.file.path} is {store.owner.name}'s"
    return None


def _use(
    known: KnownStanza, because: str, store: LocatedStore, knowledge: Knowledge, *, certain: bool = True
) -> StanzaUse:
    elsewhere = _elsewhere(known, store, knowledge)
    return StanzaUse(known.stanza, because, certain and elsewhere is None, elsewhere)


def _elsewhere(known: KnownStanza, store: LocatedStore, knowledge: Knowledge) -> Path | None:
    """The PASSWORDDIR where the client keeps the stanza's certificates instead, None when that is not known.

    It is another ordinary user's, as whom the store's owner cannot sign on; or it holds a store of the same
    owner (PASSWORDDIR, 8.2.2 manual). Nobody of ours signs on for a database backup: that is no matter there.
    """
    if known.stanza.database_backup:
        return None
    own = known.passworddir
    if own is None and known.stanza.passworddir is None:
        own = knowledge.default_passworddir
    if own is None or own.identity == store.identity:
        return None
    if own.uid != store.owner.uid and own.uid in knowledge.homes:
        return own.path
    return own.path if knowledge.stores.get(own.identity) == store.owner.uid else None


def _is_home_store(store: LocatedStore, knowledge: Knowledge) -> bool:
    """Whether an ordinary user's client uses it: root's has no need of one in a home (APAR IT41127)."""
    return store.owner.uid in knowledge.homes and any(origin.area == "home" for origin in store.origins)


def _possible(store: LocatedStore, normal: list[KnownStanza], knowledge: Knowledge) -> list[StanzaUse]:
    """The stanzas of the client's own dsm.sys, one of them certain where something selects it for a user."""
    installed = [known for known in normal if known.file.installed]
    selected = _selected(store, normal, installed, knowledge) if _is_home_store(store, knowledge) else None
    uses = [
        _use(known, "the client's dsm.sys has it", store, knowledge, certain=False)
        for known in installed
        if selected is None or known.stanza != selected.stanza
    ]
    return uses if selected is None else [selected, *uses]


def _selected(
    store: LocatedStore, normal: list[KnownStanza], installed: list[KnownStanza], knowledge: Knowledge
) -> StanzaUse | None:
    """The stanza that the user's client takes: by its own dsm.opt, the installed one, DEFAULTSERVER."""
    beside = {directory for known in installed for directory in known.file.directories}
    own = [item for item in knowledge.user_files if item.user == store.owner.name]
    shared = [item for item in knowledge.user_files if item.user is None and item.path.parent in beside]
    wanted = [(item.content.servername, f"SERVERNAME in {item.path}", normal) for item in own]
    wanted += [(item.content.servername, f"SERVERNAME in {item.path}", installed) for item in shared]
    wanted += [
        (known.file.content.default_server, f"DEFAULTSERVER in {known.file.path}", installed)
        for known in installed[:1]
    ]
    for name, because, among in wanted:
        for known in among:
            if name is not None and known.stanza.name.casefold() == name.casefold():
                return _use(known, because, store, knowledge)
    if len(installed) == 1:
        return _use(installed[0], "it is the only stanza", store, knowledge)
    # Without dsm.sys: of several option files the client takes this one by itself.
    default = [known for known in installed if known.file.path.name.lower() == "dsm.opt"]
    return _use(default[0], "the client's dsm.opt is it", store, knowledge) if len(default) == 1 else None


def _failover(uses: list[StanzaUse], replication: list[Stanza]) -> list[StanzaUse]:
    """The failover servers of the stanzas that use the store; all of the file's where none is named."""
    surest = sorted(uses, key=lambda use: not use.certain)
    # By file and name, and by the file alone for a stanza that names none; the surest came first.
    by_name: dict[tuple[Path, str | None], tuple[int, StanzaUse]] = {}
    for place, use in enumerate(surest if replication else ()):
        for name in use.stanza.failover or (None,):
            key = (use.stanza.option_file, name if name is None else name.casefold())
            by_name.setdefault(key, (place, use))
    found: list[StanzaUse] = []
    for stanza in replication:
        keys = ((stanza.option_file, stanza.name.casefold()), (stanza.option_file, None))
        uses_of_it = [by_name[key] for key in keys if key in by_name]
        if uses_of_it:
            _, use = min(uses_of_it, key=lambda item: item[0])
            because = f"failover server of stanza {use.stanza.name}"
            certain = use.certain and bool(use.stanza.failover)
            found.append(StanzaUse(stanza, because, certain, use.elsewhere))
    return found
