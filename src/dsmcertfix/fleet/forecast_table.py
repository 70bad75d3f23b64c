"""A forecast as CSV: one line an endpoint, or a node that no endpoint reported. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dsmcertfix.fleet.forecast import GOES_ON, STANDINGS, Forecast, Row
from dsmcertfix.fleet.page.words import iso
from dsmcertfix.fleet.table import cell, written

COLUMNS = (
    "host",
    "standing",
    "refused",
    "why",
    "stores",
    "stores_ready",
    "nodes",
    "session_security",
    "seen_at",
    "state",
)


def lines(made: Forecast) -> Iterator[str]:
    """The heading and a line for each row, each with its line end (RFC 4180)."""
    return written(COLUMNS, map(_cells, made.rows))


def _cells(row: Row) -> tuple[str | int, ...]:
    last = row.endpoint.last if row.endpoint is not None else None
    return (
        cell(row.endpoint.host if row.endpoint is not None else ""),
        row.standing,
        "" if row.standing in GOES_ON else "yes",
        STANDINGS[row.standing][1],
        row.stores,
        row.ready,
        cell(" ".join(row.node_names)),
        " ".join(dict.fromkeys(node.security for node in row.nodes)),
        iso(last.at if last is not None else None),
        row.endpoint.state if row.endpoint is not None else "",
    )
