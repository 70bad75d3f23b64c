"""The use case that changes the machine: carry a plan out, store by store, and tell what became of each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dsmcertfix.assess import assess_one
from dsmcertfix.client.messages import Handed
from dsmcertfix.commands import counted
from dsmcertfix.errors import (
    PlanOutdated,
    Problem,
    Unrecovered,
    UsageError,
)
from dsmcertfix.folding import Happened, fold, store_data
from dsmcertfix.host import Host, Limits, host_name
from dsmcertfix.model import Inventory, Store
from dsmcertfix.plan import EngineChoice, Plan, Policy, Reconnect, StorePlan
from dsmcertfix.planning import nothing_to_do, plan_report, planned
from dsmcertfix.process import Waits
from dsmcertfix.report import (
    Report,
    StoreReport,
    presented_reports,
    store_report,
    with_services,
)
from dsmcertfix.selection import Selection
from dsmcertfix.service_report import ServiceReport
from dsmcertfix.services import service_reports
from dsmcertfix.tools import require_client, tools_for
from dsmcertfix.transaction.client import ClientTransaction
from dsmcertfix.transaction.executor import Ended, Run
from dsmcertfix.transaction.interrupts import watching
from dsmcertfix.transaction.journal import Event, Journal
from dsmcertfix.transaction.recovery import recover_run, tidy_runs
from dsmcertfix.transaction.repaired import goal_data
from dsmcertfix.transaction.runs import begin_store, cut_off, new_run, sets_made
from dsmcertfix.transaction.services import restart_running
from dsmcertfix.transaction.together import carry_out_all

Observe = Callable[[Event], None]
Confirm = Callable[[Report], bool]


@dataclass(frozen=True, slots=True)
class Order:
    """In whose name a plan is carried out, with which engine, and whether the certificate was known.

    `handed` is the file that it was known by, `jobs` how many stores may wait for their clients at once, and
    `restart_services` whether the client's services are restarted when a store changed.
    """

    command: str
    engine: EngineChoice
    verified: bool
    handed: Handed | None = None
    jobs: int = 1
    restart_services: bool = False


def fix(
    host: Host,
    selection: Selection,
    policy: Policy,
    limits: Limits,
    observe: Observe,
    confirm: Confirm | None,
) -> Report:
    """Every affected store is repaired or as it was. `confirm` is asked first; None stands for yes.

    Raises Busy, NotPermitted, Unrecovered, NotFound, PlanOutdated before anything was touched.
    """
    shown: Plan | None = None
    if confirm is not None:
        inventory, shown = planned(host, selection, policy, limits)
        if shown.stores and not confirm(plan_report(inventory, shown)):
            raise UsageError("not-confirmed", "nothing was done: the plan was not confirmed")
    with host.alone(limits):
        left = recover_stores(host, observe)
        inventory, plan = planned(host, selection, policy, limits, left)
        if shown is not None and not plan.same_changes(shown):
            raise PlanOutdated(
                "plan-outdated",
                "the machine is no longer as it was when the plan was shown",
                hint="Run this again and look at the new plan.",
            )
        if not plan.stores:
            return nothing_to_do("fix", inventory, plan)
        return carry_out(
            host,
            inventory,
            plan,
            Order(
                "fix",
                policy.engine,
                policy.expected_sha256 is not None,
                _handed(policy),
                policy.jobs,
                policy.restart_services,
            ),
            limits,
            observe,
        )


def _handed(policy: Policy) -> Handed | None:
    return Handed(policy.expected_file) if policy.expected_file else None


def recover_cut_off(host: Host, observe: Observe, *, last: bool = False) -> tuple[str, ...]:
    """Every run that was cut off is finished or undone; returns their ids.

    Raises Unrecovered when one could not be, after all were tried; and when a signal came meanwhile and this
    is not the `last` thing to do, Interrupted or Terminated: no store is left half way. Call it only while no
    other run can be at work.
    """
    with watching(last=last) as interrupts:
        try:
            return _recover_all(host, observe)
        finally:
            if not last:
                interrupts.checkpoint()


def _recover_all(host: Host, observe: Observe) -> tuple[str, ...]:
    runs = cut_off(host.state)
    failures: list[Unrecovered] = []
    for run in runs:
        with contextlib.suppress(Exception):
            # Its journal's events do not say whose they are.
            observe(Event(0, datetime.now(timezone.utc), "recovery-started", None, {"run": run.id}))
        problems = recover_run(host.platform, run, observe)
        if problems:
            failures.append(
                Unrecovered(
                    "not-recovered",
                    f"run {run.id} was cut off and could not be undone: {problems[0].message}",
                    context=tuple(line for problem in problems for line in problem.context),
                    hint=problems[0].hint,
                )
            )
    if failures:
        raise failures[0]
    tidy_runs(host.platform, host.state, observe)
    return tuple(run.id for run in runs)


def recover_stores(host: Host, observe: Observe) -> dict[Path, Problem]:
    """Every run that was cut off is finished or undone, but for the stores returned, each with the reason.

    The others need not wait for them: a user who keeps us from putting theirs back must not stop all later
    runs. Raises Unrecovered when it is not known which stores are left.
    """
    try:
        recover_cut_off(host, observe)
    except Unrecovered as error:
        left = {
            store.located.directory: error.problem()
            for run in cut_off(host.state)
            for store in run.stores
            if store.live and store.outcome in (None, "broken")
        }
        if not left:
            raise
        return left
    return {}


def carry_out(
    host: Host, inventory: Inventory, plan: Plan, order: Order, limits: Limits, observe: Observe
) -> Report:
    """The plan is carried out, store by store, each outcome in the journal. Call it only while alone."""
    if any(isinstance(step, Reconnect) for item in plan.stores for step in item.steps):
        # Said now: after the swap it would only be a reason to put everything back.
        require_client(host, inventory.located.programs)
    tools = tools_for(host, inventory.located.programs, order.engine, limits, order.handed)
    header = {"command": order.command, "host": host_name(), "root": str(host.platform.places.root)}
    with watching() as interrupts:
        journal = new_run(host.platform, host.state, observe, header)
        try:
            run = Run(journal.path.parent.name, journal.path.parent, journal, interrupts, _proved(plan))
            for refused in plan.refused:
                if _begin(journal, plan, refused.store, ()):
                    _end(journal, refused.store, refused.problem)

            def begin(item: StorePlan) -> Waits[Ended] | None:
                if not _begin(journal, plan, item.store, item.warnings, **goal_data(item.steps)):
                    return None
                return ClientTransaction(item, tools, run, _teller(inventory, item)).run()

            ended = carry_out_all(plan.stores, begin, interrupts, order.jobs)
            services = _services(host, order, ended, journal, limits)
            if all(item.outcome != "broken" for item in ended):
                journal.note("run-finished")
        finally:
            journal.close()
        report = with_services(_fix_report(order.command, inventory, plan, journal), services)
    if order.restart_services and not services:
        report = replace(report, warnings=(*report.warnings, "no service of the client is known here"))
    if not order.verified:
        report = replace(report, warnings=report.warnings + _first_use(report, plan, inventory))
    return report


def _services(
    host: Host, order: Order, ended: tuple[Ended, ...], journal: Journal, limits: Limits
) -> tuple[ServiceReport, ...]:
    """The client's services; restarted, where that was asked for and a store changed."""
    if order.restart_services and any(item.outcome == "changed" for item in ended):
        return restart_running(host.platform, journal, limits.program_s)
    return service_reports(host.platform)


