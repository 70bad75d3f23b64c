"""Where IBM's own TLS is asked, and what its answer means: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dsmcertfix.errors import CannotReconnect, Problem
from dsmcertfix.model import Inventory, LocatedStore, Proof, Server
from dsmcertfix.planning.refusals import Proofs
from dsmcertfix.planning.steps import (
    AddCertificate,
    CheckLive,
    CheckStanza,
    KeepPassword,
    Plan,
    Preflight,
    Prove,
    Step,
    StorePlan,
    Swap,
)
from dsmcertfix.wording import NO_GSKIT, not_proved


def asked_before(plan: Plan, inventory: Inventory) -> tuple[tuple[LocatedStore, Server], ...]:
    """The stores as they are, and the servers that their preflights are about."""
    answering = _answering(inventory)
    return tuple(
        (item.store.located, server)
        for item in plan.stores
        if item.store.has_key_database
        for server in _servers(step.stanza.server for step in _preflights(item) if step.stanza is not None)
        if server in answering
    )


def with_proofs(plan: Plan, inventory: Inventory, before: Proofs | None, *, named: bool) -> Plan:
    """The plan in which IBM's TLS is asked: before the swap where a certificate is put in, and at the end.

    `before` is what it says of the stores as they are, None where it cannot be asked; `named` whether a
    person named what is to be exchanged. Only servers that answered: of the others nothing can be proved.
    """
    answering = _answering(inventory) if before is not None else frozenset()
    told = before or {}
    stores = (_foreseen(item, told.get(item.store.id, ()), named=named) for item in plan.stores)
    why = NO_GSKIT if before is None else None
    trusting = {item.store.id: item.trusting for item in plan.assessed}
    return replace(
        plan, stores=tuple(_proved(item, answering, why, trusting[item.store.id]) for item in stores)
    )


def _answering(inventory: Inventory) -> frozenset[Server]:
    return frozenset(seen.server for seen in inventory.presented if seen.chain)


def _preflights(plan: StorePlan) -> tuple[Preflight, ...]:
    return tuple(step for step in plan.steps if isinstance(step, Preflight) and step.problem is None)


def _foreseen(plan: StorePlan, proofs: tuple[Proof, ...], *, named: bool) -> StorePlan:
    """The plan whose preflight knows what IBM's TLS says of the store as it is."""
    steps = list(plan.steps)
    for proof in proofs:
        problem = None if named else _works(plan, proof)
        for number, step in enumerate(steps):
            if isinstance(step, Preflight) and step.stanza is not None and step.stanza.server == proof.server:
                steps[number] = replace(step, proof=proof, problem=step.problem or problem)
    return replace(plan, steps=tuple(steps))


def _works(plan: StorePlan, proof: Proof) -> Problem | None:
    """Why a store is left alone that IBM's TLS has nothing against: what works is not put at risk."""
    affected = [one for one in plan.targets if one.server == proof.server]
    if proof.answer != "accepted" or not affected or any(one.status == "expiring" for one in affected):
        return None
    return CannotReconnect(
        "still-trusted",
        f"{proof.reason}, the store in `{plan.store.directory}` as it is",
        context=tuple(f"`{one.certificate.label}`: {one.reason}" for one in affected),
    ).problem()


def _proved(
    plan: StorePlan, answering: frozenset[Server], why: str | None, trusting: tuple[Server, ...]
) -> StorePlan:
    """`trusting` are the servers that the client trusts by the rules: a new password must not change that."""
    added = _servers(step.server for step in plan.steps if isinstance(step, AddCertificate))
    expected = _servers(
        one.server for step in plan.steps if isinstance(step, CheckLive) for one in step.expected
    )
    checked = _servers(
        step.stanza.server for step in plan.steps if isinstance(step, CheckStanza) and step.stanza.server
    )
    steps: list[Step] = []
    for step in plan.steps:
        if isinstance(step, Swap):
            steps += [Prove(server, copy=True) for server in added if server in answering]
        steps.append(step)
    kept = trusting if any(isinstance(step, KeepPassword) for step in plan.steps) else ()
    live = _servers((*added, *expected, *checked, *kept))
    steps += [Prove(server) for server in live if server in answering]
    left = tuple(server for server in live if server not in answering)
    return replace(plan, steps=tuple(steps), warnings=(*plan.warnings, *_not_asked(plan, left, why)))


def _not_asked(plan: StorePlan, servers: tuple[Server, ...], why: str | None) -> tuple[str, ...]:
    """What is to be said where IBM's TLS is not asked about these servers."""
    if not servers:
        return ()
    reasons = (why,) if why is not None else tuple(f"{server} did not answer" for server in servers)
    session = (plan.unproved,) if plan.unproved else ()
    return (*session, *(not_proved(reason) for reason in reasons))


def _servers(servers: Iterable[Server | None]) -> tuple[Server, ...]:
    return tuple(dict.fromkeys(server for server in servers if server is not None))
