"""How numbers and times are written on a fleet's page. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache


@cache
def day(time: int | None) -> str:
    """The date in UTC; empty for None."""
    return _utc(time).date().isoformat() if time is not None else ""


def minute(time: int) -> str:
    """The date and time in UTC."""
    return f"{_utc(time).isoformat(' ', 'minutes')} UTC"


def iso(time: int | None) -> str:
    """The time as results have it; empty for None."""
    return f"{_utc(time).isoformat(timespec='seconds')}Z" if time is not None else ""


def percent(part: int, total: int) -> str:
    """The share in percent with one digit after the point at most; never 100 while one is missing."""
    tenths = 1000 * part // total if total else 0
    return f"{tenths // 10}" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}"


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def _utc(time: int) -> datetime:
    """The time in UTC; the first or the last there is for one beyond them.

    Reckoned, for Windows' own conversion knows no time before 1970 or after 3000, and results have any.
    """
    return _EPOCH + timedelta(seconds=max(_FIRST, min(time, _LAST)))


# Without a zone, which would be written.
_EPOCH = datetime(1970, 1, 1)
_FIRST, _LAST = ((end - _EPOCH) // timedelta(seconds=1) for end in (datetime.min, datetime.max))
