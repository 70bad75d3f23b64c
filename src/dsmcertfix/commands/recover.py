"""The command `recover`: runs that were cut off are finished or undone, of clients' stores and of servers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from dsmcertfix.commands.contract import Observe
from dsmcertfix.errors import Outcome, Problem, Unrecovered, exit_code
from dsmcertfix.ibm.server.instance import LocatedInstance
from dsmcertfix.ibm.server.reading import is_running
from dsmcertfix.model import Left, Unfinished
from dsmcertfix.report.result import Report, StoreReport
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.transaction.ending import give_up as end_run
from dsmcertfix.transaction.ending import put_away_unreadable
from dsmcertfix.transaction.interrupts import watching
from dsmcertfix.transaction.journal import Event
from dsmcertfix.transaction.recovery import recover_run, tidy_runs
from dsmcertfix.transaction.runs import PastRun, StoreRun, cut_off, half_way, past_runs


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of the runs that were cut off: `runs`, as they were before.

    `left` are the sets that could not be put back, `problem` is what was in the way of the first run that did
    not come to its end.
    """

    runs: tuple[PastRun, ...]
    left: Left
    problem: Problem | None


def recover_cut_off(host: Host, observe: Observe, *, last: bool = False) -> Recovery:
    """Every run that was cut off is finished or undone, as far as that can be; all were tried.

    Raises Interrupted or Terminated when a signal came meanwhile and this is not the `last` thing to do. Call
    it only while no other run can be at work.
    """
    with watching(last=last) as interrupts:
        try:
            return _recover_all(host, observe)
        finally:
            if not last:
                interrupts.checkpoint()


def _recover_all(host: Host, observe: Observe) -> Recovery:
    runs = cut_off(host.state)
    failures: dict[str, tuple[Unfinished, ...]] = {}
    for run in runs:
        with contextlib.suppress(Exception):
            # Its journal's events do not say whose they are.
            observe(Event(0, datetime.now(timezone.utc), "recovery-started", None, {"run": run.id}))
        unfinished = recover_run(host.platform, run, observe)
        if unfinished:
            failures[run.id] = unfinished
    tidy_runs(host.platform, host.state, observe)
    if not failures:
        return Recovery(runs, {}, None)
    left = {
        store.located.directory: Unfinished(_why(run, store, failures[run.id]), store.located)
        for run in cut_off(host.state)
        for store in half_way(run)
        if run.id in failures
    }
    first = next(iter(failures))
    return Recovery(runs, left, _not_recovered(first, failures[first][0].problem))


def _why(run: PastRun, store: StoreRun, unfinished: tuple[Unfinished, ...]) -> Problem:
    """Why that set could not be put back: its own reason, or the run's."""
    own = (item.problem for item in unfinished if item.located == store.located)
    return _not_recovered(run.id, next(own, unfinished[0].problem))


def _not_recovered(run: str, problem: Problem) -> Problem:
    from dsmcertfix.report.catalogue import next_step

    return Unrecovered(
        "not-recovered",
        f"run {run} was cut off and could not be undone: {problem.message}",
        context=problem.context,
        hint=problem.hint or next_step(problem.code),
    ).problem()


def recover_stores(host: Host, observe: Observe) -> Left:
    """Every run that was cut off is finished or undone, but for the sets returned, each with the reason.

    The others need not wait for them: a user who keeps us from putting theirs back must not stop all later
    runs. Raises Unrecovered when it is not known which sets are left.
    """
    recovery = recover_cut_off(host, observe)
    if recovery.problem is not None and not recovery.left:
        raise recovery.problem.error()
    return recovery.left


def recover(host: Host, limits: Limits, observe: Observe, give_up: str | None = None) -> Report:
    """No run is cut off any more: each was finished or undone; or the report tells which sets were not.

    The run to `give_up` is at its end in any case, with its sets as they are where they could not be put
    back. Raises NotFound when there is no such run, NotPermitted when the state is not this user's.
    """
    if give_up is None and not host.has_state():
        return Report("recover", host_name(), comment="nothing to recover")
    with host.alone(limits):
        put_away = give_up is not None and put_away_unreadable(host.state, give_up)
        recovery = recover_cut_off(host, observe, last=True)
        now = {run.id: run for run in past_runs(host.state)}
        given_up = put_away
        if give_up is not None and not put_away and not now[give_up].finished:
            end_run(now[give_up], observe)
            given_up = True
    if not recovery.runs and not given_up:
        return Report("recover", host_name(), comment="nothing to recover")
    return _recovered(host, recovery, now, give_up if given_up else None)


def _recovered(host: Host, recovery: Recovery, now: Mapping[str, PastRun], given_up: str | None) -> Report:
    """What became of each set of the runs that were cut off; `now` is how these runs are by now."""
    runs = tuple(now[run.id] for run in recovery.runs)
    touched = tuple((run, store) for run in runs for store in run.stores if store.live)
    open_runs = {run.id for run in runs if not run.finished} - {given_up}
    problem = recovery.problem if open_runs else None
    stores = tuple(
        store_told(store, store.outcome or "broken", _unfinished(store, recovery.left, run.id in open_runs))
        for run, store in touched
    )
    outcomes = {store.outcome for store in stores}
    ended = tuple(run.id for run in runs if run.finished and run.id != given_up)
    said = (f"recovered: {', '.join(ended)}" if ended else "", f"given up: {given_up}" if given_up else "")
    told = "; ".join((*filter(None, said), *((problem.message,) if problem else ())))
    outcome: Outcome = "changed" if outcomes == {"changed"} else "rolled-back"
    if "broken" in outcomes or problem is not None:
        outcome = "broken"
    return Report(
        "recover",
        host_name(),
        outcome=outcome,
        changed=bool(ended) or bool(outcomes & {"changed", "rolled-back"}),
        stores=stores,
        comment=told,
        problem=problem,
        # Not 30: that run is told in the same way, and tried again, by whatever command comes next.
        exit_code=exit_code(problem, "unchanged"),
        warnings=tuple(line for run in recovery.runs for line in _servers_down(host, run)),
    )


def first_left(left: Left) -> Problem | None:
    """What is to be told of the sets that are left half way; None where there are none."""
    return next((item.problem for item in left.values()), None)


def _unfinished(store: StoreRun, left: Left, is_open: bool) -> Problem | None:
    item = left.get(store.located.directory)
    return item.problem if item is not None and is_open and store.outcome in (None, "broken") else None


def store_told(store: StoreRun, outcome: Outcome, problem: Problem | None) -> StoreReport:
    """The row of a set that a run may have left half way."""
    located = store.located
    return StoreReport(
        store.id,
        str(located.directory),
        owner=located.owner.name,
        outcome=outcome,
        backup=str(store.backup_path),
        problem=problem,
        kind="server" if isinstance(located, LocatedInstance) else "client",
    )


def _servers_down(host: Host, run: PastRun) -> Iterator[str]:
    """What to say of the servers that the run stopped, and that do not run."""
    for store in run.stores:
        located = store.located
        if isinstance(located, LocatedInstance) and not is_running(host.platform.servers(), located):
            yield f"the server of {located.directory} does not run: start it, as {located.owner.name}"
