"""What every command keeps to: a result on success and on failure alike, and what it asks meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from dsmcertfix.errors import DsmcertfixError, Interrupted, PlanOutdated, bug, exit_code
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import host_name

if TYPE_CHECKING:
    # What only reads has no journal.
    from dsmcertfix.transaction.journal import Event


def reported(command: str, work: Callable[[], Report]) -> Report:
    """The report of `work`; the report of its error, when it raises one of ours or has a bug.

    It says when the work was done.
    """
    report = _report_of(command, work)
    return report._replace(at=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}")


def _report_of(command: str, work: Callable[[], Report]) -> Report:
    try:
        return work()
    except Declined:
        return Report(command, host_name(), comment="nothing was done: the answer was no")
    except DsmcertfixError as error:
        problem = error.problem()
    except KeyboardInterrupt:
        problem = Interrupted("interrupted", "interrupted by Ctrl+C").problem()
    except Exception as error:
        problem = bug(error).problem()
    return Report(
        command,
        host_name(),
        comment=problem.message,
        exit_code=exit_code(problem, "unchanged"),
        problem=problem,
    )


class Declined(Exception):
    """The change was shown, and the answer was no: nothing was done, and nothing is wrong."""


def plan_outdated() -> PlanOutdated:
    """The error of a plan that is another one by the time it is to be carried out."""
    return PlanOutdated(
        "plan-outdated",
        "the machine is no longer as it was when the plan was shown",
        hint="Run this again and look at the new plan.",
    )


Observe = Callable[["Event"], None]


Confirm = Callable[[Report], bool]
