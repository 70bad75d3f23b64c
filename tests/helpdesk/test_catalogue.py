"""Every error of the tool is in the catalogue, with the machine's state and the next command."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpdesk.source import errors_made

from dsmcertfix.errors import KINDS, MEANINGS, Problem
from dsmcertfix.report.catalogue import CATALOGUE, EXITS, Entry, next_step
from dsmcertfix.report.catalogue.entry import BROKEN, DOWN, OPEN, PUT_BACK, STATES
from dsmcertfix.report.render import text
from dsmcertfix.report.result import Report

TOP = Path(__file__).resolve().parents[2]
EXIT_PAGE = TOP / "docs" / "exit-codes.md"
ENTRIES = pytest.mark.parametrize("item", CATALOGUE.values(), ids=lambda item: item.code)
# Not made by a constructor: what stands for the code of a damaged journal.
FROM_JOURNALS = {"unknown"}


def test_every_error_that_the_source_makes_is_in_the_catalogue() -> None:
    missing = {made.code: made.where for made in errors_made() if made.code and made.code not in CATALOGUE}
    assert missing == {}


def test_every_entry_of_the_catalogue_is_made_somewhere() -> None:
    assert set(CATALOGUE) - {made.code for made in errors_made()} == FROM_JOURNALS


def test_no_error_is_made_with_the_words_that_the_catalogue_has_for_it() -> None:
    """A hint says what the catalogue can not; else it is left out."""
    calls = [
        node
        for path in sorted((TOP / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
    ]
    said = [
        (call.args[0].value, word.value.value)
        for call in calls
        for word in call.keywords
        if isinstance(call.args[0], ast.Constant)
        and word.arg == "hint"
        and isinstance(word.value, ast.Constant)
    ]
    assert len(said) > 20
    assert [code for code, hint in said if next_step(str(code)) == hint] == []


def test_the_catalogue_has_the_kinds_with_which_a_code_is_made() -> None:
    made: dict[str, set[str]] = {}
    for item in errors_made():
        if item.code and item.kind:
            made.setdefault(item.code, set()).add(item.kind)
    chosen_at_run_time = {item.code for item in errors_made() if item.kind is None}
    for code, kinds in made.items():
        if code in chosen_at_run_time:
            assert kinds <= set(CATALOGUE[code].kinds), code
        else:
            assert kinds == set(CATALOGUE[code].kinds), code


def test_the_walk_through_the_source_finds_errors_of_every_kind_and_those_of_helpers() -> None:
    made = errors_made()
    assert {item.kind for item in made} - {None} == set(KINDS)
    found = {item.code for item in made}
    assert {"server-timed-out", "file-cut-off", "label-not-found", "journal-not-written"} <= found


@ENTRIES
def test_an_entry_names_the_meaning_the_state_and_the_next_command(item: Entry) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", item.code)
    assert item.meaning[0].isupper() and item.meaning.endswith(".")
    assert item.state in STATES
    assert re.search(r"`[^`]+`", item.after) and item.after.endswith(".")
    assert set(item.kinds) <= set(KINDS) and item.kinds


@ENTRIES
def test_the_state_of_the_machine_fits_the_kind_of_error(item: Entry) -> None:
    if item.state in (BROKEN, DOWN):
        assert item.kinds == ("NotRestored",)
    if item.state == PUT_BACK:
        assert {KINDS[kind].untouched for kind in item.kinds} <= {20, 21, 22}
    if "NotRestored" in item.kinds or item.kinds == ("Unrecovered",):
        assert item.state in (BROKEN, OPEN, DOWN)
    assert (item.state == DOWN) == (item.code == "server-not-started-again")


def test_every_exit_code_is_in_the_catalogue_and_on_its_page_with_the_same_words() -> None:
    assert set(EXITS) == set(MEANINGS)
    rows = re.findall(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \|$", EXIT_PAGE.read_text("utf-8"), re.MULTILINE)
    assert {int(code): tuple(rest) for code, *rest in rows} == {
        code: (item.meaning, item.state, item.after) for code, item in EXITS.items()
    }


def test_the_pages_about_messages_and_errors_are_made_from_the_tables() -> None:
    done = subprocess.run(
        [sys.executable, str(TOP / "scripts" / "make_pages.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_without_a_hint_is_shown_with_the_next_step_of_the_catalogue() -> None:
    problem = Problem("NotFound", "root-not-found", "`/x` is not a directory")
    shown = text.render_problem(Report("detect", "host", exit_code=10, problem=problem))
    assert f"hint: {next_step('root-not-found')}" in shown


def test_an_error_s_own_hint_goes_before_the_catalogue_s() -> None:
    problem = Problem("NotFound", "root-not-found", "`/x` is not a directory", hint="Do this.")
    shown = text.render_problem(Report("detect", "host", exit_code=10, problem=problem))
    assert shown.count("hint:") == 1 and "hint: Do this." in shown


def test_a_code_that_is_in_no_catalogue_has_no_next_step() -> None:
    assert next_step("never-heard-of") is None
