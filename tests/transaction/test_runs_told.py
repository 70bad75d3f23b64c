"""What a run's journal tells of it: its sets and their owners, how each ended, and what is damaged."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.transaction.kit import Machine, make_store

from dsmcertfix.errors import BackupFailed, NotFound, NotPermitted, Unrecovered
from dsmcertfix.ibm.server.instance import LocatedInstance
from dsmcertfix.model import FileSet, LocatedStore, Owner
from dsmcertfix.transaction.journal import Event, Journal
from dsmcertfix.transaction.runs import (
    StoreRun,
    begin_store,
    past_run,
    past_runs,
    run_in,
    run_to_undo,
    store_started_data,
)

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)
OWNER = Owner(1001, 1002, "tsm", Path("/home/tsm"), (7, 8))
STORE = LocatedStore(Path("/a/store"), (3, 4), (), OWNER)


def started(located: FileSet[Any] = STORE, **changed: object) -> dict[str, Any]:
    return {**store_started_data(located), **changed}


def told(*events: tuple[str, dict[str, Any]], data: dict[str, Any] | None = None) -> StoreRun:
    """The store of a run whose journal has these events of it after its beginning."""
    listed = [("store-started", started() if data is None else data), *events]
    (store,) = past_run(
        Path("/runs/r1"), tuple(Event(n, AT, kind, "s1", about) for n, (kind, about) in enumerate(listed))
    ).stores
    return store


# --- the set ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "located",
    [
        STORE,
        LocatedStore(Path("/a/store"), (3, 4), (), OWNER._replace(home=None, groups=())),
        LocatedInstance(Path("/an/instance"), (3, 4), OWNER),
    ],
    ids=["a client's", "of an owner without home and groups", "a server's"],
)
def test_a_set_is_told_as_it_was_found_but_for_its_device(located: FileSet[Any]) -> None:
    store = told(data=started(located)).located
    assert type(store) is type(located)
    assert (store.directory, store.identity, store.owner) == (located.directory, (0, 4), located.owner)


def test_only_a_server_s_set_is_told_as_such() -> None:
    assert "files" not in store_started_data(STORE)
    assert store_started_data(LocatedInstance(Path("/i"), (3, 4), OWNER))["files"] == "server"


WHOLE = {"uid": 1, "gid": 2, "name": "me"}


@pytest.mark.parametrize(
    "changed",
    [
        {"owner": {"uid": 1, "gid": 2}},
        {"owner": "me"},
        {"owner": None},
        {"owner": {**WHOLE, "uid": None}},
        {"owner": {**WHOLE, "uid": "me"}},
        {"owner": {**WHOLE, "uid": float("inf")}},
        {"owner": {**WHOLE, "groups": 7}},
        {"identity": None},
        {"identity": [1]},
        {"directory": "store"},
        {"directory": "/a/../store"},
        {"directory": "/a\0store"},
        {"directory": 7},
        {"files": "another"},
    ],
    ids=str,
)
def test_a_journal_that_does_not_say_what_an_undo_must_know_is_damaged(changed: dict[str, Any]) -> None:
    with pytest.raises(Unrecovered) as raised:
        told(data=started(**changed))
    error = raised.value
    assert error.code == "journal-damaged" and "/runs/r1/journal.jsonl" in error.message
    assert len(error.context) == 1 and "/runs/r1/stores" in (error.hint or "")


# --- how it ended ----------------------------------------------------------------------------------------

END, UNDO = "store-finished", ("undo-started", {"step": "undo"})


def ended(outcome: str, problem: object = None) -> tuple[str, dict[str, Any]]:
    return END, {"outcome": outcome, "problem": problem}


@pytest.mark.parametrize(
    ("events", "outcome", "failed"),
    [
        ((), None, False),
        ((ended("changed"),), "changed", False),
        ((ended("unchanged", {"code": "x"}),), "unchanged", True),
        ((ended("made better"),), None, False),
        ((UNDO,), None, False),
        # What could not be made sure of is being undone again.
        ((ended("changed"), UNDO), None, False),
        ((UNDO, ended("broken", {"code": "x"})), "broken", True),
        ((ended("broken", {"code": "x"}), UNDO, ended("rolled-back")), "rolled-back", False),
        ((ended("changed"), ended("rolled-back", {"code": "x"})), "rolled-back", True),
        ((ended("made better"), ended("changed")), "changed", False),
    ],
)
def test_a_set_is_as_its_last_event_says(
    events: tuple[tuple[str, dict[str, Any]], ...], outcome: str | None, failed: bool
) -> None:
    store = told(*events)
    assert (store.outcome, store.failed) == (outcome, failed)
    assert store.backup_path == Path("/runs/r1/stores/s1/backup")


def test_the_steps_that_were_begun_are_told_and_whether_one_was_live() -> None:
    begun = [("step-started", {"step": name, "live": name == "swap"}) for name in ("stage", "swap")]
    done = ("step-done", {"step": "check-live", "live": True})
    store = told(*begun, done)
    assert (store.started, store.live) == (frozenset({"stage", "swap"}), True)
    store = told(begun[0], done)
    assert (store.started, store.live) == (frozenset({"stage"}), False)


# --- which run -------------------------------------------------------------------------------------------


def test_a_run_that_is_not_there_is_told_by_the_name_that_was_asked_for(mine: Machine) -> None:
    mine.fix()
    (run,) = past_runs(mine.state)
    assert run_in(mine.state, None) == run_in(mine.state, run.id) == run
    for wanted in ("another", "", f"../runs/{run.id}"):
        with pytest.raises(NotFound) as raised:
            run_in(mine.state, wanted)
        assert raised.value.message == f"there is no run `{wanted}`"
    with pytest.raises(NotFound) as raised:
        run_to_undo(mine.state, "another")
    assert raised.value.message == "there is no run `another`"


def test_by_its_id_only_the_stores_that_a_run_changed_without_a_problem_are_put_back(
    mine: Machine, tmp_path: Path
) -> None:
    journal = mine.begin()
    for name, events in {
        "good": (("step-started", {"step": "swap", "live": True}), ended("changed")),
        "failed": (("step-started", {"step": "swap", "live": True}), ended("rolled-back", {"code": "x"})),
        "untouched": (("step-started", {"step": "stage", "live": False}), ended("unchanged")),
    }.items():
        store = make_store(tmp_path / name)
        assert begin_store(journal, name, store, {}) is None
        for kind, data in events:
            journal.append(kind, name, **data)
    journal.append("run-finished")
    journal.close()
    (run,) = past_runs(mine.state)
    found, stores = run_to_undo(mine.state, run.id)
    assert found == run and [store.id for store in stores] == ["good"]
    assert [store.id for store in run_to_undo(mine.state, None)[1]] == ["good"]


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [(28, BackupFailed, "journal-not-written"), (13, NotPermitted, "journal-not-permitted")],
)
def test_a_store_whose_beginning_cannot_be_kept_is_told_by_the_journal_that_is_in_the_way(
    mine: Machine, monkeypatch: pytest.MonkeyPatch, number: int, kind: type, code: str
) -> None:
    journal = mine.begin()

    def refuse(self: Journal, event: Event) -> None:
        raise OSError(number, "it does not go")

    monkeypatch.setattr(Journal, "_write", refuse)
    problem = begin_store(journal, "s1", mine.store, {"id": "s1"})
    journal.close()
    assert problem is not None and (problem.kind, problem.code) == (kind.__name__, code)
    assert problem.message == f"`{journal.path}` could not be written: it does not go"
    begun, end = mine.events[-2:]
    assert (begun.kind, begun.store, begun.data["report"]) == ("store-started", "s1", {"id": "s1"})
    assert (end.kind, end.store, end.data["outcome"]) == ("store-finished", "s1", "unchanged")
    assert end.data["problem"] == problem.to_data()
