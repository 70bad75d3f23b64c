"""Slow tests run with --all only; the end of a run lists what it did not show. No settings matter."""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec
from typing import Any

import pytest
from tests import again, placed
from tests.shown import PREFIX, shown_only_if

ABOUT_THE_TERMINAL = (
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "TTY_COMPATIBLE",
)
ABOUT_A_CLIENT = ("DSM_DIR", "DSM_CONFIG", "DSM_LOG", "DSMI_DIR", "DSMI_CONFIG", "DSMI_LOG")


def pytest_addoption(parser: pytest.Parser) -> None:
    """--all: the slow tests, too. --again: what fails is run again. --seed and --part: an order, a share."""
    parser.addoption("--all", action="store_true", help="run the slow tests, too")
    again.add_option(parser)
    placed.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Nothing of how the tests were started reaches them."""
    again.register(config)
    _signals_as_in_a_terminal()
    _environment_without_settings()
    # Other users come to what is built for them.
    os.umask(0o022)
    # Not under Wine.
    if find_spec("hypothesis") is not None:
        _same_examples_in_any_time()


def _signals_as_in_a_terminal() -> None:
    """In the background, and after nohup, some are ignored."""
    for name in ("SIGINT", "SIGHUP", "SIGQUIT"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


def _environment_without_settings() -> None:
    """Programs that tests start see no window's size, no wish about colours, no client of this machine."""
    for name in (*ABOUT_THE_TERMINAL, *ABOUT_A_CLIENT):
        os.environ.pop(name, None)
        # readline puts COLUMNS and LINES into the environment behind os.environ.
        os.unsetenv(name)
    # A terminal that is called dumb, as some of CI are, is taken for one of 80 columns whatever is asked for.
    os.environ["TERM"] = "xterm"


def _same_examples_in_any_time() -> None:
    """The examples are the same in every run; on a machine with much else to do each may take its time.

    What must not take long is measured where that is the question.
    """
    from hypothesis import HealthCheck, settings

    slow = [HealthCheck.too_slow]
    settings.register_profile("tests", derandomize=True, deadline=None, suppress_health_check=slow)
    settings.load_profile("tests")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Workers take single tests, and all that share a thing go to one.

    xdist's own `loadgroup` writes the group into a test's name, where pytest 9.2 has none to write to.
    """
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class ByThing(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return placed.group_of(nodeid) or nodeid

    return ByThing(config, log)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """The same in every process."""
    return placed.name_of(val, argname)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --all a slow test is listed as not shown; what shares a thing runs on one worker."""
    if part := config.getoption("--part"):
        kept = [item for item in items if placed.in_part(item.nodeid, part)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept
    if config.getoption("--seed"):
        placed.shuffle(items, config.getoption("--seed"))
    placed.order_by_length(items)
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
