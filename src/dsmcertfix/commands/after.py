"""What follows a proved change: the site's hooks, and who keeps the old certificate until restarted."""

from __future__ import annotations

import os
import time
from pathlib import Path

from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.planning.policy import MachineRule
from dsmcertfix.planning.steps import Plan
from dsmcertfix.report.after import HolderReport, HookReport
from dsmcertfix.report.result import Report
from dsmcertfix.system.holders import holders
from dsmcertfix.system.host import Host
from dsmcertfix.system.process.run import clean_environment, run
from dsmcertfix.wording import counted


def followed(host: Host, plan: Plan, report: Report) -> Report:
    """The report of a run, with what its hooks said and which processes go on with what they read before.

    Nothing follows where no store was changed. The machine may be worked on by another run already.
    """
    if not report.changed or host.platform.foreign:
        return report
    rule = plan.policy.machine if plan.policy is not None else MachineRule()
    changed = tuple(store.directory for store in report.stores if store.outcome == "changed")
    hooks = tuple(_hook(host, program, rule.hook_limit_s, report, changed) for program in rule.hooks)
    found = holders(time.time(), host.platform.places.root)
    told = tuple(HolderReport(*item) for item in found)
    warnings = [f"the hook `{one.program}` failed: {one.problem}" for one in hooks if one.problem]
    if told:
        names = ", ".join(f"{one.name} ({one.pid})" for one in told[:_MOST_NAMED])
        more = " and others" if len(told) > _MOST_NAMED else ""
        warnings.append(
            f"{counted(len(told), 'program')} loaded IBM's client or API before the change, and may go on "
            f"with the old certificate until restarted: {names}{more}"
        )
    return report._replace(hooks=hooks, holders=told, warnings=(*report.warnings, *warnings))


_MOST_NAMED = 10


def _hook(host: Host, program: Path, limit_s: float, report: Report, stores: tuple[str, ...]) -> HookReport:
    """The program ran, without arguments and without a shell; or why not. A hook changes no outcome."""
    told = {
        "DSMCERTFIX_RUN": report.run or "",
        "DSMCERTFIX_JOURNAL": report.journal or "",
        "DSMCERTFIX_STORES": os.pathsep.join(stores),
    }
    try:
        path = host.platform.vouched(program)
        ended = run([str(path)], env=clean_environment(additions=told), timeout_s=limit_s)
    except DsmcertfixError as error:
        return HookReport(str(program), None, error.message)
    if ended.timed_out:
        return HookReport(str(program), None, f"it did not end within {limit_s:.0f} seconds, and was stopped")
    problem = None if ended.returncode == 0 else f"it ended with {ended.returncode}"
    return HookReport(str(program), ended.returncode, problem)
