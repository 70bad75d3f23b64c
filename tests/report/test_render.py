"""What people and machines get to read: whole on pipes, readable on terminals, obeyed by none of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from tests.facts import ca, certificate, fetched, inventory, presents, stanza, store

from dsmcertfix.errors import KINDS, MEANINGS, Outcome, Problem, ReconnectFailed
from dsmcertfix.model import Area
from dsmcertfix.planning.assess import assess
from dsmcertfix.report.render import json as as_json
from dsmcertfix.report.render import text as as_text
from dsmcertfix.report.render.brief import Typed
from dsmcertfix.report.result import (
    BackupReport,
    PlaceReport,
    Report,
    StepReport,
    StoreReport,
    presented_reports,
    store_report,
)
from dsmcertfix.wording import printable

SCHEMA = json.loads((Path(__file__).parents[2] / "src" / "dsmcertfix" / "report.schema.json").read_text())
COMMANDS = [name for name in SCHEMA["properties"]["command"]["enum"] if name]
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
LONG = "/very" + "/long" * 300
PROBLEM = ReconnectFailed(
    "client-refused", "the client was refused", context=(f"log: {LONG}",), hint="See the server's log."
).problem()


def full_store() -> StoreReport:
    """One with a certificate of every status that matters, and long names."""
    facts = inventory(
        store(
            certificate(fetched("TSM1"), "old"),
            certificate(fetched("TSM2"), "new TSM2"),
            certificate("spcert_x7f3a2b", days=-40),
            ca("Corporate Root " + "R" * 300),
            certificate("garbage", kind="unreadable"),
            uses=[stanza("TSM1"), stanza("TSM2")],
            directory=LONG,
        ),
        presented=[presents("TSM1"), presents("TSM2")],
    )
    return store_report(assess(facts)[0])._replace(outcome="rolled-back", problem=PROBLEM, backup="/b")


def full(command: str) -> Report:
    """A report with something in every field."""
    told = full_store()
    servers = presented_reports(
        inventory(
            store(uses=[stanza("TSM1"), stanza("TSM2")]),
            presented=[presents("TSM1"), presents("TSM2", problem=PROBLEM)],
        )
    )
    return Report(
        command,
        "here",
        outcome="rolled-back",
        exit_code=21,
        comment="1 store rolled back",
        run="20260601T120000Z-abcdef",
        stores=(told,),
        steps=(
            StepReport(told.id, "delete-label", "delete it", "done", "done by native"),
            StepReport(told.id, "preflight", "ask", "failed", "nobody answers"),
        ),
        servers=servers,
        backups=(BackupReport("r", told.id, LONG, "/b", "2026-06-01T12:00:00Z", 10, False, PROBLEM),),
        looked_at=(
            PlaceReport(LONG, "ba", "the client's directory", True),
            PlaceReport("/x", "home", "y", False),
        ),
        warnings=(f"nobody owns `{LONG}`",),
        backup=f"{LONG}/backup",
        journal=f"{LONG}/journal",
        problem=PROBLEM,
    )


DETAILS = Typed(verbose=True)


# --- JSON ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_json_of_every_command_is_as_the_schema_says(command: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for report in (full(command), Report(command, "here")):
        told = json.loads(as_json.render(report))
        jsonschema.validate(told, SCHEMA)
        assert told["schema"] == "dsmcertfix.report/1"


def test_the_schema_knows_every_exit_code_status_kind_area_and_outcome() -> None:
    from typing import get_args

    from dsmcertfix.model import CertificateKind, ServerFile, StoreFile
    from dsmcertfix.planning.assess import Status
    from dsmcertfix.report.result import StepState

    definitions = SCHEMA["$defs"]
    one = definitions["certificate"]["properties"]
    assert set(SCHEMA["properties"]["exit_code"]["enum"]) == set(MEANINGS)
    assert set(one["status"]["enum"]) == set(get_args(Status))
    assert set(one["kind"]["enum"]) == set(get_args(CertificateKind))
    assert set(definitions["outcome"]["enum"]) == set(get_args(Outcome))
    assert set(definitions["place"]["properties"]["area"]["enum"]) == set(get_args(Area))
    assert set(definitions["step"]["properties"]["state"]["enum"]) == set(get_args(StepState))
    files = {file.value for kind in (StoreFile, ServerFile) for file in kind}
    assert set(definitions["file"]["properties"]["name"]["enum"]) == files


def test_json_is_ascii_and_survives_names_that_are_no_utf_8() -> None:
    told = full("inspect")._replace(comment="caf\u00e9 \udcff \x1b[31m")
    text = as_json.render(told)
    assert text.isascii() and "\x1b" not in text
    assert json.loads(text)["comment"] == "caf\u00e9 ? \x1b[31m"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_problem_fits_the_schema(kind: str) -> None:
    problem = KINDS[kind]("some-code", "told").problem()
    jsonschema.validate(json.loads(as_json.render(Report("fix", "here", problem=problem))), SCHEMA)


# --- pipes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_on_a_pipe_there_is_no_colour(command: str) -> None:
    report = full(command)._replace(comment="caf\u00e9 \u2026", warnings=("\u00fc",))
    for told in (as_text.render(report), as_text.render_problem(report)):
        assert "\x1b" not in told
        assert all(line == line.rstrip() for line in told.splitlines())


def test_on_a_pipe_nothing_is_cut_and_no_line_is_broken() -> None:
    told = full_store()
    lines = as_text.render(full("inspect")).splitlines()
    for item in told.certificates:
        at = lines.index(f"    SHA-256 {item.sha256}")
        block = " ".join(line.strip() for line in lines[at - 2 : at + 2])
        assert (item.label or "(new)") in block
        assert item.status in block and item.reason in block
    assert any(line.startswith(f"{LONG} (root, used by TSM1, TSM2") for line in lines)
    places = as_text.render(full("locate")).splitlines()
    assert places[places.index(f"{LONG}: store") + 1].strip() == "the client's directory"
    assert any(LONG in line for line in as_text.render(full("backups")).splitlines())
    assert f"journal: {LONG}/journal" in as_text.render_problem(full("fix")).splitlines()


def test_what_is_printed_on_a_pipe_is_the_same_whatever_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = as_text.render(full("detect"))
    for name, value in (("COLUMNS", "20"), ("FORCE_COLOR", "1"), ("TERM", "xterm"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
        assert as_text.render(full("detect")) == before


# --- terminals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 60, 80, 99, 100, 132, 200])
@pytest.mark.parametrize("command", COMMANDS)
def test_on_every_width_every_word_is_there(command: str, width: int) -> None:
    report = full(command)
    text = as_text.render(report, width=width, typed=DETAILS)
    joined = re.sub(r"\s+", "", text)
    if command in ("inspect", "detect", "plan", "fix", "trust", "rollback"):
        for item in report.stores[0].certificates:
            assert re.sub(r"\s+", "", item.label) in joined
            assert item.status in text
            assert item.sha256 in joined
    if command not in ("detect", "plan", "fix", "trust"):
        assert "1storerolledback" in joined.lower()
    assert all(len(line) <= width for line in text.splitlines()) or command in ("locate", "backups", "prune")


def test_40_columns_are_enough_to_read_a_store() -> None:
    lines = as_text.render(full("inspect"), width=40).splitlines()
    at = next(number for number, line in enumerate(lines) if fetched("TSM1") in line)
    told = " ".join(line.strip() for line in lines[at : at + 7])
    assert re.search(r"replaced, until \d{4}-\d\d-\d\d UTC", told) and "days left" not in told
    assert "SHA-256" in told and "presents another" in told
    assert all(len(line) <= 40 for line in lines[at : at + 7])


def test_the_days_that_are_left_are_told_where_they_are_few() -> None:
    (store,) = full("inspect").stores
    soon = store._replace(certificates=(store.certificates[0]._replace(days_left=30),))
    assert ", 30 days left" in as_text.render(full("inspect")._replace(stores=(soon,)))


@pytest.mark.parametrize("width", [None, 40, 120])
def test_thousands_of_places_are_shown_to_the_last(width: int | None) -> None:
    places = tuple(PlaceReport(f"/home/u{number}", "home", "a home", False) for number in range(3000))
    shown = as_text.render(Report("locate", "here", looked_at=places), width=width, colour=False)
    told = [line.split()[0].rstrip(":") for line in shown.splitlines() if line.startswith("/home/u")]
    assert told == [place.directory for place in places]


@pytest.mark.parametrize("width", [None, 40, 80, 99, 100, 132])
@pytest.mark.parametrize("command", ["backups", "prune"])
def test_the_id_of_a_run_is_in_one_piece_to_be_given_to_rollback(command: str, width: int | None) -> None:
    run = "20261127T091500Z-0a1b2c"
    (item,) = full(command).backups[:1]
    item = item._replace(run=run, directory="/home/a.user.with.a.long.name/tivoli/tsm/client/ba/bin")
    shown = as_text.render(Report(command, "here", backups=(item,)), width=width).splitlines()
    (line,) = (line for line in shown if run in line)
    assert re.match(rf"{run}(:|\s)", line)


@pytest.mark.parametrize("command", COMMANDS)
def test_colour_comes_only_when_asked_for_and_carries_nothing_by_itself(command: str) -> None:
    plain = as_text.render(full(command), width=100)
    coloured = as_text.render(full(command), width=100, colour=True)
    assert "\x1b" not in plain
    stripped = [line.rstrip() for line in ESCAPE.sub("", coloured).splitlines()]
    assert stripped == plain.splitlines()


def test_with_colour_there_is_colour() -> None:
    assert ESCAPE.search(as_text.render(full("inspect"), width=100, colour=True))
    assert ESCAPE.search(as_text.render_problem(full("fix"), width=100, colour=True))


HOSTILE = [
    "\x1b]0;owned\x07",
    "\x1b[2J",
    "a\rb",
    "a\nerror: forged",
    "\u202egnp.exe",
    "\u200b",
    "\x7f\x80\x9b",
    "\udcff",
    "[bold red]not markup[/]",
    ":skull:",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [None, 40, 120])
def test_what_comes_from_outside_is_shown_and_not_obeyed(text: str, width: int | None) -> None:
    told = full_store()
    one = told.certificates[0]._replace(label=text, reason=text)
    problem = Problem("NotFound", "x", text, (text,), text)
    hostile = told._replace(
        directory=text, owner=text, stanzas=(text,), certificates=(one,), notes=(text,), problem=problem
    )
    for command in COMMANDS:
        report = full(command)._replace(
            stores=(hostile,),
            comment=text,
            warnings=(text,),
            problem=problem,
            journal=text,
            looked_at=(PlaceReport(text, "ba", text, True, text),),
        )
        shown = as_text.render(report, width=width) + as_text.render_problem(report, width=width)
        assert not [char for char in shown if not char.isprintable() and char != "\n"]
        assert not [line for line in shown.splitlines() if line.startswith("error: forged")]
        if text.startswith(("[", ":")):
            assert text in re.sub(r"\n *", "", shown) or text in shown


def test_printable_keeps_what_a_terminal_can_show() -> None:
    assert printable("Z\u00fcrich \u6771\u4eac C:\\x") == "Z\u00fcrich \u6771\u4eac C:\\x"


# --- errors ----------------------------------------------------------------------------------------------


def test_an_error_tells_what_happened_the_state_the_next_step_and_where_log_and_backup_are() -> None:
    text = as_text.render_problem(full("fix"), width=None)
    for part in (
        "error: the client was refused [client-refused]",
        "hint: See the server's log.",
        "state: Every file is as it was before",
        "journal: ",
        "backup: ",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("unchanged", "Nothing was changed"),
        ("changed", "were changed"),
        ("rolled-back", "as it was before"),
        ("broken", "NOT as it was"),
    ],
)
def test_the_state_of_the_machine_is_told_in_words(outcome: Outcome, words: str) -> None:
    report = Report("fix", "here", outcome=outcome, exit_code=1, problem=PROBLEM)
    assert words in as_text.render_problem(report)


def test_the_same_problem_is_told_once() -> None:
    report = full("fix")
    report = report._replace(stores=(report.stores[0], report.stores[0]._replace(id="other")))
    assert as_text.render_problem(report).count("error: ") == 1


def test_without_a_problem_standard_error_stays_empty() -> None:
    assert as_text.render_problem(Report("fix", "here")) == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_report_can_be_shown(command: str) -> None:
    shown = as_text.render(Report(command, "here", comment="nothing"), width=80)
    assert shown.endswith(f"{command}: nothing") or shown.startswith(
        ("No action", "There", "Done", "Nothing.")
    )
