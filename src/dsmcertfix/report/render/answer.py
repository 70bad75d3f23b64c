"""What a format makes of a report: what goes where, and the exit code that belongs to it.

Also what all formats for machines share: the verdict on a machine, and one line that says it without a path
or a user's name, because consoles keep it for years and show it to many (Intune forbids personal data).
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from dsmcertfix import NamedTuple
from dsmcertfix.errors import ACTION_NEEDED, Problem, Unrecovered
from dsmcertfix.report.result import CertificateReport, Report
from dsmcertfix.wording import printable

Verdict = Literal["healthy", "needed", "absent", "unknown"]

AFFECTED = ("replaced", "expired", "untrusted", "not-yet-valid", "expiring")
"""The statuses of a certificate that make `detect` say that action is needed, the worst first."""


class Answer(NamedTuple):
    """What a process prints on standard output and standard error, and its exit code."""

    stdout: str
    stderr: str
    code: int


def verdict(report: Report) -> Verdict:
    """What `detect` found: nothing to do, action needed, no store at all, or that it could not tell.

    A run that was cut off is action needed: the next `fix` recovers it.
    """
    if report.exit_code == 0:
        return "healthy"
    if report.exit_code in (ACTION_NEEDED, Unrecovered.untouched):
        return "needed"
    problem = report.problem
    return "absent" if problem is not None and problem.code == "no-store-found" else "unknown"


def affected(report: Report) -> tuple[CertificateReport, ...]:
    """The certificates that make action needed, each label and status once, the worst first."""
    found = {(one.label, one.status): one for store in report.stores for one in store.certificates}
    worst_first = sorted(found.values(), key=lambda one: (_rank(one.status), one.label))
    return tuple(one for one in worst_first if one.status in AFFECTED)


def headline(report: Report) -> str:
    """The verdict in one line of printable text, without paths and users."""
    told = verdict(report)
    if told == "healthy":
        return f"no action needed: {_counted(report)}"
    if told == "absent":
        return "no action needed: no certificate store (dsmcert.kdb) on this machine"
    problem = report.problem or next((store.problem for store in report.stores if store.problem), None)
    wrong = affected(report)
    if told == "needed" and wrong:
        tally = Counter(one.status for one in wrong)
        kinds = ", ".join(f"{tally[status]} {status}" for status in AFFECTED if tally[status])
        return printable(f"action needed ({kinds}): {wrong[0].label}: {wrong[0].reason}")
    if told == "needed" and problem is None and (by_policy := _by_policy(report)):
        return printable(f"action needed by the site's policy: {by_policy}")
    return (
        f"action needed: {named(problem)}" if told == "needed" else f"could not be checked: {named(problem)}"
    )


def _by_policy(report: Report) -> str:
    """How many certificates are not as the policy wants them, of which servers."""
    wrong = [told for store in report.stores for told in store.policy if told.standing != "fine"]
    tally = Counter((told.standing, told.name) for told in wrong)
    return ", ".join(
        f"{count} {standing} of {name}" for (standing, name), count in sorted(tally.items()) if name
    )


def named(problem: Problem | None) -> str:
    """The meaning of a problem's code, which has no path in it, and the code."""
    if problem is None:
        return "for a reason that is not known"
    from dsmcertfix.report.catalogue import CATALOGUE

    entry = CATALOGUE.get(problem.code)
    meaning = entry.meaning.rstrip(".") if entry is not None else "see the log"
    return f"{meaning} [{problem.code}]"


def _rank(status: str) -> int:
    return AFFECTED.index(status) if status in AFFECTED else len(AFFECTED)


def _counted(report: Report) -> str:
    stores = len(report.stores)
    certificates = sum(len(store.certificates) for store in report.stores)
    plural = "s" * (certificates != 1), "s" * (stores != 1)
    return f"{certificates} certificate{plural[0]} in {stores} store{plural[1]} checked"
