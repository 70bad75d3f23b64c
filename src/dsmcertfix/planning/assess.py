"""What counts as affected: a pure judgement of each certificate of each store.

Which server a certificate belongs to is decided by evidence, in this order: its fingerprint is what the
server presents; it would make a client trust what the server presents; its label names the server; it is the
only server certificate of a store that uses one server. Everything else is `unknown`, and only an explicit
label or fingerprint touches it.

Whether it is fine is decided by what IBM's TLS accepts (chain.py), not by names.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from dsmcertfix import NamedTuple
from dsmcertfix.errors import CannotReconnect, Problem, StoreUnreadable
from dsmcertfix.ibm.key_database.chain import FlawKind, is_self_signed, out_of_date, signing_rules
from dsmcertfix.model import Certificate, Inventory, Presented, Server, Stanza, Store, StoreFile
from dsmcertfix.planning.labels import FETCHED, label_names
from dsmcertfix.planning.policy import Brought
from dsmcertfix.planning.views import View, view

Status = Literal[
    "ok",
    "replaced",
    "expired",
    "expiring",
    "untrusted",
    "not-yet-valid",
    "superseded",
    "not-checked",
    "pending",
    "unknown",
    "ca",
    "unreadable",
]

AFFECTED: frozenset[Status] = frozenset(("replaced", "expired", "expiring", "untrusted", "not-yet-valid"))

Remedy = Literal["exchange", "trust-again", "authority"]
"""What helps: another certificate in its place, the same one once more as a trusted one, or a CA by hand."""


class Assessed(NamedTuple):
    """One certificate and the judgement on it. `days_left` is negative once it has expired.

    `remedy` is what helps where it is affected.
    """

    certificate: Certificate
    status: Status
    reason: str
    server: Server | None = None
    days_left: int | None = None
    remedy: Remedy = "exchange"

    @property
    def affected(self) -> bool:
        """Whether `detect` calls for action. A CA root never does, nor one whose server is not known."""
        return self.status in AFFECTED and self.server is not None

    @property
    def of_server(self) -> bool:
        """Whether it may be a server's own: no key of the client's, and no CA above a server's."""
        if self.certificate.kind == "ca":
            return self.server is not None and self.remedy != "authority"
        return self.certificate.kind not in ("personal", "secret")


class AssessedStore(NamedTuple):
    """A store, the judgement on each of its certificates, and what its servers would hand out next.

    `pending` is what those servers present that the store holds no certificate of, and that no other store of
    the same owner holds: the next session fetches it. `problem` is why a server is not trusted that no
    exchange of a certificate in this store would help. `trusting` are the servers that the client trusts.
    `brought` is how it stands to the site's policy, where there is one.
    """

    store: Store
    certificates: tuple[Assessed, ...]
    pending: tuple[Presented, ...] = ()
    problem: Problem | None = None
    trusting: tuple[Server, ...] = ()
    brought: Brought = Brought()

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
    at: datetime
    expires_within_days: int
    views: Mapping[Server, View]


def _assess_store(store: Store, inventory: Inventory, expires_within_days: int) -> AssessedStore:
    views = {
        server: view(store.certificates, server, inventory.presented_by(server), inventory.at)
        for server in servers_of(store)
    }
    question = _Question(store, inventory.at, expires_within_days, views)
    held = _Held.of(store)
    judged = tuple(_judge(item, _attribute(item, held, views), question) for item in store.certificates)
    missing = _missing(store, judged, views, inventory)
    problems = {item.server: _not_trusted(item, store) for item in missing}
    pending = tuple(item.seen for item in missing if item.seen is not None and problems[item.server] is None)
    problem = password_problem(store, inventory.at) or next(filter(None, problems.values()), None)
    trusting = tuple(item.server for item in views.values() if item.trust)
    return AssessedStore(store, judged, pending, problem, trusting)


def password_problem(store: Store, at: datetime) -> Problem | None:
    """What is wrong where the password of the key database expired; None where it did not."""
    if not store.password_expired(at) or store.password_expires is None:
        return None
    return StoreUnreadable(
        "password-expired",
        f"the password of the key database in `{store.directory}` expired on "
        f"{store.password_expires.date().isoformat()}: IBM's programs do not open it any more",
        hint="`dsmcertfix fix` sets the same one again, and it no longer expires.",
    ).problem()


