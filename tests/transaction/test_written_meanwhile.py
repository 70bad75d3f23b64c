"""Somebody writes between a run's last look at a store and its swap: it is back, or kept, never lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.transaction.kit import (
    NEW,
    STANZA,
    UNIX,
    Machine,
    database,
    fetching,
    held,
    kinds,
    labels,
    machine,
    plan_for,
    seen,
)

from dsmcertfix.errors import exit_code
from dsmcertfix.planning.steps import MoveOut, Swap
from dsmcertfix.system.unix.directory import UnixDirectory
from dsmcertfix.transaction.executor import Ended
from dsmcertfix.transaction.goal import Goal
from dsmcertfix.transaction.journal import Event, read_journal
from dsmcertfix.transaction.recovery import recover_run
from dsmcertfix.transaction.runs import PastRun, cut_off, past_runs

THEIRS = database(("A", NEW))
Writes = Callable[[Path], None]


def in_place(directory: Path) -> None:
    (directory / "dsmcert.kdb").write_bytes(THEIRS)


def by_another_file(directory: Path) -> None:
    (directory / "theirs").write_bytes(THEIRS)
    (directory / "theirs").replace(directory / "dsmcert.kdb")


def only_the_index(directory: Path) -> None:
    (directory / "dsmcert.idx").write_bytes(b"an index of theirs")


def a_link(directory: Path) -> None:
    (directory / "dsmcert.kdb").unlink()
    (directory / "dsmcert.kdb").symlink_to("elsewhere")


def at(step: str, act: Callable[[], None]) -> Callable[[Event], None]:
    """Acts once the journal says that the step begins: after the last look, before the swap."""

    def observe(event: Event) -> None:
        if (event.kind, event.data.get("step")) == ("step-started", step):
            act()

    return observe


def code(ended: Ended) -> str:
    return ended.problem.code if ended.problem else ""


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("writes", [in_place, by_another_file, only_the_index, a_link])
@pytest.mark.parametrize("step", ["swap", "move-out"])
def test_what_somebody_writes_right_before_the_swap_stays(mine: Machine, writes: Writes, step: str) -> None:
    plan = plan_for(mine.read())
    if step == "move-out":
        plan = replace(plan, steps=tuple(MoveOut() if isinstance(one, Swap) else one for one in plan.steps))
    left: list[dict[str, tuple[object, ...]]] = []

    def meanwhile() -> None:
        writes(mine.directory)
        left.append(seen(mine.directory))

    ended, journal = mine.carry_out(plan, fetching(mine.directory), observe=at(step, meanwhile))
    assert (ended.outcome, code(ended)) == ("unchanged", "store-changed")
    assert ended.problem is not None and exit_code(ended.problem, ended.outcome) == 13
    assert [seen(mine.directory)] == left
    assert "dsmcert" in ended.problem.context[0]
    assert "undo-started" not in kinds(journal)
    (run,) = past_runs(mine.state)
    assert run.finished and run.stores[0].outcome == "unchanged" and run.stores[0].failed


def test_an_index_that_somebody_makes_right_before_the_swap_stays(tmp_path: Path) -> None:
    mine = machine(tmp_path)
    (mine.directory / "dsmcert.idx").unlink()
    ended, _ = mine.fix(observe=at("swap", lambda: only_the_index(mine.directory)))
    assert (ended.outcome, code(ended)) == ("unchanged", "store-changed")
    assert (mine.directory / "dsmcert.idx").read_bytes() == b"an index of theirs"
    assert labels(mine.directory) == ["A", "B", "C"]


@pytest.mark.parametrize("writes", [in_place, by_another_file])
def test_what_somebody_writes_right_before_a_rollback_stays(mine: Machine, writes: Writes) -> None:
    _, journal = mine.fix()
    (backup,) = journal.path.parent.glob("stores/*/backup")
    before = names(mine.directory)
    ended, _ = mine.roll_back(backup, observe=at("restore", lambda: writes(mine.directory)))
    assert (ended.outcome, code(ended)) == ("unchanged", "store-changed")
    assert (mine.directory / "dsmcert.kdb").read_bytes() == THEIRS and names(mine.directory) == before


def test_what_cannot_be_put_back_stays_aside_until_recover_keeps_a_copy(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, moves = seen(mine.directory), UnixDirectory.move

    def moved(self: UnixDirectory[Any], file: Any, source: Any, target: Any) -> None:
        if (source, target) == ("aside", "live"):
            raise OSError(5, "Input/output error")
        moves(self, file, source, target)

    with monkeypatch.context() as patched:
        patched.setattr(UnixDirectory, "move", moved)
        ended, _ = mine.fix(observe=at("swap", lambda: in_place(mine.directory)))
    assert (ended.outcome, code(ended)) == ("broken", "not-restored")
    (aside,) = mine.directory.glob("*-aside")
    assert aside.read_bytes() == THEIRS
    (run,) = cut_off(mine.state)
    assert recover_run(UNIX, run, lambda event: None) == ()
    assert seen(mine.directory) == before
    assert is_kept_and_told(run)


def is_kept_and_told(run: PastRun) -> bool:
    kept = next(
        path
        for path in run.directory.glob("stores/*/found-*")
        if (path / "dsmcert.kdb").read_bytes() == THEIRS
    )
    last = [event.data for event in read_journal(run.journal_path) if event.kind == "store-finished"][-1]
    told = [*(last["problem"]["context"] if last.get("problem") else last["report"]["notes"])]
    return f"what was there is kept in {kept}" in told


class Killed(BaseException):
    """As if the power had gone: nothing tidies."""


@pytest.mark.parametrize("fetched", [False, True])
def test_a_run_that_is_killed_before_it_compares_has_a_copy_kept(
    mine: Machine, monkeypatch: pytest.MonkeyPatch, *, fetched: bool
) -> None:
    before, exchange = seen(mine.directory), UnixDirectory.exchange
    kept = frozenset((item.label, item.sha256) for item in mine.read().certificates if item.label != "B")

    def killed(self: UnixDirectory[Any], file: Any) -> None:
        exchange(self, file)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(UnixDirectory, "exchange", killed)
        mine.fix(observe=at("swap", lambda: in_place(mine.directory)))
    (run,) = cut_off(mine.state)
    if fetched:
        # Another session of the client; the goal is one that this store meets.
        fetching(mine.directory)(STANZA, mine.store.owner)
        goal = Goal(frozenset(), kept, (frozenset((held(NEW, "").sha256,)),))
        run = replace(run, stores=tuple(replace(one, goal=goal) for one in run.stores))
    assert recover_run(UNIX, run, lambda event: None) == ()
    assert is_kept_and_told(run)
    assert (seen(mine.directory) == before) is not fetched
    assert not list(mine.directory.glob("*-aside"))
