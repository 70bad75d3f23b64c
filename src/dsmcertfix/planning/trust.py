"""From facts and a certificate that was handed over to steps: what `trust` will do. Pure.

Nothing is fetched: the certificates of the file go into the private copy, the stale ones of that server leave
it in the same step, and one session proves that the client accepts the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dsmcertfix.errors import NotFound
from dsmcertfix.ibm.key_database.chain import in_date
from dsmcertfix.model import Certificate, Inventory, Server, Stanza, Store
from dsmcertfix.planning.assess import (
    Assessed,
    AssessedStore,
    assess,
    servers_named,
    stanzas_of,
)
from dsmcertfix.planning.labels import label_names
from dsmcertfix.planning.preflight import dated, given_problem, in_date_problem, session_problem
from dsmcertfix.planning.selection import known_servers, refusal
from dsmcertfix.planning.steps import (
    AddCertificate,
    CheckLive,
    DeleteLabel,
    Expected,
    Plan,
    Preflight,
    Reconnect,
    Refused,
    RunOptions,
    StorePlan,
    Swap,
    edit_steps,
)

_CLIENTS_LABEL = "TSM server {} self-signed key"


@dataclass(frozen=True, slots=True)
class Handover:
    """The server that was named, and the certificates of the file: the server's own, or its CAs, in order."""

    server: str
    certificates: tuple[Certificate, ...]

    def usable(self, at: datetime) -> tuple[Certificate, ...]:
        """Those that are in date. All of them when none is: then the preflight refuses them."""
        usable = tuple(one for one in self.certificates if in_date(one, at)) or self.certificates
        # A root first: what it signed can be verified only when it is there.
        return tuple(sorted(usable, key=lambda one: one.issuer != one.subject))

    def left_out(self, at: datetime) -> tuple[str, ...]:
        """What is told of the others."""
        usable = self.usable(at)
        return tuple(
            f"left out of the file, because it is not valid today: {dated(one)}"
            for one in self.certificates
            if one not in usable
        )


def make_trust_plan(inventory: Inventory, handover: Handover, how: RunOptions) -> Plan:
    """The plan that makes every chosen store trust those certificates for that server.

    One that is out of date is left out where another is in date. A store that holds them already, and no
    stale one, is left alone. Raises NotFound when no store is used for such a server.
    """
    assessed = assess(inventory)
    plans: list[StorePlan] = []
    refused: list[Refused] = []
    servers = servers_named(handover.server, inventory)
    found = False
    for item in assessed:
        stanza = _stanza(item.store, servers)
        if stanza is None or stanza.server is None:
            continue
        found = True
        new = {one.sha256 for one in handover.usable(inventory.at)}
        stale = tuple(one for one in item.certificates if _stale(one, stanza, handover.server, new))
        held = _held(item)
        if not stale and new <= held:
            continue
        problem = refusal(item.store, stale, whole=False, must=True)
        if problem is not None:
            refused.append(Refused(item.store, problem))
        else:
            plans.append(_plan(item, stanza, stale, handover, inventory, how))
    if not found:
        raise NotFound(
            "server-not-found",
            f"no store is used for a server `{handover.server}`",
            context=known_servers(item.store for item in assessed),
            hint="Give one of these names, or the address of its server.",
        )
    return Plan(tuple(plans), assessed, tuple(refused))


def _stanza(store: Store, servers: frozenset[Server]) -> Stanza | None:
    named = [item for item in stanzas_of(store) if item.server in servers]
    named.sort(key=lambda item: (item.replication, item.database_backup))
    return named[0] if named else None


def _stale(one: Assessed, stanza: Stanza, name: str, new: set[str]) -> bool:
    if one.certificate.sha256 in new:
        return not one.certificate.trusted
    if not one.of_server:
        return False
    return one.server == stanza.server or (one.server is None and label_names(one.certificate.label, name))


def _held(item: AssessedStore) -> set[str]:
    """The fingerprints of what the store has and is marked as trusted."""
    return {one.certificate.sha256 for one in item.certificates if one.certificate.trusted}


