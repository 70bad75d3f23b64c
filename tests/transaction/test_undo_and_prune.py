"""Which run a rollback undoes, which backup sets are listed, and which may go."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.transaction.kit import UNIX, Machine, machine, make_store, plan_for

from dsmcertfix.errors import CannotReconnect, DsmcertfixError, NotFound, ReconnectFailed, Unrecovered
from dsmcertfix.model import Owner, Stanza
from dsmcertfix.plan import Preflight
from dsmcertfix.transaction.backup import Backup
from dsmcertfix.transaction.recovery import recover_run
from dsmcertfix.transaction.runs import (
    PastRun,
    backup_sets,
    cut_off,
    past_runs,
    prunable,
    remove_run,
    run_to_undo,
)


@pytest.fixture
def mine(tmp_path: Path) -> Machine:
    return machine(tmp_path)


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


def test_a_run_that_made_no_backup_may_go(mine: Machine) -> None:
    fix(mine)
    problem = CannotReconnect("server-not-reachable", "nobody answers").problem()
    mine.carry_out(replace(plan_for(mine.read()), steps=(Preflight(None, problem),)), nothing)
    assert len(prunable(mine.state, 2)) == 1
