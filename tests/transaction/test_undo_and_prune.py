"""Which run a rollback undoes, which backup sets are listed, and which may go."""

from __future__ import annotations

import errno
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.transaction.kit import UNIX, Machine, make_store, plan_for

from dsmcertfix.commands.backups import prune
from dsmcertfix.commands.contract import reported
from dsmcertfix.errors import (
    Busy,
    CannotReconnect,
    DsmcertfixError,
    NotFound,
    ReconnectFailed,
    Unrecovered,
    exit_code,
)
from dsmcertfix.model import Owner, Stanza
from dsmcertfix.planning.steps import Preflight
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import Host, Limits
from dsmcertfix.system.removing import removing
from dsmcertfix.transaction import ending
from dsmcertfix.transaction.backup import Backup
from dsmcertfix.transaction.ending import prunable, remove_run
from dsmcertfix.transaction.recovery import recover_run
from dsmcertfix.transaction.runs import PastRun, backup_sets, cut_off, past_runs, run_to_undo


def refused(stanza: Stanza, owner: Owner) -> DsmcertfixError | None:
    return ReconnectFailed("client-refused", "refused")


def nothing(stanza: Stanza, owner: Owner) -> DsmcertfixError | None:
    return None


def fix(mine: Machine) -> PastRun:
    """A run that changes the store, and the store as it was again, for the next one."""
    before = {path: path.read_bytes() for path in mine.directory.iterdir()}
    _, journal = mine.fix()
    for path, content in before.items():
        path.write_bytes(content)
    return next(run for run in past_runs(mine.state) if run.journal_path == journal.path)


def rolled_back(mine: Machine, run: PastRun, *, damage: bool = False) -> PastRun:
    (store,) = run.stores
    rolling = replace(mine, command="rollback", undoes=run.id)
    _, journal = rolling.roll_back(store.backup_path / "missing" if damage else store.backup_path)
    return next(item for item in past_runs(mine.state) if item.journal_path == journal.path)


def wanted(mine: Machine, run: str | None = None) -> str:
    return run_to_undo(mine.state, run)[0].id


def ids(runs: tuple[PastRun, ...]) -> list[str]:
    return [run.id for run in runs]


def test_the_newest_run_that_changed_something_is_the_one_to_undo(mine: Machine) -> None:
    fix(mine)
    second = fix(mine)
    mine.fix(refused)
    assert wanted(mine) == second.id


def test_a_run_that_was_rolled_back_is_not_undone_again_but_the_one_before_it(mine: Machine) -> None:
    first, second = fix(mine), fix(mine)
    rolled_back(mine, second)
    assert wanted(mine) == first.id
    rolled_back(mine, first)
    with pytest.raises(NotFound) as raised:
        wanted(mine)
    assert raised.value.code == "nothing-to-roll-back"


def test_a_rollback_that_failed_has_undone_nothing(mine: Machine) -> None:
    run = fix(mine)
    rolled_back(mine, run, damage=True)
    assert wanted(mine) == run.id


@pytest.mark.parametrize("number", range(2, 7))
def test_a_rollback_that_was_cut_off_and_recovered_has_undone_nothing(mine: Machine, number: int) -> None:
    run = fix(mine)
    rolling = replace(mine, command="rollback", undoes=run.id)
    child = os.fork()
    if child == 0:
        rolling.roll_back(
            run.stores[0].backup_path, lambda event: os._exit(9) if event.number == number else None
        )
        os._exit(0)
    os.waitpid(child, 0)
    (cut,) = cut_off(mine.state)
    finished = cut.stores[0].outcome is not None
    assert recover_run(UNIX, cut, lambda event: None) == ()
    if finished:
        with pytest.raises(NotFound):
            wanted(mine)
    else:
        assert wanted(mine) == run.id


def test_a_rollback_that_was_rolled_back_itself_has_undone_nothing(mine: Machine) -> None:
    run = fix(mine)
    rollback = rolled_back(mine, run)
    rolled_back(mine, rollback)
    assert wanted(mine) == run.id


def test_any_run_can_be_undone_by_its_id(mine: Machine) -> None:
    first = fix(mine)
    fix(mine)
    run, stores = run_to_undo(mine.state, first.id)
    assert (run.id, [store.id for store in stores]) == (first.id, [store.id for store in first.stores])


def test_what_trust_put_in_can_be_undone_like_a_fix(mine: Machine) -> None:
    run = fix(replace(mine, command="trust"))
    assert wanted(mine) == run.id


@pytest.mark.parametrize("name", ["nonsense", "", "../.."])
def test_an_id_that_is_none_is_not_found(mine: Machine, name: str) -> None:
    fix(mine)
    with pytest.raises(NotFound) as raised:
        wanted(mine, name)
    assert raised.value.code == "run-not-found"