def _plan(
    item: AssessedStore,
    stanza: Stanza,
    stale: tuple[Assessed, ...],
    handover: Handover,
    inventory: Inventory,
    how: RunOptions,
) -> StorePlan:
    store = item.store
    held = _held(item)
    removed = tuple(one.certificate for one in stale)
    usable = handover.usable(inventory.at)
    wanted = tuple(one for one in usable if one.sha256 not in held)
    labels = labels_for(store, stanza, removed, wanted)
    server = stanza.server or Server("", 0)
    adds = tuple(AddCertificate(server, label, one, None) for label, one in zip(labels, wanted, strict=True))
    session = _is_proved(store, stanza, how)
    checked = stanza.database_backup and how.reconnect
    steps = edit_steps(
        _preflight(store, stanza, handover, inventory, how),
        (*map(DeleteLabel, removed), *adds),
        Swap.of(store, keep_index=how.keep_index),
        (Reconnect(stanza, store.user),) if session else (),
        CheckLive(
            tuple(one for one in removed if one not in wanted),
            tuple(Expected(server, (one.sha256,)) for one in usable),
            tuple(one for one in store.certificates if one not in removed),
        ),
        (stanza,) if checked else (),
    )
    unproved = "" if session else _unproved(store, stanza, checked=checked)
    warnings = handover.left_out(inventory.at)
    return StorePlan(store, "label", stale, steps, warnings=warnings, unproved=unproved)


def _unproved(store: Store, stanza: Stanza, *, checked: bool) -> str:
    """Why no session proves the result."""
    if checked:
        return "no session proves this: the next database backup will"
    if not store.client_reconnects:
        return "no session proves this: only API applications use this store"
    if store.keeps_elsewhere(stanza):
        return "no session proves this: the client keeps that stanza's certificates elsewhere"
    if not store.signs_on:
        owner = store.located.owner.name
        return f"no session proves this before the next one of {owner}: nobody else can sign on so"
    return "no session proved this: `--no-reconnect` was given"


def _preflight(
    store: Store, stanza: Stanza, handover: Handover, inventory: Inventory, how: RunOptions
) -> tuple[Preflight, ...]:
    if stanza.server is None:
        return ()
    problem = in_date_problem(handover.certificates, inventory.at)
    if problem is None and how.preflight:
        seen = inventory.presented_by(stanza.server)
        proved = store.client_reconnects and store.signs_on
        must_answer = how.reconnect and (proved or stanza.database_backup)
        given = handover.certificates
        problem = given_problem(stanza.server, seen, given, inventory.at, must_answer=must_answer)
    if problem is None and _is_proved(store, stanza, how):
        problem = session_problem(stanza, inventory)
    return (Preflight(stanza, problem),)


def _is_proved(store: Store, stanza: Stanza, how: RunOptions) -> bool:
    """Whether a session is to prove the result: no client can sign on as the server's database backup.

    Nor does it look into this store where it keeps the stanza's certificates elsewhere.
    """
    if stanza.database_backup or store.keeps_elsewhere(stanza):
        return False
    return store.client_reconnects and store.signs_on and how.reconnect


def labels_for(
    store: Store, stanza: Stanza, removed: tuple[Certificate, ...], wanted: tuple[Certificate, ...]
) -> tuple[str, ...]:
    """A label for each new certificate that no other record of the store has.

    The stale certificate's own label is used again: the client knows its server's certificate by it.
    """
    taken = {one.label for one in store.certificates if one not in removed}
    clients = _CLIENTS_LABEL.format(stanza.name)
    free = [one.label for one in removed]
    return labels_of(stanza.name, wanted, clients if clients in free or not free else free[0], taken)


def labels_of(
    name: str, wanted: tuple[Certificate, ...], own: str = "", there: Iterable[str] = ()
) -> tuple[str, ...]:
    """A label for each certificate that is not `there`: a server's own has the client's, or `own`."""
    taken, own = set(there), own or _CLIENTS_LABEL.format(name)
    labels: list[str] = []
    for one in wanted:
        base = f"{name} CA {one.sha256[:8]}" if one.kind == "ca" else own
        label, number = base, 2
        while label in taken:
            label, number = f"{base} {number}", number + 1
        taken.add(label)
        labels.append(label)
    return tuple(labels)
