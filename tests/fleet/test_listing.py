"""The server's own list of its nodes, as dsmadmc and spreadsheets write it."""

from __future__ import annotations

import pytest

from dsmcertfix.errors import UsageError
from dsmcertfix.fleet.listing import ServersNode, nodes_in
from dsmcertfix.fleet.reading import decoded

A, B = ServersNode("WEB1", "STRICT", "web1.example.com"), ServersNode("DB_1", "TRANSITIONAL", "db1")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("WEB1,Strict,web1.example.com\nDB_1,Transitional,db1\n", id="what dsmadmc prints"),
        pytest.param('"WEB1","Strict","web1.example.com"\r\n"db_1","TRANSITIONAL","db1"\r\n', id="quotes"),
        pytest.param(
            "tcp_name;platform;Session Security;Node Name\nweb1.example.com;Linux;Strict;WEB1\n"
            "db1;AIX;Transitional;DB_1\n",
            id="another order, a heading, semicolons",
        ),
        pytest.param(
            "NODE_NAME\tSESSION_SECURITY\tTCP_NAME\nWEB1\tStrict\tweb1.example.com\nDB_1\tTransitional\tdb1",
            id="tabs",
        ),
        pytest.param(
            "IBM Storage Protect\nCommand Line Administrative Interface - Version 8, Release 1, Level 22.0\n"
            "(c) Copyright by IBM Corporation and other(s) 1990, 2024. All Rights Reserved.\n\n"
            "Session established with server TSM01: Linux/x86_64\n  Server Version 8, Release 1, Level 22.0\n"
            "  Server date/time: 11/24/2026 09:00:00\n\nANS8000I Server command: 'select'.\n"
            "NODE_NAME,SESSION_SECURITY,TCP_NAME\n--------- ----------------- ---------\n"
            "WEB1,Strict,web1.example.com\nDB_1,Transitional,db1\n\nANS8002I Highest return code was 0.\n",
            id="with dsmadmc's banner and messages",
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_nodes_are_read_in_any_order_and_encoding(text: str, encoding: str) -> None:
    assert nodes_in("".join(decoded((text.encode(encoding),)))) == (A, B)


def test_a_host_may_be_missing_and_a_line_may_come_twice() -> None:
    assert nodes_in("A,Strict\nA,Strict\n") == (ServersNode("A", "STRICT"),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A,Strict\nB,Sometimes\n", "line 2 of the list of nodes: column 2 is neither"),
        ("A,Strict\nB,\n", "line 2 of the list of nodes: column 2 is neither"),
        ("Strict,A\n", "line 1 of the list of nodes: column 2 is neither"),
        ("A B,Strict\n", "line 1 of the list of nodes: column 1 is no name"),
        ('A" HALT,Strict\n', "line 1 of the list of nodes: column 1 is no name"),
        ('"A,Strict\n', "line 1 of the list of nodes: unexpected end of data"),
        ("A,Strict\n\na,Transitional\n", "line 3 of the list of nodes: A is TRANSITIONAL here and STRICT"),
        ("node_name,platform\nA,AIX\n", "heading of the list of nodes has no column SESSION_SECURITY"),
        ("node_name,node_name,session_security\n", "has the column NODE_NAME twice"),
        ("", "the list of nodes has none"),
        ("A\0,\0S\0", "bytes that are zero"),
    ],
)
def test_what_cannot_be_told_is_an_error_with_its_line_and_column(text: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        nodes_in(text)
    assert told in raised.value.message and raised.value.code == "nodes-not-readable"
