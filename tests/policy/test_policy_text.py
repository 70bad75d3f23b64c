"""A policy's text: what it means, and where in the file it is wrong."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.facts import NOW

from dsmcertfix import budgets
from dsmcertfix.errors import UsageError
from dsmcertfix.planning import policy_text, toml_places
from dsmcertfix.planning.policy import Allowed, MachineRule, ServerRule
from dsmcertfix.planning.policy_text import parse, span_s, written

OLD, NEW = "a" * 64, "b" * 64
SOURCE = Path("policy.toml")
SCHEMA = Path(__file__).parents[2] / "src" / "dsmcertfix" / "policy.schema.json"
POLICY = 'schema = "dsmcertfix.policy/1"\n'
GOOD = f'''schema = "dsmcertfix.policy/1"
expires = 2027-06-30

[[server]]
name = "TSM01"
addresses = ["tsm01.example.com",
    "192.0.2.1:1500"]
others = "remove"

[[server.certificate]]
sha256 = "{OLD}"
until = 2027-01-31

[[server.certificate]]
sha256 = "{NEW}"
from = 2026-11-01
file = "TSM01-new.arm"

[machine]
leave_out_users = ["ann"]
max_stores = 50
spread = "4h"
hooks = ["/usr/local/sbin/told"]
hook_timeout = "90s"
'''


def refused(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(text, SOURCE)
    assert caught.value.code == "policy-not-valid"
    return caught.value.message


def test_every_value_is_read() -> None:
    policy = parse(GOOD, SOURCE)
    allowed = (
        Allowed(OLD, None, date(2027, 1, 31)),
        Allowed(NEW, date(2026, 11, 1), None, "TSM01-new.arm"),
    )
    names = ("TSM01", "tsm01.example.com", "192.0.2.1:1500")
    assert policy.servers == (ServerRule(names, allowed, "remove"),)
    assert policy.machine == MachineRule(("ann",), 50, 14400.0, (Path("/usr/local/sbin/told"),), 90.0)
    assert policy.expires == date(2027, 6, 30)


@pytest.mark.parametrize(
    ("what", "instead", "place", "told"),
    [
        (f'"{OLD}"', f'"{OLD[:-1]}"', "line 11, column 1", "64 hex digits, and this is 63 characters"),
        (f'"{OLD}"', f'"{OLD[:-1]}x"', "line 11, column 1", "no hex number"),
        (f'"{NEW}"', f'"{OLD}"', "line 15, column 1", "listed twice"),
        ('name = "TSM01"', "name = 5", "line 5, column 1", "a text in quotes"),
        ('name = "TSM01"', 'name = ""', "line 5, column 1", "`name` is missing"),
        ('name = "TSM01"\n', "", "line 4, column 3", "`name` is missing"),
        ("= 2027-01-31", "= 2027-13-31", "line 12, column 13", ""),
        ("= 2027-01-31", "= 2027-01-31T00:00:00Z", "line 12, column 1", "a day, as 2027-01-31"),
        ("= 2027-01-31", '= "2027-01-31"', "line 12, column 1", "without quotes"),
        ("until =", "untill =", "line 12, column 1", "`untill` is not known here"),
        ('"192.0.2.1:1500"', "5", "line 6, column 1", "a list of texts"),
        ('"remove"', '"delete"', "line 8, column 1", "neither `report` nor `remove`"),
        ("max_stores = 50", "max_stores = 0", "line 21, column 1", "at least 1"),
        ("until = 2027-01-31", "note = 5", "line 12, column 1", "a text in quotes"),
        ("max_stores = 50", "note = 5", "line 21, column 1", "a text in quotes"),
        ("max_stores = 50", "max_stores = true", "line 21, column 1", "a whole number"),
        ('"4h"', '"soon"', "line 22, column 1", "no time up to 24 hours"),
        ('"4h"', '"25h"', "line 22, column 1", "no time up to 24 hours"),
        ("/usr/local/sbin/told", "told", "line 23, column 1", "not an absolute path"),
        ("[machine]", "[machine", "line 19, column 9", ""),
        ("[machine]", "[maschine]", "line 19, column 2", "`maschine` is not known"),
        ("policy/1", "policy/2", "line 1, column 1", "this release knows"),
        ('schema = "dsmcertfix.policy/1"\n', "", "line 1, column 1", "is missing"),
        ('policy/1"\n', 'policy/1"\nnote = 5\n', "line 2, column 1", "text"),
        ("from = 2026-11-01", "from = 2026-11-01\nuntil = 2026-10-01", "line 17, column 1", "comes before"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_wrong_is_told_with_its_place(what: str, instead: str, place: str, told: str) -> None:
    assert what in GOOD
    message = refused(GOOD.replace(what, instead, 1))
    assert f"`policy.toml`, {place}: " in message and told in message


def test_a_server_that_is_named_twice_is_told_with_both_places() -> None:
    again = '\n[[server]]\nname = "other"\naddresses = ["TSM01.example.COM"]\ntrust_on_first_use = true\n'
    message = refused(GOOD + again)
    assert "line 27" in message and "`TSM01.example.COM` is named twice, the first time in line 5" in message


def test_a_server_of_which_nothing_is_allowed_is_a_mistake() -> None:
    message = refused('schema = "dsmcertfix.policy/1"\n[[server]]\nname = "TSM01"\n')
    assert "line 3, column 1: no certificate of `TSM01` is allowed" in message


def test_more_than_a_policy_may_have_is_refused() -> None:
    many = "".join(f'[[server]]\nname = "s{n}"\ntrust_on_first_use = true\n' for n in range(1001))
    assert budgets.POLICY_SERVERS.cap == 1000
    assert "more than 1,000 servers" in refused(f'schema = "dsmcertfix.policy/1"\n{many}')


def test_values_that_lie_too_deep_are_refused() -> None:
    refused('schema = "dsmcertfix.policy/1"\nnote = ' + "[" * 5000 + "]" * 5000)


@given(some.text(max_size=200))
def test_no_text_leads_to_anything_but_a_policy_or_its_error(text: str) -> None:
    try:
        parse(text, SOURCE)
    except UsageError as error:
        assert error.code == "policy-not-valid"


@given(some.integers(0, 400), some.sampled_from(['"', "=", "[", "]", "\n", "5", "x", "#"]))
def test_a_policy_with_one_character_more_is_read_or_refused(place: int, more: str) -> None:
    text = GOOD[:place] + more + GOOD[place:]
    try:
        parse(text, SOURCE)
    except UsageError as error:
        assert "line " in error.message and "column " in error.message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("4h", 14400.0),
        ("90s", 90.0),
        ("15 m", 900.0),
        ("30", 30.0),
        ("1d", 86400.0),
        ("2d", None),
        ("h", None),
    ],
)
def test_times(text: str, seconds: float | None) -> None:
    assert span_s(text) == seconds


def test_what_is_written_is_read_again() -> None:
    name = 'TSM "01"\\ \u00e4\n\x7f'
    rule = ServerRule(
        (name, "tsm01:1500"), (Allowed(OLD, None, date(2027, 1, 31)), Allowed(NEW, file="n.arm"))
    )
    policy = parse(written([(rule, ("a remark\nof two lines",))], ("head",)), SOURCE)
    assert policy.servers == (rule._replace(names=(name.strip(), "tsm01:1500")),)


def test_a_server_of_one_name_is_written_without_a_list_of_others() -> None:
    assert "addresses" not in written([(ServerRule(("TSM01",), (Allowed(OLD),)), ())], ())


def test_the_schema_in_the_package_is_of_the_same_mind() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)

    def errors(text: str) -> list[object]:
        document = json.loads(json.dumps(toml_places.read(text), default=str))
        return list(judge.iter_errors(document))

    assert errors(GOOD) == []
    for what, instead in (
        (OLD, OLD[:-1]),
        ("until =", "untill ="),
        ('"remove"', '"delete"'),
        ("max_stores = 50", "max_stores = 0"),
        ('name = "TSM01"', "name = 5"),
        ("policy/1", "policy/2"),
        ("= 2027-01-31", '= "soon"'),
        ('"4h"', '"soon"'),
    ):
        assert errors(GOOD.replace(what, instead, 1)) != [], what


@pytest.mark.parametrize(
    ("text", "written"),
    [("a b", '"a b"'), ('a"b', '"a\\u0022b"'), ("a\\b", '"a\\u005cb"'), ("\x1f\x7f", '"\\u001f\\u007f"')],
)
def test_a_text_is_written_as_toml_has_it(text: str, written: str) -> None:
    assert policy_text._quoted(text) == written


def test_a_remark_is_one_line() -> None:
    assert policy_text._one_line("a b\nc\x7f\x1f!") == "a b?c??!"


def test_the_first_day_is_written() -> None:
    rule = ServerRule(("A",), (Allowed("a" * 64, since=NOW.date(), until=NOW.date()),))
    text = written([(rule, ())], ())
    assert f"from = {NOW.date()}" in text and f"until = {NOW.date()}" in text
    bare = written([(ServerRule(("A",), (Allowed("a" * 64),)), ())], ())
    assert "from =" not in bare and "until =" not in bare


def test_a_policy_s_notes_and_limits_are_read_at_their_edges() -> None:
    def read(text: str) -> object:
        try:
            return parse(POLICY + text, Path("p"))
        except UsageError as error:
            return error.message

    assert "max_stores" not in str(read("[machine]\nmax_stores = 1\n")) or not isinstance(
        read("[machine]\nmax_stores = 1\n"), str
    )
    assert "at least 1 is needed" in str(read("[machine]\nmax_stores = 0\n"))
    rule = '[[server]]\nname = "A"\ntrust_on_first_use = true\nnote = {}\n'
    assert not isinstance(read(rule.format('"x"')), str)
    assert isinstance(read(rule.format("1")), str)
    cap = budgets.POLICY_TEXT.cap
    assert not isinstance(read(rule.format('"' + "x" * cap + '"')), str)
    assert budgets.POLICY_TEXT.exceeded() in str(read(rule.format('"' + "x" * (cap + 1) + '"')))


def test_a_policy_may_allow_one_store_at_a_time() -> None:
    text = POLICY + '[machine]\nmax_stores = 1\n[[server]]\nname = "A"\ntrust_on_first_use = true\n'
    assert parse(text, Path("p")).machine.max_stores == 1


@pytest.mark.parametrize(
    ("text", "path", "where"),
    [
        ("a = 1\nb = [1,\n 2]\nc = 3\n", ("c",), (4, 1)),
        ("a = 1\n", ("a",), (1, 1)),
        ("a = 1\n", ("z",), (1, 1)),
        ("\n[[s]]\nn = 1\n[[s]]\nn = 2\n", ("s", 1, "n"), (5, 1)),
    ],
)
def test_a_place_in_a_policy_is_its_line_and_column(
    text: str, path: tuple[str | int, ...], where: tuple[int, int]
) -> None:
    assert toml_places.place(text, path) == where


def test_every_key_of_a_long_policy_is_found_in_its_line() -> None:
    text = "".join(f"k{number} = {number}\n" for number in range(40))
    for number in range(40):
        assert toml_places.place(text, (f"k{number}",)) == (number + 1, 1)
    lists = "".join(f"k{number} = [\n  {number},\n  7,\n]\n" for number in range(12))
    for number in range(12):
        assert toml_places.place(lists, (f"k{number}",))[0] == 4 * number + 1
