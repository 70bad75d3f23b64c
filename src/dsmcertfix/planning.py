"""The use case that plans: what `fix` would do, and what can be foreseen to be refused. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from dsmcertfix.commands import (
    counted,
    first_unchecked,
    read_only_report,
    require_recovered,
    require_stores,
)
from dsmcertfix.errors import Problem
from dsmcertfix.host import Host, Limits
from dsmcertfix.inventory import take_inventory
from dsmcertfix.model import Inventory
from dsmcertfix.plan import Plan, Policy, Preflight, StorePlan, step_name, step_text
from dsmcertfix.planner import make_plan
from dsmcertfix.report import Report, StepReport, StoreReport, decided
from dsmcertfix.selection import Selection
from dsmcertfix.services import service_reports


def plan_fix(host: Host, selection: Selection, policy: Policy, limits: Limits) -> Report:
    """The steps that `fix` with the same options would take."""
    require_recovered(host)
    inventory, plan = planned(host, selection, policy, limits)
    return replace(plan_report(inventory, plan), services=service_reports(host.platform))


def planned(
    host: Host,
    selection: Selection,
    policy: Policy,
    limits: Limits,
    left: Mapping[Path, Problem] = MappingProxyType({}),
) -> tuple[Inventory, Plan]:
    """What is there and what would be done; the stores `left` from earlier runs are not worked on."""
    probe = limits.probe_s if policy.preflight or not selection.names_certificates else None
    inventory = take_inventory(host.platform, selection.stores, probe_timeout_s=probe)
    require_stores(inventory, selection.stores)
    inventory = leaving(inventory, left)
    return inventory, make_plan(inventory, selection, policy)


def leaving(inventory: Inventory, left: Mapping[Path, Problem]) -> Inventory:
    """The inventory in which the stores in those directories have these problems."""
    if not left:
        return inventory
    stores = tuple(
        store._replace(located=store.located._replace(problem=left[store.directory]))
        if store.directory in left
        else store
        for store in inventory.stores
    )
    gone = left.keys() - {store.directory for store in stores}
    told = tuple(f"{directory}: {left[directory].message}" for directory in sorted(gone))
    located = inventory.located._replace(warnings=inventory.located.warnings + told)
    return inventory._replace(located=located, stores=stores)


def plan_report(inventory: Inventory, plan: Plan) -> Report:
    """The steps of a plan, and what can be foreseen to be refused."""
    report = _of_plan("plan", inventory, plan)
    planned_stores = {item.store.id: item for item in plan.stores}
    stores = tuple(_foreseen(store, planned_stores.get(store.id)) for store in report.stores)
    warnings = tuple(line for item in plan.stores for line in item.warnings)
    report = replace(report, stores=stores, steps=_planned_steps(plan), warnings=report.warnings + warnings)
    report = decided(report)
    if not plan.stores:
        return replace(_with_unchecked(report, plan, inventory), command="plan")
    changes = sum(item.problem is None for item in plan.stores)
    return replace(report, comment=f"would change {counted(changes, 'store')}")


def _foreseen(store: StoreReport, planned_store: StorePlan | None) -> StoreReport:
    """The store with what `fix` would be refused for: a content that goes as a whole need not be readable."""
    if planned_store is None:
        return store
    notes = (store.problem.message,) if store.problem is not None else ()
    return replace(store, problem=planned_store.problem, notes=store.notes + notes)


def _planned_steps(plan: Plan) -> tuple[StepReport, ...]:
    return tuple(
        StepReport(
            item.store.id,
            step_name(step),
            step_text(step),
            "failed" if isinstance(step, Preflight) and step.problem else "planned",
            step.problem.message if isinstance(step, Preflight) and step.problem else None,
        )
        for item in plan.stores
        for step in item.steps
    )


def _of_plan(command: str, inventory: Inventory, plan: Plan) -> Report:
    problems = {item.store.id: item.problem for item in plan.refused}
    return read_only_report(command, inventory, plan.assessed, problems)


def _with_unchecked(report: Report, plan: Plan, inventory: Inventory) -> Report:
    problem = first_unchecked(plan.assessed, inventory)
    if problem is not None and report.exit_code == 0:
        return decided(replace(report, problem=problem, comment=f"could not be checked: {problem.message}"))
    first = next((store.problem for store in report.stores if store.problem), None)
    return replace(report, comment=first.message if first else "nothing to do")


def nothing_to_do(command: str, inventory: Inventory, plan: Plan) -> Report:
    """The report of a command whose plan is empty: that is success, unless something could not be seen."""
    report = decided(_of_plan(command, inventory, plan))
    return _with_unchecked(report, plan, inventory)
