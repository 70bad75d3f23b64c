"""The command `history`: what runs there were, what each changed, and which can be undone."""

from __future__ import annotations

from dsmcertfix.commands.cut_off import cut_off_runs
from dsmcertfix.commands.verify import before_and_after, caller, iso
from dsmcertfix.report.details import RunReport
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import Host, host_name
from dsmcertfix.transaction.backup import MANIFEST
from dsmcertfix.transaction.journal import read_journal
from dsmcertfix.transaction.runs import PastRun, StoreRun, left_to_undo, no_such_run, past_runs
from dsmcertfix.wording import counted


def history(host: Host, wanted: str | None) -> Report:
    """Every run that left a journal, the newest first; with `wanted` that one alone.

    Raises NotPermitted when the state may not be ours, NotFound when there is no such run, Unrecovered for a
    journal that cannot be read.
    """
    host.require_state()
    runs = past_runs(host.state) if host.has_state() else ()
    left = left_to_undo(runs)
    put_back = {run.undoes: run.id for run in runs if run.undoes and left[run.id]}
    told = tuple(_told(run, left[run.id], put_back.get(run.id)) for run in reversed(runs))
    if wanted is not None:
        told = tuple(run for run in told if run.run == wanted)
        if not told:
            raise no_such_run(wanted)
    undo = sum(run.undo for run in told)
    nothing = "nothing was run here"
    if not host.platform.may_act_for_others():
        nothing = "you ran nothing here; what the administrator ran is told to the administrator only"
    comment = f"{counted(len(told), 'run')}; {undo or 'none'} can be undone" if told else nothing
    return cut_off_runs(host).told(Report("history", host_name(), runs=told, comment=comment))


def _told(run: PastRun, left: tuple[StoreRun, ...], undone_by: str | None) -> RunReport:
    events = read_journal(run.journal_path)
    return RunReport(
        run.id,
        run.command,
        iso(events[0]),
        iso(events[-1]),
        run.finished,
        caller(events[0].data),
        run.undoes,
        undone_by,
        # A set without its manifest is being removed.
        run.finished and any((store.backup_path / MANIFEST).exists() for store in left),
        before_and_after(run, events),
    )
