"""Explanations of codes and the list of a support bundle, as text for people."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from dsmcertfix.wording import printable

if TYPE_CHECKING:
    from rich.console import Console

    from dsmcertfix.report.details import ExplanationReport
    from dsmcertfix.report.result import Report

_YOU = "you"


def explanations(console: Console, report: Report) -> None:
    """Each code with its meaning, who must act and how; where it was found when it is from an error log."""
    for item in report.explanations:
        codes = " or ".join(str(code) for code in item.exit_codes if item.source == "dsmcertfix")
        ending = f" (exit code {codes})" if codes else ""
        _line(console, f"{item.code}{ending}: {item.meaning}", "", style="bold")
        if item.log is not None:
            _seen(console, item)
        if item.state is not None:
            _line(console, f"state of the machine: {item.state}")
        if item.source != "state":
            _line(console, f"to act: {item.actor or _YOU}")
        _line(console, f"what to do: {item.advice}")
        console.print()


def contents(console: Console, report: Report) -> None:
    """What would be in the bundle; once it is written this was shown already."""
    if report.bundle is not None:
        return
    for item in report.contents:
        _line(console, f"{item.name} ({item.size} bytes): {item.what}", "")
    console.print()


def _seen(console: Console, item: ExplanationReport) -> None:
    when = item.at.replace("T", " ") if item.at else "at a time that the log does not say"
    often = f", {item.count} times" if item.count > 1 else ""
    stanzas = f", stanza {', '.join(item.stanzas)}" if item.stanzas else ""
    _line(console, f"last seen: {when}{often}, in {item.log} (user {item.user}{stanzas})")
    if item.line:
        _line(console, f"it says: {item.line}")


def _line(console: Console, text: str, indent: str = "  ", style: str | None = None) -> None:
    filled = textwrap.fill(
        printable(text),
        console.width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
    console.print(filled, style=style, soft_wrap=True)
