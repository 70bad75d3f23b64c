"""Reads the codes with their times out of one of the client's error logs. Bytes in, values out; pure.

Only lines with a code are kept, and of each only its beginning. Nothing here opens a file.

The forms (option reference, 8.1.10 and 8.2.2 manuals): a line begins with date and time as DATEFORMAT and
TIMEFORMAT say, then the code. With ERRORLOGMAX the log wraps in itself, so that the newest line need not be
the last one: times decide, not places.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from dsmcertfix.client.messages import found_in
from dsmcertfix.client.secrets import without_secrets

_LONGEST = 300
_UTF16_SHARE = 5
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HINTS = re.compile(rb"ANS|ANR|CTGSK|GSKit", re.IGNORECASE)
_DATE = re.compile(
    r"\s*(?P<first>\d{1,4})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<third>\d{2,4})[ T]+"
    r"(?P<hour>\d{1,2})[:.,](?P<minute>\d\d)[:.,](?P<s>\d\d)\s*(?P<half>[AaPp])?(?:[Mm]\b)?"
)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Logged:
    """A line with a code: when (local time there, None where the line does not say), and its text."""

    code: str
    at: datetime | None
    line: str


def read(data: bytes, *, modified: datetime, cut: bool = False) -> tuple[Logged, ...]:
    """Every code in the log, in the order of the file. Never raises.

    `modified` (local, naive) is when the file was written last: it tells whether 03/04 is in March or in
    April. With `cut` the first line is only the end of one.
    """
    lines = _lines(data, cut=cut)
    dates = [_DATE.match(line) for line in lines]
    day_first = _is_day_first([date for date in dates if date is not None], modified)
    found: list[Logged] = []
    at: datetime | None = None
    for line, date in zip(lines, dates, strict=True):
        # A long message goes on in lines without a date of their own.
        at = _time(date, day_first=day_first) if date is not None else at
        text = without_secrets(line.strip())[:_LONGEST]
        found += [Logged(code, at, text) for code in found_in(line)]
    return tuple(found)


def _lines(data: bytes, *, cut: bool) -> list[str]:
    for mark in _BOMS:
        data = data.removeprefix(mark)
    if data.count(0) * _UTF16_SHARE > len(data):
        # UTF-16 of either order, perhaps from the middle of a character: codes and times are ASCII.
        data = data.replace(b"\0", b"")
    raw = data.splitlines()[1 if cut else 0 :]
    dated = [line for line in raw if _HINTS.search(line) or line[:1].isdigit()]
    return [_text(line) for line in dated]


def _text(line: bytes) -> str:
    """A beginning of the line; bytes that are not UTF-8 are taken for Latin-1."""
    line = line[: 4 * _LONGEST]
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _is_day_first(dates: list[re.Match[str]], modified: datetime) -> bool:
    """Whether the day stands before the month: a number is no month, or else the file's own time tells."""
    for date in dates:
        if date["mark"] != "/" or len(date["first"]) > 2:
            continue
        if int(date["first"]) > 12:
            return True
        if int(date["second"]) > 12:
            return False
    latest = {
        order: max((time for date in dates if (time := _time(date, day_first=order))), default=None)
        for order in (False, True)
    }
    month_first, day_first = latest[False], latest[True]
    if month_first is None or day_first is None:
        return month_first is None
    # The last line is as old as the file, unless the file was copied; the client's default is month first.
    if abs(modified - month_first) <= _ONE_DAY:
        return False
    return abs(modified - day_first) <= _ONE_DAY or month_first - modified > _ONE_DAY >= day_first - modified


def _time(date: re.Match[str], *, day_first: bool) -> datetime | None:
    first, second, third = (int(date[name]) for name in ("first", "second", "third"))
    if len(date["first"]) == 4:
        year, month, day = first, second, third
    elif date["mark"] != "/" or day_first:
        # DD-MM-YYYY and DD.MM.YYYY (DATEFORMAT 2 and 4).
        day, month, year = first, second, third
    else:
        month, day, year = first, second, third
    hour = int(date["hour"])
    if date["half"]:
        hour = hour % 12 + (12 if date["half"] in "Pp" else 0)
    year += 2000 if year < 100 else 0
    try:
        return datetime(year, month, day, hour, int(date["minute"]), int(date["s"]))
    except ValueError:
        return None
