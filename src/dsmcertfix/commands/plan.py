"""The use case that plans: what `fix` would do, and what can be foreseen to be refused. Changes nothing."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from dsmcertfix.commands.cut_off import cut_off_runs, leaving
from dsmcertfix.commands.look import (
    first_problem,
    first_unchecked,
    read_only_report,
    require_stores,
    site_policy,
    told_of_policy,
)
from dsmcertfix.commands.proof import prove_before
from dsmcertfix.errors import NotPermitted, UsageError
from dsmcertfix.ibm.inventory import take_inventory
from dsmcertfix.model import Inventory, Left
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.pins import pins_of, unmatched, unmet_problem
from dsmcertfix.planning.proofs import with_proofs
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.spread import delay_s, in_words, signs_on
from dsmcertfix.planning.steps import (
    CheckLive,
    Expected,
    Plan,
    Preflight,
    RunOptions,
    StorePlan,
    step_name,
    step_text,
)
from dsmcertfix.report.result import Report, StepReport, StoreReport, decided
from dsmcertfix.report.services import service_reports
from dsmcertfix.system.base import Platform
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.wording import counted


def plan_fix(host: Host, selection: Selection, how: RunOptions, limits: Limits) -> Report:
    """The steps that `fix` with the same options would take."""
    cut = cut_off_runs(host)
    inventory, plan = planned(host, selection, how, limits, cut.left)
    report = cut.told(fix_plan_report(inventory, plan))
    spread_s = spread_of(host, how)
    if spread_s and signs_on((plan,)):
        turn = in_words(delay_s(host_name(), spread_s))
        line = f"an unattended `fix` waits {turn} first: its turn of the {in_words(spread_s)} of the rollout"
        report = report._replace(warnings=(*report.warnings, line))
    return report._replace(services=service_reports(host.platform))


def spread_of(host: Host, how: RunOptions) -> float:
    """The seconds over which unattended runs are spread: what was asked for, else what the policy says."""
    if how.spread_s is not None:
        return how.spread_s
    site = site_policy(host, how.policy)
    return site.policy.machine.spread_s if site is not None else 0.0


def planned(
    host: Host,
    selection: Selection,
    how: RunOptions,
    limits: Limits,
    left: Left = MappingProxyType({}),
) -> tuple[Inventory, Plan]:
    """What is there and what would be done; the stores `left` from earlier runs are not worked on.

    Raises as `policy.load` does, and NotPermitted where the policy does not allow so much.
    """
    site = site_policy(host, how.policy)
    how = allowed(host.platform, how)
    probe = limits.probe_s if how.preflight or not selection.names_certificates else None
    inventory = take_inventory(host.platform, selection.stores, probe_timeout_s=probe)
    inventory = leaving(foreign_told(host.platform, inventory), left, selection.stores)
    inventory = told_of_policy(inventory, site)
    require_stores(inventory, selection.stores)
    # On a passive node of a cluster there is nothing that could be named.
    selection = selection if inventory.stores else Selection()
    plan = make_plan(inventory, selection, how, site.policy if site else None)
    _require_cap(plan)
    named = selection.names_certificates or selection.whole_store
    return inventory, proving(host, inventory, plan, limits, named=named)


def _require_cap(plan: Plan) -> None:
    """Raises NotPermitted for a plan that changes more stores than the policy lets one run change."""
    most = plan.policy.machine.max_stores if plan.policy is not None else None
    if most is not None and len(plan.stores) > most:
        raise NotPermitted(
            "more-stores-than-allowed",
            f"{counted(len(plan.stores), 'store')} would be changed, and the policy allows {most} in one run",
        )


def proving(host: Host, inventory: Inventory, plan: Plan, limits: Limits, *, named: bool) -> Plan:
    """The plan, with what IBM's TLS says of the stores as they are, and with the questions to it.

    `named` is whether a person named what is to be exchanged.
    """
    if not plan.stores:
        return plan
    before = prove_before(host.platform, plan, inventory, limits.probe_s)
    return with_proofs(plan, inventory, before, named=named)


def allowed(platform: Platform, how: RunOptions) -> RunOptions:
    """The options without a session where the machine's programs are not run.

    Raises UsageError where a certificate is expected, which only a session could bring.
    """
    if not platform.foreign:
        return how
    if how.pins:
        raise UsageError(
            "expectation-without-reconnect",
            "no program of a tree given with `--root` is run, and so no certificate is fetched that could "
            "be compared with the expected one",
            hint="Give `--trust-root` if you made that tree yourself.",
        )
    return replace(how, reconnect=False)


def foreign_told(platform: Platform, inventory: Inventory) -> Inventory:
    """The inventory that says what is not done in a foreign tree."""
    if not platform.foreign:
        return inventory
    told = (
        f"no program of the tree `{platform.places.root}` is run: key databases are edited natively, and the "
        "next session of its client fetches the new certificate; `--trust-root` is for a tree you made "
        "yourself"
    )
    located = inventory.located._replace(warnings=(*inventory.located.warnings, told))
    return inventory._replace(located=located)


def plan_report(inventory: Inventory, plan: Plan) -> Report:
    """The steps of a plan, and what can be foreseen to be refused."""
    report = _of_plan("plan", inventory, plan)
    planned_stores = {item.store.id: item for item in plan.stores}
    stores = tuple(_foreseen(store, planned_stores.get(store.id)) for store in report.stores)
    warnings = tuple(line for item in plan.stores for line in item.warnings)
    report = report._replace(stores=stores, steps=_planned_steps(plan), warnings=report.warnings + warnings)
    report = decided(report)
    if not plan.stores:
        return _with_unchecked(report, plan, inventory)._replace(command="plan")
    changes = sum(item.problem is None for item in plan.stores)
    return told_of_pins(report._replace(comment=f"would change {counted(changes, 'store')}"), plan, inventory)


def fix_plan_report(inventory: Inventory, plan: Plan) -> Report:
    """The plan of a `fix`, with the fingerprints that nobody vouches for, to be compared before it runs."""
    able = [item for item in plan.stores if item.problem is None]
    servers = dict.fromkeys(
        one
        for item in able
        for one in (*item.pending, *_fetched(item))
        if one.sha256s and not pins_of(one.server, plan.pins, inventory)
    )
    report = plan_report(inventory, plan)
    names = {one.server: one.called for one in report.servers}
    lines = tuple(
        f"nobody said which certificate to expect of {names.get(str(one.server), one.server)}: "
        f"compare SHA-256 {one.sha256s[0]} with the server's cert256.arm"
        for one in servers
    )
    return report._replace(warnings=report.warnings + lines)


def _fetched(plan: StorePlan) -> tuple[Expected, ...]:
    return tuple(one for step in plan.steps if isinstance(step, CheckLive) for one in step.expected)


def _foreseen(store: StoreReport, planned_store: StorePlan | None) -> StoreReport:
    """The store with what `fix` would be refused for: a content that goes as a whole need not be readable."""
    if planned_store is None:
        return store
    notes = (store.problem.message,) if store.problem is not None else ()
    return store._replace(problem=planned_store.problem, notes=store.notes + notes)


def _planned_steps(plan: Plan) -> tuple[StepReport, ...]:
    return tuple(
        StepReport(
            item.store.id,
            step_name(step),
            step_text(step),
            "failed" if isinstance(step, Preflight) and step.problem else "planned",
            step.note if isinstance(step, Preflight) else None,
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
        comment = f"could not be checked: {problem.message}"
        report = decided(report._replace(problem=problem, comment=comment))
    else:
        first = first_problem(report)
        report = report._replace(comment=first.message if first else "nothing to do")
    return told_of_pins(report, plan, inventory)


def told_of_pins(report: Report, plan: Plan, inventory: Inventory) -> Report:
    """The report tells of each pin that fits nothing; that what is expected is not here is no success."""
    if not plan.pins:
        return report
    held = frozenset(one.sha256 for store in report.stores for one in store.certificates)
    report = report._replace(warnings=report.warnings + unmatched(plan.pins, inventory, held))
    problem = unmet_problem(plan.pins, inventory, held) if report.exit_code == 0 else None
    if problem is None:
        return report
    done = f"{report.comment}; but " if report.changed or plan.stores else ""
    return decided(report._replace(problem=problem, comment=f"{done}{problem.message}"))


def nothing_to_do(command: str, inventory: Inventory, plan: Plan) -> Report:
    """The report of a command whose plan is empty: that is success, unless something could not be seen."""
    report = decided(_of_plan(command, inventory, plan))
    return _with_unchecked(report, plan, inventory)
