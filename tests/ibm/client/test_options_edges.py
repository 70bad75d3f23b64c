"""Option files at the edges of what is read: the last line, warning and stanza, quotes, ports."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsmcertfix import budgets
from dsmcertfix.ibm.client import options
from dsmcertfix.ibm.client.options import SystemOptions, UserOptions, read_system_options, read_user_options
from dsmcertfix.model import Server, Stanza

PATH = Path("/opt/dsm.sys")


def system(text: str) -> SystemOptions:
    return read_system_options(text.encode(), PATH)


def user(text: str) -> UserOptions:
    return read_user_options(text.encode(), PATH)


def only(*lines: str) -> Stanza:
    (found,) = system("\n".join(("servername A", *lines))).stanzas
    return found


@pytest.mark.parametrize(("count", "more"), [(20, None), (21, 1), (25, 5)])
def test_the_first_twenty_warnings_are_kept_and_of_the_others_the_number(
    count: int, more: int | None
) -> None:
    told = system("tcpport 1\n" * count).warnings
    assert len([line for line in told if "outside every stanza" in line]) == min(count, 20)
    assert told[20:] == (() if more is None else (f"{PATH}: {more} more warnings",))
    assert [int(line.split("line ")[1].split(":")[0]) for line in told[:20]] == list(
        range(1, min(count, 20) + 1)
    )


def test_warnings_stand_in_the_order_of_the_lines() -> None:
    told = system("servername A\nservername A\ntcpport\nservername A").warnings
    numbers = [int(line.split("line ")[1].split(":")[0]) for line in told]
    assert numbers == sorted(numbers) and len(numbers) > 3


def test_of_too_many_stanzas_the_first_are_read_and_that_is_told_once() -> None:
    text = b"".join(b"servername S%d\ntcps a\n" % number for number in range(4))
    most = budgets.STANZAS._replace(cap=2)
    found = read_system_options(text, PATH, most)
    assert [item.name for item in found.stanzas] == ["S0", "S1"]
    assert found.warnings == (f"{PATH}: {most.exceeded()}",)
    assert read_system_options(text, PATH, most._replace(cap=4)).warnings == ()


@pytest.mark.parametrize(
    ("data", "lines", "more"),
    [
        (b"", [], False),
        (b"\n", [b""], False),
        (b"a", [b"a"], False),
        (b"a\n", [b"a"], False),
        (b"a\n\n", [b"a", b""], False),
        (b"a\r\nb\rc\n", [b"a", b"b", b"c"], False),
        (b"a\nb\nc\n", [b"a", b"b", b"c"], False),
        (b"a\nb\nc\nd", [b"a", b"b", b"c"], True),
        (b"a\nb\nc\n\n", [b"a", b"b", b"c"], True),
        (b"a\nb\n\nd", [b"a", b"b", b""], True),
        (b"\xef\xbb\xbfa", [b"a"], False),
    ],
)
def test_a_file_has_as_many_lines_as_line_ends_and_of_too_many_the_first(
    data: bytes, lines: list[bytes], more: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "LINES", budgets.LINES._replace(cap=3))
    assert options.lines_of(data) == (lines, more)


def test_that_a_file_has_too_many_lines_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "LINES", budgets.LINES._replace(cap=3))
    whole = "servername A\ntcps a\nnodename n\n"
    assert system(whole).warnings == ()
    cut = system(whole + "nodename m\n")
    assert cut.stanzas[0].node == "n" and cut.warnings == (f"{PATH}: {budgets.LINES.exceeded()}",)


def test_a_value_over_its_budget_is_left_out_and_one_of_just_its_length_is_not() -> None:
    cap = budgets.VALUE.cap
    assert only("nodename " + "x" * cap).node == "x" * cap
    over = system("servername A\ntcps a\nnodename " + "x" * (cap + 1))
    assert over.stanzas[0].node is None
    told = f"{PATH}: line 3: NODENAME has {budgets.VALUE.exceeded()}"
    assert over.warnings == (f"{PATH}, line 3: NODENAME has no value", told)


@pytest.mark.parametrize(("count", "kept"), [(20, 20), (21, 20)])
def test_of_very_many_values_over_their_budget_the_first_are_told(count: int, kept: int) -> None:
    long = "nodename " + "x" * (budgets.VALUE.cap + 1)
    told = system("\n".join(("servername A", *[long] * count))).warnings
    left_out = [line for line in told if budgets.VALUE.exceeded() in line]
    assert [line.split(" ")[2] for line in left_out] == [f"{number}:" for number in range(2, kept + 2)]


def test_an_option_without_a_value_is_told_and_counts_for_nothing() -> None:
    found = system("servername A\ntcps a\ntcpport\npassworddir \n")
    (stanza,) = found.stanzas
    assert (stanza.server, stanza.passworddir) == (Server("a", 1500), None)
    names = ((3, "TCPPORT"), (4, "PASSWORDDIR"))
    assert found.warnings == tuple(f"{PATH}, line {line}: {name} has no value" for line, name in names)


def test_that_a_file_is_in_utf_16_is_told_of_its_first_line() -> None:
    (told,) = read_system_options("servername A\n".encode("utf-16"), PATH).warnings
    assert told.startswith(f"{PATH}, line 1: the file is in UTF-16")


def test_failover_servers_over_their_budget_are_left_out_and_told() -> None:
    names = [f"R{number}" for number in range(budgets.FAILOVER.cap + 1)]
    found = system("servername A\nmyreplicationserver " + " ".join(names))
    assert found.stanzas[0].failover == tuple(names[:-1])
    assert any(budgets.FAILOVER.exceeded() in line for line in found.warnings)
    fitting = system("servername A\ntcps a\nmyreplicationserver " + " ".join(names[:-1]))
    assert fitting.stanzas[0].failover == tuple(names[:-1]) and fitting.warnings == ()


@pytest.mark.parametrize("written", ["\"B\" 'C'", "'B','C'", "B,C", '"B, C"', " B  C "])
def test_a_list_may_have_quotes_of_both_kinds(written: str) -> None:
    assert only(f"myreplicationserver {written}").failover == ("B", "C")


def failover(*lines: str) -> Stanza:
    (found,) = system("\n".join(("replservername R", *lines))).stanzas
    return found


def test_only_a_failover_stanza_has_a_failover_address() -> None:
    assert failover("repltcpserveraddress r", "repltcpport 1502").server == Server("r", 1502)
    assert failover("repltcpserveraddress r", "replsslport 1503").server == Server("r", 1503)
    assert failover("repltcpserveraddress r", "tcpport 1504").server == Server("r", 1500)
    assert failover("tcpserveraddress t", "tcpport 1504").server == Server("t", 1504)
    assert only("repltcpserveraddress r").server is None
    assert only("repltcpserveraddress r", "tcpserveraddress t").server == Server("t", 1500)


@pytest.mark.parametrize(
    ("written", "port"),
    [
        ("1", 1),
        ("65535", 65535),
        ("0", None),
        ("65536", None),
        ("99999", None),
        ("1500 x", 1500),
        ("x", None),
    ],
)
def test_a_port_is_a_number_of_one_to_65535(written: str, port: int | None) -> None:
    server = only("tcpserveraddress t", f"tcpport {written}").server
    assert (server.port if server is not None else None) == port


@pytest.mark.parametrize(
    ("written", "generate"),
    [("g", False), ("ge", False), ("gen", True), ("GENERATE", True), ("generated", False), ("prompt", False)],
)
def test_a_password_is_generated_where_the_client_reads_that(written: str, generate: bool) -> None:
    assert only(f"passwordaccess {written}").password_generate is generate


def test_without_passwordaccess_a_password_is_asked_for() -> None:
    assert only().password_generate is False


def test_a_user_option_file_is_called_by_what_it_says_of_its_server() -> None:
    own = user("servername A\ntcpserveraddress t").stanza
    assert own is not None and (own.name, own.server) == ("A", Server("t", 1500))
    own = user("tcpserveraddress t").stanza
    assert own is not None and (own.name, own.line) == ("t", 1)
    own = user("tcpserveraddress t\nservername A").stanza
    assert own is not None and (own.name, own.line) == ("A", 2)
    own = user('tcpserveraddress ""').stanza
    assert own is not None and (own.name, own.server) == (PATH.name, None)
    assert user("servername A").stanza is None and user("servername A").servername == "A"


def test_the_failover_stanzas_of_a_user_option_file_are_its_own() -> None:
    found = user("repltcpserveraddress lost\nreplservername R\nrepltcpserveraddress r\ntcpserveraddress t")
    assert [item.server for item in found.replication] == [Server("r", 1500)]
    assert found.stanza is not None and found.stanza.server == Server("t", 1500)


@pytest.mark.parametrize(
    ("written", "read", "warned"),
    [
        ("/a/b", "/a/b", False),
        ("/a b", "/a b", True),
        ('"/a b"', "/a b", False),
        ('"/a b', "/a b", True),
        ("'/a' x", "/a", False),
        ('""', None, False),
    ],
)
def test_a_file_s_name_is_what_stands_in_quotes_or_all_of_it(
    written: str, read: str | None, warned: bool
) -> None:
    found = system(f"servername A\ntcps a\npassworddir {written}")
    assert found.stanzas[0].passworddir == read and bool(found.warnings) is warned


@pytest.mark.parametrize(("length", "cut"), [(80, False), (81, True)])
def test_a_long_name_is_cut_in_a_message(length: int, cut: bool) -> None:
    (told,) = system("servername " + "x" * length).warnings
    assert ("x" * 80 + "..." in told) is cut and ("x" * 81 not in told)


@pytest.mark.parametrize(
    ("written", "node"), [('"my node" x', "my node"), ("'a'", "a"), ("a b", "a"), ('""', None)]
)
def test_a_name_is_what_stands_in_quotes_or_one_word(written: str, node: str | None) -> None:
    assert only(f"nodename {written}").node == node
