"""The macro has exactly the nodes that were refused, and nothing from a result can become a command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from tests.fleet.made import SERVER, endpoints, refused, result

from dsmcertfix.errors import UsageError
from dsmcertfix.fleet.macro import macro
from dsmcertfix.fleet.nodes import refused as refused_nodes
from dsmcertfix.report.details import NodeReport

COMMAND = re.compile(r'UPDATE NODE "([A-Z0-9_.+&-]{1,64})" SESSIONSECURITY=TRANSITIONAL|COMMIT')


def rolled_back(host: str, *problems: dict[str, Any], at: str = "2026-11-24T08:00:00Z") -> dict[str, Any]:
    value = result("fix", 21, host=host, outcome="rolled-back", at=at)
    value["stores"] = [{**value["stores"][0], "problem": item} for item in problems]
    return value


def nodes(*values: dict[str, Any]) -> tuple[NodeReport, ...]:
    """Where an inventory gives every node to its host."""
    theirs: dict[str, set[str]] = {value["host"]: set() for value in values}
    for one in refused_nodes(endpoints(*values)):
        for host in one.hosts:
            theirs[host].add(str(one.node).upper())
    expected = {host: frozenset(named) for host, named in theirs.items()}
    return refused_nodes(endpoints(*values, expected=expected))


def told(found: Sequence[NodeReport], server: str, results: int) -> str:
    return macro(found, server, results, inventory=True)


def commands(text: str) -> list[str]:
    """What dsmadmc would run: comments are no commands; a comment must end on its line."""
    found = []
    for line in text.splitlines():
        rest = re.sub(r"/\*.*?\*/", "", line).strip()
        assert "/*" not in rest and "*/" not in rest
        if rest:
            assert COMMAND.fullmatch(rest), line
            found.append(rest)
    return found


def test_exactly_the_refused_nodes_are_in_the_macro_each_committed_by_itself() -> None:
    found = nodes(
        rolled_back("a", refused("NODE_A")),
        rolled_back("b", refused("NODE_B", code="ANS1017E")),
        rolled_back("c", refused("node_c", code="ANS1695E")),
        result("fix", 0, host="d", outcome="changed"),
    )
    assert commands(told(found, SERVER, 4)) == [
        'UPDATE NODE "NODE_A" SESSIONSECURITY=TRANSITIONAL',
        "COMMIT",
        'UPDATE NODE "NODE_C" SESSIONSECURITY=TRANSITIONAL',
        "COMMIT",
    ]


def test_a_node_that_was_repaired_since_is_not_in_it() -> None:
    found = nodes(
        rolled_back("a", refused("NODE_A"), at="2026-11-24T08:00:00Z"),
        result("fix", 0, host="a", outcome="changed", at="2026-11-24T09:00:00Z"),
    )
    assert found == ()


def test_a_node_that_is_still_needed_after_a_newer_look_is_in_it() -> None:
    found = nodes(
        rolled_back("a", refused("NODE_A"), at="2026-11-24T08:00:00Z"),
        result("detect", 3, host="a", at="2026-11-24T09:00:00Z"),
    )
    assert [node.node for node in found] == ["NODE_A"]


def test_every_node_of_a_host_is_in_it_and_one_node_of_two_hosts_once() -> None:
    found = nodes(
        rolled_back("a", refused("ONE"), refused("TWO")),
        rolled_back("b", refused("TWO")),
    )
    assert [(node.node, node.hosts) for node in found] == [("ONE", ("a",)), ("TWO", ("a", "b"))]


def test_a_node_is_found_in_a_summary_too() -> None:
    session = {"stanza": "TSM01", "server": SERVER, "node": "SHORT", "code": "ANS1592E"}
    value: dict[str, Any] = {"schema": "dsmcertfix.summary/1", "host": "a", "command": "fix"}
    value |= {"state": "rolled-back", "exit_code": 21, "problem": "client-not-connected", "session": session}
    assert [node.node for node in nodes(value)] == ["SHORT"]


def test_nodes_of_several_servers_are_kept_apart() -> None:
    found = nodes(
        rolled_back("a", refused("ONE", server="one:1500")),
        rolled_back("b", refused("TWO", server="two:1500")),
    )
    assert commands(told(found, "one:1500", 2))[0] == 'UPDATE NODE "ONE" SESSIONSECURITY=TRANSITIONAL'
    assert len(commands(told(found, "one:1500", 2))) == 2


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "A*",
        "A?",
        'A" PASSWORD=X',
        "A\nDELETE NODE B",
        "A\r\nHALT",
        "A;HALT",
        "%1",
        "A B",
        "A'",
        "*/ HALT /*",
        "Ä",
        "A\u0000",
        "A" * 65,
        "A-\n",
    ],
)
def test_a_name_that_no_node_can_have_is_left_out_and_told(name: str) -> None:
    found = nodes(rolled_back("a", refused(name)), rolled_back("b", refused("GOOD")))
    assert commands(told(found, SERVER, 2)) == ['UPDATE NODE "GOOD" SESSIONSECURITY=TRANSITIONAL', "COMMIT"]
    (left_out,) = (node for node in found if node.unusable)
    assert left_out.unusable == "this is no name that a node can have"


def test_a_node_that_takes_the_name_of_its_host_is_left_out_and_told() -> None:
    (found,) = nodes(rolled_back("a", refused(None)))
    assert found.node is None and found.unusable is not None and found.hosts == ("a",)


def test_a_node_whose_server_is_not_known_is_left_out() -> None:
    (found,) = nodes(rolled_back("a", refused("A", server="")))
    assert found.unusable == "it is not known of which server it is a node"


@pytest.mark.parametrize("host", ["*/ HALT /*", "a\nHALT", "ü", "x" * 300, "/*"])
def test_a_host_name_cannot_end_the_comment_it_stands_in(host: str) -> None:
    text = told(nodes(rolled_back(host, refused("GOOD"))), SERVER, 1)
    assert commands(text) == ['UPDATE NODE "GOOD" SESSIONSECURITY=TRANSITIONAL', "COMMIT"]
    assert text.isascii() and "HALT" not in text


def test_a_server_name_cannot_end_the_comment_either() -> None:
    server = "x */ halt /*:1"
    text = told(nodes(rolled_back("a", refused("GOOD", server=server))), server, 1)
    assert "halt" not in text and len(commands(text)) == 2


def test_nothing_but_a_name_gets_between_the_quotation_marks_even_by_mistake() -> None:
    wrong = NodeReport(SERVER, 'X" HALT "', ("a",), (), None, None)
    with pytest.raises(UsageError, match="is no name"):
        told((wrong,), SERVER, 1)


def test_without_a_refused_node_the_macro_says_so_and_does_nothing() -> None:
    text = told((), "", 3)
    assert commands(text) == [] and "No node" in text


def test_no_line_continues_in_the_next_one() -> None:
    text = told(nodes(rolled_back("a-", refused("A-")), rolled_back("b", refused("B-"))), SERVER, 2)
    assert all(not line.endswith(("-", "\\")) for line in text.splitlines())
