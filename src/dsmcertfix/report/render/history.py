"""The runs of the past as text, a block each: when, who, what it changed, and how it is undone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsmcertfix.wording import counted, number, printable

if TYPE_CHECKING:
    from rich.console import Console

    from dsmcertfix.report.details import BeforeReport, CallerReport, RunReport
    from dsmcertfix.report.result import Report

MOST_RUNS = 4
"""Runs that are shown in a terminal's 24 lines; `history ID` shows one whole, the JSON has them all."""

_MOST_CHANGES = 2
_SHOWN = 16
_OUTCOMES = {"rolled-back": "put back", "unchanged": "left as it was"}


def page(console: Console, report: Report) -> None:
    """The newest runs; one alone with each of its stores."""
    alone = len(report.runs) == 1
    for run in report.runs if alone else report.runs[:MOST_RUNS]:
        for line in _lines(run, whole=alone):
            console.print(printable(line), soft_wrap=True)
    if len(report.runs) > MOST_RUNS:
        console.print("older ones:")
        for run in report.runs[MOST_RUNS : MOST_RUNS + _MOST_OLDER]:
            console.print(
                printable(f"  {run.run}  {run.command} by {_who(run.by)}, {_summary(run)}"), soft_wrap=True
            )
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
    yield f"  {_undo(run)}"


def _folded(run: RunReport) -> Iterator[str]:
    """Each certificate that went or came once, with a label of it and in how many stores."""
    labels: dict[tuple[str, str], list[str]] = {}
    for store in run.stores:
        for word, sha256, label in _changes(store):
            labels.setdefault((word, sha256), []).append(label)
    for (word, sha256), found in list(labels.items())[:_MOST_CHANGES]:
        stores = f" ({counted(len(found), 'store')})" if len(found) > 1 else ""
        yield f"    {word} {sha256[:_SHOWN]}  {found[0]}{stores}"
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


def _undo(run: RunReport) -> str:
    if not run.finished:
        return "to finish or undo it: dsmcertfix recover"
    if run.undone_by is not None:
        return f"was undone by {run.undone_by}"
    if run.undo:
        return f"to undo it: dsmcertfix rollback {run.run}"
    changed = any(store.outcome == "changed" for store in run.stores)
    return "it cannot be undone any more: its backup is gone" if changed else "nothing to undo"


def _who(by: CallerReport) -> str:
    user = by.user or (f"uid {by.uid}" if by.uid is not None else "somebody")
    return f"{by.sudo_user} (as {user})" if by.sudo_user and by.sudo_user != user else user
