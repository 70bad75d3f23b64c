"""From how a store stands to the site's policy to the edits that bring it there without a session. Pure."""

from __future__ import annotations

from dsmcertfix import NamedTuple
from dsmcertfix.model import Certificate, Server, Stanza, Store
from dsmcertfix.planning.assess import stanzas_of
from dsmcertfix.planning.policy import Brought
from dsmcertfix.planning.steps import AddCertificate, Expected
from dsmcertfix.planning.trust import labels_for


class Edits(NamedTuple):
    """What goes out of the private copy, what comes into it, and how that is proved.

    `out` are records that go, among them those that come in again because they are marked as not trusted;
    `gone` those that must not be there afterwards. `expected` must be there, and what `proved_by` leads to
    must be trusted.
    """

    out: tuple[Certificate, ...] = ()
    adds: tuple[AddCertificate, ...] = ()
    gone: tuple[Certificate, ...] = ()
    expected: tuple[Expected, ...] = ()
    proved_by: tuple[Stanza, ...] = ()


def edits_of(store: Store, brought: Brought) -> Edits:
    """The edits of that store. What is marked as not trusted comes back under its own label."""
    dropped = tuple(gone for _, gone in brought.drops)
    coming = {new.sha256 for _, new in brought.adds}
    again = tuple(one for one in store.certificates if one.sha256 in coming and one not in dropped)
    adds: list[AddCertificate] = []
    taken = store
    for server in dict.fromkeys(server for server, _ in brought.adds):
        stanza = _stanza(store, server)
        own = tuple(gone for owner, gone in brought.drops if owner == server)
        held = {one.sha256: one.label for one in again}
        new = tuple(one for owner, one in brought.adds if owner == server and one.sha256 not in held)
        labels = labels_for(taken, stanza, own, new)
        adds += [AddCertificate(server, label, one, None) for label, one in zip(labels, new, strict=True)]
        adds += [
            AddCertificate(server, held[one.sha256], one, None)
            for owner, one in brought.adds
            if owner == server and one.sha256 in held
        ]
        named = tuple(one._replace(label=label) for label, one in zip(labels, new, strict=True))
        taken = taken._replace(certificates=(*taken.certificates, *named))
    silent = dict.fromkeys(
        server for server, _ in brought.drops if server not in {add.server for add in adds}
    )
    return Edits(
        (*dropped, *again),
        tuple(adds),
        dropped,
        tuple(Expected(add.server, (add.certificate.sha256,)) for add in adds),
        tuple(_stanza(store, server) for server in silent),
    )


def _stanza(store: Store, server: Server) -> Stanza:
    """The surest stanza of the store that leads to the server."""
    return next(item for item in stanzas_of(store) if item.server == server)
