"""Every kind of error, every outcome, one exit code."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import get_args

import pytest

from dsmcertfix import errors
from dsmcertfix.errors import KINDS, MEANINGS, DsmcertfixError, Outcome, Problem, exit_code, worst

PAGE = Path(__file__).parent.parent / "docs" / "exit-codes.md"

# kind: exit code when untouched (or changed all the same), and when rolled back
CODES = {
    "UsageError": (2, 20),
    "NotFound": (10, 20),
    "Busy": (11, 20),
    "NotPermitted": (12, 20),
    "PlanOutdated": (13, 20),
    "StoreUnreadable": (14, 20),
    "BackupFailed": (14, 20),
    "EditFailed": (15, 20),
    "CannotReconnect": (16, 21),
    "SwapFailed": (20, 20),
    "ReconnectFailed": (21, 21),
    "ServerNotUp": (21, 21),
    "WrongCertificate": (22, 22),
    "NotRestored": (30, 30),
    "ServiceDown": (32, 32),
    "Unrecovered": (31, 31),
    "Interrupted": (130, 130),
    "Terminated": (143, 143),
    "InternalError": (1, 1),
}


def problem(kind: str) -> Problem:
    return Problem(kind, "some-code", "what happened")


def rows() -> dict[int, tuple[str, str, str]]:
    found = re.findall(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \|$", PAGE.read_text(), re.MULTILINE)
    return {int(code): (meaning, state, after) for code, meaning, state, after in found}


def test_the_table_of_this_test_has_every_kind() -> None:
    assert CODES.keys() == KINDS.keys()


@pytest.mark.parametrize(("kind", "outcome"), list(itertools.product(CODES, get_args(Outcome))))
def test_kind_and_outcome_make_the_exit_code(kind: str, outcome: Outcome) -> None:
    untouched, rolled_back = CODES[kind]
    expected = {"unchanged": untouched, "changed": untouched, "rolled-back": rolled_back, "broken": 30}
    assert exit_code(problem(kind), outcome) == expected[outcome]


@pytest.mark.parametrize(
    ("outcome", "code"), [("unchanged", 0), ("changed", 0), ("rolled-back", 0), ("broken", 30)]
)
def test_without_a_problem_only_a_broken_store_is_a_failure(outcome: Outcome, code: int) -> None:
    assert exit_code(None, outcome) == code


def test_a_kind_of_a_later_release_counts_as_a_bug() -> None:
    assert exit_code(problem("NeverHeardOf"), "unchanged") == 1


def test_every_exit_code_has_a_meaning_and_every_meaning_a_severity() -> None:
    reachable = {code for pair in CODES.values() for code in pair} | {0, errors.ACTION_NEEDED}
    assert reachable == set(MEANINGS)
    assert {worst((code,)) for code in MEANINGS} == set(MEANINGS)


def test_nothing_is_worse_than_a_store_that_is_not_restored() -> None:
    for code in MEANINGS:
        assert worst((code, 30)) == worst((30, code)) == 30


@pytest.mark.parametrize(
    ("codes", "decides"),
    [
        ((), 0),
        ((0, 0), 0),
        ((0, 3), 3),
        ((16, 0, 0), 16),
        ((16, 21), 21),
        ((14, 20), 20),
        ((130, 0), 130),
        ((130, 21), 21),
        ((22, 31), 31),
        ((1, 22), 1),
    ],
)
def test_the_worst_store_decides(codes: tuple[int, ...], decides: int) -> None:
    assert worst(codes) == decides
    assert worst(codes[::-1]) == decides


def test_what_was_undone_is_worse_than_what_was_not_begun() -> None:
    for untouched, undone in itertools.product((10, 11, 12, 13, 14, 15, 16), (20, 21, 22)):
        assert worst((untouched, undone)) == undone


def test_the_tree_in_the_docstring_has_every_kind_with_its_meaning() -> None:
    tree = dict(re.findall(r"^    [|`]-- (\w+) +(.*)$", errors.__doc__ or "", re.MULTILINE))
    assert tree.keys() == KINDS.keys()
    for name, kind in KINDS.items():
        assert (kind.__doc__ or "").splitlines()[0].startswith(tree[name][0].upper() + tree[name][1:])


def test_the_page_for_administrators_has_every_code_with_its_meaning() -> None:
    assert {code: row[0] for code, row in rows().items()} == MEANINGS


def test_the_page_says_for_every_code_the_state_and_the_next_step() -> None:
    for code, (_, state, after) in rows().items():
        assert state, code
        assert after, code
        assert ("untouched" in state) == (code in (2, 3) or 10 <= code < 20), code


def test_the_page_lists_the_codes_in_groups_in_order() -> None:
    assert list(rows()) == sorted(MEANINGS)
    assert re.findall(r"^## (\d+)", PAGE.read_text(), re.MULTILINE) == ["0", "10", "20", "30", "130"]


@pytest.mark.parametrize("code", ["Not Kebab", "", "camelCase", "-x", "x-", "a--b", "a_b", "ok\n"])
def test_a_code_that_is_not_kebab_case_is_a_mistake_of_ours(code: str) -> None:
    with pytest.raises(ValueError, match="kebab"):
        errors.NotFound(code, "message")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_error_survives_becoming_a_value_and_json(kind: str) -> None:
    error = KINDS[kind]("some-code", "what happened", context=("one", "two"), hint="do this")
    again = Problem.from_data(error.problem().to_data())
    assert again == error.problem()
    back = again.error()
    assert type(back) is KINDS[kind]
    assert (back.code, back.message, back.context, back.hint) == (
        "some-code",
        "what happened",
        ("one", "two"),
        "do this",
    )


@pytest.mark.parametrize("data", [None, {}])
def test_no_data_is_no_problem(data: dict[str, object] | None) -> None:
    assert Problem.from_data(data) is None


def test_a_problem_of_another_release_loads_and_can_be_raised() -> None:
    loaded = Problem.from_data(
        {"kind": "Novel", "code": "Not_Kebab!", "message": "x", "severity": 9, "hint": 7}
    )
    assert loaded == Problem("Novel", "unknown", "x", (), "7")
    assert isinstance(loaded.error(), DsmcertfixError)


def test_a_bug_says_what_and_where() -> None:
    try:
        raise KeyError("surprise")
    except KeyError as error:
        told = errors.bug(error).problem()
    assert told.kind == "InternalError"
    assert "surprise" in told.message
    assert told.context[0].startswith("test_errors.py:")
    assert len(told.context) == 1


@pytest.mark.parametrize("data", [["x"], "text", 7, (("code", "a"),)])
def test_what_is_no_data_of_a_problem_is_none(data: object) -> None:
    assert Problem.from_data(data) is None


def test_an_error_is_told_by_its_message_also_where_nobody_knows_it() -> None:
    assert str(errors.NotFound("some-code", "what happened")) == "what happened"


def test_a_problem_is_read_leniently_field_by_field() -> None:
    assert Problem.from_data({"code": "a", "context": "text"}) == Problem("InternalError", "a", "")
    assert Problem.from_data({"code": "a", "context": [1, "b"]}) == Problem(
        "InternalError", "a", "", ("1", "b")
    )


def test_a_session_that_failed_is_read_leniently_and_survives() -> None:
    session = errors.FailedSession("TSM1", "tsm1:1500", "NODE", "ANS1592E")
    error = errors.ReconnectFailed("a", "b")
    error.session = session
    again = Problem.from_data(error.problem().to_data())
    assert again is not None and again.session == session and again.error().session == session
    read = errors.FailedSession.from_data
    assert read({"stanza": "A", "server": 7, "code": "X"}) == errors.FailedSession("A", None, None, "X")
    assert read({"stanza": 7}) is None and read({}) is None and read(["stanza"]) is None
