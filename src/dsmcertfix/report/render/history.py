"""The runs of the past as text, a block each: when, who, what it changed, and how it is undone. Pure.

Of one run alone also why it did not do more, with the commands for every node that was refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsmcertfix.report.reasons import causes_of
from dsmcertfix.report.render.lines import command, wrap
from dsmcertfix.report.render.why import Level, Why
from dsmcertfix.report.result import Report, StoreReport
from dsmcertfix.wording import counted, number, printable

if TYPE_CHECKING:
    from rich.console import Console

    from dsmcertfix.report.details import BeforeReport, CallerReport, RunReport

MOST_RUNS = 4
"""Runs that are shown in a terminal's 24 lines; `history ID` shows one whole, the JSON has them all."""

_MOST_CHANGES = 2
_SHOWN = 16
_ALL = 10_000
_WHOLE = Level(causes=_ALL, places=0, nodes=_ALL, notes=0)
_OUTCOMES = {"rolled-back": "put back", "unchanged": "left as it was"}


def page(console: Console, report: Report, program: str) -> None:
    """The newest runs; one alone with each of its stores. `program` is how it was started."""

    def put(line: str) -> None:
        """The line; on a pipe it stays one, to be searched."""
        indent = " " * (len(line) - len(line.lstrip(" ")))
        text = printable(line)
        fits = console.soft_wrap or len(text) <= console.width
        console.print(text if fits else wrap(text, console.width, indent, f"{indent}  "), soft_wrap=True)

    alone = len(report.runs) == 1
    for run in report.runs if alone else report.runs[:MOST_RUNS]:
        for line in _lines(run, whole=alone):
            put(line)
        for paragraph in _why(run, console.width) if alone else ():
            console.print(paragraph, soft_wrap=True)
        what, words = _undo(run)
        one = f"  {what}: {program} {words}" if words else f"  {what}"
        if words and len(one) > console.width and not console.soft_wrap:
            put(f"  {what}:")
            one = command(f"{program} {words}", console.width, "    ")
        console.print(one, soft_wrap=True)
    if len(report.runs) > MOST_RUNS:
        console.print("older ones:")
        for run in report.runs[MOST_RUNS : MOST_RUNS + _MOST_OLDER]:
            put(f"  {run.run}  {run.command} by {_who(run.by)}, {_summary(run)}")
        rest = len(report.runs) - MOST_RUNS - _MOST_OLDER
        if rest > 0:
            console.print(f"  and {number(rest)} more: `dsmcertfix history --json` has them all")


_MOST_OLDER = 6


def _lines(run: RunReport, *, whole: bool) -> Iterator[str]:
    when = run.started_at.replace("T", " ").removesuffix("Z")
    yield f"{run.run}  {run.command} by {_who(run.by)}, {when} UTC"
    yield f"  {_summary(run)}" + (f", undoing {run.undoes}" if run.undoes else "")
    if whole:
        for store in run.stores:
            yield f"  {store.directory}: {_OUTCOMES.get(store.outcome, store.outcome)}"
            for word, sha256, label in _changes(store):
                yield f"    {word} {sha256[:_SHOWN]}  {label}"
    else:
        yield from _folded(run)


def _why(run: RunReport, width: int) -> Iterator[str]:
    """Each cause for which a store did not end as it was meant to."""
    stores = (StoreReport(str(at), one.directory, problem=one.problem) for at, one in enumerate(run.stores))
    told = Report(run.command, "", stores=tuple(stores))
    yield from Why(told, width, _WHOLE).paragraphs(causes_of(told))


def _folded(run: RunReport) -> Iterator[str]:
    """Each certificate that went or came once, with a label of it and in how many stores."""
    labels: dict[tuple[str, str], list[str]] = {}
    for store in run.stores:
        for word, sha256, label in _changes(store):
            labels.setdefault((word, sha256), []).append(label)
    for (word, sha256), found in list(labels.items())[:_MOST_CHANGES]:
        stores = f" ({counted(len(found), 'store')})" if len(found) > 1 else ""
        others = " and others" if len({*found}) > 1 else ""
        yield f"    {word} {sha256[:_SHOWN]}  {found[0]}{others}{stores}"
    if len(labels) > _MOST_CHANGES:
        yield f"    and {len(labels) - _MOST_CHANGES} more: `dsmcertfix history {run.run}`"


def _summary(run: RunReport) -> str:
    if not run.finished:
        return "cut off in the midst"
    outcomes = Counter(_OUTCOMES.get(store.outcome, store.outcome) for store in run.stores)
    return (
        ", ".join(f"{counted(count, 'store')} {outcome}" for outcome, count in outcomes.items()) or "no store"
    )


def _changes(store: BeforeReport) -> Iterator[tuple[str, str, str]]:
    """What went out of the store and what came in: the word for it, the fingerprint, the label."""
    before, after = (frozenset(found) for found in (store.certificates_before, store.certificates_after))
    for word, found in (("out", before - after), ("in ", after - before)):
        yield from ((word, sha256, label) for label, sha256 in sorted(found))


def _undo(run: RunReport) -> tuple[str, str]:
    """Whether and how the run is undone: what to say, and the words of the command for it, if any."""
    if not run.finished:
        return "to finish or undo it", "recover"
    if run.undone_by is not None:
        return f"was undone by {run.undone_by}", ""
    if run.undo:
        return "to undo it", f"rollback {run.run}"
    changed = any(store.outcome == "changed" for store in run.stores)
    return "it cannot be undone any more: its backup is gone" if changed else "nothing to undo", ""


def _who(by: CallerReport) -> str:
    user = by.user or (f"uid {by.uid}" if by.uid is not None else "somebody")
    return f"{by.sudo_user} (as {user})" if by.sudo_user and by.sudo_user != user else user
