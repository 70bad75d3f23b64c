"""Gathers the facts that a plan is made from. Decides nothing, changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timezone
from pathlib import Path

from dsmcertfix import budgets
from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.ibm.client.reading import read_store
from dsmcertfix.ibm.tls import ask_all
from dsmcertfix.model import Export, Inventory, LocatedStore, Server, Stanza, StoredPassword
from dsmcertfix.system.base import Places, Platform

PASSWORD_FILES = frozenset(("tsm.kdb", "tsm.pwd"))
"""What holds a stored password: TSM.KDB since 8.1.2, TSM.PWD before ("Secure password storage", 8.1.14)."""


def take_inventory(
    platform: Platform, named: tuple[Path, ...] = (), *, probe_timeout_s: float | None = None
) -> Inventory:
    """The stores with their content and, when a time limit is given, what their servers present now.

    With `named`, only the stores in those directories.
    """
    located = locate(platform.places, named=named)
    chosen = tuple(item for item in located.stores if not named or _is_named(item))
    stanzas = tuple(dict.fromkeys(use.stanza for store in chosen for use in store.stanzas))
    servers, left_out = _to_ask(chosen, located.not_believed)
    if left_out and probe_timeout_s:
        told = f"{left_out} servers are not asked: {budgets.SERVERS.exceeded()}"
        located = located._replace(warnings=(*located.warnings, told))
    # Our own stores are read while the servers are waited for; others' in processes of their own, before any
    # thread runs.
    read = {
        item.identity: read_store(platform, item)
        for item in chosen
        if not platform.places.is_ours(item.owner.uid)
    }
    called = {stanza.server: stanza.name for stanza in reversed(stanzas) if stanza.server is not None}
    asked = servers if probe_timeout_s else ()
    answers = ask_all(asked, timeout_s=probe_timeout_s or 0.0, called=called)
    stores = tuple(read.get(item.identity) or read_store(platform, item) for item in chosen)
    return Inventory(
        datetime.now(timezone.utc),
        located,
        stores,
        answers(),
        _passwords(platform.places, stanzas),
        _exports(platform, stanzas),
    )


def _to_ask(
    stores: tuple[LocatedStore, ...], not_believed: Collection[Path] = ()
) -> tuple[tuple[Server, ...], int]:
    """The servers to ask, of option files that are believed, and how many more there are.

    Each store's first server comes before any store's second one: who names very many loses the last of them.
    """
    ranks: dict[Server, int] = {}
    for store in stores:
        believed = (use.stanza for use in store.stanzas if use.stanza.option_file not in not_believed)
        of_store = dict.fromkeys(stanza.server for stanza in believed if stanza.server is not None)
        for rank, server in enumerate(of_store):
            ranks[server] = min(rank, ranks.get(server, rank))
    if len(ranks) <= budgets.SERVERS.cap:
        return tuple(ranks), 0
    return tuple(sorted(ranks, key=ranks.__getitem__)[: budgets.SERVERS.cap]), len(
        ranks
    ) - budgets.SERVERS.cap


def _exports(platform: Platform, stanzas: tuple[Stanza, ...]) -> tuple[Export, ...]:
    """What a server on this machine exported for its own database backup."""
    own = [stanza for stanza in stanzas if stanza.database_backup]
    if not own:
        return ()
    from dsmcertfix.ibm.server.reading import exports_for

    running = platform.servers().running()
    return tuple(export for stanza in own for export in exports_for(platform.places, stanza, running))


def _is_named(store: LocatedStore) -> bool:
    return any(origin.area == "named" for origin in store.origins)


def _passwords(places: Places, stanzas: tuple[Stanza, ...]) -> tuple[StoredPassword, ...]:
    """Whether a password is stored for each stanza, by the names of files only; None when nobody can tell.

    Each directory is listed once, however many stanzas name it.
    """
    seen: dict[Path, bool | None] = {}

    def present(stanza: Stanza) -> bool | None:
        answers = []
        for path in places.password_directories(stanza):
            if path not in seen:
                seen[path] = _holds_password(places, path)
            answers.append(seen[path])
        return True if True in answers else None if None in answers else False

    return tuple(StoredPassword(stanza, present(stanza)) for stanza in stanzas)


def _holds_password(places: Places, directory: Path) -> bool | None:
    try:
        found = places.resolve(directory)
        if found.refused is not None:
            return None
        names = places.names(found.path) if found.path is not None else ()
        return any(name.lower() in PASSWORD_FILES for name in names)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return None
