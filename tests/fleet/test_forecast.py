"""What a switch would do: each standing, whose a store and a node is, and what cannot lie its way to a go."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fleet.made import NOW, SERVER, SHA, certificate, endpoints, problem, refused, result

from dsmcertfix.fleet.expected import Expected
from dsmcertfix.fleet.forecast import Forecast, Switch, forecast
from dsmcertfix.fleet.listing import ServersNode

OLD, NEW = "A", "B"
SWITCH = Switch("TSM01", frozenset((SHA[NEW],)), NOW - 30 * 86400)
THEIRS = certificate("C", server="tsm02:1500", label="TSM server TSM02 self-signed key")
BOTH = (certificate(OLD), certificate(NEW, "superseded"))


def made(*values: dict[str, Any], expected: Expected | None = None, nodes: Any = None) -> Forecast:
    return forecast(endpoints(*values, expected=expected), SWITCH, nodes)


def standing(*values: dict[str, Any], **more: Any) -> str:
    (row,) = made(*values, **more).rows
    return row.standing


def strict(name: str = "HOST1", host: str = "") -> tuple[ServersNode, ...]:
    return (ServersNode(name, "STRICT", host),)


def transitional(name: str = "HOST1", host: str = "") -> tuple[ServersNode, ...]:
    return (ServersNode(name, "TRANSITIONAL", host),)


def store(*certificates: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"directory": "/x", "outcome": "unchanged", "problem": None, "stanzas": ["TSM01"]}
    return {**told, "certificates": list(certificates), **more}


# --- each standing


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(BOTH, id="both"),
        pytest.param((certificate(NEW, "replaced"),), id="the new one alone: it is refused today"),
        pytest.param((certificate(OLD), certificate(NEW, "unknown", server=None)), id="under another label"),
        pytest.param((certificate(OLD), certificate(NEW, "ca", kind="ca", server=None)), id="the root above"),
    ],
)
def test_an_endpoint_whose_store_holds_the_new_one_goes_on(held: tuple[dict[str, Any], ...]) -> None:
    assert standing(result("detect", 0, *held)) == "ready"


@pytest.mark.parametrize(
    ("nodes", "expected"), [(None, "without"), (transitional(), "without"), (strict(), "strict")]
)
def test_one_that_holds_the_old_one_alone_is_refused(nodes: Any, expected: str) -> None:
    assert standing(result("detect", 0, certificate(OLD)), nodes=nodes) == expected


@pytest.mark.parametrize(
    "new",
    [
        certificate(NEW, "superseded", trusted=False),
        certificate(NEW, "untrusted"),
        certificate(NEW, "pending", kind="server"),
        certificate(NEW, "expired"),
    ],
    ids=["marked", "untrusted", "pending", "expired"],
)
def test_the_new_one_counts_only_where_it_is_stored_and_trusted(new: dict[str, Any]) -> None:
    assert standing(result("detect", 0, certificate(OLD), new)) == "without"


def test_one_that_holds_nothing_yet_fetches_while_its_node_is_transitional() -> None:
    pending = certificate(OLD, "pending")
    assert standing(result("detect", 0, pending), nodes=transitional()) == "fetches"
    assert standing(result("detect", 0, pending), nodes=strict()) == "strict"
    assert standing(result("detect", 0, pending)) == "without"
    assert standing(result("detect", 0, {**pending, "trusted": False}), nodes=transitional()) == "without"


def test_every_store_that_is_used_for_the_server_counts() -> None:
    both = result("detect", 0, stores=[store(*BOTH), store(certificate(OLD))])
    (row,) = made(both).rows
    assert (row.standing, row.stores, row.ready) == ("without", 2, 1)
    other = store(THEIRS, stanzas=["TSM02"])
    assert standing(result("detect", 0, stores=[store(*BOTH), other])) == "ready"


@pytest.mark.parametrize("code", ["password-expired", "certificate-unopenable"])
def test_a_store_that_ibms_programs_do_not_open_helps_nobody(code: str) -> None:
    assert standing(result("detect", 3, *BOTH, trouble=problem(code))) == "unusable"


def test_what_is_silent_too_old_or_not_told_counts_as_refused() -> None:
    old = result("detect", 0, *BOTH, at="2026-10-01T00:00:00Z")
    assert standing(old) == "old"
    unread = result("detect", 12, stores=[], problem=problem("not-permitted"))
    assert standing(unread) == "unknown"
    summary = {"schema": "dsmcertfix.summary/1", "host": "host1", "command": "detect", "state": "healthy"}
    held = [{"label": "TSM server TSM01 self-signed key", "status": "ok"}]
    assert (
        standing({**summary, "exit_code": 0, "certificates": held, "at": "2026-11-24T08:00:00Z"}) == "unknown"
    )
    told = made(result(host="a"), expected={"b": frozenset()})
    assert [row.standing for row in told.rows] == ["silent"] and told.unexpected == ("a",)


def test_a_machine_without_a_store_and_one_of_other_servers_do_not_count() -> None:
    other = store(THEIRS, stanzas=["TSM02"])
    absent = result("detect", 10, host="b", stores=[], problem=problem("no-store-found"))
    told = made(result("detect", 0, host="a", stores=[other]), absent, result("detect", 0, *BOTH))
    assert (told.elsewhere, [row.name for row in told.rows]) == (2, ["host1"])


# --- whose a store is


def test_a_store_is_the_servers_by_stanza_address_label_or_by_what_most_are_shown() -> None:
    by_label = certificate(OLD, server=None)
    by_stanza = store(certificate(OLD, "unknown", server=None, label="mine"), stanzas=["tsm01"])
    shown = [result("detect", 0, certificate(OLD), host=name, presented=[OLD]) for name in "abc"]
    elsewhere = certificate(OLD, server="10.0.0.5:1500", label="TSM server BACKUP self-signed key")
    told = made(
        *shown,
        result("detect", 0, by_label, host="label"),
        result("detect", 0, host="stanza", stores=[by_stanza]),
        result("detect", 0, elsewhere, host="shown"),
    )
    assert {row.name for row in told.rows} == {"a", "b", "c", "label", "stanza", "shown"}


def test_one_result_cannot_make_another_servers_certificate_this_ones() -> None:
    fleet = [result("detect", 0, *BOTH, host=f"h{n}", presented=[OLD]) for n in range(3)]
    others = [result("detect", 0, THEIRS, host=f"o{n}") for n in range(5)]
    liar = result("detect", 0, *BOTH, host="liar", presented=["C"] * 20)
    assert {row.standing for row in made(*fleet, *others).rows} == {"ready"}
    told = made(*fleet, *others, liar)
    assert not any(row.name.startswith("o") for row in told.rows)


# --- nodes


def test_a_node_is_joined_by_inventory_by_host_and_by_name() -> None:
    hosts = ("web1.example.com", "db1", "app-1")
    values = [result("detect", 0, certificate(OLD), host=host) for host in hosts]
    expected = {"web1.example.com": frozenset({"W"}), "db1": frozenset(), "app-1": frozenset()}
    nodes = (*strict("W"), *transitional("X", "DB1.example.com"), *strict("APP_1"), *strict("NOBODY"))
    told = made(*values, expected=expected, nodes=nodes)
    joined = {row.name: (row.standing, row.node_names) for row in told.rows}
    assert joined == {
        "web1.example.com": ("strict", ("W",)),
        "db1": ("without", ("X",)),
        "app-1": ("strict", ("APP_1",)),
        "NOBODY": ("unreported", ("NOBODY",)),
    }
    assert told.to_open() == ("APP_1", "W")


def test_an_endpoint_with_several_nodes_is_strict_when_one_of_them_is() -> None:
    nodes = (*transitional("A", "host1"), *strict("B", "host1"))
    told = made(result("detect", 0, certificate(OLD, "pending")), nodes=nodes)
    assert [row.standing for row in told.rows] == ["strict"] and told.to_open() == ("B",)


def test_a_refused_session_tells_that_the_node_is_strict_unless_the_server_says_otherwise() -> None:
    tried = result("fix", 21, certificate(OLD), outcome="rolled-back", trouble=refused("HOST1"))
    assert standing(tried) == "strict"
    assert standing(tried, nodes=transitional()) == "without"


def test_a_silent_host_whose_nodes_the_server_does_not_have_is_no_client_of_it() -> None:
    expected = {"host1": frozenset({"HOST1"}), "gone": frozenset({"OTHER"}), "quiet": frozenset({"Q"})}
    nodes = (*strict("HOST1"), *strict("Q"))
    told = made(result("detect", 0, *BOTH), expected=expected, nodes=nodes)
    assert {row.name: row.standing for row in told.rows} == {"host1": "ready", "quiet": "silent"}


def test_the_names_of_two_hosts_do_not_make_one_node_ready() -> None:
    values = [result("detect", 0, *BOTH, host="web1.a"), result("detect", 0, certificate(OLD), host="web1.b")]
    told = made(*values, nodes=strict("WEB1"))
    assert {row.name: row.standing for row in told.rows} == {"web1.a": "ready", "web1.b": "strict"}


# --- the sentence


def test_the_verdict_is_one_sentence() -> None:
    values = [result("detect", 0, *BOTH, host=f"h{n}") for n in range(3)]
    assert made(*values).verdict() == "Switching TSM01 today would refuse none of 3 endpoints."
    expected = {name: frozenset[str]() for name in ("h0", "h1", "h2", "x", "y", "z")}
    values += [result("detect", 0, certificate(OLD), host=name) for name in "xy"]
    told = made(*values, expected=expected, nodes=strict("X")).verdict()
    assert told == (
        "Switching TSM01 today would refuse 3 of 6 endpoints (1 silent, 1 without the certificate, 1 STRICT)."
    )


def test_the_newest_result_counts() -> None:
    before = result("detect", 0, certificate(OLD), at="2026-11-23T08:00:00Z")
    after = result("trust", 0, *BOTH, outcome="changed", at="2026-11-24T08:00:00Z")
    assert standing(before, after) == standing(after, before) == "ready"
    assert SERVER.startswith("tsm01")
