"""Gathers the facts that a plan is made from. Decides nothing, changes nothing."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from dsmcertfix.client.locate import locate
from dsmcertfix.client.reading import read_store
from dsmcertfix.model import Export, Inventory, LocatedStore, Stanza, StoredPassword
from dsmcertfix.platforms.base import Places, Platform
from dsmcertfix.tls import ask_all

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
    servers = tuple(dict.fromkeys(stanza.server for stanza in stanzas if stanza.server is not None))
    # The stores are read while the servers are waited for.
    answers = ask_all(servers if probe_timeout_s else (), timeout_s=probe_timeout_s or 0.0)
    stores = tuple(read_store(platform, item) for item in chosen)
    return Inventory(
        datetime.now(timezone.utc),
        located,
        stores,
        answers(),
        tuple(StoredPassword(stanza, _has_password(platform.places, stanza)) for stanza in stanzas),
        _exports(platform, stanzas),
    )


def _exports(platform: Platform, stanzas: tuple[Stanza, ...]) -> tuple[Export, ...]:
    """What a server on this machine exported for its own database backup."""
    own = [stanza for stanza in stanzas if stanza.database_backup]
    if not own:
        return ()
    from dsmcertfix.server.reading import exports_for

    running = platform.servers().running()
    return tuple(export for stanza in own for export in exports_for(platform.places, stanza, running))


def _is_named(store: LocatedStore) -> bool:
    return any(origin.area == "named" for origin in store.origins)


def _has_password(places: Places, stanza: Stanza) -> bool | None:
    """Whether a password is stored for the stanza, by the names of files only; None when nobody can tell."""
    answers = [_holds_password(places, path) for path in places.password_directories(stanza)]
    return True if True in answers else None if None in answers else False


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
