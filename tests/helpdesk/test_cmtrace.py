"""Lines of the log as CMTrace reads them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from dsmcertfix.commands import log as cmtrace

FORM = re.compile(
    r"<!\[LOG\[(?P<text>.*)\]LOG\]!><time=\"(?P<time>[^\"]*)\" date=\"(?P<date>[^\"]*)\" "
    r"component=\"(?P<component>[^\"]*)\" context=\"\" type=\"(?P<type>\d)\" thread=\"(?P<thread>\d+)\" "
    r"file=\"(?P<file>[^\"]*)\">\Z"
)
AT = datetime(2026, 11, 24, 9, 5, 3, 45_678)


def line(message: str = "done", level: str = "INFO", hours: float = 0.0) -> dict[str, str]:
    at = AT.replace(tzinfo=timezone(timedelta(hours=hours)))
    found = FORM.match(cmtrace.line(at, level, message, component="x", thread=7, source="swap"))
    assert found
    return found.groupdict()


@pytest.mark.parametrize(
    ("hours", "time"),
    [
        (0.0, "09:05:03.045+000"),
        (2.0, "09:05:03.045-120"),
        (-5.0, "09:05:03.045+300"),
        (5.5, "09:05:03.045-330"),
    ],
)
def test_time_and_date_are_local_and_say_how_far_ahead_utc_is(hours: float, time: str) -> None:
    told = line(hours=hours)
    assert (told["time"], told["date"]) == (time, "11-24-2026")


@pytest.mark.parametrize(("level", "number"), [("INFO", "1"), ("WARNING", "2"), ("ERROR", "3"), ("?", "1")])
def test_a_level_is_a_colour(level: str, number: str) -> None:
    assert line(level=level)["type"] == number


def test_a_message_cannot_end_its_line_or_begin_another() -> None:
    told = line('a]LOG]!><time="x">\n<![LOG[b\r\nc')
    assert told["text"] == 'a]LOG] !><time="x"> <![LOG[b c'
