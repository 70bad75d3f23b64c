"""What counts as affected: a pure judgement of each certificate of each store.

Which server a certificate belongs to is decided by evidence, in this order: its fingerprint is what the
server presents; its label names the server; it is the only server certificate of a store that uses one
server. Everything else is `unknown`, and only an explicit label or fingerprint touches it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from dsmcertfix.model import Certificate, Inventory, Presented, Server, Stanza, Store, StoreFile

Status = Literal[
    "ok",
    "replaced",
    "expired",
    "expiring",
    "superseded",
    "not-checked",
    "pending",
    "unknown",
    "ca",
    "unreadable",
]

AFFECTED: frozenset[Status] = frozenset(("replaced", "expired", "expiring"))

# What the client calls a certificate that it fetched; only the name within tells servers apart.
_FETCHED = re.compile(r"TSM server (.+) self-signed key\Z", re.IGNORECASE)


class Assessed(NamedTuple):
    """One certificate and the judgement on it. `days_left` is negative once it has run out."""

    certificate: Certificate
    status: Status
    reason: str
    server: Server | None = None
    days_left: int | None = None

    @property
    def affected(self) -> bool:
        """Whether `detect` calls for action. A CA root never does, nor one whose server is not known."""
        return self.status in AFFECTED and self.server is not None


class AssessedStore(NamedTuple):
    """A store, the judgement on each of its certificates, and what its servers would hand out next.

    `pending` is what those servers present that the store holds no certificate of, and that no other store of
    the same owner holds: the next session fetches it.
    """

    store: Store
    certificates: tuple[Assessed, ...]
    pending: tuple[Presented, ...] = ()

    @property
    def affected(self) -> tuple[Assessed, ...]:
        """The certificates that call for action."""
        return tuple(item for item in self.certificates if item.affected)


def assess(inventory: Inventory, expires_within_days: int = 0) -> tuple[AssessedStore, ...]:
    """The judgement on every store, in the order of the inventory."""
    return tuple(_assess_store(store, inventory, expires_within_days) for store in inventory.stores)


def assess_one(store: Store, inventory: Inventory) -> AssessedStore:
    """The judgement on that store; what the inventory has of it may be older."""
    return _assess_store(store, inventory, 0)


def stanzas_of(store: Store) -> tuple[Stanza, ...]:
    """The stanzas that use the store and say where their server is; the surest first."""
    uses = sorted(store.located.stanzas, key=lambda use: (use.stanza.replication, not use.certain))
    return tuple(use.stanza for use in uses if use.stanza.server is not None)


def sessions_with(store: Store, server: Server) -> tuple[Stanza, ...]:
    """The stanzas whose session with the server fills this store.

    Those that merely could use the store count only where none is known to. None of them: the client keeps
    what it fetches from that server elsewhere.
    """
    uses = [use for use in store.located.stanzas if use.stanza.server == server and use.elsewhere is None]
    direct = [use for use in uses if not use.stanza.replication]
    return tuple(use.stanza for use in [use for use in direct if use.certain] or direct)


def servers_of(store: Store) -> tuple[Server, ...]:
    """The servers that the store is used for, each once, in the order of `stanzas_of`."""
    return tuple(dict.fromkeys(stanza.server for stanza in stanzas_of(store) if stanza.server is not None))


def named_by(text: str, stanza: Stanza) -> bool:
    """Whether a server name given by a person means that stanza's server."""
    names = [stanza.name, *stanza.aliases]
    if stanza.server is not None:
        names += [stanza.server.address, str(stanza.server)]
    return text.casefold() in (name.casefold() for name in names)


def servers_named(name: str, inventory: Inventory) -> frozenset[Server]:
    """The servers that a name given by a person means, over all stanzas of the machine.

    Naming one stanza means its server, and so every store that trusts that server through another stanza.
    """
    used = (use.stanza for store in inventory.stores for use in store.located.stanzas)
    stanzas = (*inventory.located.stanzas, *used)
    return frozenset(
        stanza.server for stanza in stanzas if stanza.server is not None and named_by(name, stanza)
    )


def label_names(label: str, name: str) -> bool:
    """Whether the label contains the name as a word: TSM10 and tsm1.example.com do not name TSM1.

    Of a label in the client's own form only the name within counts: "TSM server TSM1 self-signed key" does
    not name a server that is called TSM.
    """
    if not name.strip():
        return False
    fetched = _FETCHED.match(label)
    within = fetched[1] if fetched else label
    word = rf"(?<![\w.-]){re.escape(name.strip())}(?![\w-]|\.\w)"
    return re.search(word, within, re.IGNORECASE) is not None


def servers_in_label(label: str, store: Store) -> tuple[Server, ...]:
    """The servers whose stanza, by one of its names or its address, the label names."""
    found = []
    for stanza in stanzas_of(store):
        server = stanza.server
        names = (stanza.name, *stanza.aliases)
        if server and any(label_names(label, name) for name in (*names, server.address)):
            found.append(server)
    return tuple(dict.fromkeys(found))


def server_name(server: Server | None, store: Store) -> str:
    """What people call the server: the name of the first stanza that leads to it."""
    names = (stanza.name for stanza in stanzas_of(store) if stanza.server == server)
    return next(names, str(server))


class _Question(NamedTuple):
    store: Store
    inventory: Inventory
    expires_within_days: int


