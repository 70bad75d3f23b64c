"""What a run leaves for administrators on Windows: a log for CMTrace, copies for consoles, one event."""

from __future__ import annotations

import ctypes
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.shown import not_shown

assert sys.platform == "win32"

from tests.windows.command import STATE, fix, run
from tests.windows.played import Machine, one_renewed

QUICK = ("--engine", "native", "--no-reconnect")
LINE = re.compile(
    r'<!\[LOG\[.*\]LOG\]!><time="\d\d:\d\d:\d\d\.\d{3}[+-]\d{3}" date="\d\d-\d\d-\d{4}" '
    r'component="dsmcertfix" context="" type="[123]" thread="\d+" file="[^"]*">\Z'
)
LOG = STATE / "log" / "dsmcertfix.log"
CCM = Path(r"C:\windows\CCM\Logs")
INTUNE = Path(r"C:\ProgramData\Microsoft\IntuneManagementExtension\Logs")


@pytest.fixture
def one() -> Iterator[Machine]:
    with one_renewed() as made:
        yield made


@contextmanager
def consoles() -> Iterator[None]:
    """Both consoles' log folders are there, as where their clients are installed."""
    made = [path for path in (CCM.parent, INTUNE.parent) if not path.exists()]
    for path in (CCM, INTUNE):
        path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for path in made:
            shutil.rmtree(path)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_every_line_of_the_log_is_one_that_cmtrace_reads(one: Machine) -> None:
    answer = fix(*QUICK)
    assert (answer.code, answer.report["log"]) == (0, str(LOG))
    told = lines(LOG)
    assert [line for line in told if not LINE.match(line)] == []
    assert 'file="swap"' in "\n".join(told) and str(one.ba) in "\n".join(told)
    assert told[-1].startswith("<![LOG[1 store changed ") and 'type="1"' in told[-1]


def test_the_consoles_get_the_same_lines_only_when_asked_for_and_where_they_are(one: Machine) -> None:
    with consoles():
        assert fix(*QUICK).code == 0
        assert list(CCM.iterdir()) == list(INTUNE.iterdir()) == []
        assert run("rollback", "--yes", "--console-logs").code == 0
        written = lines(CCM / "dsmcertfix.log")
        assert lines(INTUNE / "dsmcertfix.log") == written
        assert written == lines(LOG)[-len(written) :]
        assert [line for line in written if not LINE.match(line)] == []
    assert fix("--console-logs", *QUICK).code == 0
    assert not CCM.exists() and not INTUNE.exists()


def test_a_command_ends_in_one_event_with_its_exit_code(one: Machine) -> None:
    before = _events()
    assert fix("--server", "TSM09").code == 10
    assert fix(*QUICK).code == 0
    if _events() == before:
        not_shown("this Windows (Wine) keeps no event log: that the events were accepted is all that is seen")
    assert _events() == before + 2


def test_an_event_is_the_end_of_a_command_and_nothing_else() -> None:
    from dsmcertfix.system.windows.event_log import EventLog

    assert EventLog().write(6, "a step", {"event": "step-done"}) is False
    assert EventLog().write(3, "failed", {"event": "ended", "exit_code": "21"}) is True


def _events() -> int:
    """How many events the Application log has; 0 where that cannot be told."""
    advapi = ctypes.WinDLL("advapi32")
    advapi.OpenEventLogW.restype = ctypes.c_void_p
    log = advapi.OpenEventLogW(None, "Application")
    count = ctypes.c_uint32()
    advapi.GetNumberOfEventLogRecords(ctypes.c_void_p(log), ctypes.byref(count))
    advapi.CloseEventLog(ctypes.c_void_p(log))
    return int(count.value)