def _missing(
    store: Store, judged: tuple[Assessed, ...], views: Mapping[Server, View], inventory: Inventory
) -> tuple[View, ...]:
    """The servers that answered and that the client would not trust, where no certificate explains it."""
    moved_out = any(fact.file is StoreFile.KDB and not fact.present for fact in store.files)
    if store.problem is not None and not store.certificates and not moved_out:
        # It could not be read: what it lacks is not known.
        return ()
    told = {item.server for item in judged if item.affected}
    sure = {use.stanza.server for use in store.located.stanzas if use.certain and not use.stanza.replication}
    missing = [
        item
        for item in views.values()
        if item.server in sure and item.server not in told and item.answered and not item.trust
    ]
    # Few stores miss anything: only then it matters what all others hold.
    elsewhere = _held_by_owner(store, inventory) if missing else frozenset()
    return tuple(item for item in missing if item.trust.flaws or not item.presented & elsewhere)


def _not_trusted(one: View, store: Store) -> Problem | None:
    """Why the client would not trust the server, where fetching its certificate would not help either."""
    own = one.seen.certificate if one.seen is not None else None
    if own is None:
        return None
    name = server_name(one.server, store)
    flaws = [f"`{item.certificate.subject}` {_FLAWS[item.kind]}" for item in one.trust.flaws]
    if not flaws and not is_self_signed(own) and any(item.kind == "ca" for item in store.certificates):
        flaws = [f"no certificate in the store leads to who issued it, `{own.issuer}`"]
    if not flaws:
        return None
    return CannotReconnect(
        "server-not-trusted",
        f"IBM's TLS does not trust what {name} presents, with the store in `{store.directory}`: {flaws[0]}",
        context=(f"presented by {one.server}: SHA-256 {own.sha256}", *flaws),
        hint="Check the certificate on the server, or put the right CA in with `dsmcertfix trust`.",
    ).problem()


_FLAWS: Mapping[FlawKind, str] = {
    "untrusted": "is marked as not trusted in the store",
    "expired": "expired",
    "not-yet-valid": "is not valid yet",
    "may-not-sign": "may not sign what it signed",
    "not-understood": "has a critical extension that IBM's TLS does not know",
    "unreadable": "cannot be read here",
    "no-root": "is no root, and the root above it is not in the store",
}


def _held_by_owner(store: Store, inventory: Inventory) -> frozenset[str]:
    """The fingerprints in the other stores of its owner."""
    others = (other for other in inventory.stores if other.directory != store.directory)
    uid = store.located.owner.uid
    theirs = (other for other in others if other.located.owner.uid == uid)
    return frozenset(item.sha256 for other in theirs for item in other.certificates)


class _Held(NamedTuple):
    """A store, what it holds, and whether only one certificate is a server's: gathered once, of thousands."""

    store: Store
    sha256s: frozenset[str]
    sole: bool

    @classmethod
    def of(cls, store: Store) -> _Held:
        """What that store holds."""
        sole = sum(item.kind == "server" for item in store.certificates) == 1
        return cls(store, frozenset(item.sha256 for item in store.certificates), sole)


def _attribute(certificate: Certificate, held: _Held, views: Mapping[Server, View]) -> Server | None:
    for one in views.values():
        if certificate.sha256 in one.presented:
            return one.server
    if certificate.kind in ("personal", "secret"):
        return None
    flawed = (one.server for one in views.values() if one.flaw(certificate) is not None)
    relying = tuple(one.server for one in views.values() if one.relies_on(certificate))
    found = next(flawed, None)
    if certificate.kind == "ca":
        own = _own_server(certificate, held.store)
        return found or (own if own in relying or not relying else None)
    return found or next(iter(relying), None) or _by_name(certificate, held, views)


def _by_name(certificate: Certificate, held: _Held, views: Mapping[Server, View]) -> Server | None:
    """The server that the label names, or the only one, where this is the only server certificate."""
    named = servers_in_label(certificate.label, held.store)
    if len(named) > 1:
        # One node name at several servers: those whose certificate is here are not the ones that are meant.
        named = tuple(server for server in named if not views[server].presented & held.sha256s)
        return named[0] if len(named) == 1 else None
    if named:
        return named[0]
    servers = servers_of(held.store)
    if certificate.kind == "server" and held.sole and len(servers) == 1:
        return servers[0]
    return None


