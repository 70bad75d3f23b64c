"""What a store gets without a session of its own: from whom on this machine, known by what. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dsmcertfix.ibm.key_database.chain import proven
from dsmcertfix.model import Certificate, Inventory, Presented, Server, Stanza, Store
from dsmcertfix.planning.assess import Assessed, AssessedStore, sessions_with, stanzas_of
from dsmcertfix.planning.pins import pins_of
from dsmcertfix.planning.selection import fills
from dsmcertfix.planning.steps import AddCertificate, Reconnect, RunOptions, StorePlan


@dataclass(frozen=True, slots=True)
class Context:
    """What a store's plan is made from besides the store; `done` are the plans made before it.

    `named` is whether certificates were asked for by name.
    """

    inventory: Inventory
    assessed: tuple[AssessedStore, ...]
    how: RunOptions
    done: tuple[StorePlan, ...]
    named: bool = False

    def pinned(self, server: Server) -> tuple[str, ...] | None:
        """The fingerprints of which the server must present one; None where it may present any."""
        pins = pins_of(server, self.how.pins, self.inventory)
        free = self.how.first_use or server in self.how.first_use_of
        return tuple(pin.sha256 for pin in pins) if pins or not free else None

    def file(self, server: Server) -> Path | None:
        """The file that somebody gave with the certificate that is expected of the server."""
        pins = pins_of(server, self.how.pins, self.inventory)
        return next((pin.file for pin in pins if pin.file is not None), None)


def stanzas_for(store: Store, server: Server, context: Context) -> tuple[Stanza, ...]:
    """The stanzas whose session with the server fills this store, the one most likely to work first."""
    return tuple(sorted(sessions_with(store, server), key=lambda item: _obstacle(item, context)))


def _obstacle(stanza: Stanza, context: Context) -> int:
    """How little the client can do with the stanza: it never signs on as the server's database backup."""
    if stanza.database_backup:
        return 2
    return int(context.inventory.password_of(stanza) is False or not stanza.password_generate)


@dataclass(frozen=True, slots=True)
class Given:
    """A server whose certificate the store gets without a session of its own; nothing where it has it.

    `proved_by` is the stanza by which the result is checked, where a client did not prove it before.
    """

    server: Server
    adds: tuple[AddCertificate, ...]
    proved_by: Stanza | None = None


def given_to(
    store: Store, servers: tuple[Server, ...], targets: tuple[Assessed, ...], context: Context
) -> tuple[Given, ...]:
    """The servers whose certificate comes from this machine: no client can sign on to fetch it.

    For the server's own database backup from what the server exported; for other API applications, and where
    the client keeps that stanza's certificates elsewhere, from a client's store that holds it, or will by the
    time this store's turn comes.
    """
    if not context.how.reconnect:
        return ()
    going = {one.certificate for one in targets}
    held = {item.sha256 for item in store.certificates if item not in going}
    given: list[Given] = []
    for server in servers:
        stanza = next(iter(stanzas_for(store, server, context)), None)
        export = _export(store, stanza, context)
        seen = context.inventory.presented_by(server)
        fetches = fills(store) and stanza is not None
        provider = None if fetches else _provider(store, server, seen, context)
        new = export or (seen.certificate if seen is not None and provider is not None else None)
        if new is None:
            continue
        label = next(one.certificate.label for one in targets if one.server == server)
        add = AddCertificate(server, label, new, None if export else provider)
        given.append(Given(server, () if new.sha256 in held else (add,), stanza if export else None))
        held.add(new.sha256)
    return tuple(given)


def _export(store: Store, stanza: Stanza | None, context: Context) -> Certificate | None:
    """What the server presents, from its own file: root's, the store's owner's or the server's own user's.

    No other user may vouch; that one keeps the private key of the certificate anyway.
    """
    if stanza is None or not stanza.database_backup:
        return None
    seen = context.inventory.presented_by(stanza.server)
    presented = {item.sha256 for item in proven(seen.chain)} if seen is not None else set()
    for item in context.inventory.exports:
        vouches = item.uid in (0, store.located.owner.uid) or item.of_server
        if item.stanza == stanza and vouches and item.certificate.sha256 in presented:
            return item.certificate
    return None


def _provider(store: Store, server: Server, seen: Presented | None, context: Context) -> str | None:
    """The client store that proves the certificate: root's or the same owner's, since no user may vouch."""
    if seen is None or seen.certificate is None:
        return None
    # A session makes its node STRICT: to that one nothing is handed out again, to another one it still is.
    nodes = _nodes(store, server) if store.client_reconnects else None

    def may_prove(other: Store) -> bool:
        known = other.located.owner.uid in (0, store.located.owner.uid)
        return fills(other) and known and (nodes is None or bool(nodes & _nodes(other, server)))

    clients = [item for item in context.assessed if may_prove(item.store)]
    new = seen.certificate.sha256
    for item in clients:
        ok = (one for one in item.certificates if one.server == server and one.status == "ok")
        if any(one.certificate.sha256 == new for one in ok):
            return item.store.id
    for plan in context.done:
        reconnects = any(isinstance(step, Reconnect) and step.stanza.server == server for step in plan.steps)
        if reconnects and plan.problem is None and may_prove(plan.store):
            return plan.store.id
    # One that cannot be read now has its session later, and nothing is handed out to the same node then.
    return next((item.store.id for item in clients if nodes is not None and item.store.problem), None)


def _nodes(store: Store, server: Server) -> frozenset[str]:
    """The nodes that sign on to the server with this store; empty text for the machine's own name."""
    return frozenset((item.node or "").upper() for item in stanzas_of(store) if item.server == server)
