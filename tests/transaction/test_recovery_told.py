"""What a recovery tells of an undo, what it keeps, and that what it finishes is made sure of."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from tests.transaction.calls import recorded
from tests.transaction.kit import UNIX, Machine, fetching, plan_for, seen
from tests.transaction.test_recovery import ANOTHER, FOUND, goal, killed_at, record

from dsmcertfix.errors import NotFound, Unrecovered
from dsmcertfix.model import LocatedStore, StoreFile
from dsmcertfix.transaction import recovery
from dsmcertfix.transaction.backup import Backup, load_backup
from dsmcertfix.transaction.ending import give_up, put_away_unreadable
from dsmcertfix.transaction.journal import Event, Journal, read_journal
from dsmcertfix.transaction.recovery import recover_run
from dsmcertfix.transaction.runs import cut_off, past_runs


def ignore(event: Event) -> None:
    pass


def test_an_undo_is_told_by_the_store_that_it_is_about(mine: Machine) -> None:
    run = killed_at(mine, "step-started", "reconnect")
    told: list[Event] = []
    assert recover_run(UNIX, run, told.append) == ()
    (store,) = run.stores
    assert [(event.kind, event.store, event.data.get("step")) for event in told] == [
        ("undo-started", store.id, "undo"),
        ("undo-done", store.id, "undo"),
        ("store-finished", store.id, None),
        ("run-finished", None, None),
    ]
    assert told[2].data["backup"] == str(store.backup_path)
    assert told[3].data["recovered"] is True


def test_what_is_there_and_what_lies_aside_is_both_kept_and_told_in_that_order(mine: Machine) -> None:
    run = killed_at(mine, "step-started", "reconnect")
    (mine.directory / "dsmcert.kdb").write_bytes(FOUND)
    (mine.directory / f"dsmcert.kdb.dsmcertfix-{run.id}-aside").write_bytes(ANOTHER)
    assert recover_run(UNIX, run, ignore) == ()
    sets = run.directory / "stores" / run.stores[0].id
    assert (sets / "found-1" / "dsmcert.kdb").read_bytes() == ANOTHER
    assert (sets / "found-2" / "dsmcert.kdb").read_bytes() == FOUND
    assert record(run)["problem"]["context"] == [
        f"what was there is kept in {sets / name}" for name in ("found-2", "found-1")
    ]


def test_a_store_that_a_client_has_finished_is_open_to_whom_it_was_open_and_on_the_disk(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = mine.directory / "dsmcert.kdb"
    before = database.stat().st_mode
    run = killed_at(mine, "step-started", "check-live")
    content = database.read_bytes()
    database.unlink()
    database.write_bytes(content)
    database.chmod(0o666)
    (store,) = run.stores
    backup: Backup[Any] = load_backup(store.backup_path, StoreFile)
    assert isinstance(store.located, LocatedStore)
    journal = Journal(run.journal_path, ignore, read_journal(run.journal_path))
    calls = recorded(monkeypatch)
    aimed = replace(store, goal=goal(mine))
    assert recovery._repaired(UNIX, aimed, store.located, backup, journal) is not None
    journal.close()
    assert database.stat().st_mode == before
    assert {"sync dsmcert.kdb", "sync dsmcert.sth", "sync dsmcert.idx"} <= set(calls)
    assert calls[-1] == "sync store"


# --- given up --------------------------------------------------------------------------------------------


def test_the_journal_of_a_run_that_was_given_up_says_so(mine: Machine) -> None:
    run = killed_at(mine, "step-started", "reconnect")
    give_up(run, ignore)
    assert cut_off(mine.state) == ()
    store, end = read_journal(run.journal_path)[-2:]
    assert (store.kind, store.store, store.data) == (
        "store-finished",
        run.stores[0].id,
        {"outcome": "broken", "backup": str(run.stores[0].backup_path)},
    )
    assert (end.kind, end.store, end.data) == ("run-finished", None, {"given_up": True})


@pytest.mark.parametrize("where", ["../runs/{}", "./{}", "{}/", "../{}"])
def test_a_journal_is_put_away_by_the_name_of_its_run_alone(mine: Machine, where: str) -> None:
    _, journal = mine.carry_out(plan_for(mine.read()), fetching(mine.directory))
    journal.path.write_bytes(b"{}\n")
    with pytest.raises(NotFound):
        put_away_unreadable(mine.state, where.format(journal.path.parent.name))
    assert journal.path.exists()
    assert put_away_unreadable(mine.state, journal.path.parent.name)
    assert past_runs(mine.state) == () and not journal.path.exists()


def test_a_journal_that_tells_no_inode_is_damaged_and_can_be_put_away(mine: Machine) -> None:
    _, journal = mine.carry_out(plan_for(mine.read()), fetching(mine.directory))
    written = journal.path.read_bytes()
    journal.path.write_bytes(re.sub(rb'"identity": ?\[\d+, ?\d+\]', b'"identity": [1]', written))
    assert journal.path.read_bytes() != written
    with pytest.raises(Unrecovered) as raised:
        past_runs(mine.state)
    assert raised.value.code == "journal-damaged"
    assert put_away_unreadable(mine.state, journal.path.parent.name)
    assert past_runs(mine.state) == ()


def test_what_a_server_at_work_uses_stays_as_it_is(mine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    run, told = killed_at(mine, "step-started", "reconnect"), list[Event]()
    there = seen(mine.directory)

    def at_work(*given: object) -> None:
        raise Unrecovered("server-at-work", "it runs")

    monkeypatch.setattr(recovery, "_require_stopped", at_work)
    (left,) = recover_run(UNIX, run, told.append)
    assert left.problem.code == "server-at-work"
    assert seen(mine.directory) == there and "undo-started" not in [event.kind for event in told]
