"""Results made by hand, field by field, for the tests of a fleet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dsmcertfix.fleet.endpoints import Endpoint, Fleet
from dsmcertfix.fleet.expected import Expected
from dsmcertfix.fleet.picture import Foreign, Picture, picture
from dsmcertfix.fleet.seen import Reader, Seen

SHA = {name: f"{number:064x}" for number, name in enumerate("ABCDEFGH", 10)}
SERVER = "tsm01.example.com:1500"
NOW = 1_795_510_800
"""2026-11-24 09:00 UTC."""


def certificate(
    sha256: str = "A", status: str = "ok", *, server: str | None = SERVER, kind: str = "server", **more: Any
) -> dict[str, Any]:
    """A certificate of a store."""
    return {
        "label": "TSM server TSM01 self-signed key",
        "sha256": SHA.get(sha256, sha256),
        "subject": "CN=TSM Self-Signed Certificate",
        "not_after": "2036-11-20T00:00:00Z",
        "kind": kind,
        "status": status,
        "server": server,
        **more,
    }


def problem(
    code: str = "client-not-connected", message: str = "what happened", session: Any = None
) -> dict[str, Any]:
    """A problem, with the session that failed if there was one."""
    return {"code": code, "message": message, "context": [], "hint": None, "session": session}


def refused(node: str | None = "HOST1", *, server: str = SERVER, code: str = "ANS1592E") -> dict[str, Any]:
    """The problem of a store whose node is STRICT."""
    told = f"the client did not connect with stanza TSM01: {code}: no TLS session"
    session = {"stanza": "TSM01", "server": server, "node": node, "code": code}
    return problem(message=told, session=session)


def result(
    command: str = "detect",
    exit_code: int = 0,
    *certificates: dict[str, Any],
    host: str = "host1",
    at: str | None = "2026-11-24T08:00:00Z",
    outcome: str = "unchanged",
    trouble: dict[str, Any] | None = None,
    presented: Iterable[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """A result of one store."""
    store = {
        "directory": "/opt/ba",
        "outcome": outcome,
        "certificates": list(certificates),
        "problem": trouble,
    }
    return {
        "schema": "dsmcertfix.report/1",
        "command": command,
        "version": "0.1.0",
        "host": host,
        "at": at,
        "outcome": outcome,
        "exit_code": exit_code,
        "comment": f"{command} of {host}",
        "stores": [store],
        "servers": [
            {"server": SERVER, "sha256": SHA.get(one, one), "not_after": "2036-11-20T00:00:00Z"}
            for one in presented
        ],
        "problem": None,
        **more,
    }


def seen(value: dict[str, Any]) -> Seen:
    """The result as it is read."""
    read = Reader().seen(json.loads(json.dumps(value)))
    assert isinstance(read, Seen), read
    return read


def endpoints(
    *values: dict[str, Any], expected: Expected | Iterable[str] | None = None
) -> tuple[Endpoint, ...]:
    """The endpoints that these results are of."""
    fleet, reader = Fleet(), Reader()
    for value in values:
        read = reader.seen(json.loads(json.dumps(value)))
        assert isinstance(read, Seen), read
        fleet.add(read)
    if expected is None or isinstance(expected, Mapping):
        return fleet.endpoints(expected)
    return fleet.endpoints(dict.fromkeys(expected, frozenset()))


def drawn(
    *values: dict[str, Any], expected: Expected | Iterable[str] | None = None, foreign: Foreign | None = None
) -> Picture:
    """The picture of these results."""
    found = endpoints(*values, expected=expected)
    return picture(found, len(values), NOW, foreign or Foreign(), with_inventory=expected is not None)
