"""The runs that were cut off, as every command tells of them: one store left half way is one store."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from dsmcertfix import NamedTuple
from dsmcertfix.errors import ACTION_NEEDED, DsmcertfixError, Problem, Unrecovered, exit_code, worst
from dsmcertfix.model import Inventory, Left, LocatedStore, Store, StoreFile, Unfinished
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import Host


class CutOff(NamedTuple):
    """The runs that were cut off and that nobody sees to: the first one's problem, the sets left by all."""

    problem: Problem | None = None
    left: Left = MappingProxyType({})

    def told(self, report: Report) -> Report:
        """The report that tells of them, too, and ends in 31 or worse."""
        if self.problem is None:
            return report
        problem = report.problem or self.problem
        code = worst((report.exit_code, exit_code(self.problem, "unchanged")))
        comment = report.comment if report.exit_code == ACTION_NEEDED else self.problem.message
        return report._replace(problem=problem, exit_code=code, comment=comment)


def cut_off_runs(host: Host) -> CutOff:
    """The runs that were cut off, unless a run is at work that will see to them.

    Runs that this user may not see are not its own to recover.
    """
    if not host.has_runs():
        return CutOff()
    from dsmcertfix.transaction.runs import cut_off, half_way

    host.require_state()
    runs = cut_off(host.state)
    if not runs or host.busy():
        return CutOff()
    # The run that was at work may have come to its end since; one that began since is no matter of ours.
    still = {run.id for run in cut_off(host.state)}
    runs = tuple(run for run in runs if run.id in still)
    problems = {
        run.id: Unrecovered(
            "run-cut-off",
            f"run {run.id} was cut off and is not recovered",
            context=(f"journal: {run.journal_path}",),
            hint="Run `dsmcertfix recover`; the next `fix` or `server renew` does it by itself, too.",
        ).problem()
        for run in runs
    }
    left = {
        store.located.directory: Unfinished(problems[run.id], store.located)
        for run in runs
        for store in half_way(run)
    }
    return CutOff(next(iter(problems.values()), None), left)


def known_cut_off(host: Host) -> CutOff:
    """The same, for what can be shown whatever journals say; why they cannot be read is the problem."""
    try:
        return cut_off_runs(host)
    except DsmcertfixError as error:
        return CutOff(error.problem())


def require_recovered(host: Host) -> None:
    """Raises Unrecovered when an earlier run was cut off, and no run is at work that will see to it."""
    problem = cut_off_runs(host).problem
    if problem is not None:
        raise problem.error()


def leaving(inventory: Inventory, left: Left, named: tuple[Path, ...] = ()) -> Inventory:
    """The inventory in which the stores that earlier runs left half way have these problems.

    One that is not where it was is told of as it was known; or in a warning, where others were `named`.
    Raises Unrecovered where there is no other store.
    """
    mine = {
        path: item for path, item in left.items() if item.located is None or item.located.kind is StoreFile
    }
    stores = tuple(
        store._replace(located=store.located._replace(problem=mine[store.directory].problem))
        if store.directory in mine
        else store
        for store in inventory.stores
    )
    gone = sorted(mine.keys() - {store.directory for store in stores})
    if gone and not stores and (not named or set(gone) & set(named)):
        raise mine[gone[0]].problem.error()
    told = tuple(f"{path}: {mine[path].problem.message}" for path in gone if named)
    missing = () if named else tuple(_missing(mine[path]) for path in gone)
    located = inventory.located._replace(warnings=inventory.located.warnings + told)
    return inventory._replace(located=located, stores=stores + tuple(filter(None, missing)))


def _missing(item: Unfinished) -> Store | None:
    """The store as an earlier run knew it."""
    if not isinstance(item.located, LocatedStore):
        return None
    located = item.located._replace(problem=item.problem)
    return Store(located, problem=item.problem, writable=False)