def _assess_store(store: Store, inventory: Inventory, expires_within_days: int) -> AssessedStore:
    owned = tuple((item, _attribute(item, store, inventory)) for item in store.certificates)
    current = {
        server: f"the certificate that {server_name(server, store)} presents is in the store too"
        for item, server in owned
        if server and _is_presented(item, server, inventory)
    }
    for server in servers_of(store):
        if server not in current and _is_vouched_for(server, store, inventory):
            current[server] = (
                f"a CA certificate in the store vouches for what {server_name(server, store)} presents"
            )
    question = _Question(store, inventory, expires_within_days)
    judged = tuple(_judge(item, server, current, question) for item, server in owned)
    return AssessedStore(store, judged, _pending(store, {item.server for item in judged}, inventory))


def _pending(store: Store, held: set[Server | None], inventory: Inventory) -> tuple[Presented, ...]:
    moved_out = any(fact.file is StoreFile.KDB and not fact.present for fact in store.files)
    if store.problem is not None and not store.certificates and not moved_out:
        # It could not be read: what it lacks is not known.
        return ()
    # A CA certificate may stand for any server: nothing is missing then that could be named.
    if any(item.kind == "ca" for item in store.certificates):
        return ()
    sure = {use.stanza.server for use in store.located.stanzas if use.certain and not use.stanza.replication}
    missing = tuple(
        seen
        for server in servers_of(store)
        if server in sure and server not in held and (seen := inventory.presented_by(server)) and seen.chain
    )
    # Few stores miss anything: only then it matters what all others hold.
    elsewhere = _held_by_owner(store, inventory) if missing else frozenset()
    return tuple(seen for seen in missing if not any(item.sha256 in elsewhere for item in seen.chain))


def _held_by_owner(store: Store, inventory: Inventory) -> frozenset[str]:
    """The fingerprints in this store, and in the other ones of its owner."""
    others = (other for other in inventory.stores if other.directory != store.directory)
    uid = store.located.owner.uid
    theirs = (other for other in (store, *others) if other.located.owner.uid == uid)
    return frozenset(item.sha256 for other in theirs for item in other.certificates)


def _is_presented(certificate: Certificate, server: Server, inventory: Inventory) -> bool:
    seen = inventory.presented_by(server)
    return seen is not None and any(item.sha256 == certificate.sha256 for item in seen.chain)


def _is_held(server: Server, store: Store, inventory: Inventory) -> bool:
    return any(_is_presented(item, server, inventory) for item in store.certificates)


def _is_vouched_for(server: Server, store: Store, inventory: Inventory) -> bool:
    """Whether a CA certificate of the store has the name of who issued what the server presents."""
    seen = inventory.presented_by(server)
    issuers = {item.issuer for item in seen.chain} if seen is not None else set()
    return any(
        item.kind == "ca"
        and item.subject in issuers
        and (item.not_after is None or item.not_after >= inventory.at)
        for item in store.certificates
    )


def _attribute(certificate: Certificate, store: Store, inventory: Inventory) -> Server | None:
    servers = servers_of(store)
    for server in servers:
        if _is_presented(certificate, server, inventory):
            return server
    if certificate.kind in ("ca", "personal", "secret"):
        return None
    named = servers_in_label(certificate.label, store)
    if len(named) > 1:
        # One node name at several servers: those whose certificate is here are not the ones that are meant.
        named = tuple(server for server in named if not _is_held(server, store, inventory))
        return named[0] if len(named) == 1 else None
    if named:
        return named[0]
    sole = [item for item in store.certificates if item.kind == "server"]
    if certificate.kind == "server" and len(sole) == 1 and len(servers) == 1:
        return servers[0]
    return None


def _judge(
    certificate: Certificate,
    server: Server | None,
    current: Mapping[Server, str],
    question: _Question,
) -> Assessed:
    inventory, expires_within_days = question.inventory, question.expires_within_days
    name = server_name(server, question.store)
    left = days_left(certificate, inventory.at)
    if server is None:
        status, reason = _without_server(certificate, left)
    elif (
        left is not None
        and left < 0
        and (server not in current or _is_presented(certificate, server, inventory))
    ):
        status, reason = "expired", f"it ran out on {certificate.last_day}"
    elif server in current:
        presents = _is_presented(certificate, server, inventory)
        status, reason = ("ok", f"{name} presents it") if presents else ("superseded", current[server])
    else:
        status, reason = _against(server, name, inventory)
    if status in ("ok", "not-checked") and left is not None and left < expires_within_days:
        status, reason = "expiring", f"it runs out on {certificate.last_day}"
    if certificate.kind == "unreadable" and server is not None:
        reason += f"; it cannot be read: {certificate.problem}"
    return Assessed(certificate, status, reason, server, left)


def _without_server(certificate: Certificate, left: int | None) -> tuple[Status, str]:
    ended = f", which ran out on {certificate.last_day}" if left is not None and left < 0 else ""
    if certificate.kind == "unreadable":
        return "unreadable", certificate.problem or "not a certificate that can be read"
    if certificate.kind in ("personal", "secret"):
        return "unknown", "a key of the client's own, never touched"
    if certificate.kind == "ca":
        return "ca", f"a root or CA certificate{ended}: touched only when named"
    return "unknown", f"no stanza's server is known to own it{ended}: touched only when named"


def _against(server: Server, name: str, inventory: Inventory) -> tuple[Status, str]:
    seen = inventory.presented_by(server)
    if seen is not None and seen.certificate is not None:
        return "replaced", f"{name} presents another certificate now"
    why = seen.problem.message if seen is not None and seen.problem else "the server was not asked"
    return "not-checked", why


def days_left(certificate: Certificate, at: datetime) -> int | None:
    """Whole days until the certificate runs out, negative once it has; None when it does not say."""
    if certificate.not_after is None:
        return None
    return (certificate.not_after - at) // timedelta(days=1)
