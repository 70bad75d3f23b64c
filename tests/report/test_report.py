"""From a journal's events to a report, whatever became of the journal; and old ones still load."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from tests.facts import NOW, ca, certificate, fetched, inventory, presents, stanza, store

from dsmcertfix.errors import NotFound, Outcome, Problem, ReconnectFailed, StoreUnreadable, Unrecovered
from dsmcertfix.planning.assess import assess
from dsmcertfix.report.result import Report, StoreReport, decided, store_report
from dsmcertfix.transaction.folding import Happened, fold, store_data, store_from_data
from dsmcertfix.transaction.journal import read_journal

DATA = Path(__file__).parents[1] / "data"
SCHEMA = Path(__file__).parents[2] / "src" / "dsmcertfix" / "report.schema.json"
BARE = Report("fix", "here")
REFUSED = ReconnectFailed("client-refused", "refused").problem()


def started(number: int = 1) -> Happened:
    told = store_data(StoreReport(f"s{number}", f"/opt/{number}", owner="root"))
    return Happened("store-started", f"s{number}", {"report": told})


def finished(outcome: str, problem: Problem | None = None, number: int = 1) -> Happened:
    data = {"outcome": outcome, "problem": problem.to_data() if problem else None, "backup": "/b"}
    return Happened("store-finished", f"s{number}", data)


def step(kind: str, name: str, number: int = 1, **data: object) -> Happened:
    return Happened(kind, f"s{number}", {"step": name, **data})


# --- decided ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stores", "problem", "outcome", "changed", "code"),
    [
        ([], None, "unchanged", False, 0),
        ([("unchanged", None)], None, "unchanged", False, 0),
        ([("changed", None), ("unchanged", None)], None, "changed", True, 0),
        ([("changed", None), ("rolled-back", REFUSED)], None, "rolled-back", True, 21),
        ([("rolled-back", None)], None, "rolled-back", False, 0),
        ([("rolled-back", REFUSED), ("broken", REFUSED)], None, "broken", False, 30),
        ([("changed", None)], NotFound("x", "x").problem(), "changed", True, 10),
        ([("unchanged", StoreUnreadable("x", "x").problem())], None, "unchanged", False, 14),
        ([], Unrecovered("x", "x").problem(), "unchanged", False, 31),
    ],
)
def test_the_worst_store_decides_and_what_changed_is_not_hidden(
    stores: list[tuple[Outcome, Problem | None]],
    problem: Problem | None,
    outcome: Outcome,
    changed: bool,
    code: int,
) -> None:
    listed = tuple(StoreReport(str(n), "/", outcome=o, problem=p) for n, (o, p) in enumerate(stores))
    found = decided(BARE._replace(stores=listed, problem=problem))
    assert (found.outcome, found.changed, found.exit_code) == (outcome, changed, code)


# --- fold ------------------------------------------------------------------------------------------------


def test_no_events_are_a_run_that_did_nothing() -> None:
    assert fold(BARE, ()) == BARE


def test_a_whole_run_becomes_one_report() -> None:
    report = fold(
        BARE,
        [
            Happened("run-started", None, {"run": "r1"}),
            started(),
            step("step-started", "swap", text="swap it", live=True),
            step("step-done", "swap", note="well"),
            finished("changed"),
            Happened("run-finished", None, {}),
        ],
    )
    assert (report.run, report.outcome, report.changed, report.exit_code) == ("r1", "changed", True, 0)
    assert [(item.step, item.state, item.text, item.note) for item in report.steps] == [
        ("swap", "done", "swap it", "well")
    ]
    assert (report.stores[0].directory, report.stores[0].backup) == ("/opt/1", "/b")


def test_two_steps_of_one_name_are_two() -> None:
    report = fold(
        BARE,
        [step(kind, "delete-label") for kind in ("step-started", "step-done", "step-started", "step-failed")],
    )
    assert [item.state for item in report.steps] == ["done", "failed"]


def test_steps_of_two_stores_are_not_mixed_up() -> None:
    report = fold(BARE, [step("step-started", "swap", 1), step("step-done", "swap", 2)])
    assert [(item.store, item.state) for item in report.steps] == [("s1", "started"), ("s2", "done")]


def test_steps_that_stand_between_those_of_another_store_are_put_in_order() -> None:
    report = fold(
        BARE,
        [
            step("step-started", "reconnect", 1, text="one"),
            step("step-started", "back-up", 2, text="two"),
            step("step-done", "back-up", 2),
            step("step-started", "reconnect", 2, text="three"),
            step("step-done", "reconnect", 1),
            step("step-failed", "reconnect", 2, note="no"),
        ],
    )
    assert [(item.store, item.step, item.text, item.state) for item in report.steps] == [
        ("s1", "reconnect", "one", "done"),
        ("s2", "back-up", "two", "done"),
        ("s2", "reconnect", "three", "failed"),
    ]


def test_an_undo_is_told_and_the_failure_with_it() -> None:
    report = fold(
        BARE,
        [
            started(),
            step("step-started", "reconnect", live=True),
            step("step-failed", "reconnect", note="refused"),
            step("undo-started", "undo"),
            step("undo-done", "undo", text="back"),
            finished("rolled-back", REFUSED),
        ],
    )
    assert [(item.step, item.state) for item in report.steps] == [("reconnect", "failed"), ("undo", "undone")]
    assert (report.exit_code, report.stores[0].problem) == (21, REFUSED)


@pytest.mark.parametrize(("live", "outcome", "code"), [(False, "unchanged", 31), (True, "broken", 30)])
def test_a_store_whose_end_is_missing_is_not_called_fine(live: bool, outcome: str, code: int) -> None:
    report = fold(BARE, [started(), step("step-started", "swap", live=live)])
    assert (report.stores[0].outcome, report.exit_code) == (outcome, code)
    assert report.stores[0].problem is not None and report.stores[0].problem.code == "run-cut-off"


def test_a_store_whose_beginning_is_torn_is_told_all_the_same() -> None:
    report = fold(BARE, [step("step-started", "swap", live=True)])
    assert (report.stores[0].id, report.exit_code) == ("s1", 30)
    report = fold(BARE, [finished("rolled-back", REFUSED)])
    assert (report.stores[0].id, report.exit_code) == ("s1", 21)


@pytest.mark.parametrize("outcome", ["improved", "", None, 7])
def test_an_outcome_of_another_release_is_none_to_rely_on(outcome: object) -> None:
    report = fold(BARE, [started(), Happened("store-finished", "s1", {"outcome": outcome})])
    assert report.exit_code == 30


def test_events_and_fields_of_another_release_are_passed_over() -> None:
    events = [
        Happened("moon-landed", "s1", {"by": [1]}),
        Happened("run-started", None, {"run": 7, "colour": "blue"}),
        Happened(
            "store-started", "s1", {"report": {"id": "s1", "directory": "/d", "aura": 1, "files": [{"x": 1}]}}
        ),
        Happened("step-started", None, {}),
        Happened("step-done", "s1", {}),
        Happened(
            "store-finished", "s1", {"outcome": "changed", "report": {"certificates": [{}]}, "mood": "good"}
        ),
    ]
    report = fold(BARE, events)
    assert (report.exit_code, report.stores[0].directory) == (0, "/d")


def test_after_the_last_certificate_went_none_is_told() -> None:
    before = store_data(store_report(assess(inventory(store(certificate("x"), uses=[stanza("T")])))[0]))
    after = store_data(StoreReport("s1", "/d"))
    report = fold(
        BARE,
        [
            Happened("store-started", "s1", {"report": before}),
            Happened("store-finished", "s1", {"outcome": "changed", "report": after}),
        ],
    )
    assert report.stores[0].certificates == ()


def test_what_was_there_stays_told_when_the_end_could_not_be_looked_at() -> None:
    before = store_data(store_report(assess(inventory(store(certificate("x"), uses=[stanza("T")])))[0]))
    events = [Happened("store-started", "s1", {"report": before}), finished("rolled-back", REFUSED)]
    assert len(fold(BARE, events).stores[0].certificates) == 1


# --- values ----------------------------------------------------------------------------------------------


def test_a_store_survives_becoming_data() -> None:
    facts = inventory(
        store(certificate(fetched("TSM1")), ca("Root"), uses=[stanza("TSM1")]), presented=[presents("TSM1")]
    )
    told = store_report(assess(facts)[0])._replace(problem=REFUSED, notes=("a",), backup="/b")
    assert store_from_data(json.loads(json.dumps(store_data(told)))) == told


def test_a_store_is_told_with_its_files_its_judgement_and_what_is_pending() -> None:
    facts = inventory(
        store(certificate(fetched("TSM1"), "old"), uses=[stanza("TSM1"), stanza("TSM2")]),
        presented=[presents("TSM1"), presents("TSM2")],
    )
    told = store_report(assess(facts)[0])
    assert [item.status for item in told.certificates] == ["replaced", "pending"]
    assert [item.present for item in told.files] == [True, True, False, False, False]
    assert told.stanzas == ("TSM1", "TSM2")
    assert told.certificates[0].not_before is not None and told.certificates[0].not_before.endswith("Z")
    assert told.certificates[0].days_left == (certificate("x").not_after or NOW).toordinal() - NOW.toordinal()


# --- releases --------------------------------------------------------------------------------------------

JOURNALS = {
    "changed": ("changed", 0),
    "rolled-back": ("rolled-back", 21),
    "broken": ("broken", 30),
    "cut-off": ("broken", 30),
}


@pytest.mark.parametrize("path", sorted((DATA / "journals").glob("*.jsonl")), ids=lambda path: path.stem)
def test_a_journal_of_every_release_still_loads(path: Path) -> None:
    outcome, code = JOURNALS[path.stem.split("-", 1)[1]]
    report = fold(BARE, [Happened(event.kind, event.store, event.data) for event in read_journal(path)])
    assert (report.outcome, report.exit_code) == (outcome, code)
    (only,) = report.stores
    assert only.directory == "/opt/example/store"
    assert len(only.files) == 5
    assert report.run is not None and report.steps[0].step == "back-up"


@pytest.mark.parametrize("path", sorted((DATA / "reports").glob("*.json")), ids=lambda path: path.stem)
def test_a_report_of_every_release_still_has_the_form_that_is_promised(path: Path) -> None:
    told = json.loads(path.read_text())
    # What a later release adds it may require of its own reports, not of old ones.
    jsonschema.validate(told, _without_required(json.loads(SCHEMA.read_text())))
    loaded = store_from_data(told["stores"][0])
    assert loaded.outcome == told["outcome"]
    assert [item.label for item in loaded.certificates] == [
        item["label"] for item in told["stores"][0]["certificates"]
    ]


def _without_required(schema: object) -> dict[str, object]:
    def strip(part: object) -> object:
        if isinstance(part, dict):
            return {name: strip(value) for name, value in part.items() if name != "required"}
        return [strip(item) for item in part] if isinstance(part, list) else part

    stripped = strip(schema)
    assert isinstance(stripped, dict)
    return stripped


def test_every_kind_of_ending_has_a_journal_of_this_release() -> None:
    names = {path.stem for path in (DATA / "journals").glob("*.jsonl")}
    assert {f"0.1.0-{name}" for name in JOURNALS} <= names
