"""How the stores of a machine stand to the site's policy, and what brings them to it. Pure.

Trust is never taken away here on the policy's word alone: a certificate goes only where its server answered,
presents one that the policy allows, and the store trusts that without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from dsmcertfix import NamedTuple
from dsmcertfix.ibm.key_database.chain import in_date, out_of_date, proven, trusted
from dsmcertfix.model import Certificate, Inventory, Presented, Server, Store
from dsmcertfix.planning.assess import Assessed, AssessedStore, assess, named_by, servers_of
from dsmcertfix.planning.pins import Pin
from dsmcertfix.planning.policy import Brought, Policy, ServerRule, Standing, Verdict
from dsmcertfix.planning.steps import RunOptions


def rule_for(server: Server, policy: Policy, inventory: Inventory) -> ServerRule | None:
    """What the policy says of that server; a rule with its address comes before one with a stanza's name."""
    addresses = {server.address.casefold(), str(server).casefold()}
    for rule in policy.servers:
        if addresses & {name.casefold() for name in rule.names}:
            return rule
    used = (use.stanza for store in inventory.stores for use in store.located.stanzas)
    leading = [item for item in (*inventory.located.stanzas, *used) if item.server == server]
    for rule in policy.servers:
        if any(named_by(name, stanza) for name in rule.names for stanza in leading):
            return rule
    return None


def pins_by(policy: Policy, inventory: Inventory) -> tuple[Pin, ...]:
    """A pin for each certificate that the policy allows today of a server used here, but for free ones."""
    day, pins = inventory.at.date(), list[Pin]()
    for server, rule in _rules(policy, inventory):
        allowed = (one for one in rule.certificates if one.counts(day) and not rule.first_use)
        pins += [Pin(one.sha256, str(server), by_policy=True) for one in allowed]
    return tuple(pins)


def with_pins(how: RunOptions, policy: Policy | None, inventory: Inventory) -> RunOptions:
    """The options with the policy's pins, and with the servers that it lets be trusted on first use."""
    if policy is None:
        return how
    free = frozenset(server for server, rule in _rules(policy, inventory) if rule.first_use)
    return replace(how, pins=(*how.pins, *pins_by(policy, inventory)), first_use_of=free)


def _rules(policy: Policy, inventory: Inventory) -> Iterator[tuple[Server, ServerRule]]:
    """The servers that stores are used for, and that the policy has a rule of."""
    for server in dict.fromkeys(server for store in inventory.stores for server in servers_of(store)):
        rule = rule_for(server, policy, inventory)
        if rule is not None:
            yield server, rule


def assess_under(
    policy: Policy | None, inventory: Inventory, expires_within_days: int
) -> tuple[AssessedStore, ...]:
    """The judgement on every store, with how it stands to the policy where there is one."""
    assessed = assess(inventory, expires_within_days)
    return assessed if policy is None else tuple(under(policy, item, inventory) for item in assessed)


def under(policy: Policy, item: AssessedStore, inventory: Inventory) -> AssessedStore:
    """The store with how it stands to the policy, and what brings it there."""
    if item.store.located.owner.name in policy.machine.left_out:
        return item._replace(brought=Brought(left_out=True))
    if item.store.problem is not None:
        return item
    whole = Brought()
    for server in servers_of(item.store):
        rule = rule_for(server, policy, inventory)
        # Where the client keeps that server's certificates elsewhere, they are not looked for here.
        uses = (use for use in item.store.located.stanzas if use.stanza.server == server)
        if rule is not None and any(use.elsewhere is None for use in uses):
            whole = _joined(whole, _Question(policy, rule, server, item, inventory).answer())
    verdicts = (*whole.verdicts, *_of_nobody(item, policy, inventory))
    return item._replace(brought=whole._replace(verdicts=verdicts))


def _joined(one: Brought, other: Brought) -> Brought:
    """Both; what a server keeps is not taken out for another one, and nothing is put in twice."""
    adds = {new.sha256: (server, new) for server, new in (*other.adds, *one.adds)}
    fine = {told.sha256 for told in (*one.verdicts, *other.verdicts) if told.standing == "fine"}
    drops = {gone: server for server, gone in (*other.drops, *one.drops) if gone.sha256 not in fine}
    return Brought(
        (*one.verdicts, *other.verdicts),
        tuple(adds.values()),
        tuple((server, gone) for gone, server in drops.items()),
        one.kept | other.kept,
    )


def _of_nobody(item: AssessedStore, policy: Policy, inventory: Inventory) -> Iterator[Verdict]:
    """Certificates of servers of which it is not known whose they are, where no rule names them."""
    servers = servers_of(item.store)
    named = {one.sha256 for rule in policy.servers for one in rule.certificates}
    if not servers or any(rule_for(server, policy, inventory) is None for server in servers):
        return
    for one in item.certificates:
        if one.status == "unknown" and one.of_server and one.certificate.sha256 not in named:
            why = "it is in no policy, and no server is known to own it: it goes only when it is named"
            label, sha256 = one.certificate.label, one.certificate.sha256
            yield Verdict(servers[0], "", sha256, label, "unexpected", why)


