"""The use cases that need no client and no server: roll back, recover, list backup sets, prune them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from dsmcertfix.commands import counted
from dsmcertfix.errors import Busy, NotPermitted, Outcome, Problem, UsageError, exit_code
from dsmcertfix.folding import Happened, fold, store_data
from dsmcertfix.holdings import Holding, held, record_of
from dsmcertfix.host import Host, Limits, host_name
from dsmcertfix.plan import step_name, step_text
from dsmcertfix.process import waited
from dsmcertfix.repair import Confirm, Observe, recover_cut_off
from dsmcertfix.report import BackupReport, Report, StepReport, decided
from dsmcertfix.server.model import LocatedInstance
from dsmcertfix.server.reading import is_running
from dsmcertfix.transaction.backup import Backup
from dsmcertfix.transaction.executor import Run
from dsmcertfix.transaction.interrupts import watching
from dsmcertfix.transaction.rollback import Rollback, rollback_steps
from dsmcertfix.transaction.runs import (
    PastRun,
    StoreRun,
    backup_sets,
    begin_store,
    cut_off,
    finished_run,
    new_run,
    past_runs,
    prunable,
    remains,
    remove_remains,
    remove_run,
    run_to_undo,
    sets_made,
)


def rollback(
    host: Host, wanted: str | None, limits: Limits, observe: Observe, confirm: Confirm | None
) -> Report:
    """Every store that the run changed is as it was before that run.

    What is there now is backed up first, so that a rollback can be rolled back by its id. Raises NotFound
    when there is no such run.
    """
    with host.alone(limits):
        recover_cut_off(host, observe)
        run, changed = run_to_undo(host.state, wanted)
        now = tuple((done, held(host, done.located)) for done in changed)
        if confirm is not None and not confirm(_preview(run, now)):
            raise UsageError("not-confirmed", "nothing was done: the rollback was not confirmed")
        header = {
            "command": "rollback",
            "undoes": run.id,
            "host": host_name(),
            "root": str(host.platform.places.root),
        }
        with watching() as interrupts:
            journal = new_run(host.platform, host.state, observe, header)
            try:
                this = Run(journal.path.parent.name, journal.path.parent, journal, interrupts)
                outcomes: list[Outcome] = []
                for item in now:
                    # Begun all the same: its end says why it and the rest were not carried out.
                    is_last = interrupts.came
                    outcomes.append(_roll_back(host, this, *item))
                    if is_last:
                        break
                if "broken" not in outcomes:
                    journal.note("run-finished")
            finally:
                journal.close()
            report = fold(
                Report("rollback", host_name()), (Happened(e.kind, e.store, e.data) for e in journal.events)
            )
    back = sum(store.outcome == "rolled-back" and store.problem is None for store in report.stores)
    return replace(
        report,
        changed=back > 0,
        comment=f"run {run.id}: {back} of {counted(len(now), 'store')} as before it",
        journal=str(journal.path),
        backup=sets_made(journal),
    )


def recover(host: Host, limits: Limits, observe: Observe) -> Report:
    """No run is cut off any more: each was finished or undone. Raises Unrecovered when one could not be.

    Raises NotPermitted when the state is not this user's.
    """
    if not host.has_state():
        return Report("recover", host_name(), comment="nothing to recover")
    with host.alone(limits):
        cut = cut_off(host.state)
        ids = recover_cut_off(host, observe, last=True)
    if not ids:
        return Report("recover", host_name(), comment="nothing to recover")
    recovered = [run for run in past_runs(host.state) if run.id in ids]
    outcomes = {store.outcome for run in recovered for store in run.stores if store.live}
    return Report(
        "recover",
        host_name(),
        outcome="changed" if outcomes == {"changed"} else "rolled-back",
        changed=True,
        comment=f"recovered: {', '.join(ids)}",
        warnings=tuple(line for run in cut for line in _servers_down(host, run)),
    )


def _servers_down(host: Host, run: PastRun) -> Iterator[str]:
    """What to say of the servers that the run stopped, and that do not run."""
    for store in run.stores:
        located = store.located
        if isinstance(located, LocatedInstance) and not is_running(host.platform.servers(), located):
            yield f"the server of {located.directory} does not run: start it, as {located.owner.name}"


def backups(host: Host) -> Report:
    """Every backup set, each verified by its hashes. Raises NotPermitted when they may not be ours."""
    host.require_state()
    sets = tuple(_backup_report(*item) for item in backup_sets(host.state)) if host.has_state() else ()
    damaged = [item for item in sets if item.problem is not None]
    comment = counted(len(sets), "backup set") + (f", {len(damaged)} damaged" if damaged else "")
    return decided(
        Report(
            "backups",
            host_name(),
            backups=sets,
            comment=comment,
            problem=damaged[0].problem if damaged else None,
        )
    )


def prune(
    host: Host, wanted: str | None, keep: int, limits: Limits, observe: Observe, confirm: Confirm | None
) -> Report:
    """Of each store the newest `keep` backup sets are left, at least one, and all of an open journal.

    With `wanted` only the run with that id goes, and its sets even where they are the newest. A run that
    cannot be removed is the report's problem, and is tried again next time. Raises NotFound when there is no
    such run, Unrecovered when it is not finished.
    """
    if wanted is None and not host.has_state():
        return Report("prune", host_name(), comment="nothing to prune")
    with host.alone(limits):
        recover_cut_off(host, observe)
        runs = prunable(host.state, keep) if wanted is None else (finished_run(host.state, wanted),)
        left = remains(host.state)
        going = {run.id for run in runs}
        sets = tuple(_backup_report(*item) for item in backup_sets(host.state) if item[0].id in going)
        report = Report("prune", host_name(), backups=sets)
        if not runs and not left:
            return replace(report, comment="nothing to prune")
        would = f"would remove {counted(len(runs), 'run')}" + (f", the rest of {len(left)}" if left else "")
        if confirm is not None and not confirm(replace(report, comment=would)):
            raise UsageError("not-confirmed", "nothing was done: the removal was not confirmed")
        problem = _remove(runs, left)
    gone = {run.id for run in runs if not run.journal_path.exists()}
    sets = tuple(item for item in sets if item.run in gone)
    outcome: Outcome = "changed" if gone or not all(map(os.path.lexists, left)) else "unchanged"
    return replace(
        report,
        backups=sets,
        outcome=outcome,
        changed=outcome == "changed",
        comment=f"removed {counted(len(gone), 'run')}, {counted(len(sets), 'backup set')}",
        problem=problem,
        exit_code=exit_code(problem, outcome),
    )


def _remove(runs: tuple[PastRun, ...], left: tuple[Path, ...]) -> Problem | None:
    """What can be removed is gone of these runs and what is left of earlier ones; or why not all of it."""
    problems: list[Problem] = []
    for removal in (
        *(partial(remove_remains, path) for path in left),
        *(partial(remove_run, run) for run in runs),
    ):
        try:
            removal()
        except (Busy, NotPermitted) as error:
            problems.append(error.problem())
    if not problems:
        return None
    # The worst decides, as everywhere: 11 before 12.
    first, *others = sorted(problems, key=lambda problem: exit_code(problem, "unchanged"))
    told = tuple(line for other in others for line in (other.message, *other.context))
    return replace(first, context=(*first.context, *told))


def _roll_back(host: Host, run: Run, done: StoreRun, holding: Holding) -> Outcome:
    """How it ended for that set."""
    located = done.located
    if begin_store(run.journal, located.id, located, store_data(holding.report)) is not None:
        return "unchanged"
    rollback: Rollback[Any] = Rollback(
        holding.subject,
        done.backup_path,
        host.platform,
        run,
        lambda: record_of(host, located),
        holding.ready,
    )
    return waited(rollback.run()).outcome


def _preview(run: PastRun, now: tuple[tuple[StoreRun, Holding], ...]) -> Report:
    steps = tuple(
        StepReport(holding.report.id, step_name(step), step_text(step), "planned")
        for done, holding in now
        for step in rollback_steps(done.backup_path)
    )
    stores = tuple(holding.report for _, holding in now)
    return Report("rollback", host_name(), stores=stores, steps=steps, comment=f"would undo run {run.id}")


def _backup_report(run: PastRun, store: StoreRun, found: Backup[Any] | Any) -> BackupReport:
    directory = str(store.located.directory)
    if not isinstance(found, Backup):
        return BackupReport(run.id, store.id, directory, str(store.backup_path), "", 0, False, found)
    size = sum(item.fact.size for item in found.files)
    return BackupReport(
        run.id,
        store.id,
        directory,
        str(found.path),
        found.made_at.isoformat().replace("+00:00", "Z"),
        size,
        True,
    )
