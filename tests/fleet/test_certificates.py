"""Who holds which certificate, and when one that nobody else has is an alarm."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fleet.made import SHA, certificate, drawn, result

from dsmcertfix.fleet.certificates import Holding


def at(minute: int) -> str:
    return f"2026-11-24T{minute // 60:02}:{minute % 60:02}:00Z"


def hosts(
    sha256: str, count: int, first: int = 0, *, status: str = "ok", start: int = 0
) -> list[dict[str, Any]]:
    """So many hosts that hold that certificate and, if it is the right one, are shown it; a minute apart."""
    shown = [sha256] if status == "ok" else []
    return [
        result(
            "detect",
            0,
            certificate(sha256, status),
            host=f"h{first + number}",
            at=at(start + number),
            presented=shown,
        )
        for number in range(count)
    ]


def standings(*values: dict[str, Any]) -> dict[str, str]:
    """How each certificate stands, in all groups."""
    return {name: item.standing for name, item in holdings(*values).items()}


def holdings(*values: dict[str, Any]) -> dict[str, Holding]:
    names = {sha256: name for name, sha256 in SHA.items()}
    return {names[item.held.sha256]: item for group in drawn(*values).groups for item in group.certificates}


def test_a_certificate_that_nobody_else_has_is_an_alarm() -> None:
    values = [*hosts("A", 30), *hosts("B", 1, 30, start=10)]
    assert standings(*values) == {"B": "only-here", "A": "main"}
    assert drawn(*values).alarmed() == (drawn(*values).endpoints.index(holding_host(values, "h30")),)


def holding_host(values: list[dict[str, Any]], host: str) -> Any:
    (found,) = (item for item in drawn(*values).endpoints if item.host == host)
    return found


def test_one_that_was_only_shown_and_not_stored_is_an_alarm_too() -> None:
    odd = result("detect", 3, certificate("A", "replaced"), host="x", at=at(10), presented=["B"])
    assert standings(*hosts("A", 30), odd)["B"] == "only-here"


def test_the_old_certificate_of_the_last_endpoint_that_was_not_repaired_is_none() -> None:
    last = result("detect", 3, certificate("B", "replaced"), host="x", at=at(10), presented=["A"])
    assert standings(*hosts("A", 30), last) == {"A": "main", "B": "old"}


def test_a_renewal_is_none_neither_before_nor_after_it() -> None:
    assert standings(*hosts("A", 30), *hosts("B", 1, 30, start=60)) == {"A": "main", "B": "other"}
    assert standings(*hosts("A", 1), *hosts("B", 30, 1, start=60)) == {"B": "main", "A": "other"}


def test_a_few_endpoints_behind_one_proxy_are_an_alarm_among_many() -> None:
    assert standings(*hosts("A", 100), *hosts("B", 3, 100, start=20))["B"] == "rare"


def test_two_certificates_that_many_have_are_none() -> None:
    assert standings(*hosts("A", 60), *hosts("B", 40, 60, start=20)) == {"A": "main", "B": "other"}


def test_a_certificate_that_others_know_under_another_address_is_none() -> None:
    alias = [
        result("detect", 0, certificate("B", server="10.0.0.5:1500"), host=f"a{number}", at=at(number))
        for number in range(20)
    ]
    assert standings(*hosts("A", 30), *alias, *hosts("B", 1, 30, start=10))["B"] != "only-here"


def test_without_times_the_others_count_as_asked_at_the_same_time() -> None:
    values = [*hosts("A", 30), *hosts("B", 1, 30)]
    for value in values:
        value["at"] = None
    assert standings(*values)["B"] == "only-here"


def test_where_nobody_could_ask_the_server_what_is_stored_has_to_do() -> None:
    values = [*hosts("A", 30, status="not-checked"), *hosts("B", 1, 30, status="not-checked", start=10)]
    assert standings(*values) == {"B": "only-here", "A": "main"}


def test_one_that_some_hold_beside_that_of_most_is_no_alarm_before_the_server_shows_it() -> None:
    values = hosts("A", 30, status="not-checked")
    for value in values[:1]:
        value["stores"][0]["certificates"].append(certificate("B", "not-checked"))
    assert standings(*values) == {"A": "main", "B": "old"}
    # Without the one of most it is the trace of somebody in between, as before.
    only = hosts("B", 1, 30, status="not-checked", start=10)
    assert standings(*values, *only) == {"B": "only-here", "A": "main"}


def test_one_that_could_not_be_checked_is_no_alarm_beside_others_that_could() -> None:
    values = [*hosts("A", 30), *hosts("B", 1, 30, status="not-checked", start=10)]
    assert standings(*values) == {"A": "main", "B": "old"}


def test_a_ca_that_nobody_else_has_is_an_alarm() -> None:
    values = hosts("A", 30)
    for value in values:
        value["stores"][0]["certificates"].append(certificate("C", "ca", server=None, kind="ca"))
    values[3]["stores"][0]["certificates"].append(certificate("D", "ca", server=None, kind="ca"))
    found = standings(*values)
    assert (found["C"], found["D"]) == ("authority", "only-here")
    # Each alone: then no one knows what is usual.
    assert standings(*values[3:4])["D"] == "authority"


def test_a_holding_tells_who_stores_it_and_who_is_shown_it() -> None:
    values = [*hosts("A", 4), result("fix", 21, certificate("B", "replaced"), host="x", presented=["A"])]
    found = holdings(*values)
    assert (len(found["A"].stored), len(found["A"].presented)) == (4, 5)
    assert (len(found["B"].stored), len(found["B"].presented)) == (1, 0)


def test_the_server_with_an_alarm_comes_first() -> None:
    other = [
        result("detect", 0, certificate("E", server="z:1"), host=f"z{number}", at=at(number))
        for number in range(9)
    ]
    odd = result("detect", 0, certificate("F", server="z:1"), host="zz", at=at(4))
    found = drawn(*hosts("A", 30), *other, odd).groups
    assert found[0].server == "z:1"


@pytest.mark.parametrize("kind", ["personal", "secret", "unreadable"])
def test_what_is_no_server_certificate_is_not_compared(kind: str) -> None:
    assert standings(result("detect", 0, certificate("A", "unknown", kind=kind))) == {}
