"""The evidence of a run as a page of text, for a change ticket. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsmcertfix.wording import printable

if TYPE_CHECKING:
    from rich.console import Console

    from dsmcertfix.report.details import BeforeReport, EvidenceReport
    from dsmcertfix.report.result import Report


def page(console: Console, report: Report) -> None:
    """Who did what, when and why, before and after, and whether it is proved."""
    if report.evidence is not None:
        for line in _lines(report.evidence):
            console.print(printable(line), soft_wrap=True)


def _lines(found: EvidenceReport) -> Iterator[str]:
    by = (
        f"{name.replace('_', ' ')} {value}" for name, value in found.by._asdict().items() if value is not None
    )
    yield f"run:       {found.run} ({found.command}) on {found.host}"
    yield f"when:      {found.started_at} to {found.ended_at}{'' if found.finished else ', not finished'}"
    yield f"who:       {', '.join(by) or 'not told'}"
    yield f"arguments: {' '.join(found.arguments) or '(none)'}"
    yield f"program:   dsmcertfix {found.version}, SHA-256 {found.program_sha256 or 'not told'}"
    yield from (f"expected:  {pin}" for pin in found.pins or ("no certificate in particular",))
    yield from (f"why:       {line}" for line in found.why)
    for store in found.before:
        yield from _store(store)
    yield f"journal:   {found.events} events, head {found.head}"
    yield from (f"not proved: {line}" for line in found.troubles)
    if found.proved:
        yield "proved:    every event follows from the one before; every backup is as its manifest says"


def _store(store: BeforeReport) -> Iterator[str]:
    yield f"store:     {store.directory} (owner {store.owner}): {store.outcome}"
    yield from (f"  file before:        {sha256}  {name}" for name, sha256 in store.files)
    yield from (f"  certificate before: {sha256}  {label}" for label, sha256 in store.certificates_before)
    yield from (f"  certificate after:  {sha256}  {label}" for label, sha256 in store.certificates_after)
