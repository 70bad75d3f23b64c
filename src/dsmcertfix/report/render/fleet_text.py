"""What `report` and `admin-macro` say on a terminal. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from dsmcertfix.report.details import FleetReport, NodeReport
from dsmcertfix.wording import number, printable

MOST = 10
"""Causes, outliers and damaged files that are named; the page and the JSON have them all."""


def overview(fleet: FleetReport) -> Iterator[str]:
    """The picture of a fleet, line by line."""
    when = f", made {fleet.first}" if fleet.first else ""
    when += f" to {fleet.last}" if fleet.last != fleet.first else ""
    yield f"{number(fleet.endpoints, 'endpoint')}, {number(fleet.results, 'result')}{when}"
    for item in fleet.states:
        if item.endpoints:
            yield f"  {number(item.endpoints):>9} {item.state}"
    for outlier in fleet.outliers[:MOST]:
        hosts = ", ".join(outlier.hosts[:5]) + (" ..." if len(outlier.hosts) > 5 else "")
        whose = printable(outlier.server) or "a server"
        yield f"look here: {printable(hosts)}: hardly anybody else has this certificate of {whose}:"
        yield f"            SHA-256 {outlier.sha256}"
    yield from _more(len(fleet.outliers), "such certificates")
    if fleet.causes:
        yield "why, and what to do:"
    for cause in fleet.causes[:MOST]:
        yield f"  {number(cause.endpoints):>9} {printable(cause.meaning)} [{printable(cause.cause)}]"
        yield f"            to act: {cause.actor}. {printable(cause.advice)}"
    yield from _more(len(fleet.causes), "causes")
    refused = sum(node.unusable is None for node in fleet.nodes)
    if refused:
        macro = "`dsmcertfix admin-macro --from RESULTS` writes the macro for the server's administrator"
        yield f"refused because they are STRICT: {number(refused, 'node')}; {macro}"
    yield from not_counted(fleet)
    for path in fleet.written:
        yield f"written: {printable(path)}"


def not_counted(fleet: FleetReport) -> Iterator[str]:
    """What could not be used, and the hosts that the inventory does not have."""
    for foreign in fleet.foreign[:MOST]:
        line = f", line {foreign.line}" if foreign.line else ""
        yield f"not used: {printable(foreign.file)}{line}: {printable(foreign.reason)}"
    yield from _more(fleet.foreign_in_all, "files or parts of files that could not be used")
    if fleet.unexpected:
        yield f"not in the inventory, not counted: {', '.join(map(printable, fleet.unexpected[:MOST]))}"
    yield from _more(fleet.unexpected_in_all, "hosts that are not in the inventory")


def wrapped(line: str, width: int) -> str:
    """The line in lines of that width, all below where its text begins."""
    indent = " " * (len(line) - len(line.lstrip(" ,0123456789"))) if line.startswith(" ") else ""
    return textwrap.fill(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def left_out(nodes: tuple[NodeReport, ...]) -> Iterator[str]:
    """The refused nodes that are not in the macro, and why."""
    for node in nodes:
        if node.unusable is not None:
            hosts = ", ".join(map(printable, node.hosts))
            named = (
                f"node {printable(node.node)}"
                if node.node
                else f"stanza {printable(', '.join(node.stanzas))}"
            )
            yield f"left out: {named} of {printable(node.server) or 'a server'} on {hosts}: {node.unusable}"


def _more(found: int, what: str) -> Iterator[str]:
    if found > MOST:
        yield f"            and {number(found - MOST)} more {what}"
