"""The use case that changes the machine: carry a plan out, store by store, and tell what became of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dsmcertfix.commands.after import followed
from dsmcertfix.commands.contract import Confirm, Declined, Observe, plan_outdated
from dsmcertfix.commands.cut_off import cut_off_runs
from dsmcertfix.commands.plan import fix_plan_report, nothing_to_do, planned, spread_of, told_of_pins
from dsmcertfix.commands.recover import recover_stores
from dsmcertfix.errors import Problem
from dsmcertfix.ibm.client.messages import Handed
from dsmcertfix.model import Inventory, Left, Store
from dsmcertfix.planning.assess import assess_one
from dsmcertfix.planning.pins import pins_of
from dsmcertfix.planning.policy import Policy
from dsmcertfix.planning.policy_view import under
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.spread import delay_s, signs_on
from dsmcertfix.planning.steps import Plan, Reconnect, RunOptions, StorePlan
from dsmcertfix.report.result import (
    Report,
    StoreReport,
    presented_reports,
    store_report,
    with_excess,
    with_services,
)
from dsmcertfix.report.services import ServiceReport, service_reports
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.system.process.run import Waits
from dsmcertfix.transaction.client import ClientTransaction
from dsmcertfix.transaction.executor import Ended
from dsmcertfix.transaction.folding import Happened, fold, store_data
from dsmcertfix.transaction.goal import goal_data
from dsmcertfix.transaction.journal import Journal
from dsmcertfix.transaction.running import finish, running
from dsmcertfix.transaction.runs import begin_store, sets_made
from dsmcertfix.transaction.services import restart_running
from dsmcertfix.transaction.together import carry_out_all
from dsmcertfix.transaction.tools import require_client, tools_for
from dsmcertfix.wording import counted


@dataclass(frozen=True, slots=True)
class Order:
    """In whose name a plan is carried out, and how. `handed` is the file that its certificate is known by."""

    command: str
    how: RunOptions
    handed: Handed | None = None


def fix(
    host: Host,
    selection: Selection,
    how: RunOptions,
    limits: Limits,
    observe: Observe,
    confirm: Confirm | None,
) -> Report:
    """Every affected store is repaired or as it was. `confirm` is asked first; None stands for yes.

    Raises Declined, Busy, NotPermitted, Unrecovered, NotFound, PlanOutdated before anything was touched.
    """
    order = Order("fix", how, _handed(how))
    return change(
        host,
        order,
        lambda left: planned(host, selection, how, limits, left),
        fix_plan_report,
        limits,
        observe,
        confirm,
    )


def change(
    host: Host,
    order: Order,
    plan_for: Callable[[Left], tuple[Inventory, Plan]],
    shown_as: Callable[[Inventory, Plan], Report],
    limits: Limits,
    observe: Observe,
    confirm: Confirm | None,
) -> Report:
    """The plan is made, confirmed, made again once we are alone, and carried out if it is the same.

    `plan_for` is given the sets of earlier runs that could not be recovered. Raises as `fix` does.
    """
    shown: Plan | None = None
    if confirm is not None:
        inventory, shown = plan_for(cut_off_runs(host).left)
        if shown.stores and not confirm(shown_as(inventory, shown)):
            raise Declined
    else:
        _await_turn(host, order.how, plan_for)
    with host.alone(limits):
        inventory, plan = plan_for(recover_stores(host, observe))
        if shown is not None and not plan.same_changes(shown):
            raise plan_outdated()
        if not plan.stores:
            return nothing_to_do(order.command, inventory, plan)
        report = carry_out(host, inventory, plan, order, limits, observe)
    return followed(host, plan, report)


def _await_turn(host: Host, how: RunOptions, plan_for: Callable[[Left], tuple[Inventory, Plan]]) -> None:
    """The machine's turn has come, where a rollout is spread and there is a session to begin."""
    spread_s = spread_of(host, how)
    if spread_s and signs_on((plan_for(cut_off_runs(host).left)[1],)):
        time.sleep(delay_s(host_name(), spread_s))


def _handed(how: RunOptions) -> Handed | None:
    """The file with what is expected, where there is only one."""
    files = {pin.file for pin in how.pins if pin.file is not None}
    return Handed(files.pop()) if len(files) == 1 else None


