"""The frame and the end of a run, what goes with time, and what is found of it afterwards."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.transaction.kit import UNIX, Machine, database, kinds

from dsmcertfix.errors import NotFound, Unrecovered
from dsmcertfix.transaction import running
from dsmcertfix.transaction.ending import finished_run, put_away_unreadable, remains
from dsmcertfix.transaction.runs import past_runs


def test_a_run_has_its_name_and_directory_and_its_journal_is_closed_behind_it(mine: Machine) -> None:
    places = SimpleNamespace(root=Path("/"))
    platform = SimpleNamespace(places=places, private_directory=UNIX.private_directory)
    host: Any = SimpleNamespace(platform=platform, state=mine.state)
    with running.running(host, "trust", mine.events.append, more="x") as run:
        assert run.directory == run.journal.path.parent and run.id == run.directory.name
        run.journal.append("something")
    header = mine.events[0].data
    assert (header["command"], header["root"], header["more"]) == ("trust", "/", "x")
    with pytest.raises(OSError, match="Bad file"):
        run.journal.append("something")


@pytest.mark.parametrize(
    ("outcomes", "finished"),
    [((), True), (("changed",), True), (("broken",), False), (("changed", "broken"), False)],
)
def test_a_run_is_finished_unless_a_set_is_broken(mine: Machine, outcomes: Any, finished: bool) -> None:
    journal = mine.begin()
    host: Any = SimpleNamespace(state=mine.state, sets_kept=5)
    running.finish(host, SimpleNamespace(journal=journal), outcomes)  # type: ignore[arg-type]
    journal.close()
    assert ("run-finished" in kinds(journal)) is finished


def test_what_goes_with_time_is_in_the_journal_and_the_newest_runs_stay(mine: Machine) -> None:
    for _ in range(4):
        mine.fix()
        mine.directory.joinpath("dsmcert.kdb").write_bytes(database())
        (run,) = list(past_runs(mine.state))[-1:]
        mine.roll_back(run.stores[0].backup_path)
    before = [run.id for run in past_runs(mine.state)]
    journal = mine.begin()
    host: Any = SimpleNamespace(state=mine.state, sets_kept=2)
    running.finish(host, SimpleNamespace(journal=journal), ("changed",))  # type: ignore[arg-type]
    journal.close()
    left = [run.id for run in past_runs(mine.state)]
    removed = [str(event.data["run"]) for event in journal.events if event.kind == "run-removed"]
    assert removed and set(before) - set(left) == set(removed)
    assert before[-1] in left


def test_a_run_is_found_by_its_id_and_only_once_it_is_finished(mine: Machine) -> None:
    _, journal = mine.fix()
    assert finished_run(mine.state, journal.path.parent.name).id == journal.path.parent.name
    with pytest.raises(NotFound):
        finished_run(mine.state, "nothing")
    _, journal = mine.fix(finish=False)
    with pytest.raises(Unrecovered) as raised:
        finished_run(mine.state, journal.path.parent.name)
    assert raised.value.code == "run-not-finished"


def test_an_empty_directory_and_one_with_the_mark_are_remains_and_nothing_else(mine: Machine) -> None:
    mine.fix()
    runs = mine.state / "runs"
    (runs / "empty").mkdir()
    (runs / "marked").mkdir()
    (runs / "marked" / "removed.jsonl").write_bytes(b"")
    (runs / "a file").write_bytes(b"")
    assert [path.name for path in remains(mine.state)] == ["empty", "marked"]


def test_a_run_that_is_none_cannot_be_put_away(mine: Machine) -> None:
    mine.fix()
    for name in ("nothing", "../runs", ""):
        with pytest.raises(NotFound):
            put_away_unreadable(mine.state, name)
    (run,) = past_runs(mine.state)
    assert not put_away_unreadable(mine.state, run.id) and past_runs(mine.state) == (run,)