def _begin(journal: Journal, plan: Plan, store: Store, warnings: tuple[str, ...], **more: object) -> bool:
    """Whether the store may be touched: the journal knows it."""
    assessed = next(item for item in plan.assessed if item.store is store)
    report = replace(store_report(assessed), notes=warnings)
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


def _teller(inventory: Inventory, plan: StorePlan) -> Callable[[Store], dict[str, Any]]:
    """Makes the journal's record of the store at its end, judged against the same servers as before."""

    def tell(store: Store) -> dict[str, Any]:
        # Alone: with all others judged anew the cost of a run would grow with their number's square.
        return store_data(replace(store_report(assess_one(store, inventory)), notes=plan.warnings))

    return tell


def _fix_report(command: str, inventory: Inventory, plan: Plan, journal: Journal) -> Report:
    happened = (Happened(event.kind, event.store, event.data) for event in journal.events)
    report = fold(Report(command, host_name()), happened)
    told = {store.id for store in report.stores}
    others = tuple(store_report(item) for item in plan.assessed if item.store.id not in told)
    return replace(
        report,
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
    lines = []
    for server in presented_reports(inventory):
        if server.sha256 in fetched:
            name = "/".join(server.stanzas) or server.server
            lines.append(
                f"trust on first use: nobody said which certificate to expect of {name}. Compare SHA-256 "
                f"{server.sha256} with the server's cert256.arm, or give it with --expect-sha256 next time"
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
