"""The use cases that need no client and no server: roll back, recover, list backup sets, prune them."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from dsmcertfix.commands.contract import Confirm, Declined, Observe
from dsmcertfix.commands.cut_off import cut_off_runs
from dsmcertfix.commands.recover import first_left, recover_stores
from dsmcertfix.errors import Busy, NotPermitted, Outcome, Problem, exit_code, worst
from dsmcertfix.report.result import BackupReport, Report, decided
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.transaction.backup import Backup
from dsmcertfix.transaction.ending import finished_run, prunable, remains, remove_remains, remove_run
from dsmcertfix.transaction.runs import PastRun, StoreRun, backup_sets
from dsmcertfix.wording import counted


def backups(host: Host) -> Report:
    """Every backup set, each verified by its hashes, and the first run that was cut off.

    Raises NotPermitted when they may not be ours.
    """
    host.require_state()
    sets = tuple(_backup_report(*item) for item in backup_sets(host.state)) if host.has_state() else ()
    damaged = [item for item in sets if item.problem is not None]
    comment = counted(len(sets), "backup set") + (f", {len(damaged)} damaged" if damaged else "")
    problem = damaged[0].problem if damaged else None
    report = Report("backups", host_name(), backups=sets, comment=comment, problem=problem)
    return cut_off_runs(host).told(decided(report))


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
        stuck = first_left(recover_stores(host, observe))
        runs = prunable(host.state, keep) if wanted is None else (finished_run(host.state, wanted),)
        left = remains(host.state)
        going = {run.id for run in runs}
        sets = tuple(_backup_report(*item) for item in backup_sets(host.state) if item[0].id in going)
        report = Report("prune", host_name(), backups=sets)
        if not runs and not left:
            return decided(report._replace(comment="nothing to prune", problem=stuck))
        would = f"would remove {counted(len(runs), 'run')}" + (f", the rest of {len(left)}" if left else "")
        if confirm is not None and not confirm(report._replace(comment=would)):
            raise Declined
        problem = _remove(runs, left)
    gone = {run.id for run in runs if not run.journal_path.exists()}
    sets = tuple(item for item in sets if item.run in gone)
    outcome: Outcome = "changed" if gone or not all(map(os.path.lexists, left)) else "unchanged"
    return report._replace(
        backups=sets,
        outcome=outcome,
        changed=outcome == "changed",
        comment=f"removed {counted(len(gone), 'run')}, {counted(len(sets), 'backup set')}",
        problem=problem or stuck,
        exit_code=worst((exit_code(problem, outcome), exit_code(stuck, "unchanged"))),
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
    return first._replace(context=(*first.context, *told))


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
