"""Tests for Windows: there, or under Wine with `scripts/wine.sh python -m pytest tests/windows`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from tests.shown import PREFIX

from dsmbench.server import Server

if sys.platform != "win32":
    collect_ignore_glob = ["*"]
else:
    from dsmbench.windows import WindowsEndpoint

    @pytest.fixture
    def endpoint() -> Iterator[WindowsEndpoint]:
        """A client as installed on this machine, without any option file or store."""
        with WindowsEndpoint() as built:
            yield built


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Elsewhere it is said that these tests were not shown."""
    if sys.platform != "win32":
        how = "`packaging/windows/test-wine.sh` runs them under Wine, and `scripts/test.sh --all` runs that"
        terminalreporter.write_line(f"tests/windows: {PREFIX}this is not Windows; {how}")


@pytest.fixture
def tsm01() -> Iterator[Server]:
    """A played server."""
    with Server("TSM01") as server:
        yield server
