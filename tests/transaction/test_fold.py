"""What the events of a journal tell, as a report: of several stores at once, cut off anywhere."""

from __future__ import annotations

from typing import get_args

import pytest

from dsmcertfix.errors import BackupFailed, NotFound
from dsmcertfix.planning.policy import Standing
from dsmcertfix.report.result import CertificateReport, FileReport, Report, StoreReport
from dsmcertfix.transaction.folding import Happened, fold, store_data, store_from_data

STORE = StoreReport(
    "s1",
    "/store",
    files=(FileReport("dsmcert.kdb", True),),
    certificates=(CertificateReport("A", "aa"),),
    notes=("a note",),
)
PROBLEM = BackupFailed("no-room-for-backup", "no room").problem()


def event(kind: str, store: str | None = "s1", **data: object) -> Happened:
    return Happened(kind, store, data)


def told(*events: Happened) -> Report:
    return fold(Report("fix", "here"), [event("run-started", None, run="r1"), *events])


STARTED = event("store-started", report=store_data(STORE))


def outcome(*events: Happened) -> tuple[str, str | None]:
    (store,) = told(*events).stores
    return store.outcome, store.problem.code if store.problem else None


def test_a_run_is_told_by_its_name_and_its_own_problem() -> None:
    report = told(event("run-finished", None, problem=PROBLEM.to_data()))
    assert (report.run, report.problem, report.stores) == ("r1", PROBLEM, ())


def test_a_store_that_nothing_was_done_to_is_unchanged_and_one_in_the_midst_is_broken() -> None:
    assert outcome(STARTED) == ("unchanged", "run-cut-off")
    live = event("step-started", step="swap", live=True)
    assert outcome(STARTED, event("step-started", step="stage")) == ("unchanged", "run-cut-off")
    assert outcome(STARTED, event("step-done", step="swap", live=True)) == ("unchanged", "run-cut-off")
    assert outcome(STARTED, live) == ("broken", "run-cut-off")
    assert outcome(live) == ("broken", "run-cut-off")


def test_a_store_that_ended_is_as_it_ended_and_begun_again_it_is_not_at_its_end() -> None:
    ended = event("store-finished", outcome="changed")
    assert outcome(STARTED, ended) == ("changed", None)
    assert outcome(STARTED, ended, STARTED) == ("unchanged", "run-cut-off")
    assert outcome(STARTED, ended, STARTED, event("store-finished", outcome="rolled-back")) == (
        "rolled-back",
        None,
    )


def test_an_outcome_of_another_release_is_none_to_rely_on() -> None:
    assert outcome(STARTED, event("store-finished", outcome="made better"))[0] == "broken"
    assert store_from_data({"outcome": "made better"}).outcome == "unchanged"


def test_the_files_of_before_stay_where_the_end_tells_of_none() -> None:
    end = event("store-finished", outcome="changed", report={"notes": ["new"], "files": []}, backup="/set")
    (store,) = told(STARTED, end).stores
    assert (store.files, store.notes, store.certificates, store.backup) == (STORE.files, ("new",), (), "/set")
    files = store_data(STORE._replace(files=(FileReport("dsmcert.sth", True),)))
    (store,) = told(STARTED, event("store-finished", outcome="changed", report=files)).stores
    assert store.files == (FileReport("dsmcert.sth", True),)
    (store,) = told(STARTED, event("store-finished", outcome="unchanged")).stores
    assert (store.certificates, store.notes) == (STORE.certificates, STORE.notes)


def steps(*events: Happened) -> list[tuple[str, str, str, str | None]]:
    return [(one.store, one.step, one.state, one.note) for one in told(*events).steps]


def test_each_step_stands_once_with_its_last_state_though_others_are_at_work() -> None:
    def at(store: str, kind: str, step: str = "swap", **data: object) -> Happened:
        return event(kind, store, step=step, text=f"the text of {kind}", **data)

    events = (
        at("s1", "step-started"),
        at("s2", "step-started"),
        at("s1", "step-done", note="well"),
        at("s2", "step-failed", note="badly"),
        at("s1", "step-started", "check-live"),
        at("s2", "undo-done", "undo"),
        at("s1", "step-done", "check-live"),
        at("s3", "step-done"),
    )
    assert steps(*events) == [
        ("s1", "swap", "done", "well"),
        ("s2", "swap", "failed", "badly"),
        ("s1", "check-live", "done", None),
        ("s2", "undo", "undone", None),
        ("s3", "swap", "done", None),
    ]
    assert told(*events).steps[0].text == "the text of step-started"


def test_a_step_that_is_begun_twice_stands_twice() -> None:
    again = event("step-started", step="reconnect")
    assert [state for _, _, state, _ in steps(again, again, event("step-done", step="reconnect"))] == [
        "started",
        "done",
    ]


def test_events_of_another_release_and_steps_of_no_store_are_passed_over() -> None:
    report = told(event("moon-landed"), event("step-started", None, step="x"), event("store-started", None))
    assert (report.stores, report.steps) == ((), ())


@pytest.mark.parametrize(
    ("name", "items", "kept"),
    [
        ("proofs", [{"answer": "accepted"}, {"answer": "maybe"}, {}], 1),
        ("policy", [{"standing": get_args(Standing)[0]}, {"standing": "perhaps"}, {}], 1),
        ("files", [{"name": "dsmcert.kdb", "present": True}, {}, "x"], 2),
        ("certificates", [{"label": "A"}, 7], 1),
    ],
)
def test_what_has_not_its_form_is_passed_over(name: str, items: list[object], kept: int) -> None:
    assert len(getattr(store_from_data({name: items}), name)) == kept


def test_a_store_of_a_server_is_told_as_one() -> None:
    assert store_from_data({"kind": "server"}).kind == "server"
    assert store_from_data({"kind": "x"}).kind == store_from_data(None).kind == "client"


def test_a_store_survives_the_journal_with_its_problem_and_outcome() -> None:
    problem = NotFound("a-code", "a message").problem()
    report = StoreReport("s1", "/store", problem=problem, outcome="changed")
    again = store_from_data(store_data(report))
    assert (again.problem, again.outcome) == (problem, "changed")
