"""What one result tells, however old, new or odd it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fleet.made import SERVER, SHA, certificate, problem, refused, result, seen
from tests.monitoring import reports

from dsmcertfix.fleet.seen import Reader, Seen
from dsmcertfix.report.render import json as as_json
from dsmcertfix.report.render import summary

OLD = Path(__file__).parents[1] / "data" / "reports"


def test_a_result_tells_of_host_time_stores_and_certificates() -> None:
    read = seen(result("detect", 3, certificate("B", "replaced"), presented=["A"]))
    ((held, status),) = read.stores[0].certificates
    assert (read.host, read.command, read.verdict, status) == ("host1", "detect", "needed", "replaced")
    assert (held.sha256, held.server, held.not_after) == (SHA["B"], SERVER, 2110752000)
    assert [one.sha256 for one in read.presented] == [SHA["A"]]


@pytest.mark.parametrize("path", sorted(OLD.iterdir()), ids=lambda path: path.name)
def test_a_result_of_every_release_is_read(path: Path) -> None:
    read = Reader().seen(json.loads(path.read_text(encoding="utf-8")))
    assert isinstance(read, Seen)
    assert read.outcome == path.stem.split("-", 1)[1]
    # It had no time of its own yet: its run has.
    assert read.at is not None


@pytest.mark.parametrize("name", reports.STATES)
def test_what_detect_prints_is_read_whole_and_as_a_summary_with_one_verdict(name: str) -> None:
    told = reports.STATES[name]
    whole = Reader().seen(json.loads(as_json.render(told)))
    short = Reader().seen(json.loads(summary.render(told)))
    assert isinstance(whole, Seen) and isinstance(short, Seen)
    expected = {**dict.fromkeys(reports.NEEDED_STATES, "needed"), "healthy": "healthy", "absent": "absent"}
    # A run that was cut off is told by its exit code here.
    assert whole.verdict == ("unknown" if name == "cut-off" else expected.get(name, "unknown"))
    assert short.verdict == expected.get(name, "unknown")
    assert (whole.host, whole.at, whole.exit_code) == (short.host, short.at, short.exit_code)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({}, "it is not a result of dsmcertfix"),
        ({"schema": "other/1"}, "it is not a result of dsmcertfix"),
        ({"schema": ["dsmcertfix.report/1"]}, "it is not a result of dsmcertfix"),
        ({"schema": "dsmcertfix.report/2"}, "the schema dsmcertfix.report/2 is not known to this release"),
        ({"schema": "dsmcertfix.report/1"}, "it does not say of which host it is"),
        ({"schema": "dsmcertfix.report/1", "host": ""}, "it does not say of which host it is"),
        ({"schema": "dsmcertfix.summary/1", "host": 7}, "it does not say of which host it is"),
    ],
)
def test_what_is_no_result_is_told_why(value: dict[str, Any], why: str) -> None:
    assert Reader().seen(value) == why


def test_the_server_of_a_certificate_is_taken_from_its_label_where_nothing_else_tells_it() -> None:
    ((held, _),) = seen(result("detect", 0, certificate(server=None))).stores[0].certificates
    assert held.server == "tsm01"


def test_the_time_is_that_of_the_result_or_of_its_run_or_of_its_file() -> None:
    own = result(at="2026-11-24T08:00:00Z", run="20200101T000000Z-abc")
    run = result(at=None, run="20261124T080000Z-abc")
    neither = result(at="yesterday")
    assert [Reader().seen(item, 5) for item in (own, run)] != []
    times = [read.at for item in (own, run, neither) if isinstance(read := Reader().seen(item, 5), Seen)]
    assert times == [1795507200, 1795507200, 5]


def test_a_failed_session_is_kept_for_the_macro() -> None:
    (told,) = seen(result("fix", 21, outcome="rolled-back", trouble=refused("host1"))).problems
    assert told.session is not None
    assert (told.session.node, told.session.server, told.session.code) == ("host1", SERVER, "ANS1592E")


def test_the_same_problem_of_two_stores_is_one() -> None:
    value = result("fix", 16, trouble=problem("no-stored-password"))
    value["stores"] *= 2
    assert len(seen(value).problems) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places(value: object, way: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """The way to every part of a JSON value."""
    found = [way] if way else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*way, key))
    elif isinstance(value, list):
        for key, inner in enumerate(value):
            found += places(inner, (*way, key))
    return found


WHOLE = result("fix", 21, certificate(), trouble=refused(), presented=["A"], outcome="rolled-back")
SUMMARY = json.loads(summary.render(reports.REPLACED))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([WHOLE, SUMMARY]), st.data())
def test_whatever_stands_in_a_field_does_no_harm(original: dict[str, Any], data: st.DataObject) -> None:
    value = json.loads(json.dumps(original))
    for way in data.draw(st.lists(st.sampled_from(places(original)), min_size=1, max_size=3)):
        inner: Any = value
        try:
            for key in way[:-1]:
                inner = inner[key]
            inner[way[-1]] = data.draw(JSON)
        except (KeyError, IndexError, TypeError):
            continue
    read = Reader().seen(value)
    assert isinstance(read, str) or isinstance(read.exit_code, int)
    if isinstance(read, Seen):
        hash(read)


def test_a_very_long_text_is_cut() -> None:
    read = seen(result(comment="x" * 10**6))
    assert len(read.comment) <= 2000
