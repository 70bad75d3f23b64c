"""From facts and a certificate that was handed over to steps: what `trust` will do. Pure.

Nothing is fetched: the certificates of the file go into the private copy, the stale ones of that server leave
it in the same step, and one session proves that the client accepts the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsmcertfix.assess import Assessed, AssessedStore, assess, label_names, servers_named, stanzas_of
from dsmcertfix.errors import NotFound
from dsmcertfix.model import Certificate, Inventory, Server, Stanza, Store
from dsmcertfix.plan import (
    AddCertificate,
    BackUp,
    CheckLive,
    CheckStaged,
    CheckStanza,
    DeleteLabel,
    Expected,
    Plan,
    Policy,
    Preflight,
    Reconnect,
    Refused,
    Stage,
    Step,
    StorePlan,
    Swap,
)
from dsmcertfix.preflight import dated, given_problem, in_date, in_date_problem, session_problem
from dsmcertfix.selection import refusal


@dataclass(frozen=True, slots=True)
class Handover:
    """The server that was named, and the certificates of the file: the server's own, or its CAs, in order."""

    server: str
    certificates: tuple[Certificate, ...]

    def usable(self, at: datetime) -> tuple[Certificate, ...]:
        """Those that are in date. All of them when none is: then the preflight refuses them."""
        return tuple(one for one in self.certificates if in_date(one, at)) or self.certificates


def make_trust_plan(inventory: Inventory, handover: Handover, policy: Policy) -> Plan:
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
        held = {one.certificate.sha256 for one in item.certificates}
        if not stale and new <= held:
            continue
        problem = refusal(item.store, stale, whole=False, must=True)
        if problem is not None:
            refused.append(Refused(item.store, problem))
        else:
            plans.append(_plan(item, stanza, stale, handover, inventory, policy))
    if not found:
        raise NotFound(
            "server-not-found",
            f"no store is used for a server `{handover.server}`",
            hint="`dsmcertfix locate` lists the stanzas of each store.",
        )
    return Plan(tuple(plans), assessed, tuple(refused))


def _stanza(store: Store, servers: frozenset[Server]) -> Stanza | None:
    named = [item for item in stanzas_of(store) if item.server in servers]
    named.sort(key=lambda item: (item.replication, item.database_backup))
    return named[0] if named else None


def _stale(one: Assessed, stanza: Stanza, name: str, new: set[str]) -> bool:
    if one.certificate.sha256 in new or one.certificate.kind in ("ca", "personal", "secret"):
        return False
    return one.server == stanza.server or (one.server is None and label_names(one.certificate.label, name))


def _plan(
    item: AssessedStore,
    stanza: Stanza,
    stale: tuple[Assessed, ...],
    handover: Handover,
    inventory: Inventory,
    policy: Policy,
) -> StorePlan:
    store = item.store
    held = {one.certificate.sha256 for one in item.certificates}
    removed = tuple(one.certificate for one in stale)
    usable = handover.usable(inventory.at)
    wanted = tuple(one for one in usable if one.sha256 not in held)
    labels = _labels(store, stanza, removed, wanted)
    server = stanza.server or Server("", 0)
    adds = tuple(AddCertificate(server, label, one, None) for label, one in zip(labels, wanted, strict=True))
    session = _is_proved(store, stanza, policy)
    checked = stanza.database_backup and policy.reconnect
    steps: tuple[Step, ...] = (
        *_preflight(store, stanza, handover, inventory, policy),
        BackUp(),
        Stage(),
        *(DeleteLabel(one) for one in removed),
        *adds,
        CheckStaged(removed, wanted),
        Swap(policy.keep_index),
        *((Reconnect(stanza, store.user),) if session else ()),
        CheckLive(
            removed,
            tuple(Expected(server, (one.sha256,)) for one in usable),
            tuple(one for one in store.certificates if one not in removed),
        ),
        *((CheckStanza(stanza),) if checked else ()),
    )
    left_out = tuple(
        f"left out of the file, because it is not valid today: {dated(one)}"
        for one in handover.certificates
        if one not in usable
    )
    warnings = (*left_out, *_unproved(store, stanza, policy, session=session, checked=checked))
    return StorePlan(store, "label", stale, steps, warnings=warnings)


def _unproved(
    store: Store, stanza: Stanza, policy: Policy, *, session: bool, checked: bool
) -> tuple[str, ...]:
    """What is to be said where no session proves the result."""
    if checked:
        return ("no session proves this: the next database backup will",)
    if store.client_reconnects and store.keeps_elsewhere(stanza):
        return ("no session proves this: the client keeps that stanza's certificates elsewhere",)
    if store.client_reconnects and not store.signs_on:
        owner = store.located.owner.name
        return (f"no session proves this before the next one of {owner}: nobody else can sign on so",)
    if store.client_reconnects and not policy.reconnect:
        return ("no session proved this: `--no-reconnect` was given",)
    return () if session else ("no session proves this: only API applications use this store",)


def _preflight(
    store: Store, stanza: Stanza, handover: Handover, inventory: Inventory, policy: Policy
) -> tuple[Preflight, ...]:
    if stanza.server is None:
        return ()
    problem = in_date_problem(handover.certificates, inventory.at)
    if problem is None and policy.preflight:
        seen = inventory.presented_by(stanza.server)
        proved = store.client_reconnects and store.signs_on
        must_answer = policy.reconnect and (proved or stanza.database_backup)
        given = handover.certificates
        problem = given_problem(stanza.server, seen, given, inventory.at, must_answer=must_answer)
    if problem is None and _is_proved(store, stanza, policy):
        problem = session_problem(stanza, inventory)
    return (Preflight(stanza, problem),)


def _is_proved(store: Store, stanza: Stanza, policy: Policy) -> bool:
    """Whether a session is to prove the result: no client can sign on as the server's database backup.

    Nor does it look into this store where it keeps the stanza's certificates elsewhere.
    """
    if stanza.database_backup or store.keeps_elsewhere(stanza):
        return False
    return store.client_reconnects and store.signs_on and policy.reconnect


def _labels(
    store: Store, stanza: Stanza, removed: tuple[Certificate, ...], wanted: tuple[Certificate, ...]
) -> tuple[str, ...]:
    """A label for each new certificate that no other record of the store has.

    The stale certificate's own label is used again: the client knows its server's certificate by it.
    """
    taken = {one.label for one in store.certificates if one not in removed}
    clients = f"TSM server {stanza.name} self-signed key"
    free = [one.label for one in removed]
    own = clients if clients in free or not free else free[0]
    labels: list[str] = []
    for one in wanted:
        base = f"{stanza.name} CA {one.sha256[:8]}" if one.kind == "ca" else own
        label, number = base, 2
        while label in taken:
            label, number = f"{base} {number}", number + 1
        taken.add(label)
        labels.append(label)
    return tuple(labels)
