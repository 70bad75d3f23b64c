"""Which stores of a host do not trust a server on it yet, and by which command each would be repaired."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from dsmcertfix.advice import plain, quoted
from dsmcertfix.assess import AssessedStore, assess
from dsmcertfix.errors import Problem
from dsmcertfix.host import Limits
from dsmcertfix.model import Inventory, Presented, Server, Stanza, Store
from dsmcertfix.plan import Plan, Policy
from dsmcertfix.planner import make_plan
from dsmcertfix.selection import Selection
from dsmcertfix.server.assess import Around, presents_another
from dsmcertfix.server.model import Instance
from dsmcertfix.tls import ask_all


def around(
    instance: Instance,
    inventory: Inventory,
    backing_up: frozenset[Stanza],
    presented: tuple[Presented, ...],
    limits: Limits,
) -> Around:
    """What is around the instance, judged by the certificate that it has for itself.

    Stanzas that lead to the port of the instance are asked what they lead to.
    """
    own = instance.presented
    if own is None or presents_another(own, presented) is not None:
        return Around(inventory.stores, backing_up, presented)
    leading = _leading(instance, inventory, limits)
    leading |= {stanza.server for stanza in backing_up if stanza.server is not None}
    facts = inventory._replace(presented=tuple(Presented(server, (own,)) for server in leading))
    judged = assess(facts)
    ways = dict(_ways(facts, judged, backing_up, leading))
    return Around(inventory.stores, backing_up, presented, leading, judged, ways)


def _leading(instance: Instance, inventory: Inventory, limits: Limits) -> frozenset[Server]:
    """The servers of stanzas that are this instance: here, or what answers presents its certificate."""
    own = instance.presented
    named = dict.fromkeys(stanza.server for stanza in inventory.located.stanzas)
    at_port = [server for server in named if server is not None and server.port in instance.ports]
    here = frozenset(server for server in at_port if _is_loopback(server.address))
    others = tuple(server for server in at_port if server not in here)
    if own is None or instance.running is False:
        return here
    answers = ask_all(others, timeout_s=limits.probe_s)()
    same = (seen for seen in answers if seen.certificate and seen.certificate.sha256 == own.sha256)
    return here | {seen.server for seen in same}


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.casefold() == "localhost"


def _ways(
    facts: Inventory,
    judged: tuple[AssessedStore, ...],
    backing_up: frozenset[Stanza],
    leading: frozenset[Server],
) -> Iterator[tuple[str, str]]:
    """The way of each store that may need one: of thousands in homes it is a few, and each way is a plan."""
    wanted = [
        item.store
        for item in judged
        if any(use.stanza in backing_up for use in item.store.located.stanzas)
        or any(one.server in leading for one in item.affected)
    ]
    if not wanted:
        return
    whole = make_plan(facts, Selection(), Policy())
    for store in wanted:
        yield store.id, _way(store, facts, leading, whole)


def _way(store: Store, facts: Inventory, leading: frozenset[Server], whole: Plan) -> str:
    """How the store comes to trust what those servers present: a command that is not refused.

    `whole` is the plan for all stores.
    """
    alone = f"`dsmcertfix fix --store {quoted(store.directory)}`"
    is_planned, problem = _planned(store, make_plan(facts._replace(stores=(store,)), Selection(), Policy()))
    if not is_planned:
        stanzas = (use.stanza for use in store.located.stanzas if use.stanza.server in leading)
        name = plain(next((stanza.name for stanza in stanzas), None), "<stanza>")
        return f"`dsmcertfix trust --server {name} --file cert256.arm`"
    if problem is None:
        return alone
    _, with_others = _planned(store, whole)
    if with_others is None:
        return "`dsmcertfix fix`"
    return f"{alone} would be refused: {problem.message}. {problem.hint or ''}".rstrip()


def _planned(store: Store, plan: Plan) -> tuple[bool, Problem | None]:
    """Whether `fix` would work on the store, and what it would be refused for."""
    planned = (*((item.store, item.problem) for item in plan.stores),)
    refused = (*((item.store, item.problem) for item in plan.refused),)
    found = [problem for other, problem in (*planned, *refused) if other is store]
    return bool(found), next(iter(found), None)