class _Question(NamedTuple):
    """One store and one of its servers, of which the policy has a rule."""

    policy: Policy
    rule: ServerRule
    server: Server
    item: AssessedStore
    inventory: Inventory

    @property
    def store(self) -> Store:
        return self.item.store

    @property
    def name(self) -> str:
        return self.rule.names[0]

    @property
    def day(self) -> date:
        return self.inventory.at.date()

    @property
    def seen(self) -> Presented | None:
        found = self.inventory.presented_by(self.server)
        return found if found is not None and found.chain else None

    def answer(self) -> Brought:
        """What of this server's is in the store, what is not, and what is to be done."""
        judged = [(one, self._verdict(one)) for one in self.item.certificates if self._is_its(one)]
        again = tuple(
            one.certificate._replace(trusted=True) for one, told in judged if told.standing == "missing"
        )
        missing = self._missing()
        adds, going = (*missing, *again), self._going(judged)
        if self.seen is not None and not self._trusted_after(adds, ()):
            # What the store lacks is fetched first: with what is put in alone the client would trust nobody.
            adds = ()
        if not self._trusted_after(adds, going):
            going = ()
        kept: frozenset[str] = frozenset()
        if self._trusted_after(adds, ()):
            stays = ("fine", "missing", *(("unexpected",) if self.rule.others == "report" else ()))
            kept = frozenset(one.certificate.sha256 for one, told in judged if told.standing in stays)
        return Brought(
            (*(told for _, told in judged), *self._not_held(missing)),
            tuple((self.server, new) for new in adds),
            tuple((self.server, gone) for gone in going),
            kept | {gone.sha256 for gone in going},
        )

    def _is_its(self, one: Assessed) -> bool:
        if one.certificate.kind in ("personal", "secret"):
            return False
        named = self.rule.of(one.certificate.sha256) is not None
        return named or one.server == self.server

    def _verdict(self, one: Assessed) -> Verdict:
        certificate = one.certificate
        standing, why = self._standing(one)
        return Verdict(self.server, self.name, certificate.sha256, certificate.label, standing, why)

    def _standing(self, one: Assessed) -> tuple[Standing, str]:
        certificate = one.certificate
        allowed = self.rule.of(certificate.sha256)
        if allowed is not None and allowed.ended(self.day):
            return "outdated", f"the policy ended it on {allowed.until}{self._still(certificate)}"
        if out_of_date(certificate, self.inventory.at) == "expired":
            return "outdated", f"it expired on {certificate.last_day}{self._still(certificate)}"
        if allowed is not None and allowed.counts(self.day) and not certificate.trusted:
            return "missing", "it is in the store, but marked as not trusted"
        if allowed is not None:
            return "fine", "the policy allows it" + (f" until {allowed.until}" if allowed.until else "")
        if self.rule.first_use:
            return "fine", f"the policy lets {self.name} be trusted on first use"
        if self._vouches(certificate):
            return "fine", f"it vouches for what {self.name} presents, and the policy allows that"
        return "unexpected", f"it is in no policy{self._still(certificate)}"

    def _still(self, certificate: Certificate) -> str:
        presented = self.seen is not None and self.seen.chain[0].sha256 == certificate.sha256
        return f"; {self.name} still presents it, and so it stays" if presented else ""

    def _vouches(self, certificate: Certificate) -> bool:
        """Whether it is a CA above the certificate that the server presents, which the policy allows."""
        if self.seen is None or certificate.kind != "ca" or not self._presents_allowed():
            return False
        trust = trusted(self.store.certificates, self.seen.chain, self.inventory.at)
        return any(item.sha256 == certificate.sha256 for item in (*trust.chain, *proven(self.seen.chain)))

    def _presents_allowed(self) -> bool:
        """Whether what the server presents, or a CA proven above it, is allowed today."""
        shown = {item.sha256 for item in proven(self.seen.chain)} if self.seen is not None else set()
        return any(one.sha256 in shown and one.counts(self.day) for one in self.rule.certificates)

    def _going(self, judged: list[tuple[Assessed, Verdict]]) -> tuple[Certificate, ...]:
        if not self._presents_allowed():
            return ()
        words = ("outdated", *(("unexpected",) if self.rule.others == "remove" else ()))
        return tuple(one.certificate for one, told in judged if one.of_server and told.standing in words)

    def _missing(self) -> tuple[Certificate, ...]:
        """What must be in the store, is not, and is at hand; roots first, since they vouch for others."""
        wanted = (one.sha256 for one in self.rule.certificates if one.counts(self.day))
        handed = [self.policy.handed[sha256] for sha256 in wanted if sha256 in self.policy.handed]
        held = {one.sha256 for one in self.store.certificates}
        new = sorted(handed, key=lambda one: one.issuer != one.subject)
        return tuple(one for one in new if one.sha256 not in held and self._is_called_for(one))

    def _is_called_for(self, new: Certificate) -> bool:
        """Not one that a CA of the store vouches for, nor one older than what the server has moved on to."""
        at, stored = self.inventory.at, self.store.certificates
        if not in_date(new, at) or trusted(stored, (new,), at):
            return False
        own = self.seen.certificate if self.seen is not None and self._presents_allowed() else None
        if own is None or new.not_before is None or own.not_before is None:
            return True
        return new.not_before >= own.not_before or not self._trusted_after((), ())

    def _not_held(self, missing: tuple[Certificate, ...]) -> Iterator[Verdict]:
        """What is to be put in, and what only a session brings."""
        for new in missing:
            yield Verdict(self.server, self.name, new.sha256, "", "missing", "the policy has its file")
        own = self.seen.certificate if self.seen is not None else None
        fetched = own is not None and self._presents_allowed() and not self._trusted_after(missing, ())
        if own is not None and fetched:
            why = f"{self.name} presents it: a session fetches it"
            yield Verdict(self.server, self.name, own.sha256, "", "missing", why)

    def _trusted_after(self, adds: tuple[Certificate, ...], going: tuple[Certificate, ...]) -> bool:
        """Whether the client trusts what the server presents with what is put in and without what goes."""
        if self.seen is None:
            return False
        gone = {item.sha256 for item in (*going, *adds)}
        left = tuple(item for item in self.store.certificates if item.sha256 not in gone)
        return bool(trusted((*left, *adds), self.seen.chain, self.inventory.at))
