"""The answer of `detect` to Microsoft's consoles, by their rules (facts/packaging.md 1.1, 1.5, 1.10). Pure.

ConfigMgr, application detection: exit code 0 and text on stdout is installed, 0 and no output is not
installed, 0 with text on stderr alone and every other code are Unknown. "Installed" means here: nothing to
repair. What cannot be told has its reason on stderr, never on stdout: should a wrapper lose the exit code,
the answer is still Unknown.

ConfigMgr, configuration items: exit code 0, one line, one fixed token (a remediation needs the rule Equals);
every other exit code is a discovery failure.

Intune, Win32 apps: exit code 0 and text on stdout is detected, and anything on stderr is not. Intune,
Remediations: exit code 1 and no other one, with output, starts the remediation; 2048 characters are kept. One
answer serves both: nothing is ever written to stderr, and neither a bug nor a failure ends in 1.
"""

from __future__ import annotations

from typing import Literal

from dsmcertfix.errors import Busy, InternalError, Problem
from dsmcertfix.report.render.answer import Answer, headline, verdict
from dsmcertfix.report.result import Report

COMPLIANT, NON_COMPLIANT = "Compliant", "NonCompliant"

INTUNE_FOUND = 1
"""The one exit code that starts an Intune remediation."""

INTUNE_BUG = 70
"""What a bug ends in for Intune, where 1 is taken: EX_SOFTWARE of sysexits.h."""

INTUNE_LIMIT = 2048
"""So many characters of a Remediation's output are kept."""


def application(report: Report) -> Answer:
    """For an application's detection script in ConfigMgr."""
    told = verdict(report)
    if told == "unknown":
        return Answer("", headline(report), report.exit_code)
    return Answer("" if told == "needed" else COMPLIANT, "", 0)


def configuration_item(report: Report) -> Answer:
    """For the discovery script of a configuration item in ConfigMgr."""
    told = verdict(report)
    if told == "unknown":
        return Answer("", headline(report), report.exit_code)
    return Answer(NON_COMPLIANT if told == "needed" else COMPLIANT, "", 0)


def intune(report: Report) -> Answer:
    """For an Intune Win32 detection script, and for the detection script of a Remediation."""
    told = verdict(report)
    code = report.exit_code if told == "unknown" else INTUNE_FOUND if told == "needed" else 0
    if told == "unknown" and code == InternalError.untouched:
        code = INTUNE_BUG
    return Answer(headline(report)[:INTUNE_LIMIT], "", code)


ProfileName = Literal["default", "configmgr"]

FAST_RETRY = 1618
"""ConfigMgr comes back later: for a run that found another one at work, or a file in use."""


def profiled(code: int, problem: Problem | None, profile: ProfileName) -> int:
    """The exit code of a command that ended in `code`, with that problem of the whole command.

    For ConfigMgr a machine without any store is a success: there is nothing to repair on it.
    """
    if profile == "default":
        return code
    if code == Busy.untouched:
        return FAST_RETRY
    return 0 if problem is not None and problem.code == "no-store-found" else code