def carry_out(
    host: Host, inventory: Inventory, plan: Plan, order: Order, limits: Limits, observe: Observe
) -> Report:
    """The plan is carried out, store by store, each outcome in the journal. Call it only while alone."""
    if any(isinstance(step, Reconnect) for item in plan.stores for step in item.steps):
        # Said now: after the swap it would only be a reason to put everything back.
        require_client(host, inventory.located.programs)
    how = order.how
    tools = tools_for(host, inventory.located.programs, how.engine, limits, order.handed)
    pins = [{"sha256": pin.sha256, "server": pin.server} for pin in plan.pins]
    with running(host, order.command, observe, pins=pins) as run:
        journal = run.journal
        run.proved.update(_proved(plan))
        for refused in plan.refused:
            if _begin(journal, plan, refused.store, ()):
                _end(journal, refused.store, refused.problem)

        def begin(item: StorePlan) -> Waits[Ended] | None:
            goal = goal_data(item.steps, item.pending)
            if not _begin(journal, plan, item.store, item.warnings, **goal):
                return None
            return ClientTransaction(item, tools, run, _teller(inventory, item, plan.policy)).run()

        ended = carry_out_all(plan.stores, begin, run.interrupts, how.jobs)
        services = _services(host, order, ended, journal, limits)
        finish(host, run, tuple(item.outcome for item in ended))
        report = with_services(_fix_report(order.command, inventory, plan, journal), services)
        report = with_excess(report, inventory.located.excess)
    if how.restart_services and not services:
        report = report._replace(warnings=(*report.warnings, "no service of the client is known here"))
    if order.handed is None or not order.handed.stored:
        report = report._replace(warnings=report.warnings + _first_use(report, plan, inventory))
    return told_of_pins(report, plan, inventory)


def _services(
    host: Host, order: Order, ended: tuple[Ended, ...], journal: Journal, limits: Limits
) -> tuple[ServiceReport, ...]:
    """The client's services; restarted, where that was asked for and a store changed."""
    if order.how.restart_services and any(item.outcome == "changed" for item in ended):
        return restart_running(host.platform, journal, limits.program_s)
    return service_reports(host.platform, asked=order.how.restart_services)


def _begin(journal: Journal, plan: Plan, store: Store, warnings: tuple[str, ...], **more: object) -> bool:
    """Whether the store may be touched: the journal knows it."""
    assessed = next(item for item in plan.assessed if item.store is store)
    report = store_report(assessed)._replace(notes=warnings)
    return begin_store(journal, store.id, store.located, store_data(report), **more) is None


def _end(journal: Journal, store: Store, problem: Problem) -> None:
    journal.note("store-finished", store.id, outcome="unchanged", problem=problem.to_data())


def _proved(plan: Plan) -> set[tuple[str, str]]:
    """What clients of this machine trust already: their store holds what the server presents."""
    return {
        (item.store.id, one.certificate.sha256)
        for item in plan.assessed
        for one in item.certificates
        if one.status == "ok" and item.store.client_reconnects
    }


def _teller(
    inventory: Inventory, plan: StorePlan, policy: Policy | None
) -> Callable[[Store], dict[str, Any]]:
    """Makes the journal's record of the store at its end, judged against the same servers as before."""

    def tell(store: Store) -> dict[str, Any]:
        # Alone: with all others judged anew the cost of a run would grow with their number's square.
        item = assess_one(store, inventory)
        item = item if policy is None else under(policy, item, inventory)
        return store_data(store_report(item)._replace(notes=plan.warnings))

    return tell


def _fix_report(command: str, inventory: Inventory, plan: Plan, journal: Journal) -> Report:
    happened = (Happened(event.kind, event.store, event.data) for event in journal.events)
    report = fold(Report(command, host_name()), happened)
    told = {store.id for store in report.stores}
    others = tuple(store_report(item) for item in plan.assessed if item.store.id not in told)
    return report._replace(
        stores=report.stores + others,
        servers=presented_reports(inventory),
        warnings=inventory.located.warnings,
        backup=sets_made(journal),
        journal=str(journal.path),
        comment=_fix_comment(report.stores, plan),
    )


def _first_use(report: Report, plan: Plan, inventory: Inventory) -> tuple[str, ...]:
    """What to compare, where the client took what it was offered and nobody said what to expect."""
    before = {item.store.id: {one.certificate.sha256 for one in item.certificates} for item in plan.assessed}
    fetched = {
        one.sha256
        for store in report.stores
        if store.outcome == "changed"
        for one in store.certificates
        if one.status == "ok" and one.sha256 not in before[store.id]
    }
    known = {str(one.server) for one in inventory.presented if pins_of(one.server, plan.pins, inventory)}
    lines = []
    for server in presented_reports(inventory):
        if server.sha256 in fetched and server.server not in known:
            lines.append(
                f"trust on first use: nobody said which certificate to expect of {server.called}. Compare "
                f"SHA-256 {server.sha256} with the server's cert256.arm, or give it with --expect-sha256 "
                "next time"
            )
    return tuple(lines)


def _fix_comment(stores: tuple[StoreReport, ...], plan: Plan) -> str:
    """How many stores ended in which way; what a signal kept from being begun was not changed."""
    begun = {store.id for store in stores}
    waiting = sum(item.store.id not in begun for item in plan.stores)
    words = {
        "changed": "changed",
        "rolled-back": "rolled back",
        "broken": "broken",
        "unchanged": "not changed",
    }
    parts = []
    for outcome, word in words.items():
        count = sum(store.outcome == outcome for store in stores)
        count += waiting if outcome == "unchanged" else 0
        if count:
            parts.append(f"{counted(count, 'store')} {word}")
    first = next((store.problem for store in stores if store.problem), None)
    return ", ".join(parts) + (f": {first.message}" if first else "")
