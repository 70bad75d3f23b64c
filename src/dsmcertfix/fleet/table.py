"""A fleet as CSV: one line an endpoint, for spreadsheets and other programs. Pure.

No cell is a formula: a spreadsheet would run what a hostile result brings in. A text that begins like one, or
would where it is split at another separator, gets an apostrophe in front of that (OWASP, CSV injection).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from dsmcertfix.fleet.causes import reasons
from dsmcertfix.fleet.page.words import day, iso
from dsmcertfix.fleet.picture import DAY, Picture
from dsmcertfix.wording import printable

COLUMNS = (
    "host",
    "state",
    "causes",
    "servers",
    "valid_until",
    "days_left",
    "seen_at",
    "older_than_a_day",
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

# Which separator a spreadsheet takes depends on where it stands: a cell may begin after each of them.
_LONGEST = 32_767
"""Characters that a cell of Excel holds; many readers of CSV refuse a cell of more than 131,072."""
_FORMULA = re.compile(r"""((?:^|[,;|:\t\r\n])[\s"']*)(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])""")


def lines(picture: Picture) -> Iterator[str]:
    """The heading and a line for each endpoint, each with its line end (RFC 4180)."""
    alarmed = frozenset(picture.alarmed())
    numbers = range(len(picture.endpoints))
    return written(COLUMNS, (_row(picture, number, odd=number in alarmed) for number in numbers))


def written(columns: tuple[str, ...], rows: Iterable[tuple[str | int, ...]]) -> Iterator[str]:
    """The heading and the rows, each with its line end (RFC 4180). The cells must be safe (`cell`)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > 1 << 20:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _row(picture: Picture, number: int, *, odd: bool) -> tuple[str | int, ...]:
    endpoint, end = picture.endpoints[number], picture.ends[number]
    last = endpoint.last
    return (
        cell(endpoint.host),
        endpoint.state,
        cell(" | ".join(reasons(endpoint))),
        cell(" ".join(picture.servers[number])),
        day(end),
        "" if end is None else (end - picture.made) // DAY,
        iso(last.at if last is not None else None),
        "yes" if picture.is_old(number) else "",
        cell(last.command) if last is not None else "",
        last.exit_code if last is not None else "",
        cell(last.comment) if last is not None else "",
        len(last.stores) if last is not None else 0,
        endpoint.results,
        "yes" if endpoint.expected else "",
        "yes" if odd else "",
        cell(last.version) if last is not None else "",
        cell(" ".join(dict.fromkeys(held.sha256 for store in last.stores for held in store.held())))
        if last is not None
        else "",
    )


def cell(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula, and that fits into one."""
    told = _FORMULA.sub(r"\1'", printable(text))
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 3]}..."
