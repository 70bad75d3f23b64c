"""Commands that only look, while a run ends or is pruned: neither is a run that was cut off.

Each interleaving is forced: what the other one does happens right between two looks.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.transaction.kit import UNIX, Machine

from dsmcertfix.commands.cut_off import require_recovered
from dsmcertfix.errors import Problem, Unrecovered
from dsmcertfix.system import locks
from dsmcertfix.system.host import Host
from dsmcertfix.system.private import LOCK
from dsmcertfix.transaction import runs
from dsmcertfix.transaction.backup import Backup
from dsmcertfix.transaction.journal import Event, Journal, read_journal
from dsmcertfix.transaction.runs import StoreRun, backup_sets, cut_off, past_runs


class Meanwhile(Host):
    """A host on which something happens between the look at the journals and the look at the lock."""

    happens: Callable[[], None]

    def busy(self) -> bool:
        self.happens()
        return super().busy()


def meanwhile(state: Path, happens: Callable[[], None]) -> Host:
    """The host on which that happens."""
    host = Meanwhile(UNIX, state)
    host.happens = happens
    return host


def unfinished(mine: Machine) -> Path:
    """The journal of a run that has done all its work, and not yet said so."""
    _, journal = mine.fix(finish=False)
    return journal.path


def finish(path: Path) -> None:
    journal = Journal(path, lambda event: None, read_journal(path))
    journal.note("run-finished")
    journal.close()


def test_a_run_that_ends_while_it_is_looked_for_was_not_cut_off(mine: Machine) -> None:
    journal = unfinished(mine)
    require_recovered(meanwhile(mine.state, lambda: finish(journal)))
    assert cut_off(mine.state) == ()


def test_a_run_that_begins_after_another_ended_was_not_cut_off_either(mine: Machine) -> None:
    journal = unfinished(mine)

    def one_ends_and_the_next_begins() -> None:
        finish(journal)
        mine.begin().close()

    require_recovered(meanwhile(mine.state, one_ends_and_the_next_begins))
    assert len(cut_off(mine.state)) == 1


def test_a_run_that_was_cut_off_is_told_whatever_ends_meanwhile(mine: Machine) -> None:
    cut, ending = unfinished(mine).parent, mine.begin()
    ending.close()
    with pytest.raises(Unrecovered) as raised:
        require_recovered(meanwhile(mine.state, lambda: finish(ending.path)))
    assert (raised.value.code, raised.value.message.split()[1]) == ("run-cut-off", cut.name)


def test_while_a_run_is_at_work_its_open_journal_is_no_cut_off_run(mine: Machine) -> None:
    unfinished(mine)
    with locks.alone(mine.state / LOCK, 0):
        require_recovered(Host(UNIX, mine.state))


def test_a_run_that_is_pruned_while_the_journals_are_read_is_passed_over(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine.fix()
    journal = mine.begin()
    journal.note("run-finished")
    journal.close()
    pruned: list[Path] = []

    def read(path: Path) -> tuple[Event, ...]:
        if not pruned:
            pruned.append(path)
            shutil.rmtree(path.parent)
        return read_journal(path)

    monkeypatch.setattr(runs, "read_journal", read)
    (left,) = past_runs(mine.state)
    assert left.journal_path not in pruned
    require_recovered(Host(UNIX, mine.state))


def test_a_journal_that_is_there_and_cannot_be_read_is_not_passed_over(mine: Machine) -> None:
    path = unfinished(mine)
    path.unlink()
    path.mkdir()
    with pytest.raises(Unrecovered) as raised:
        past_runs(mine.state)
    assert raised.value.code == "journal-unreadable"


def test_a_set_that_is_pruned_while_it_is_verified_is_not_damaged(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine.fix()
    verified = runs._verified

    def read(store: StoreRun) -> Backup[Any] | Problem:
        shutil.rmtree(store.backup_path)
        return verified(store)

    monkeypatch.setattr(runs, "_verified", read)
    assert backup_sets(mine.state) == ()
