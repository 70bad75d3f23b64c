"""One state for each endpoint, whatever results there are of it and in whichever order they come."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from tests.fleet.made import certificate, endpoints, problem, refused, result

from dsmcertfix.errors import UsageError
from dsmcertfix.fleet.endpoints import STATES
from dsmcertfix.fleet.expected import hosts_in
from dsmcertfix.report.catalogue import next_step

T1, T2, T3 = (f"2026-11-24T0{hour}:00:00Z" for hour in (1, 2, 3))


def detect(code: int = 0, at: str = T1, **more: Any) -> dict[str, Any]:
    return result("detect", code, certificate(), at=at, **more)


def fix(outcome: str, code: int = 0, at: str = T1, **more: Any) -> dict[str, Any]:
    return result("fix", code, certificate(), at=at, outcome=outcome, **more)


def inspect(status: str = "not-checked", at: str = T2, **more: Any) -> dict[str, Any]:
    return result("inspect", 0, certificate(status=status), at=at, **more)


TROUBLE = problem("server-timed-out")
ABSENT: dict[str, Any] = {"problem": problem("no-store-found"), "stores": []}


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([detect()], "healthy"),
        ([detect(3)], "needed"),
        ([detect(16, trouble=TROUBLE)], "unknown"),
        ([detect(14, trouble=TROUBLE)], "unknown"),
        ([detect(10, **ABSENT)], "absent"),
        ([detect(31, problem=problem("run-cut-off"))], "broken"),
        ([fix("changed")], "repaired"),
        ([fix("unchanged")], "healthy"),
        ([fix("rolled-back", 21, trouble=refused())], "rolled-back"),
        ([fix("broken", 30, trouble=problem("not-restored"))], "broken"),
        ([fix("unchanged", 16, trouble=TROUBLE)], "untouched"),
        ([fix("unchanged", 11, trouble=TROUBLE)], "untouched"),
        ([fix("changed", 16, trouble=TROUBLE)], "untouched"),
        ([fix("unchanged", 31, problem=problem("run-cut-off"))], "broken"),
        ([fix("changed", 32, problem=problem("service-not-restarted"))], "broken"),
        ([fix("unchanged", 10, **ABSENT)], "absent"),
        ([result("trust", 0, outcome="changed")], "repaired"),
        ([result("rollback", 0, outcome="rolled-back")], "rolled-back"),
        ([result("recover", 0, outcome="rolled-back")], "rolled-back"),
        ([result("recover", 0)], "unknown"),
        ([result("inspect", 0, certificate())], "unknown"),
        ([result("inspect", 0, certificate(status="expired"))], "needed"),
        ([result("plan", 0)], "healthy"),
        ([result("plan", 0, steps=[{"step": "swap"}])], "needed"),
        ([result("locate", 0)], "unknown"),
        ([result("support-bundle", 0)], "unknown"),
        # A story of several results.
        ([detect(3, T1), fix("changed", at=T2)], "repaired"),
        ([detect(3, T1), fix("changed", at=T2), detect(0, T3)], "repaired"),
        ([fix("unchanged", at=T1), detect(0, T2)], "healthy"),
        ([fix("changed", at=T1), detect(3, T2)], "needed"),
        ([fix("changed", at=T1), detect(16, T2, trouble=TROUBLE)], "repaired"),
        ([fix("rolled-back", 21, T1, trouble=refused()), detect(3, T2)], "rolled-back"),
        ([fix("rolled-back", 21, T1, trouble=refused()), detect(0, T2)], "healthy"),
        ([fix("rolled-back", 21, T1, trouble=refused()), fix("changed", at=T2)], "repaired"),
        ([fix("unchanged", 16, T1, trouble=TROUBLE), detect(3, T2)], "untouched"),
        ([fix("unchanged", 16, T1, trouble=TROUBLE), detect(16, T2, trouble=TROUBLE)], "unknown"),
        ([fix("broken", 30, T1), detect(16, T2, trouble=TROUBLE)], "broken"),
        (
            [fix("broken", 30, T1), result("recover", 0, outcome="rolled-back", at=T2), detect(0, T3)],
            "healthy",
        ),
        ([fix("changed", at=T1), result("recover", 0, at=T2)], "repaired"),
        ([detect(0, T1), result("locate", 0, at=T2)], "healthy"),
        ([detect(3, T1), detect(0, T2)], "healthy"),
        # `inspect` asks no server: it hides nothing of what one that did found.
        ([detect(0, T1), inspect()], "healthy"),
        ([detect(3, T1), inspect()], "needed"),
        ([detect(16, T1, trouble=TROUBLE), inspect()], "unknown"),
        ([detect(10, T1, **ABSENT), inspect()], "absent"),
        ([detect(31, T1, problem=problem("run-cut-off")), inspect()], "broken"),
        ([result("plan", 0, at=T1, steps=[{"step": "swap"}]), inspect()], "needed"),
        ([detect(0, T1), inspect("expired")], "needed"),
        ([detect(0, T3), inspect("expired")], "healthy"),
        ([inspect("expired", T1), inspect()], "unknown"),
        ([fix("changed", at=T1), inspect()], "repaired"),
        ([fix("changed", at=T1), inspect("expired")], "needed"),
        ([fix("unchanged", 16, T1, trouble=TROUBLE), inspect()], "untouched"),
        ([fix("rolled-back", 21, T1, trouble=refused()), inspect("expired")], "rolled-back"),
        ([detect(3, T1), fix("changed", at=T2), inspect(at=T3)], "repaired"),
        ([result("locate", 0, at=T3), inspect()], "unknown"),
    ],
)
def test_the_state_follows_from_the_newest_results_in_whichever_order_they_come(
    values: list[dict[str, Any]], state: str
) -> None:
    for order in itertools.permutations(values):
        (found,) = endpoints(*order)
        assert found.state == state
        assert found.results == len(values)


def test_every_state_but_silent_is_in_that_table() -> None:
    test: Any = test_the_state_follows_from_the_newest_results_in_whichever_order_they_come
    (mark,) = test.pytestmark
    assert {state for _, state in mark.args[1]} == set(STATES) - {"silent"}


def test_without_times_what_came_last_counts() -> None:
    (found,) = endpoints(detect(3, at="?"), detect(0, at="?"))
    assert found.state == "healthy"


def test_after_a_roll_back_the_reason_of_the_roll_back_is_told_beside_the_newer_look() -> None:
    (found,) = endpoints(fix("rolled-back", 21, T1, trouble=refused()), detect(3, T2))
    assert found.last is not None and found.last.command == "detect"
    assert [item.code for item in found.problems] == ["client-not-connected"]


def test_an_endpoint_that_is_well_has_no_problems() -> None:
    (found,) = endpoints(detect(0, trouble=TROUBLE))
    assert (found.state, found.problems) == ("healthy", ())


# --- the inventory


def test_a_host_of_the_inventory_without_a_result_is_silent() -> None:
    found = endpoints(detect(host="a"), detect(host="c"), expected=("a", "b"))
    assert [(item.host, item.state, item.expected) for item in found] == [
        ("a", "healthy", True),
        ("b", "silent", True),
        ("c", "healthy", False),
    ]


def test_without_an_inventory_nobody_is_silent_and_nobody_unexpected() -> None:
    (found,) = endpoints(detect(host="a"))
    assert found.expected is None


@pytest.mark.parametrize(
    ("host", "listed", "same"),
    [
        ("web1", "WEB1", True),
        ("web1", "web1.example.com", True),
        ("web1.example.com", "web1", True),
        ("web1.example.com", "web1.example.org", False),
        ("web1", "web10", False),
        ("web1.example.com", "web1.example.com", True),
    ],
)
def test_a_host_is_known_by_its_name_with_or_without_domain(host: str, listed: str, same: bool) -> None:
    found = endpoints(detect(host=host), expected=(listed,))
    assert (len(found) == 1 and found[0].expected is True) == same


def test_a_bare_name_that_two_hosts_have_is_neither() -> None:
    found = endpoints(detect(host="web1"), expected=("web1.a.com", "web1.b.com"))
    assert [item.state for item in found] == ["healthy", "silent", "silent"]


def rows(*heard: str, expected: tuple[str, ...] | None) -> list[tuple[str, str, bool | None, int]]:
    """The endpoints when those hosts were heard one after the other; only the first needs a repair."""
    values = [
        detect(0 if number else 3, f"2026-11-24T0{number + 1}:00:00Z", host=host)
        for number, host in enumerate(heard)
    ]
    found = [endpoints(*order, expected=expected) for order in itertools.permutations(values)]
    assert found == found[:1] * len(found)
    return [(item.host, item.state, item.expected, item.results) for item in found[0]]


@pytest.mark.parametrize("listed", ["web1", "web1.example.com", "WEB1", "Web1.Example.COM"])
@pytest.mark.parametrize("heard", [("web1", "web1.example.com"), ("web1.example.com", "web1")])
def test_a_host_that_was_heard_under_both_names_is_one_endpoint_whose_newest_result_counts(
    heard: tuple[str, str], listed: str
) -> None:
    assert rows(*heard, expected=(listed, "b")) == [
        ("b", "silent", True, 0),
        (heard[1], "healthy", True, 2),
    ]


def test_a_repair_under_one_name_and_a_look_under_the_other_are_one_story() -> None:
    values = (detect(3, T1, host="web1"), fix("changed", at=T2, host="web1.a"), detect(0, T3, host="web1"))
    for order in itertools.permutations(values):
        (found,) = endpoints(*order, expected=("web1",))
        assert (found.host, found.state, found.results) == ("web1", "repaired", 3)


@pytest.mark.parametrize(
    ("heard", "listed", "states"),
    [
        # Nothing says that the two names are one host's.
        (("web1", "web1.a"), None, ["needed None", "healthy None"]),
        (("web1", "web1.a"), ("other",), ["silent True", "needed False", "healthy False"]),
        (("web1", "web1.a"), ("web1", "web1.a"), ["needed True", "healthy True"]),
        (("web1.a", "web1.b"), ("web1.a", "web1.b"), ["needed True", "healthy True"]),
        (("web1.a", "web1.b"), ("web1",), ["needed True", "healthy True"]),
        # The bare name may stand for either of the two.
        (
            ("web1.a", "web1", "web1.b"),
            ("web1.a", "web1.b"),
            ["healthy False", "needed True", "healthy True"],
        ),
        (("web1.a", "web1", "web1.b"), ("web1.a",), ["healthy True", "needed True", "healthy False"]),
        (("web1.a", "web1"), ("web1.a", "web1.b"), ["healthy False", "needed True", "silent True"]),
        (("web1.a", "web1", "web1.b"), ("web1",), ["healthy True", "needed True", "healthy True"]),
    ],
)
def test_hosts_that_may_be_two_are_never_taken_for_one(
    heard: tuple[str, ...], listed: tuple[str, ...] | None, states: list[str]
) -> None:
    assert [f"{state} {expected}" for _, state, expected, _ in rows(*heard, expected=listed)] == states


def test_host_names_are_the_same_in_upper_and_lower_case() -> None:
    (found,) = endpoints(detect(host="WEB1", at=T1), detect(3, host="web1", at=T2))
    assert (found.state, found.results) == ("needed", 2)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("a\nb\n", ("a", "b")),
        ("a\r\n\r\n  b  \n", ("a", "b")),
        ("\ufeffName\na\n", ("a",)),
        ('"Name","Domain"\n"a","x"\n"b","y"', ("a", "b")),
        ("a;1\nb;2", ("a", "b")),
        ("a\tx\nb", ("a", "b")),
        ("# all\na # the first\n", ("a",)),
        ("[web]\na ansible_host=10.0.0.1\n[all:vars]\nansible_user=root\n", ("a",)),
        ("a\nA\na\n", ("a",)),
        ("", ()),
        ("node\nnode\n", ("node",)),
        (
            '{"_meta": {"hostvars": {"a": {}}}, "all": {"hosts": ["b"]}, "g": {"children": ["all"]}}',
            ("b", "a"),
        ),
    ],
)
def test_an_inventory_is_read_as_people_have_it(text: str, hosts: tuple[str, ...]) -> None:
    assert tuple(hosts_in(text)) == hosts


def test_the_nodes_of_a_host_are_read_from_ansible_s_own_list() -> None:
    nodes = {
        "a": {"dsmcertfix_nodes": "n1, N2"},
        "b": {"dsmcertfix_nodes": ["n3"]},
        "c": {"ansible_user": "x"},
    }
    found = hosts_in(json.dumps({"_meta": {"hostvars": nodes}}))
    assert found == {"a": {"N1", "N2"}, "b": {"N3"}, "c": set()}


@pytest.mark.parametrize(
    "text",
    [
        "all:\n  hosts:\n    a:\n      ansible_user: deploy\n",
        "---\nclients: {hosts: {a: {}}}\n",
        "all:\n  children:   # by site\n    berlin:\n",
        "{",
        '{"a": 1}',
        '{"_meta": {"hostvars": {"a": {"dsmcertfix_nodes": [1]}}}}',
        "{" * 100_000,
    ],
)
def test_an_inventory_of_which_the_hosts_cannot_be_told_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        hosts_in(text)
    assert refused.value.code == "inventory-not-a-list"
    assert next_step(refused.value.code)


@pytest.mark.parametrize("command", ["detect", "fix"])
def test_a_wrong_command_line_hides_nothing_that_was_found(command: str) -> None:
    (endpoint,) = endpoints(detect(3), result(command, 2, at=None))
    assert endpoint.state == "needed"
