"""Which chain leads from what a server presents to a root that a store trusts, by IBM's own rules. Pure.

The rules are what GSKit 8 did in handshakes of its TLS client (docs/facts/kdb-format.md):

- A chain ends in a self-signed certificate that is in the key database and marked there as trusted.
- A certificate between counts from what is presented, or from the key database if it is marked as trusted.
- Everything in the chain is in date, the server's own certificate too.
- Who signs others may do so: basic constraints, where there are any, say CA; a key usage, where there is
  one, has keyCertSign; a path length is kept. Neither needs to be there.
- An extension that is critical and not known, or a first day before 1950, ends the chain. Names are compared
  without case and with blanks run together. Key identifiers, extended key usage, alternative names and the
  size of keys do not matter.

Stricter here: a CA with name constraints vouches for nothing, since they are not compared, and neither does
a certificate that cannot be read, nor is one trusted: its dates and what it may do are not known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Literal

from dsmcertfix import NamedTuple
from dsmcertfix.ibm.key_database.parts import Name
from dsmcertfix.ibm.key_database.reading import load, signed
from dsmcertfix.model import Certificate

FlawKind = Literal[
    "untrusted", "expired", "not-yet-valid", "may-not-sign", "not-understood", "unreadable", "no-root"
]

_REMEMBERED = 65536
# Earlier than UTCTime can say, GSKit takes no first day.
_FIRST_YEAR = 1950
_MOST_LINKS = 256
"""So many signatures are checked for one answer: who fills a store with namesakes must not cost more."""

# Critical extensions that GSKit 8 takes, by their OIDs: key usage, both alternative names, basic and name
# constraints, policies and their constraints, both key identifiers, extended key usage, authority access.
_UNDERSTOOD = frozenset(
    (
        *(f"2.5.29.{number}" for number in (14, 15, 17, 18, 19, 30, 32, 35, 36, 37, 54)),
        "1.3.6.1.5.5.7.1.1",
    )
)


class Flaw(NamedTuple):
    """A certificate because of which a chain does not hold, and what is wrong with it."""

    certificate: Certificate
    kind: FlawKind


class Trust(NamedTuple):
    """The answer: the chain from the server's own certificate to a root of the store, empty when none holds.

    `flaws` are then those of the chain that comes nearest; none where nothing leads to anything stored.
    """

    chain: tuple[Certificate, ...] = ()
    flaws: tuple[Flaw, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.chain)


class SigningRules(NamedTuple):
    """What a certificate says of signing others: None where it does not say.

    `constrained` is whether it names the names that it may sign for; `understood` whether no critical
    extension is one that is not known or cannot be read, and GSKit takes its first day; `readable` whether it
    could be asked.
    """

    ca: bool | None = None
    path_length: int | None = None
    signs: bool | None = None
    constrained: bool = False
    understood: bool = True
    readable: bool = True

    @property
    def may_sign(self) -> bool:
        """Whether nothing in it stands against its signing other certificates."""
        return self.ca is not False and self.signs is not False and not self.constrained


def trusted(stored: tuple[Certificate, ...], presented: tuple[Certificate, ...], at: datetime) -> Trust:
    """Whether a client with those certificates in its key database trusts what a server presents."""
    if not presented:
        return Trust()
    search = _Search(stored, presented[1:], at)
    found = search.chain(presented[0], strict=True)
    if found:
        return Trust(found)
    return Trust((), search.flaws(search.chain(presented[0], strict=False)))


def issued(issuer: Certificate, other: Certificate) -> bool:
    """Whether the key of `issuer` signed the other certificate, which names it as its issuer."""
    if not _same_name(issuer.subject, other.issuer, issuer.der, other.der):
        return False
    return signed(issuer.der, other.der) is True


def proven(chain: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
    """The server's own certificate, and the CAs above it as far as each one signed the one before it.

    Who presents a certificate has the private key of the first one only: anybody can append the others.
    """
    linked = chain[:1]
    for above in chain[1:]:
        if above.kind != "ca" or not issued(above, linked[-1]):
            break
        linked += (above,)
    return linked


def in_date(certificate: Certificate, at: datetime) -> bool:
    """Whether the certificate is valid at that moment; one that does not tell its dates is."""
    return out_of_date(certificate, at) is None


def out_of_date(certificate: Certificate, at: datetime) -> Literal["expired", "not-yet-valid"] | None:
    """In which direction a certificate is not valid at that moment; None where it is, or does not tell."""
    if certificate.not_after is not None and certificate.not_after < at:
        return "expired"
    if certificate.not_before is not None and certificate.not_before > at:
        return "not-yet-valid"
    return None


def is_self_signed(certificate: Certificate) -> bool:
    """Whether it names itself as issuer and its own key signed it.

    A signature of a kind that cannot be checked here counts: GSKit checked it when it marked the record.
    """
    same = _same_name(certificate.subject, certificate.issuer, certificate.der, certificate.der)
    # Nameless is nobody, but a name that could not be read is one.
    named = bool(certificate.subject) or certificate.problem is not None
    return named and same and signed(certificate.der, certificate.der) is not False


class _Search:
    """The chains from one certificate, each certificate looked at once."""

    def __init__(self, stored: tuple[Certificate, ...], beside: tuple[Certificate, ...], at: datetime):
        self._at = at
        self._presented = frozenset(item.sha256 for item in beside)
        held = sorted((item for item in stored if item.der), key=lambda one: not one.trusted)
        self._marked = {item.sha256: item.trusted for item in reversed(held)}
        # What the store has comes first, and of that what is trusted.
        self._pool = tuple({item.sha256: item for item in (*held, *beside)}.values())

    def chain(self, own: Certificate, *, strict: bool) -> tuple[Certificate, ...]:
        """The shortest chain that holds; where not `strict`, the one that comes nearest. Empty when none."""
        seen, checks = {own.sha256}, iter(range(_MOST_LINKS))
        waiting: deque[tuple[Certificate, ...]] = deque([(own,)])
        nearest: tuple[Certificate, ...] = ()
        while waiting:
            path = waiting.popleft()
            one = path[-1]
            if strict and self._flaw(path) is not None:
                continue
            if one.sha256 in self._marked:
                if is_self_signed(one) and (self._marked[one.sha256] or not strict):
                    return path
                nearest = nearest or path
            for above in self._signers(one, checks):
                if above.sha256 not in seen:
                    seen.add(above.sha256)
                    waiting.append((*path, above))
        return () if strict else nearest

    def flaws(self, path: tuple[Certificate, ...]) -> tuple[Flaw, ...]:
        """What is wrong along a chain that does not hold."""
        found = [flaw for end in range(1, len(path) + 1) if (flaw := self._flaw(path[:end])) is not None]
        if not path:
            return ()
        last = path[-1]
        if not is_self_signed(last):
            found.append(Flaw(last, "no-root"))
        elif not self._marked[last.sha256] and Flaw(last, "untrusted") not in found:
            found.append(Flaw(last, "untrusted"))
        return tuple(found)

    def _signers(self, one: Certificate, checks: Iterator[int]) -> Iterator[Certificate]:
        for above in self._pool:
            if above.sha256 == one.sha256 or not _same_name(above.subject, one.issuer, above.der, one.der):
                continue
            if next(checks, None) is None:
                return
            if signed(above.der, one.der):
                yield above

    def _flaw(self, path: tuple[Certificate, ...]) -> Flaw | None:
        """What is wrong with the last of the chain so far, which signed the one before it."""
        one = path[-1]
        wrong = out_of_date(one, self._at)
        if wrong is not None:
            return Flaw(one, wrong)
        rules = signing_rules(one.der)
        if one.kind == "unreadable" or not rules.understood:
            known = one.kind != "unreadable" and rules.readable
            return Flaw(one, "not-understood" if known else "unreadable")
        if len(path) == 1:
            return None
        # Between it and the server's own certificate are all others but these two.
        if not rules.may_sign or (rules.path_length is not None and len(path) - 2 > rules.path_length):
            return Flaw(one, "may-not-sign")
        if one.sha256 not in self._presented and not self._marked.get(one.sha256, True):
            return Flaw(one, "untrusted")
        return None


@lru_cache(maxsize=_REMEMBERED)
def signing_rules(der: bytes) -> SigningRules:
    """What the certificate says of signing others; nothing, where it cannot be read. Never raises."""
    try:
        found = load(der)
    except Exception:  # the parser raises whatever it meets
        return SigningRules(readable=False)
    said = found.extensions
    if said is None:
        return SigningRules(understood=False, readable=False)
    known = _UNDERSTOOD.issuperset(said.critical) and found.not_before.year >= _FIRST_YEAR
    return SigningRules(said.ca, said.path_length, said.signs, said.constrained, known)


def _same_name(subject: str, issuer: str, subject_der: bytes, issuer_der: bytes) -> bool:
    """Whether two names are one, as GSKit compares them."""
    if subject.casefold() == issuer.casefold():
        return True
    ours, theirs = _names(subject_der), _names(issuer_der)
    return ours is not None and theirs is not None and ours[0] == theirs[1]


_Name = tuple[frozenset[tuple[str, str]], ...]


@lru_cache(maxsize=_REMEMBERED)
def _names(der: bytes) -> tuple[_Name, _Name] | None:
    """Subject and issuer in a form to compare; None where they cannot be read."""
    try:
        found = load(der)
    except Exception:  # the parser raises whatever it meets
        return None
    return _comparable(found.subject), _comparable(found.issuer)


def _comparable(name: Name) -> _Name:
    return tuple(
        frozenset((oid, " ".join(str(value).casefold().split())) for oid, value in part)
        for part in name.parts
    )
