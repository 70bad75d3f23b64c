"""Every rule of ConfigMgr and Intune (facts/packaging.md, sections 1 and 2) against every state of a machine.

The rules are written down here a second time, as functions that read an answer as the console does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import pytest
from jsonschema import Draft202012Validator
from tests.monitoring import reports
from tests.monitoring.reports import certificate, report

import dsmcertfix
from dsmcertfix.errors import ACTION_NEEDED, MEANINGS, Busy, FailedSession, NotFound, Problem
from dsmcertfix.report.render import consoles, summary
from dsmcertfix.report.render.answer import Answer
from dsmcertfix.report.render.consoles import profiled
from dsmcertfix.report.result import Report

SCHEMA = Draft202012Validator(
    json.loads(Path(dsmcertfix.__file__).with_name("summary.schema.json").read_text(encoding="utf-8"))
)
ALL = pytest.mark.parametrize("name", reports.STATES)
EVERY_FORMAT = pytest.mark.parametrize(
    "answered", [consoles.application, consoles.configuration_item, consoles.intune]
)


def configmgr(answer: Answer) -> Literal["Installed", "Not installed", "Unknown"]:
    """Fact sheet 1.1: the table of exit code, STDOUT and STDERR."""
    if answer.code != 0:
        return "Unknown"
    if answer.stdout:
        return "Installed"
    return "Unknown" if answer.stderr else "Not installed"


def configuration_item(answer: Answer) -> str | None:
    """Fact sheet 1.5: the discovered value, None for a discovery failure; n lines would be n instances."""
    if answer.code != 0:
        return None
    (value,) = answer.stdout.splitlines()
    return value


def intune_win32(answer: Answer) -> bool:
    """Fact sheet 1.10: whether the app counts as detected."""
    return answer.code == 0 and bool(answer.stdout) and not answer.stderr


def remediation_runs(answer: Answer) -> bool:
    """Fact sheet 1.10: only exit code 1 with output is an issue."""
    return answer.code == 1 and bool(answer.stdout)


@pytest.mark.parametrize("name", reports.HEALTHY_STATES)
def test_with_nothing_to_repair_the_application_is_installed(name: str) -> None:
    assert configmgr(consoles.application(reports.STATES[name])) == "Installed"


@pytest.mark.parametrize("name", reports.NEEDED_STATES)
def test_where_action_is_needed_the_application_is_not_installed(name: str) -> None:
    assert configmgr(consoles.application(reports.STATES[name])) == "Not installed"


@pytest.mark.parametrize("name", reports.UNKNOWN_STATES)
def test_what_could_not_be_told_is_unknown_even_if_a_wrapper_loses_the_exit_code(name: str) -> None:
    answer = consoles.application(reports.STATES[name])
    assert configmgr(answer) == "Unknown"
    assert configmgr(answer._replace(code=0)) == "Unknown"
    assert answer.stderr


@ALL
def test_a_configuration_item_gets_one_of_two_tokens_or_fails(name: str) -> None:
    expected = {
        **dict.fromkeys(reports.HEALTHY_STATES, "Compliant"),
        **dict.fromkeys(reports.NEEDED_STATES, "NonCompliant"),
    }.get(name)
    assert configuration_item(consoles.configuration_item(reports.STATES[name])) == expected


@ALL
def test_an_intune_app_is_detected_exactly_where_nothing_is_to_be_repaired(name: str) -> None:
    answer = consoles.intune(reports.STATES[name])
    assert intune_win32(answer) == (name in reports.HEALTHY_STATES)


@ALL
def test_a_remediation_runs_exactly_where_action_is_needed(name: str) -> None:
    answer = consoles.intune(reports.STATES[name])
    assert remediation_runs(answer) == (name in reports.NEEDED_STATES)


@ALL
def test_nothing_goes_to_stderr_for_intune_and_there_is_always_output(name: str) -> None:
    answer = consoles.intune(reports.STATES[name])
    assert answer.stderr == ""
    assert 0 < len(answer.stdout) <= 2048
    assert len(answer.stdout.splitlines()) == 1


def test_a_bug_does_not_end_in_the_exit_code_that_starts_a_remediation() -> None:
    assert reports.BUG.exit_code == 1
    assert consoles.intune(reports.BUG).code == 70


@EVERY_FORMAT
@ALL
def test_where_a_decision_is_told_stderr_is_empty(answered: object, name: str) -> None:
    assert callable(answered)
    answer = answered(reports.STATES[name])
    assert name in reports.UNKNOWN_STATES or answer.stderr == ""


@EVERY_FORMAT
@ALL
def test_no_path_and_no_user_is_told_to_a_console(answered: object, name: str) -> None:
    assert callable(answered)
    answer = answered(reports.STATES[name])
    assert "alice" not in answer.stdout + answer.stderr
    assert "/" not in (answer.stdout + answer.stderr).replace("`", "")


def test_the_exit_codes_of_an_unknown_state_are_the_tool_s_own() -> None:
    for name, told in reports.UNKNOWN_STATES.items():
        assert consoles.application(told).code == told.exit_code, name
        assert consoles.intune(told).code == (70 if name == "bug" else told.exit_code), name


def test_a_label_cannot_make_a_second_line_or_a_long_one() -> None:
    odd = certificate("X", "replaced")._replace(label="a\r\nCompliant\x1b[2J" + "x" * 5000)
    answer = consoles.intune(report(odd, exit_code=ACTION_NEEDED))
    assert len(answer.stdout.splitlines()) == 1
    assert len(answer.stdout) <= 2048 and answer.stdout.isprintable()


# --- Run Script: JSON that is not cut


@ALL
def test_a_summary_fits_the_schema_and_the_budget_of_every_console(name: str) -> None:
    line = summary.render(reports.STATES[name])
    assert list(SCHEMA.iter_errors(json.loads(line))) == []
    assert len(line) < 2048 and line.isascii() and "\n" not in line
    # What ConvertTo-Json makes of a string: every quote and backslash takes two.
    assert len(json.dumps(line)) < 4096
    assert "alice" not in line


def test_a_summary_of_a_thousand_certificates_with_odd_labels_still_fits() -> None:
    many = [
        certificate(f"T{number}", "replaced")._replace(label=f"\u20ac\U0001f600{number}" * 50)
        for number in range(1000)
    ]
    told = report(*many, host="h" * 5000, exit_code=ACTION_NEEDED)
    line = summary.render(told)
    assert len(line) < 2048 and len(json.dumps(line)) < 4096
    read = json.loads(line)
    assert list(SCHEMA.iter_errors(read)) == []
    assert read["affected"]["replaced"] == 1000
    assert 0 < len(read["certificates"]) < 1000


def test_a_summary_names_the_worst_certificates_first() -> None:
    told = report(
        certificate("A", "ok"),
        certificate("B", "expiring", 9),
        certificate("C", "replaced"),
        exit_code=ACTION_NEEDED,
    )
    read = json.loads(summary.render(told))
    assert [one["status"] for one in read["certificates"]] == ["replaced", "expiring"]
    assert read["state"] == "needed"


def test_a_summary_of_a_fix_has_its_outcome_its_run_and_the_code_of_its_problem() -> None:
    session = FailedSession("TSM01", "tsm01:1500", "NODE1", "ANS1592E")
    message = f"in {reports.HOME}: ANS1592E"
    problem = Problem("ReconnectFailed", "client-not-connected", message, session=session)
    store = reports.store(certificate())._replace(outcome="rolled-back", problem=problem)
    comment = f"1 store rolled back: {message}"
    told = Report("fix", "host1", "rolled-back", exit_code=21, stores=(store,), run="R1", comment=comment)
    read = json.loads(summary.render(told))
    assert list(SCHEMA.iter_errors(read)) == [] and "alice" not in json.dumps(read)
    assert read["session"]["node"] == "NODE1"
    assert (read["state"], read["problem"], read["run"]) == ("rolled-back", "client-not-connected", "R1")
    assert read["stores"]["rolled-back"] == 1
    assert read["hint"]


def test_a_summary_has_both_fingerprints_where_its_hint_says_to_compare_them() -> None:
    context = (f"presented by tsm01:1500: SHA-256 {'ab' * 32}", f"expected: SHA-256 {'cd' * 32}")
    problem = Problem("CannotReconnect", "unexpected-certificate", "tsm01 presents another one", context)
    told = Report("fix", "host1", exit_code=16, problem=problem)
    read = json.loads(summary.render(told))
    assert list(SCHEMA.iter_errors(read)) == []
    assert "both fingerprints" in read["hint"]
    assert read["compare"] == list(context)
    other = told._replace(
        problem=problem._replace(code="store-not-read", context=("/home/alice: SHA-256 a",))
    )
    assert json.loads(summary.render(other))["compare"] == []


# --- exit profiles


@pytest.mark.parametrize("code", MEANINGS)
def test_the_default_profile_changes_no_exit_code(code: int) -> None:
    assert profiled(code, None, "default") == code


@pytest.mark.parametrize("code", MEANINGS)
def test_for_configmgr_busy_is_a_fast_retry_and_everything_else_stays(code: int) -> None:
    assert profiled(code, None, "configmgr") == (1618 if code == Busy.untouched else code)


def test_for_configmgr_a_machine_without_any_store_is_a_success() -> None:
    nothing = NotFound("no-store-found", "none").problem()
    assert profiled(10, nothing, "configmgr") == 0
    assert profiled(10, NotFound("label-not-found", "none").problem(), "configmgr") == 10


def test_no_exit_code_of_the_tool_is_one_to_which_configmgr_gives_another_meaning() -> None:
    taken = {1707, 3010, 1641, 1618}
    assert not taken & {profiled(code, None, "default") for code in MEANINGS}


def test_the_fact_sheet_still_says_what_these_tests_say() -> None:
    sheet = (Path(__file__).parents[2] / "docs" / "facts" / "packaging.md").read_text(encoding="utf-8")
    for line in (
        "| 0 | empty | empty | success | Not installed |",
        "| 0 | empty | text | failure | Unknown |",
        "| 0 | text | empty | success | Installed |",
        "| non-zero | any | any | failure | Unknown |",
        "discovery should print exactly one fixed token",
        "Remediation runs only when detection exits exactly 1.",
        "Output limit 2048 characters",
        "**truncated to 4 KB**",
        "any STDERR text = not detected",
    ):
        assert line in sheet
    assert re.search(r"\| 1618 \| yes \| yes \| Fast retry \|", sheet)
