"""Slow tests run with --all only; the end of a run lists what it did not show."""

from __future__ import annotations

import signal

import pytest
from tests.shown import PREFIX, shown_only_if


def pytest_addoption(parser: pytest.Parser) -> None:
    """--all: the slow tests, too."""
    parser.addoption("--all", action="store_true", help="run the slow tests, too")


def pytest_configure() -> None:
    """Signals mean what they do in a terminal: in the background, and after nohup, some are ignored."""
    for name in ("SIGINT", "SIGHUP", "SIGQUIT"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --all a slow test is listed as not shown."""
    if not config.getoption("--all"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(shown_only_if(False, "slow; `scripts/test.sh --all` shows it"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every skipped test stands there with its reason; one that was not said by `not_shown` is a defect."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section("not shown on this machine")
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        told = reason.removeprefix("Skipped: ")
        word = "" if told.startswith(PREFIX) else "DEFECT, skipped without being said: "
        terminalreporter.write_line(f"{report.nodeid}: {word}{told.removeprefix(PREFIX)}")
