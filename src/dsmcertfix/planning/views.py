"""How a store stands to a server: what it presents, and whether the store makes a client trust that. Pure."""

from __future__ import annotations

from datetime import datetime

from dsmcertfix import NamedTuple
from dsmcertfix.ibm.key_database.chain import Flaw, Trust, proven, trusted
from dsmcertfix.model import Certificate, Presented, Server


class View(NamedTuple):
    """A server, from one store.

    `presented` are the fingerprints of what the server's key vouches for. `again` are those of the records
    that make the client trust it as soon as they are marked as trusted.
    """

    server: Server
    seen: Presented | None = None
    presented: frozenset[str] = frozenset()
    trust: Trust = Trust()
    again: frozenset[str] = frozenset()

    @property
    def answered(self) -> bool:
        """Whether it is known what the server presents."""
        return self.seen is not None and bool(self.seen.chain)

    @property
    def own(self) -> str | None:
        """The fingerprint of the server's own certificate."""
        return self.seen.chain[0].sha256 if self.seen is not None and self.seen.chain else None

    def relies_on(self, certificate: Certificate) -> bool:
        """Whether the certificate is in the chain by which the client trusts the server."""
        return any(item.sha256 == certificate.sha256 for item in self.trust.chain)

    def flaw(self, certificate: Certificate) -> Flaw | None:
        """What is wrong with the certificate that would make the client trust the server."""
        return next(
            (item for item in self.trust.flaws if item.certificate.sha256 == certificate.sha256), None
        )


def view(stored: tuple[Certificate, ...], server: Server, seen: Presented | None, at: datetime) -> View:
    """The server, from a store with those certificates."""
    if seen is None or not seen.chain:
        return View(server, seen)
    presented = frozenset(item.sha256 for item in proven(seen.chain))
    trust = trusted(stored, seen.chain, at)
    return View(server, seen, presented, trust, frozenset() if trust else _again(stored, seen, at))


def _again(stored: tuple[Certificate, ...], seen: Presented, at: datetime) -> frozenset[str]:
    unmarked = frozenset(item.sha256 for item in stored if not item.trusted)
    if not unmarked:
        return unmarked
    chain = trusted(tuple(item._replace(trusted=True) for item in stored), seen.chain, at).chain
    return frozenset(item.sha256 for item in chain) & unmarked
