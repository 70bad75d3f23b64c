"""The use case that explains: a code that somebody has, or what the client's error logs say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dsmcertfix.client.error_log import Logged
from dsmcertfix.client.error_logs import ErrorLog, ErrorLogs, read_error_logs
from dsmcertfix.client.message_table import MESSAGES
from dsmcertfix.client.messages import advice
from dsmcertfix.commands import counted
from dsmcertfix.errors import NotFound, UsageError
from dsmcertfix.explain import asked, explanation
from dsmcertfix.helpdesk_report import ExplanationReport
from dsmcertfix.host import Host, host_name
from dsmcertfix.report import Report, decided

MOST = 20
"""Codes of error logs that are explained; how many more there are is told."""

_TOGETHER = timedelta(seconds=60)


def explain(host: Host, words: tuple[str, ...]) -> Report:
    """Each code in the words, explained; without words what the client's error logs say, the newest first.

    Raises NotFound when there is no error log, UsageError for words with nothing in them. A code that is not
    known is the report's problem.
    """
    return _explain_logs(read_error_logs(host.platform.places)) if not words else _explain_words(words)


def _explain_words(words: tuple[str, ...]) -> Report:
    found = asked(" ".join(words))
    if not (found.known or found.unknown):
        raise UsageError(
            "no-code-given",
            "there is no code in what was given",
            hint="Give one: `explain ANS1592E`; without any it tells what the client's error logs say.",
        )
    told = tuple(explanation(code) for code in found.known)
    report = Report("explain", host_name(), explanations=told)
    if not found.unknown:
        return replace(report, comment=", ".join(found.known))
    named = ", ".join(f"`{word}`" for word in found.unknown)
    problem = NotFound(
        "code-not-known",
        f"there is no explanation for {named}",
        hint="Check the spelling. IBM's manuals explain every ANS and ANR message by its code.",
    )
    return decided(replace(report, comment=problem.message, problem=problem.problem()))


def _explain_logs(read: ErrorLogs) -> Report:
    if not read.logs:
        raise NotFound(
            "error-log-not-found",
            "no error log of a backup client was found (dsmerror.log, or what ERRORLOGNAME and DSM_LOG name)",
            context=read.warnings,
            hint="Run it as root (on Windows as administrator) or as the user whose client failed, or give "
            "the code: `explain ANS1592E`.",
        )
    found = sorted(_counted(read.logs), key=lambda item: item.last.at or datetime.min, reverse=True)
    known = [item for item in found if item.last.code in MESSAGES]
    others = len(found) - len(known)
    warnings = [*read.warnings]
    if len(known) > MOST:
        warnings.append(f"{len(known) - MOST} older codes are not shown")
    if others:
        warnings.append(f"{others} other codes are there that have nothing to do with certificates")
    return Report(
        "explain",
        host_name(),
        explanations=tuple(item.told() for item in known[:MOST]),
        warnings=tuple(warnings),
        comment=_comment(known, len(read.logs)),
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    """A code in a log: where it stands last, and how often."""

    log: ErrorLog
    last: Logged
    count: int

    def told(self) -> ExplanationReport:
        """The explanation with where and when it was found."""
        stanzas = self.log.stanzas
        return replace(
            explanation(self.last.code, stanzas[0] if len(stanzas) == 1 else None),
            at=self.last.at.isoformat() if self.last.at else None,
            count=self.count,
            log=str(self.log.path),
            stanzas=tuple(stanza.name for stanza in stanzas),
            user=self.log.user,
            line=self.last.line,
        )


def _counted(logs: Iterable[ErrorLog]) -> list[_Counted]:
    found: list[_Counted] = []
    for log in logs:
        last: dict[str, tuple[Logged, int]] = {}
        for entry in log.entries:
            before, count = last.get(entry.code, (entry, 0))
            newer = (entry.at or datetime.min) >= (before.at or datetime.min)
            last[entry.code] = (entry if newer else before, count + 1)
        found += [_Counted(log, entry, count) for entry, count in last.values()]
    return found


def _comment(known: list[_Counted], logs: int) -> str:
    """What happened last: of the codes that came together the cause."""
    if not known:
        return f"nothing about certificates or sessions in {counted(logs, 'error log')}"
    newest = known[0]
    since = (newest.last.at or datetime.min) - (_TOGETHER if newest.last.at else timedelta())
    together = [
        item.last.code for item in known if item.log is newest.log and (item.last.at or datetime.min) >= since
    ]
    cause = advice(together, met=True)
    when = f" ({newest.last.at.isoformat(' ')})" if newest.last.at else ""
    return f"last{when}: {cause.code}: {cause.meaning}; to act: {cause.actor.value}"
