"""A report in so few characters that a console keeps all of it: one line of JSON. Pure.

ConfigMgr's Run Script cuts at 4 KB, Intune's Remediations at 2048 characters (facts/packaging.md, 1.4 and
1.10). `summary.schema.json` describes it. No path and no user's name is in it.
"""

from __future__ import annotations

import json
from typing import Any

from dsmcertfix.errors import FailedSession, Problem
from dsmcertfix.report.catalogue import next_step
from dsmcertfix.report.render.answer import AFFECTED, affected, headline, named, verdict
from dsmcertfix.report.result import CertificateReport, Report

SCHEMA = "dsmcertfix.summary/1"
LIMIT = 2047
"""Characters at most; each is one byte."""

_TEXT, _LABEL, _MOST, _FINGERPRINT = 300, 100, 40, 140


def render(report: Report) -> str:
    """One line of ASCII, at most `LIMIT` characters: a JSON object, as many certificates in it as fit."""
    listed = [_certificate(one) for one in affected(report)[:_MOST]]
    for kept in range(len(listed), -1, -1):
        line = json.dumps(_data(report, listed[:kept]), separators=(",", ":"))
        if len(line) <= LIMIT:
            return line
    raise AssertionError("a summary without certificates has a fixed largest length")


def _data(report: Report, certificates: list[dict[str, Any]]) -> dict[str, Any]:
    problem = report.problem or next((store.problem for store in report.stores if store.problem), None)
    return {
        "schema": SCHEMA,
        "host": _cut(report.host, _LABEL),
        "command": report.command,
        "version": report.version,
        "at": report.at,
        "state": verdict(report) if report.command == "detect" else report.outcome,
        "changed": report.changed,
        "exit_code": report.exit_code,
        "comment": _cut(_comment(report, problem), _TEXT),
        "stores": {
            outcome: sum(store.outcome == outcome for store in report.stores)
            for outcome in ("unchanged", "changed", "rolled-back", "broken")
        },
        "affected": {
            status: sum(one.status == status for store in report.stores for one in store.certificates)
            for status in AFFECTED
        },
        "certificates": certificates,
        "problem": problem.code if problem else None,
        "hint": _cut(next_step(problem.code) or "", _TEXT) if problem else None,
        "compare": [_cut(line, _FINGERPRINT) for line in _fingerprints(problem)],
        "session": _session(problem.session) if problem and problem.session else None,
        "run": report.run,
    }


def _comment(report: Report, problem: Problem | None) -> str:
    """What a message says may have a path in it, what its code means has none."""
    if report.command == "detect":
        return headline(report)
    return report.comment if problem is None else named(problem)


def _fingerprints(problem: Problem | None) -> list[str]:
    """The fingerprint that came and one that was expected, where the hint is about those.

    What other problems tell besides may have a path in it.
    """
    if problem is None or problem.code != "unexpected-certificate":
        return []
    return [*problem.context[:1], *problem.context[1:][-1:]]


def _session(session: FailedSession) -> dict[str, str | None]:
    told = session._asdict().items()
    return {name: None if value is None else _cut(value, _LABEL) for name, value in told}


def _certificate(one: CertificateReport) -> dict[str, Any]:
    return {
        "label": _cut(one.label, _LABEL),
        "status": one.status,
        "days_left": one.days_left,
        "sha256": one.sha256[:16],
    }


def _cut(text: str, length: int) -> str:
    """The text in at most so many characters of JSON, in which one of ours can take twelve."""
    if len(json.dumps(text)) <= length + 2:
        return text
    kept = ""
    for char in text:
        if len(json.dumps(f"{kept}{char}...")) > length + 2:
            break
        kept += char
    return f"{kept}..."
