"""The targets for results that came from other machines: any bytes, and JSON with our own words in it."""

from __future__ import annotations

import csv
import gzip
import io
import json
from html.parser import HTMLParser
from typing import Any

from tests.fleet.made import NOW, certificate, refused, result
from tests.fuzz.draw import Draw

from dsmcertfix.errors import UsageError
from dsmcertfix.fleet import table as fleet_csv
from dsmcertfix.fleet.endpoints import Fleet
from dsmcertfix.fleet.expected import hosts_in
from dsmcertfix.fleet.macro import macro
from dsmcertfix.fleet.nodes import refused as refused_nodes
from dsmcertfix.fleet.page import page as fleet_page
from dsmcertfix.fleet.picture import Foreign, picture
from dsmcertfix.fleet.reading import Damage, values
from dsmcertfix.fleet.seen import Reader, Seen
from dsmcertfix.report.details import ForeignReport

WORDS = (
    "schema", "dsmcertfix.report/1", "dsmcertfix.summary/1", "host", "command", "detect", "fix", "plan", "at",
    "2026-11-24T08:00:00Z", "outcome", "changed", "rolled-back", "broken", "exit_code", "comment", "version",
    "stores", "certificates", "servers", "problem", "session", "stanza", "server", "node", "code", "sha256",
    "ab" * 32, "label", "subject", "not_after", "9999-12-31T23:59:59Z", "kind", "ca", "status", "ok",
    "replaced", "directory", "steps", "run", "20261124T080000Z-ab", "ANS1592E", "client-not-connected",
    "state", "needed", "<script>", "=1+1",
)  # fmt: skip


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        assert not any(name.startswith("on") for name, _ in attrs)


def files(data: bytes) -> None:
    """Any bytes are values and damage; what is made of them is a whole page, a whole CSV and a safe macro."""
    reader, fleet, foreign, results = Reader(), Fleet(), [], 0
    for value in values(io.BytesIO(data)):
        seen = value.reason if isinstance(value, Damage) else reader.seen(value, 1)
        if isinstance(seen, Seen):
            fleet.add(seen)
            results += 1
        else:
            foreign.append(ForeignReport("x", seen))
    _drawn(fleet, results, tuple(foreign), data)


def of_values(data: bytes) -> None:
    """The same of JSON with our own words in the wrong places."""
    draw, reader, fleet = Draw(data), Reader(), Fleet()
    results = 0
    while draw.more:
        value: dict[str, Any] = {"schema": "dsmcertfix.report/1", "host": draw.text() or "h"}
        value |= {draw.one_of(WORDS): draw.value(WORDS) for _ in range(draw.number(12))}
        seen = reader.seen(json.loads(json.dumps(value)))
        if isinstance(seen, Seen):
            fleet.add(seen)
            results += 1
    _drawn(fleet, results, (), data)


def _drawn(fleet: Fleet, results: int, foreign: tuple[ForeignReport, ...], data: bytes) -> None:
    try:
        expected = hosts_in(data.decode("utf-8", "replace"))
    except UsageError:
        expected = {}
    found = fleet.endpoints(expected)
    drawn = picture(found, results, NOW, Foreign(foreign, len(foreign)), with_inventory=True)
    page = "".join(fleet_page.page(drawn, "<script>"))
    tags = _Tags()
    tags.feed(page.encode("utf-8", "backslashreplace").decode())
    assert tags.scripts == 2
    rows = list(csv.reader(io.StringIO("".join(fleet_csv.lines(drawn)), newline="")))
    assert len(rows) == len(drawn.endpoints) + 1 and {len(row) for row in rows} == {len(fleet_csv.COLUMNS)}
    nodes = refused_nodes(found)
    for server in {node.server for node in nodes}:
        for line in macro(nodes, server, results, inventory=bool(expected)).splitlines():
            assert line.startswith(("/* ", 'UPDATE NODE "', "COMMIT")) and line.isascii()


def seeds() -> list[bytes]:
    """Results as they are collected."""
    one = result(
        "detect", 3, certificate("A", "replaced"), certificate("B", "ca", kind="ca"), presented=["C"]
    )
    two = result("fix", 21, certificate(), host="host2", outcome="rolled-back", trouble=refused())
    lines = "\n".join(map(json.dumps, (one, two)))
    whole = json.dumps([one, two], indent=1)
    return [
        lines.encode(),
        whole.encode(),
        gzip.compress(lines.encode()),
        lines.encode("utf-16"),
        b"host1\n#x\n",
        b'host,nodes\nhost1,"A B"\nhost2 nodes=C,D',
    ]
