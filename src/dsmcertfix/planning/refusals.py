"""What a refusal by IBM's own TLS means for a store: pure."""

from __future__ import annotations

from collections.abc import Mapping

from dsmcertfix.model import Proof
from dsmcertfix.planning.assess import AssessedStore

Proofs = Mapping[str, tuple[Proof, ...]]
"""The proofs of each store, by its id."""


def first_refused(item: AssessedStore, proofs: Proofs) -> Proof | None:
    """A refusal of IBM's TLS where by the rules the client trusts the server, by whatever certificate."""
    found = proofs.get(item.store.id, ())
    refused = (proof for proof in found if proof.answer == "refused")
    return next((proof for proof in refused if proof.server in item.trusting), None)


def refused_for_want(item: AssessedStore, proofs: Proofs) -> tuple[str, ...]:
    """What is to be said of refusals that call for nothing: the store has no certificate of that server.

    Whether the client uses this store for it is not known, or another store of its owner holds it.
    """
    told = {one.server for one in item.affected} | {seen.server for seen in item.pending}
    return tuple(
        f"there is no certificate of {proof.server} in this store: a session that uses it fetches it"
        for proof in proofs.get(item.store.id, ())
        if proof.answer == "refused" and proof.server not in (*item.trusting, *told) and item.problem is None
    )
