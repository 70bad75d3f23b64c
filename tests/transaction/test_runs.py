"""Runs that were cut off: from journals and backups that real runs, really killed, left."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.transaction.kit import UNIX, Machine, fetching, kinds, labels, machine, plan_for, seen

from dsmcertfix.errors import BackupFailed, NotFound, ReconnectFailed, Unrecovered
from dsmcertfix.model import Owner, Stanza
from dsmcertfix.transaction.ending import give_up, put_away_unreadable
from dsmcertfix.transaction.journal import Event, read_journal
from dsmcertfix.transaction.recovery import recover_run
from dsmcertfix.transaction.runs import PastRun, cut_off, past_runs, run_in

LAST = 17
"""The event at which a run counts: run and store begun, seven steps each begun and done, store ended."""


def killed_at(mine: Machine, number: int, reconnect: Callable[[Stanza, Owner], None] | None = None) -> None:
    """A run that really dies, without any tidying, once that event is on disk."""
    plan = plan_for(mine.read())

    def observe(event: Event) -> None:
        if event.number == number:
            os._exit(9)

    child = os.fork()
    if child == 0:
        try:
            mine.carry_out(plan, reconnect or fetching(mine.directory), observe=observe)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def recovery_killed_at(run: PastRun, number: int) -> None:
    child = os.fork()
    if child == 0:
        recover_run(UNIX, run, lambda event: os._exit(9) if event.number == number else None)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def recover(run: PastRun) -> list[str]:
    events: list[Event] = []
    assert recover_run(UNIX, run, events.append) == ()
    return [event.kind for event in events]


def forget(event: Event) -> None:
    pass


def full(handle: int, data: bytes) -> int:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("number", range(LAST + 1))
def test_a_run_that_is_killed_leaves_the_old_set_or_the_new_one_after_recovery(
    mine: Machine, number: int
) -> None:
    before = seen(mine.directory)
    killed_at(mine, number)
    (run,) = cut_off(mine.state)
    told = recover(run)
    assert told[-1] == "run-finished"
    if number == LAST:
        assert labels(mine.directory) == ["A", "C", "B"]
    else:
        assert seen(mine.directory) == before
    assert not [path for path in mine.directory.iterdir() if "dsmcertfix" in path.name]
    assert not list(mine.state.glob("runs/*/stores/*/stage"))
    assert cut_off(mine.state) == ()


def test_a_client_that_is_killed_halfway_through_its_writing_is_undone(mine: Machine) -> None:
    before = seen(mine.directory)

    def half(stanza: Stanza, owner: Owner) -> None:
        (mine.directory / "dsmcert.kdb").write_bytes(b"half")
        os._exit(9)

    killed_at(mine, -1, half)
    recover(cut_off(mine.state)[0])
    assert seen(mine.directory) == before


def test_the_events_of_a_good_run_are_as_many_as_the_kills_above(mine: Machine) -> None:
    _, journal = mine.fix()
    assert kinds(journal)[LAST:] == ["store-finished", "run-finished"]


def test_a_run_that_came_to_its_end_is_not_cut_off(mine: Machine) -> None:
    mine.fix()
    (run,) = past_runs(mine.state)
    assert cut_off(mine.state) == ()
    assert (run.finished, run.command, run.stores[0].outcome) == (True, "fix", "changed")


def test_a_recovery_that_is_killed_is_recovered(mine: Machine) -> None:
    before = seen(mine.directory)
    killed_at(mine, 13)
    (run,) = cut_off(mine.state)
    for step in range(3):
        recovery_killed_at(run, len(read_journal(run.journal_path)) + step)
        assert cut_off(mine.state)
    recover(cut_off(mine.state)[0])
    assert seen(mine.directory) == before


@pytest.mark.parametrize("torn", [1, 10, 60])
def test_a_torn_last_line_is_no_obstacle(mine: Machine, torn: int) -> None:
    before = seen(mine.directory)
    killed_at(mine, 13)
    (path,) = mine.state.glob("runs/*/journal.jsonl")
    path.write_bytes(path.read_bytes()[:-torn])
    recover(cut_off(mine.state)[0])
    assert seen(mine.directory) == before
    assert cut_off(mine.state) == ()


def test_a_journal_that_was_torn_before_its_first_event_is_nobody_s_run(mine: Machine) -> None:
    journal = mine.begin()
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes()[:20])
    assert past_runs(mine.state) == ()


def test_what_cannot_be_put_back_stays_open_and_is_put_back_once_the_way_is_free(mine: Machine) -> None:
    before = seen(mine.directory)
    killed_at(mine, 13)
    (mine.directory / "dsmcert.kdb").unlink()
    (mine.directory / "dsmcert.kdb").mkdir()
    (run,) = cut_off(mine.state)
    ((problem, _),) = recover_run(UNIX, run, forget)
    assert problem.kind == "NotRestored"
    assert any(str(run.directory) in line for line in problem.context)
    (mine.directory / "dsmcert.kdb").rmdir()
    recover(cut_off(mine.state)[0])
    assert seen(mine.directory) == before


def test_a_store_whose_directory_is_gone_is_told_with_the_way_out(mine: Machine) -> None:
    killed_at(mine, 13)
    shutil.rmtree(mine.directory)
    (run,) = cut_off(mine.state)
    ((problem, _),) = recover_run(UNIX, run, forget)
    assert any(f"`dsmcertfix recover --give-up {run.id}`" in line for line in problem.context)
    run.directory.rename(mine.state.parent / "given up")
    assert past_runs(mine.state) == ()


def test_a_broken_store_is_recovered_too(mine: Machine) -> None:
    before = seen(mine.directory)

    def block(stanza: Stanza, owner: Owner) -> ReconnectFailed:
        (mine.directory / "dsmcert.idx").mkdir()
        return ReconnectFailed("client-refused", "refused")

    ended, _ = mine.fix(block)
    assert ended.outcome == "broken"
    (run,) = cut_off(mine.state)
    (mine.directory / "dsmcert.idx").rmdir()
    recover(run)
    assert seen(mine.directory) == before


def test_a_finished_store_of_a_run_that_was_cut_off_stays_changed(mine: Machine) -> None:
    mine.fix(finish=False)
    (run,) = cut_off(mine.state)
    assert "undo-started" not in recover(run)
    assert labels(mine.directory) == ["A", "C", "B"]


def test_a_journal_that_cannot_be_written_stands_in_no_restore_s_way(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seen(mine.directory)
    killed_at(mine, 13)
    (run,) = cut_off(mine.state)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        ((problem, _),) = recover_run(UNIX, run, forget)
    assert problem.code == "journal-not-written"
    assert seen(mine.directory) == before
    recover(cut_off(mine.state)[0])


def test_the_journal_of_a_newer_release_is_not_touched(mine: Machine) -> None:
    journal = mine.begin()
    journal.close()
    line = json.loads(journal.path.read_text()) | {"schema": "dsmcertfix.journal/2"}
    journal.path.write_text(json.dumps(line) + "\n")
    with pytest.raises(Unrecovered):
        past_runs(mine.state)


def test_a_run_that_can_write_no_journal_does_not_begin(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(BackupFailed) as raised:
        mine.begin()
    assert raised.value.code == "journal-not-written"


def test_without_any_run_the_newest_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no run ``"):
        run_in(tmp_path, None)


@pytest.mark.parametrize("left", [b"", b'{"n": 0, "at": "2031-01-', b"{}\n"])
def test_a_journal_whose_first_line_was_cut_off_is_told_as_damaged_and_can_be_put_away(
    tmp_path: Path, left: bytes
) -> None:
    here = machine(tmp_path)
    journal = here.begin()
    journal.close()
    run = journal.path.parent.name
    journal.path.write_bytes(left)
    with pytest.raises(Unrecovered, match="is damaged"):
        run_in(here.state, None)
    assert past_runs(here.state) == ()
    assert put_away_unreadable(here.state, run)
    assert not journal.path.exists()


def test_a_run_that_is_given_up_is_at_its_end_with_its_sets_as_they_are(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at(mine, 13)
    (run,) = cut_off(mine.state)
    before = seen(mine.directory)
    with monkeypatch.context() as patched, pytest.raises(BackupFailed) as raised:
        patched.setattr(os, "write", full)
        give_up(run, forget)
    assert raised.value.code == "journal-not-written" and str(run.journal_path) in raised.value.message
    assert cut_off(mine.state) == (run,)
    give_up(run, forget)
    assert cut_off(mine.state) == () and seen(mine.directory) == before
    assert [store.outcome for past in past_runs(mine.state) for store in past.stores] == ["broken"]
