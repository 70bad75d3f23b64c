"""The command `rollback`: a run that was committed is undone, from its backup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dsmcertfix.commands.contract import Confirm, Declined, Observe
from dsmcertfix.commands.proof import prove_located
from dsmcertfix.commands.recover import first_left, recover_stores, store_told
from dsmcertfix.errors import NotFound, Outcome, exit_code, worst
from dsmcertfix.ibm.client.reading import read_store
from dsmcertfix.ibm.server.control import require_stopped
from dsmcertfix.ibm.server.instance import LocatedInstance
from dsmcertfix.ibm.server.reading import read_instance
from dsmcertfix.model import FileSet, Left, LocatedStore
from dsmcertfix.planning.assess import AssessedStore
from dsmcertfix.planning.steps import step_name, step_text
from dsmcertfix.report.instance import key_database_report
from dsmcertfix.report.result import Report, StepReport, StoreReport, proof_report, store_report
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.system.process.run import waited
from dsmcertfix.transaction.executor import Run, Subject
from dsmcertfix.transaction.folding import Happened, fold, store_data
from dsmcertfix.transaction.rollback import Rollback, rollback_steps
from dsmcertfix.transaction.running import finish, running
from dsmcertfix.transaction.runs import PastRun, StoreRun, begin_store, run_to_undo, sets_made
from dsmcertfix.wording import counted


def rollback(
    host: Host, wanted: str | None, limits: Limits, observe: Observe, confirm: Confirm | None
) -> Report:
    """Every store that the run changed is as it was before that run.

    What is there now is backed up first, so that a rollback can be rolled back by its id. Raises NotFound
    when there is no such run.
    """
    with host.alone(limits):
        left = recover_stores(host, observe)
        run, changed, halfway = _to_undo(host, wanted, left)
        now = tuple((done, held(host, done.located)) for done in changed)
        if confirm is not None and not confirm(_preview(run, now)):
            raise Declined
        report = _put_back(host, run, now, limits, observe)
    problem = first_left(left)
    return report._replace(
        stores=(*report.stores, *halfway),
        problem=report.problem or problem,
        exit_code=worst((report.exit_code, exit_code(problem, "unchanged"))),
    )


def _put_back(
    host: Host, undone: PastRun, now: tuple[tuple[StoreRun, Holding], ...], limits: Limits, observe: Observe
) -> Report:
    """Each of the sets is as it was before that run, or the report tells why not."""
    with running(host, "rollback", observe, undoes=undone.id) as run:
        outcomes: list[Outcome] = []
        for item in now:
            # Begun all the same: its end says why it and the rest were not carried out.
            is_last = run.interrupts.came
            outcomes.append(_roll_back(host, run, *item))
            if is_last:
                break
        finish(host, run, outcomes)
        events = (Happened(e.kind, e.store, e.data) for e in run.journal.events)
        report = fold(Report("rollback", host_name()), events)
        report = _with_proofs(host, report, tuple(done for done, _ in now), limits)
    back = sum(store.outcome == "rolled-back" and store.problem is None for store in report.stores)
    return report._replace(
        changed=back > 0,
        comment=f"run {undone.id}: {back} of {counted(len(now), 'store')} as before it",
        journal=str(run.journal.path),
        backup=sets_made(run.journal),
        warnings=_what_it_means(undone),
    )


def _to_undo(
    host: Host, wanted: str | None, left: Left
) -> tuple[PastRun, tuple[StoreRun, ...], tuple[StoreReport, ...]]:
    """The run to undo, the sets to put back, and those that are left half way by another run.

    Raises as `run_to_undo` does, and Unrecovered when there are none but those.
    """
    try:
        run, changed = run_to_undo(host.state, wanted)
    except NotFound:
        if left:
            raise next(iter(left.values())).problem.error() from None
        raise
    possible = tuple(done for done in changed if done.located.directory not in left)
    if changed and not possible:
        raise left[changed[0].located.directory].problem.error()
    halfway = tuple(
        store_told(done, "unchanged", left[done.located.directory].problem)
        for done in changed
        if done not in possible
    )
    return run, possible, halfway


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


def _with_proofs(host: Host, report: Report, changed: tuple[StoreRun, ...], limits: Limits) -> Report:
    """The report with what IBM's TLS says of the stores that came back: it may well refuse the old ones."""
    back = {store.id for store in report.stores if store.outcome == "rolled-back" and store.problem is None}
    clients = (done.located for done in changed if isinstance(done.located, LocatedStore))
    directories = tuple(located.directory for located in clients if located.id in back)
    proofs = prove_located(host.platform, directories, limits.probe_s)
    stores = (
        store._replace(proofs=tuple(map(proof_report, proofs.get(store.id, ())))) for store in report.stores
    )
    return report._replace(stores=tuple(stores))


def _preview(run: PastRun, now: tuple[tuple[StoreRun, Holding], ...]) -> Report:
    steps = tuple(
        StepReport(holding.report.id, step_name(step), step_text(step), "planned")
        for done, holding in now
        for step in rollback_steps(done.backup_path)
    )
    return Report(
        "rollback",
        host_name(),
        stores=tuple(holding.report for _, holding in now),
        steps=steps,
        comment=f"would undo run {run.id}",
        warnings=_what_it_means(run),
    )


def _what_it_means(run: PastRun) -> tuple[str, ...]:
    """What comes with the old certificates, where that run put new ones in; known before the question."""
    if run.command not in ("fix", "trust"):
        return ()
    return (
        "the old certificates come back: where a server shows a new one, backups stop. A node that connected "
        "with the new one is STRICT by now: a later `fix` is refused until the administrator of the backup "
        "server runs UPDATE NODE <node name> SESSIONSECURITY=TRANSITIONAL; or use the server's cert256.arm: "
        "`dsmcertfix trust --server <stanza> --file cert256.arm`",
    )


@dataclass(frozen=True, slots=True)
class Holding:
    """A set as it was looked at, and as it is told. `ready` raises when it must not be exchanged now."""

    subject: Subject[Any]
    report: StoreReport
    ready: Callable[[], None]


def held(host: Host, located: FileSet[Any]) -> Holding:
    """The set as it is now."""
    match located:
        case LocatedStore():
            store = read_store(host.platform, located)
            told = store_report(AssessedStore(store, ()))
            return Holding(Subject(located, store.files), told, lambda: None)
        case LocatedInstance():
            servers = host.platform.servers()
            instance = read_instance(host.platform, servers, located)
            told = key_database_report(instance, ())
            subject = Subject(located, instance.files)
            return Holding(subject, told, lambda: require_stopped(servers, located))
    raise TypeError(f"not a set of files: {located!r}")


def record_of(host: Host, located: FileSet[Any]) -> Mapping[str, Any]:
    """The journal's record of the set as it is now."""
    return store_data(held(host, located).report)
