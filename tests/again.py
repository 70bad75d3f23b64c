"""A test that fails is run again, alone, twice. One that passes both times is flaky: named, and no failure.

What fails once more fails the run, and so do more than three flaky tests. Nothing else is run again.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

TIMES = 2
FLAKY_AT_MOST = 3
FAILED_AT_MOST = 20
"""Where more tests have failed, it is not about single tests: none is run again."""

OPTION = "--again"
TITLE = "FLAKY: these tests failed, and passed twice when they were run again alone"


def add_option(parser: pytest.Parser) -> None:
    """--again: what this module is for."""
    parser.addoption(OPTION, action="store_true", help="run a test that fails again, alone, twice")


def register(config: pytest.Config) -> None:
    """With --again, in the process that tells the results."""
    if config.getoption(OPTION) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Again(config))


def flaky_of(failed: Iterable[str], passes: Callable[[str], bool]) -> list[str]:
    """Those that pass both times. No test is run a second time that did not pass the first time."""
    return [test for test in failed if all(passes(test) for _ in range(TIMES))]


@dataclass(slots=True)
class Again:
    """The plugin, in the process that tells the results."""

    config: pytest.Config
    flaky: dict[str, pytest.TestReport] = field(default_factory=dict)
    """What each flaky test said when it failed."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Flaky tests do not count as failures any more, and do not decide how the run ends."""
        if session.exitstatus != pytest.ExitCode.TESTS_FAILED:
            return
        reporter = self._reporter()
        stats = reporter.stats
        reports = [*stats.get("failed", []), *stats.get("error", [])]
        failed = {report.nodeid: report for report in reversed(reports)}
        if not all(isinstance(report, pytest.TestReport) for report in reports):
            return
        reporter.write_line("")
        if len(failed) > FAILED_AT_MOST:
            reporter.write_line(f"{len(failed)} tests failed: none is run again")
            return
        self.flaky = {test: failed[test] for test in flaky_of(failed, self._passes)}
        for outcome in ("failed", "error"):
            left = [report for report in stats.pop(outcome, []) if report.nodeid not in self.flaky]
            if left:
                stats[outcome] = left
        if self.flaky:
            stats["flaky"] = list(self.flaky.values())
        if len(self.flaky) == len(failed) and len(failed) <= FLAKY_AT_MOST:
            session.exitstatus = pytest.ExitCode.OK

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self) -> None:
        """Nobody misses a flaky test."""
        if not self.flaky:
            return
        reporter = self._reporter()
        reporter.section(TITLE, "!", red=True, bold=True)
        for test, report in self.flaky.items():
            reporter.write_sep("_", test)
            reporter.write_line(report.longreprtext)
            for title, content in report.sections:
                reporter.write_sep("-", title)
                reporter.write_line(content.rstrip("\n"))
        reporter.write_sep("!", red=True, bold=True)
        for test in self.flaky:
            reporter.write_line(f"FLAKY {test}", red=True)
        if len(self.flaky) > FLAKY_AT_MOST:
            reporter.write_line(f"More than {FLAKY_AT_MOST} flaky tests: the run has failed", red=True)

    def _passes(self, test: str) -> bool:
        """Whether the test passes in a process of its own; says so."""
        options = ["--all"] if self.config.getoption("--all") else []
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, test],
            cwd=self.config.rootpath,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        passed = done.returncode == 0 and re.search(r"^1 passed\b", done.stdout, re.MULTILINE) is not None
        self._reporter().write_line(f"again, alone: {test}: {'passed' if passed else 'failed'}")
        return passed

    def _reporter(self) -> pytest.TerminalReporter:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        assert isinstance(reporter, pytest.TerminalReporter)
        return reporter
