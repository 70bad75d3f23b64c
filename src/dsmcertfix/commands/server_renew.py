"""The use case that renews a server's own certificate, as APAR IT42905 says, as one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dsmcertfix.commands.contract import Confirm, Declined, Observe, plan_outdated
from dsmcertfix.commands.cut_off import require_recovered
from dsmcertfix.commands.recover import recover_stores
from dsmcertfix.commands.server_inspect import asking, look_again, read_instances
from dsmcertfix.errors import DsmcertfixError, NotPermitted, Outcome, UsageError
from dsmcertfix.ibm.client.locate import find_programs
from dsmcertfix.ibm.server.control import Keeper, own_command, service_control
from dsmcertfix.ibm.server.instance import LABEL, Control, Instance
from dsmcertfix.ibm.tls import present
from dsmcertfix.model import Left
from dsmcertfix.planning.renew import (
    RenewFacts,
    RenewPlan,
    certificate_to_renew,
    is_good,
    make_renew_plan,
    server_step_text,
)
from dsmcertfix.planning.steps import EngineChoice, step_name
from dsmcertfix.report.instance import instance_report, key_database_report
from dsmcertfix.report.result import Report, StepReport
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.system.process.run import waited
from dsmcertfix.transaction.folding import Happened, fold, store_data
from dsmcertfix.transaction.journal import Journal
from dsmcertfix.transaction.running import finish, running
from dsmcertfix.transaction.runs import begin_store, sets_made
from dsmcertfix.transaction.server import ServerTools, ServerTransaction
from dsmcertfix.transaction.tools import engines_for

COMMAND = "server renew"
_ASK_S = 3.0
_NOTHING_LEFT: Left = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RenewWish:
    """What a person asks for: which instance, from how many days left on, by which commands and engine."""

    instance: Path | None = None
    expires_within_days: int = 0
    stop_command: str | None = None
    start_command: str | None = None
    engine: EngineChoice = "auto"
    dry_run: bool = False


def renew(host: Host, wish: RenewWish, limits: Limits, observe: Observe, confirm: Confirm | None) -> Report:
    """The server has a new certificate, or is as it was. `confirm` is asked first; None stands for yes.

    Raises as `make_renew_plan` does, and Busy, Unrecovered, NotFound, PlanOutdated, before anything was
    touched.
    """
    if host.platform.foreign and not wish.dry_run:
        raise NotPermitted(
            "root-not-trusted", "the server of a tree given with `--root` is neither stopped nor started"
        )
    shown: RenewPlan | None = None
    if confirm is not None or wish.dry_run:
        try:
            shown = _planned(host, wish, limits)
        except DsmcertfixError:
            # In the middle of a run that was cut off a machine is not what it seems to be.
            require_recovered(host)
            raise
        if wish.dry_run or not shown.steps:
            return _plan_report(host, shown, wish)
    if confirm is not None and shown is not None and not confirm(_plan_report(host, shown, wish)):
        raise Declined
    with host.alone(limits):
        left = recover_stores(host, observe)
        plan = _planned(host, wish, limits, left)
        if shown is not None and not plan.same_changes(shown):
            raise plan_outdated()
        if not plan.steps:
            return _plan_report(host, plan, wish)
        return _carry_out(host, plan, wish, limits, observe)


def _planned(host: Host, wish: RenewWish, limits: Limits, left: Left = _NOTHING_LEFT) -> RenewPlan:
    """The plan. `left` are the sets of earlier runs that were not recovered, each with the reason."""
    instance = _chosen(read_instances(host, wish.instance))
    if instance.directory in left:
        raise left[instance.directory].problem.error()
    old, at = certificate_to_renew(instance), datetime.now(timezone.utc)
    if is_good(old, at, wish.expires_within_days):
        return RenewPlan(instance, old, Control())
    presented = asking((instance,), limits)(instance)
    control, unknown = Control(), None
    try:
        control = _control(host, instance, wish)
    except DsmcertfixError as error:
        if not wish.dry_run or wish.stop_command is not None or wish.start_command is not None:
            raise
        unknown = error.problem()
    return make_renew_plan(RenewFacts(instance, presented, control, wish.dry_run, unknown))


def _chosen(instances: tuple[Instance, ...]) -> Instance:
    if len(instances) == 1:
        return instances[0]
    raise UsageError(
        "several-instances",
        f"there are {len(instances)} server instances: which one is meant?",
        context=tuple(str(item.directory) for item in instances),
    )


def _control(host: Host, instance: Instance, wish: RenewWish) -> Control:
    """How the server is stopped and started: as a person says, else by the one service that starts it."""
    servers = host.platform.servers()
    stop, start = wish.stop_command, wish.start_command
    if stop is not None or start is not None:
        return Control(
            own_command(stop, "--stop-command", servers) if stop is not None else None,
            own_command(start, "--start-command", servers) if start is not None else None,
        )
    # A unit often calls a script that is found, too: the unit must know what became of its server.
    units = tuple(item for item in instance.services if item.kind == "unit")
    services = units or instance.services
    if len(services) > 1:
        raise UsageError(
            "several-services",
            f"{len(services)} services start the server of `{instance.directory}`",
            context=tuple(f"{item.kind} {item.file}" for item in services),
        )
    if not services:
        return Control()
    return service_control(services[0], host.platform, running=bool(instance.running))


def _plan_report(host: Host, plan: RenewPlan, wish: RenewWish) -> Report:
    """The steps of a plan; or that there is nothing to do."""
    assessed = look_again(host, plan.instance, wish.expires_within_days)
    told = key_database_report(assessed.instance, assessed.certificates)
    steps = tuple(
        StepReport(told.id, step_name(step), server_step_text(step), "planned") for step in plan.steps
    )
    until = plan.old.last_day
    renewing = f"would renew `{plan.old.label}`, valid until {until}"
    resting = (
        f"nothing to do: `{plan.old.label}` is valid until {until}; `--expires-within DAYS` with more days "
        "than it has left renews it all the same"
    )
    return Report(
        COMMAND,
        host_name(),
        stores=(told,),
        steps=steps,
        instances=(instance_report(assessed),),
        warnings=plan.warnings,
        comment=renewing if plan.steps else resting,
    )


def _carry_out(host: Host, plan: RenewPlan, wish: RenewWish, limits: Limits, observe: Observe) -> Report:
    """The plan is carried out. Call it only while alone."""
    located = plan.instance.located
    engines = engines_for(host, find_programs(host.platform.places), wish.engine, limits)

    def tell() -> Mapping[str, Any]:
        now = look_again(host, plan.instance, wish.expires_within_days)
        return store_data(key_database_report(now.instance, now.certificates))

    with running(host, COMMAND, observe) as run:
        keeper = Keeper(host.platform, located, plan.control, limits.program_s, run.directory)
        tools = ServerTools(
            host.platform,
            engines,
            keeper,
            lambda server: present(server, timeout_s=min(limits.probe_s, _ASK_S)),
            tell,
        )
        outcomes: tuple[Outcome, ...] = ()
        if begin_store(run.journal, located.id, located, tell()) is None:
            outcomes = (waited(ServerTransaction(plan, tools, run).run()).outcome,)
        finish(host, run, outcomes)
        return _renewed_report(host, plan, wish, run.journal)


def _renewed_report(host: Host, plan: RenewPlan, wish: RenewWish, journal: Journal) -> Report:
    happened = (Happened(event.kind, event.store, event.data) for event in journal.events)
    report = fold(Report(COMMAND, host_name()), happened)
    assessed = look_again(host, plan.instance, wish.expires_within_days)
    problem = next((store.problem for store in report.stores if store.problem), None)
    new = assessed.instance.labelled(LABEL)
    comment = problem.message if problem else "the certificate was renewed"
    next_steps: tuple[str, ...] = ()
    if problem is None and new is not None:
        comment = f"the new certificate has SHA-256 {new.sha256}"
        next_steps = (
            f"on the clients: `dsmcertfix fix --expect-sha256 {new.sha256}`, the nodes TRANSITIONAL before "
            "(`dsmcertfix server macro transitional`)",
            "on this host: the same `fix` for its own client and database backup; for peers and agents "
            "`dsmcertfix server macro forcesync`",
            f"the backup {journal.path.parent / 'stores'} holds the old private key: "
            f"`dsmcertfix prune {journal.path.parent.name}` removes it when it is not needed any more",
        )
    return report._replace(
        instances=(instance_report(assessed),),
        stores=tuple(store._replace(notes=(*store.notes, *next_steps)) for store in report.stores),
        backup=sets_made(journal),
        journal=str(journal.path),
        comment=comment,
    )
