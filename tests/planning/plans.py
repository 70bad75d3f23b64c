"""Plans made from made-up facts of two servers, and what is asked of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.facts import ca, certificate, fetched, inventory, presents, stanza, store

from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.model import Certificate, Inventory, Stanza, Store
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import CheckLive, Plan, Reconnect, RunOptions, StorePlan, step_name

A, B = stanza("TSM1"), stanza("TSM10")
OLD_A, OLD_B = certificate(fetched("TSM1"), "old A"), certificate(fetched("TSM10"), "old B")
NEW_A = certificate(fetched("TSM1"), "new TSM1")
BOTH = (presents("TSM1"), presents("TSM10"))
DAMAGED = StoreUnreadable("integrity-wrong", "the key database is damaged").problem()
WHOLE = Selection(whole_store=True, stores=(Path("/opt/ba"),))


def plan_of(facts: Inventory, selection: Selection | None = None, **how: object) -> Plan:
    return make_plan(facts, selection or Selection(), replace(RunOptions(), **how))  # type: ignore[arg-type]


def only(plan: Plan) -> StorePlan:
    (item,) = plan.stores
    return item


def names(item: StorePlan) -> list[str]:
    return [step_name(step) for step in item.steps]


def labels(plan: Plan) -> list[list[str]]:
    return [[one.certificate.label for one in item.targets] for item in plan.stores]


def reconnects(item: StorePlan) -> list[str]:
    return [step.stanza.name for step in item.steps if isinstance(step, Reconnect)]


def check(item: StorePlan) -> CheckLive:
    (step,) = (step for step in item.steps if isinstance(step, CheckLive))
    return step


def code(item: StorePlan) -> str | None:
    return item.problem.code if item.problem else None


def two_servers(*, dsmc: bool = True, without_password: tuple[Stanza, ...] = ()) -> Inventory:
    """One store, two servers, both renewed."""
    return inventory(
        store(OLD_A, OLD_B, ca("Root"), uses=[A, B]),
        presented=BOTH,
        dsmc=dsmc,
        without_password=without_password,
    )


def api(*certificates: Certificate, owner: object = None) -> Store:
    made = store(*certificates, uses=[A], directory="/opt/api", area="api")
    return made._replace(located=made.located._replace(owner=owner)) if owner else made  # type: ignore[arg-type]