def test_without_any_run_there_is_nothing_to_undo(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        run_to_undo(tmp_path / "state", None)


def test_runs_of_the_same_second_are_in_the_order_in_which_they_began(mine: Machine) -> None:
    begun = []
    for _ in range(6):
        journal = mine.begin()
        journal.close()
        begun.append(journal.path.parent.name)
    assert ids(past_runs(mine.state)) == begun


def test_every_backup_set_is_listed_and_a_damaged_one_is_told(mine: Machine) -> None:
    fix(mine)
    second = fix(mine)
    (second.stores[0].backup_path / "dsmcert.kdb").write_bytes(b"damaged")
    good, bad = (found for _, _, found in backup_sets(mine.state))
    assert isinstance(good, Backup)
    assert not isinstance(bad, Backup) and bad.code == "backup-damaged"


@pytest.mark.parametrize(("keep", "left"), [(1, 1), (2, 2), (3, 3), (9, 3), (0, 1), (-5, 1)])
def test_of_each_store_the_newest_sets_stay_at_least_one(mine: Machine, keep: int, left: int) -> None:
    runs = [fix(mine) for _ in range(3)]
    assert ids(prunable(mine.state, keep)) == [run.id for run in runs[: 3 - left]]


def test_the_newest_set_of_another_store_stays_too(mine: Machine, tmp_path: Path) -> None:
    only = fix(replace(mine, store=make_store(tmp_path / "other")))
    runs = [fix(mine) for _ in range(3)]
    assert only.id not in ids(prunable(mine.state, 1))
    assert ids(prunable(mine.state, 1)) == [run.id for run in runs[:2]]


def test_an_open_journal_keeps_its_set(mine: Machine) -> None:
    mine.fix(refused, finish=False)
    for _ in range(2):
        fix(mine)
    (run,) = cut_off(mine.state)
    assert run.id not in ids(prunable(mine.state, 1))
    with pytest.raises(Unrecovered):
        remove_run(run)
    assert run.stores[0].backup_path.exists()


def test_the_set_that_a_rollback_would_need_stays_behind_newer_ones_that_changed_nothing(
    mine: Machine,
) -> None:
    run = fix(mine)
    for _ in range(2):
        mine.fix(refused)
    assert run.id not in ids(prunable(mine.state, 1))
    assert wanted(mine) == run.id


def test_a_removed_run_is_gone(mine: Machine) -> None:
    first, second = fix(mine), fix(mine)
    remove_run(first)
    assert not first.directory.exists()
    assert ids(past_runs(mine.state)) == [second.id]


def test_a_removal_that_was_cut_off_is_seen_and_repeated_and_no_set_looks_damaged(mine: Machine) -> None:
    first, _ = fix(mine), fix(mine)
    (first.stores[0].backup_path / "manifest.json").unlink()
    (first.stores[0].backup_path / "dsmcert.kdb").unlink()
    assert [found for _, _, found in backup_sets(mine.state) if not isinstance(found, Backup)] == []
    (again,) = prunable(mine.state, 1)
    remove_run(again)
    assert not first.directory.exists()


# --- what cannot be removed


@pytest.fixture
def stuck() -> Iterator[Callable[[Path], None]]:
    """Makes a file one that not even root can remove, until the test is over or `chattr -i` frees it."""
    held: list[Path] = []

    def hold(path: Path) -> None:
        if subprocess.run(["chattr", "+i", path], capture_output=True, check=False).returncode:
            not_shown("files that cannot be removed: chattr +i does not work here")
        held.append(path)

    yield hold
    for path in held:
        subprocess.run(["chattr", "-i", path], capture_output=True, check=False)


def pruned(mine: Machine, keep: int = 1) -> Report:
    """`prune` as the command line has it; whatever it ends in, its exit code is that of its problem."""
    report = reported(
        "prune", lambda: prune(Host(UNIX, mine.state), None, keep, Limits(), lambda event: None, None)
    )
    assert report.exit_code == exit_code(report.problem, report.outcome)
    assert report.changed == (report.outcome == "changed")
    return report


def free(path: Path) -> None:
    subprocess.run(["chattr", "-i", path], check=True)


def in_set(run: PastRun, name: str) -> Path:
    return run.stores[0].backup_path / name


@pytest.mark.parametrize("name", ["dsmcert.kdb", "manifest.json"])
def test_a_run_that_cannot_be_removed_whole_keeps_no_other_and_goes_with_the_next_prune(
    mine: Machine, stuck: Callable[[Path], None], name: str
) -> None:
    first, second, third = fix(mine), fix(mine), fix(mine)
    stuck(in_set(first, name))
    report = pruned(mine)
    assert (report.exit_code, report.outcome) == (12, "changed")
    assert report.problem is not None and report.problem.code == "run-not-removed"
    assert str(first.directory) in report.problem.message
    assert report.problem.context == (f"kept: {in_set(first, name)}",)
    assert [item.run for item in report.backups] == [first.id, second.id]
    assert not second.directory.exists() and os.listdir(in_set(first, ".")) == [name]
    # What is left of it is no run, no set, and nothing that a rollback would want.
    assert ids(past_runs(mine.state)) == [third.id] and cut_off(mine.state) == ()
    assert [run.id for run, _, found in backup_sets(mine.state) if isinstance(found, Backup)] == [third.id]
    Host(UNIX, mine.state).require_state()
    again = pruned(mine)
    assert (again.exit_code, again.outcome, again.backups) == (12, "unchanged", ())
    free(in_set(first, name))
    last = pruned(mine)
    assert (last.exit_code, last.outcome) == (0, "changed")
    assert os.listdir(mine.state / "runs") == [third.id]
    assert pruned(mine).comment == "nothing to prune"


def test_what_is_left_of_a_run_stays_removable_when_all_later_ones_are_rolled_back(
    mine: Machine, stuck: Callable[[Path], None]
) -> None:
    first, second = fix(mine), fix(mine)
    stuck(in_set(first, "dsmcert.kdb"))
    assert pruned(mine).exit_code == 12
    rolled_back(mine, second)
    with pytest.raises(NotFound):
        wanted(mine)
    free(in_set(first, "dsmcert.kdb"))
    assert pruned(mine, keep=9).outcome == "changed"
    assert not first.directory.exists()


def test_a_run_whose_removal_cannot_begin_is_there_as_it_was(
    mine: Machine, stuck: Callable[[Path], None]
) -> None:
    first, second, third = fix(mine), fix(mine), fix(mine)
    stuck(first.journal_path)
    report = pruned(mine)
    assert (report.exit_code, report.outcome, [item.run for item in report.backups]) == (
        12,
        "changed",
        [second.id],
    )
    assert [run.id for run, _, found in backup_sets(mine.state) if isinstance(found, Backup)] == [
        first.id,
        third.id,
    ]
    free(first.journal_path)
    assert pruned(mine).exit_code == 0
    assert ids(past_runs(mine.state)) == [third.id]


def test_nothing_removed_is_nothing_changed(mine: Machine, stuck: Callable[[Path], None]) -> None:
    first, second = fix(mine), fix(mine)
    stuck(first.journal_path)
    report = pruned(mine)
    assert (report.exit_code, report.outcome, report.backups) == (12, "unchanged", ())
    assert ids(past_runs(mine.state)) == [first.id, second.id]


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EBUSY, 11), (errno.EPERM, 12), (errno.EROFS, 12), (errno.EIO, 12)]
)
def test_why_a_run_cannot_be_removed_decides_the_exit_code(
    mine: Machine, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    first, _ = fix(mine), fix(mine)

    def refuse(directory: Path, last: str) -> None:
        raise OSError(number, os.strerror(number), str(directory))

    with monkeypatch.context() as patched:
        patched.setattr(ending, "remove", refuse)
        report = pruned(mine)
    assert report.problem is not None
    assert (report.exit_code, report.problem.code) == (code, "run-not-removed")
    assert os.strerror(number) in report.problem.message
    assert pruned(mine).exit_code == 0 and not first.directory.exists()


def test_a_file_that_another_program_has_open_on_windows_is_in_use() -> None:
    error = OSError(errno.EACCES, "in use")
    error.winerror = 32  # type: ignore[attr-defined, unused-ignore]
    with pytest.raises(Busy), removing(Path("x")):
        raise error


def removal_cut_off(run: PastRun, number: int) -> bool:
    """The removal really dies before its change of that number; False when it comes to its end before."""
    child = os.fork()
    if child == 0:
        changes = itertools.count()

        def before(event: str, arguments: tuple[object, ...]) -> None:
            if event in ("os.rename", "os.remove", "os.rmdir") and next(changes) == number:
                os._exit(9)

        sys.addaudithook(before)
        remove_run(run)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_removal_that_is_cut_off_anywhere_leaves_a_whole_run_or_none(mine: Machine) -> None:
    last = fix(mine)
    for number in itertools.count():
        first, last = last, fix(mine)
        cut = removal_cut_off(first, number)
        sets = [(run.id, isinstance(found, Backup)) for run, _, found in backup_sets(mine.state)]
        assert sets == [(run.id, True) for run in ((first, last) if number == 0 else (last,))]
        assert ids(past_runs(mine.state)) == [run for run, _ in sets]
        report = pruned(mine)
        assert (report.exit_code, report.changed) == (0, cut)
        assert os.listdir(mine.state / "runs") == [last.id]
        if not cut:
            break
    # A rename, four files and three directories of the set, the mark, and the run's own directory.
    assert number >= 10


def test_a_run_that_made_no_backup_may_go(mine: Machine) -> None:
    fix(mine)
    problem = CannotReconnect("server-not-reachable", "nobody answers").problem()
    mine.carry_out(replace(plan_for(mine.read()), steps=(Preflight(None, problem),)), nothing)
    assert len(prunable(mine.state, 2)) == 1
