"""A fleet as CSV: one line an endpoint, for spreadsheets and other programs. Pure.

No cell is a formula: a spreadsheet would run what a hostile result brings in. A text that begins like one
gets an apostrophe in front (OWASP, CSV injection).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from dsmcertfix.fleet.causes import reasons
from dsmcertfix.fleet.picture import Picture
from dsmcertfix.fleet.seen import Seen
from dsmcertfix.render.fleet_words import day, iso
from dsmcertfix.render.text import printable

COLUMNS = (
    "host",
    "state",
    "causes",
    "servers",
    "valid_until",
    "days_left",
    "seen_at",
    "command",
    "exit_code",
    "comment",
    "stores",
    "results",
    "in_inventory",
    "odd_certificate",
    "version",
    "holds",
)

_FORMULA = ("=", "+", "-", "@")


def lines(picture: Picture) -> Iterator[str]:
    """The heading and a line for each endpoint, each with its line end (RFC 4180)."""
    alarmed = frozenset(picture.alarmed())
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for number in range(len(picture.endpoints)):
        writer.writerow(_row(picture, number, odd=number in alarmed))
        if buffer.tell() > 1 << 20:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _row(picture: Picture, number: int, *, odd: bool) -> tuple[str | int, ...]:
    endpoint, end = picture.endpoints[number], picture.ends[number]
    last = endpoint.last
    return (
        _cell(endpoint.host),
        endpoint.state,
        _cell(" | ".join(reasons(endpoint))),
        _cell(" ".join(picture.servers[number])),
        day(end),
        "" if end is None else (end - picture.made) // 86400,
        iso(last.at if last is not None else None),
        _cell(last.command) if last is not None else "",
        last.exit_code if last is not None else "",
        _cell(last.comment) if last is not None else "",
        len(last.stores) if last is not None else 0,
        endpoint.results,
        {True: "yes", False: "no", None: ""}[endpoint.expected],
        "yes" if odd else "",
        _cell(last.version) if last is not None else "",
        _cell(" ".join(dict.fromkeys(_held(last)))) if last is not None else "",
    )


def _held(last: Seen) -> Iterator[str]:
    """The fingerprints of the servers' certificates in its stores."""
    for store in last.stores:
        yield from (
            held.sha256 for held, status in store.certificates if held.kind != "ca" and status != "pending"
        )


def _cell(text: str) -> str:
    safe = printable(text)
    return f"'{safe}" if safe.startswith(_FORMULA) else safe