def _own_server(certificate: Certificate, store: Store) -> Server | None:
    """The server that made this certificate for itself, though it looks like a root; None for a root.

    A server's own certificate may have a subject of its own. It is named for the server's address, or lies
    under the label that the client gives to what it fetched and does not say outright that it is a CA.
    """
    if not is_self_signed(certificate):
        return None
    servers = servers_of(store)
    names = {part.partition("=")[2].casefold() for part in certificate.subject.split(",")}
    addressed = [server for server in servers if server.address.casefold() in names]
    if len(addressed) == 1:
        return addressed[0]
    rules = signing_rules(certificate.der)
    if not rules.readable or (rules.ca and rules.signs) or not FETCHED.match(certificate.label):
        return None
    named = servers_in_label(certificate.label, store)
    return named[0] if len(named) == 1 else None


def _judge(certificate: Certificate, server: Server | None, question: _Question) -> Assessed:
    left = days_left(certificate, question.at)
    if server is None:
        status, reason = _without_server(certificate, left)
        return Assessed(certificate, status, reason, None, left)
    one, name = question.views[server], server_name(server, question.store)
    status, reason = _standing(certificate, one, name, question)
    if status in ("ok", "not-checked") and left is not None and left < question.expires_within_days:
        status, reason = "expiring", f"it expires on {certificate.last_day}"
    if certificate.kind == "unreadable":
        reason += f"; it cannot be read: {certificate.problem}"
    return Assessed(certificate, status, reason, server, left, _remedy(certificate, one, question.store))


def _standing(certificate: Certificate, one: View, name: str, question: _Question) -> tuple[Status, str]:
    """The status of a certificate whose server is known, and why."""
    presents, flaw = certificate.sha256 in one.presented, one.flaw(certificate)
    wrong = out_of_date(certificate, question.at)
    if one.trust and one.relies_on(certificate):
        return "ok", f"{name} presents it" if presents else f"it vouches for what {name} presents"
    if one.trust:
        return ("ok", f"{name} presents it") if presents and not wrong else ("superseded", _better(one, name))
    if wrong == "expired":
        return "expired", f"it expired on {certificate.last_day}"
    if wrong is not None and (flaw is not None or not one.answered):
        return "not-yet-valid", f"it is not valid before {certificate.first_day}"
    if flaw is not None:
        return "untrusted", _untrusted(flaw.kind, name)
    if one.answered:
        return (
            ("ok", f"{name} presents it")
            if presents
            else ("replaced", f"{name} presents another certificate now")
        )
    if not certificate.trusted:
        return "untrusted", _untrusted("untrusted", name)
    seen = one.seen
    return "not-checked", seen.problem.message if seen and seen.problem else "the server was not asked"


def _better(one: View, name: str) -> str:
    """What the client goes by in place of this certificate."""
    if one.trust.chain[-1].sha256 in one.presented:
        return f"the certificate that {name} presents is in the store too"
    return f"a CA certificate in the store vouches for what {name} presents"


def _untrusted(kind: FlawKind, name: str) -> str:
    if kind == "no-root":
        return f"IBM's TLS trusts {name} only by the root above this certificate, which is not in the store"
    return f"it {_FLAWS[kind]}: IBM's TLS does not trust {name} by it"


def _remedy(certificate: Certificate, one: View, store: Store) -> Remedy:
    if certificate.sha256 in one.again:
        return "trust-again"
    flaw = one.flaw(certificate)
    if flaw is not None and flaw.kind in ("no-root", "unreadable"):
        return "authority"
    own = certificate.sha256 == one.own or _own_server(certificate, store) == one.server
    return "authority" if certificate.kind == "ca" and not own else "exchange"


def _without_server(certificate: Certificate, left: int | None) -> tuple[Status, str]:
    ended = f", which expired on {certificate.last_day}" if left is not None and left < 0 else ""
    if certificate.kind == "unreadable":
        return "unreadable", certificate.problem or "not a certificate that can be read"
    if certificate.kind in ("personal", "secret"):
        return "unknown", "a key of the client's own, never touched"
    if certificate.kind == "ca":
        return "ca", f"a root or CA certificate{ended}: touched only when named"
    return "unknown", f"no stanza's server is known to own it{ended}: touched only when named"


def days_left(certificate: Certificate, at: datetime) -> int | None:
    """Whole days until the certificate expires, negative once it has; None when it does not say."""
    if certificate.not_after is None:
        return None
    return (certificate.not_after - at) // timedelta(days=1)
