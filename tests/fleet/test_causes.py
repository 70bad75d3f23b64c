"""Why endpoints are not well: ranked, each with who must act and what to do."""

from __future__ import annotations

import pytest
from tests.fleet.made import certificate, drawn, problem, refused, result

from dsmcertfix.fleet.endpoints import STATES
from dsmcertfix.fleet.picture import timeline
from dsmcertfix.ibm.client.message_table import MESSAGES
from dsmcertfix.report.catalogue import CATALOGUE
from dsmcertfix.report.causes import STATUSES, Cause


def failed(host: str, code: str = "server-timed-out") -> dict[str, object]:
    return result("detect", 16, certificate(status="not-checked"), host=host, trouble=problem(code))


def by_key(*values: dict[str, object], expected: tuple[str, ...] | None = None) -> dict[str, Cause]:
    return {cause.key: cause for cause in drawn(*values, expected=expected).causes}


def test_the_most_frequent_cause_comes_first() -> None:
    values = [failed("a"), failed("b", "no-stored-password"), failed("c"), result(host="d")]
    found = drawn(*values).causes
    assert [(cause.key, len(cause.covers)) for cause in found] == [
        ("server-timed-out", 2),
        ("no-stored-password", 1),
    ]


def test_a_cause_has_the_words_of_the_catalogue() -> None:
    cause = by_key(failed("a"))["server-timed-out"]
    assert cause.advice == CATALOGUE["server-timed-out"].after
    assert cause.meaning == CATALOGUE["server-timed-out"].meaning.rstrip(".")


@pytest.mark.parametrize("status", STATUSES)
def test_a_certificate_that_needs_action_is_a_cause_with_its_advice(status: str) -> None:
    (cause,) = drawn(result("detect", 3, certificate(status=status))).causes
    assert cause.key == f"certificate-{status}"
    assert "dsmcertfix fix" in cause.advice


def test_what_the_client_said_is_a_cause_of_its_own_with_ibm_s_code() -> None:
    values = [
        result("fix", 21, host="a", outcome="rolled-back", trouble=refused("A")),
        result("fix", 21, host="b", outcome="rolled-back", trouble=refused("B", code="ANS1017E")),
    ]
    found = by_key(*values)
    strict, network = found["client-not-connected ANS1592E"], found["client-not-connected ANS1017E"]
    assert strict.actor == MESSAGES["ANS1592E"].actor.value and strict.by_macro
    assert "SESSIONSECURITY=TRANSITIONAL" in strict.advice
    assert not network.by_macro


def test_a_silent_endpoint_has_a_cause() -> None:
    assert by_key(result(host="a"), expected=("a", "b"))["silent"].covers == (1,)


def test_an_endpoint_with_two_problems_counts_for_both() -> None:
    value = failed("a")
    value["problem"] = problem("no-stored-password")
    found = by_key(value)
    assert found["server-timed-out"].covers == found["no-stored-password"].covers == (0,)


def test_a_code_of_another_release_is_told_as_one() -> None:
    (cause,) = drawn(failed("a", "from-the-future")).causes
    assert cause.key == "from-the-future" and cause.meaning == "A code that this release does not know"


def test_what_is_well_has_no_cause_and_everything_else_has_one() -> None:
    broken = result("fix", 30, outcome="broken")
    assert [cause.key for cause in drawn(broken).causes] == ["no-reason-told"]
    assert drawn(result(trouble=problem())).causes == ()


# --- the rest of the picture


def test_every_state_is_counted_and_those_that_need_nobody_are_the_good_ones() -> None:
    picture = drawn(result(host="a"), failed("b"), expected=("a", "b", "c"))
    assert list(picture.states()) == list(STATES)
    assert picture.states() | {"healthy": 1, "unknown": 1, "silent": 1} == picture.states()
    assert picture.good == 1


def test_the_servers_of_an_endpoint_are_those_it_stores_and_those_it_asked() -> None:
    picture = drawn(result("detect", 0, certificate(server="b:1"), presented=["A"]))
    assert picture.servers == (("b:1", "tsm01.example.com:1500"),)


NOVEMBER = 1_795_510_800
DAY = 86_400


@pytest.mark.parametrize(
    ("days", "name", "kind"),
    [
        (-1, "expired", "over"),
        (0, "2026 Q4", "soon"),
        (30, "2026 Q4", "soon"),
        (60, "2027 Q1", "soon"),
        (200, "2027 Q2", "later"),
        (760, "2028 Q4", "later"),
        (800, "2029", "later"),
        (3650, "2036", "later"),
        (40_000, "2100", "later"),
    ],
)
def test_the_timeline_has_quarters_and_then_years(days: int, name: str, kind: str) -> None:
    found = [span for span in timeline([NOVEMBER + days * DAY], NOVEMBER) if span.endpoints]
    assert [(span.name, span.kind, span.endpoints) for span in found] == [(name, kind, 1)]


def test_the_timeline_has_no_gaps_and_counts_everybody_whose_end_is_known() -> None:
    spans = timeline([None, NOVEMBER, NOVEMBER + 3650 * DAY, NOVEMBER - DAY], NOVEMBER)
    assert sum(span.endpoints for span in spans) == 3
    assert [span.name for span in spans][-3:] == ["2034", "2035", "2036"]
    assert timeline([], NOVEMBER)[0].endpoints == 0
