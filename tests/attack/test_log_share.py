"""What one store says cannot push out of root's log what the others said."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from dsmcertfix import budgets
from dsmcertfix.commands.log import Line, RunLog, log_path
from dsmcertfix.errors import Problem
from dsmcertfix.system.host import open_host
from dsmcertfix.system.log_file import log_files
from dsmcertfix.transaction.journal import Event

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)


def event(kind: str, store: str, **data: object) -> Event:
    return Event(1, AT, kind, store, data)


@pytest.fixture
def log(tmp_path: Path) -> RunLog:
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "root").mkdir()
    return RunLog(open_host(tmp_path / "root", tmp_path / "state"), "fix")


def said(tmp_path: Path) -> str:
    path = log_path(open_host(tmp_path / "root", tmp_path / "state"))
    return "".join(file.read_text(encoding="ascii") for file in log_files(path))


@pytest.mark.parametrize("more", [0, 1])
def test_characters_of_a_line_in_the_log(more: int) -> None:
    bare = len(Line(AT, "INFO", "", {"run": "r"}).text())
    message = "x" * (budgets.LOG_LINE.cap - bare + more)
    line = Line(AT, "INFO", message, {"run": "r"}).within(budgets.LOG_LINE.cap)
    assert (line.message == message) is not bool(more)
    assert line.message.endswith("[...]") is bool(more)
    assert len(line.text()) <= budgets.LOG_LINE.cap


def test_a_line_of_characters_that_are_escaped_is_cut_as_it_is_written() -> None:
    fields = dict.fromkeys(("directory", "context", "hint"), "🔑" * 100000)
    assert len(Line(AT, "INFO", "\x1b" * 1_000_000, fields).within(4096).text()) <= 4096


def test_labels_of_a_megabyte_push_nobody_elses_lines_out_of_the_log(tmp_path: Path, log: RunLog) -> None:
    log.observe(event("step-done", "bob", note="bob's first line"))
    problem = Problem("EditFailed", "edit-failed", "m" * 1_200_000, ("c" * 1_200_000,), "h" * 1_200_000)
    for _ in range(60):
        log.observe(event("step-done", "mallory", note="l" * 1_200_000))
        log.observe(event("step-failed", "mallory", note="n" * 1_200_000, problem=problem.to_data()))
    log.observe(event("store-finished", "mallory", outcome="unchanged", problem=problem.to_data()))
    log.observe(event("store-finished", "bob", outcome="changed"))
    log.close()
    text = said(tmp_path)
    assert "bob's first line" in text
    assert text.count("said too much for the log") == 1
    assert "store=mallory" in text.splitlines()[-2], "how it ended is told"
    assert "outcome=changed" in text.splitlines()[-1]
    of_hers = sum(len(line) for line in text.splitlines() if "store=mallory" in line)
    assert of_hers <= budgets.LOG_SHARE.cap + 2 * budgets.LOG_LINE.cap


@pytest.mark.parametrize("more", [0, 1])
def test_characters_of_one_store_in_the_log_of_a_run(tmp_path: Path, log: RunLog, more: int) -> None:
    size = len(Line(AT, "INFO", "", dict(log._fields(event("step-done", "s")))).text())
    left = budgets.LOG_SHARE.cap + more
    while left > 0:
        length = left if left <= budgets.LOG_LINE.cap else min(budgets.LOG_LINE.cap, left - size)
        log.observe(event("step-done", "s", note="x" * (length - size)))
        left -= length
    log.close()
    assert ("said too much for the log" in said(tmp_path)) is bool(more)
