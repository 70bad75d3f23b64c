"""The answer of `detect` and `server inspect` to Nagios and its kin, by the plug-in guidelines. Pure.

One line `DSMCERTFIX STATUS: text | performance data`, then a line for each certificate that needs action. The
exit code is 0 OK, 1 WARNING, 2 CRITICAL or 3 UNKNOWN; that a server does not answer is a finding, not UNKNOWN
(guidelines: higher-level errors such as time-outs should not be reported as UNKNOWN).

Performance data are the days left of each certificate: `'LABEL in DIRECTORY'=DAYS;WARN;CRIT`, a number
without a unit, the thresholds as ranges that alert below them. A certificate that no session depends on has
no thresholds.
https://www.monitoring-plugins.org/doc/guidelines.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dsmcertfix.errors import CannotReconnect
from dsmcertfix.report.render.answer import AFFECTED, Answer, headline, verdict
from dsmcertfix.report.result import CertificateReport, Report, StoreReport
from dsmcertfix.wording import printable

OK, WARNING, CRITICAL, UNKNOWN = range(4)
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

LIMIT = 8 * 1024
"""Nagios Core reads no more bytes of a plug-in's output."""

_WATCHED = ("ok", *AFFECTED, "not-checked")


def answer(report: Report, warn_days: int) -> Answer:
    """For a service check; a certificate warns below `warn_days`, 0 for never, and is critical below 0."""
    code = status(report)
    lines = list(_long_text(report))
    head = f"DSMCERTFIX {NAMES[code]}: {_without_bar(_text(report))}"
    room = LIMIT - sum(len(line.encode()) + 1 for line in (head, *lines)) - 100
    kept: list[str] = []
    left_out = 0
    for item in _performance(report, warn_days):
        room -= len(item.encode()) + 1
        if room < 0:
            left_out += 1
        else:
            kept.append(item)
    if left_out:
        lines.append(f"performance data of {left_out} more certificates left out: no room")
    first = f"{head} | {' '.join(kept)}" if kept else head
    return Answer("\n".join((first, *lines)), "", code)


def status(report: Report) -> int:
    """The service's state."""
    told = verdict(report)
    if told == "healthy":
        return OK
    if told == "needed":
        return WARNING if _only_soon(report) else CRITICAL
    return WARNING if report.exit_code == CannotReconnect.untouched else UNKNOWN


def _only_soon(report: Report) -> bool:
    """Whether everything that is to be done is about certificates that expire soon."""
    found = [one.status for store in report.stores for one in store.certificates if one.status in AFFECTED]
    other = sum(len(item.action) for item in report.instances) > len(found)
    return {*found} == {"expiring"} and not other


def _text(report: Report) -> str:
    """What is on a screen inside the house may name paths."""
    if verdict(report) in ("unknown", "absent") and report.problem is not None:
        return printable(f"could not be checked: {report.problem.message} [{report.problem.code}]")
    return printable(report.comment) if report.instances else headline(report)


def _performance(report: Report, warn_days: int) -> Iterator[str]:
    """Those that expire first come first: they are the last to be left out."""
    found = [
        (one.days_left, store, one)
        for store in report.stores
        for one in store.certificates
        if one.days_left is not None and one.status != "pending"
    ]
    for days, store, one in sorted(found, key=lambda item: item[0]):
        warn, crit = (f"{warn_days}:" if warn_days else "", "0:") if one.status in _WATCHED else ("", "")
        yield f"{_label(store, one)}={days};{warn};{crit}".rstrip(";")


def _label(store: StoreReport, one: CertificateReport) -> str:
    """A name that stays the same whatever else is in the report: graphs hang on it."""
    name = printable(f"{one.label or one.sha256[:16]} in {store.directory}")
    return f"'{_without_bar(name).translate(_UNSAFE)}'"


_UNSAFE = str.maketrans({"=": "_", "'": "_"})


def _long_text(report: Report) -> Iterator[str]:
    """At most a quarter of the room: the performance data are to be whole."""
    room = LIMIT // 4
    for told in _to_be_done(report):
        line = _without_bar(printable(told))
        room -= len(line.encode()) + 1
        if room < 0:
            yield f"more is in `dsmcertfix {report.command}`"
            return
        yield line


def _to_be_done(report: Report) -> Iterator[str]:
    if report.instances:
        yield from (f"{item.directory}: {line}" for item in report.instances for line in item.action)
        return
    for store in report.stores:
        for one in store.certificates:
            if one.status in AFFECTED:
                yield f"{one.label} in {store.directory}: {one.reason}"


def _without_bar(text: str) -> str:
    """A bar begins the performance data, wherever it stands."""
    return text.replace("|", "/")
