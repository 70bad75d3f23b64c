"""A report as text for people: what was found, store by store, and what is wrong with it.

Nothing is said by colour alone. What comes from outside (labels, paths, messages) is printed so that it
cannot steer a terminal.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsmcertfix.errors import Outcome, Problem
from dsmcertfix.report import BackupReport, CertificateReport, PlaceReport, Report, StepReport, StoreReport

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_PIPE_WIDTH = 1_000_000
# Below it a table would break its cells into syllables.
_TABLE_WIDTH = 100
_LONGEST_TABLE = 1000
_TELLING = ("delete-label", "add-certificate", "check-stanza")
_STATE: dict[Outcome, str] = {
    "unchanged": "Nothing was changed.",
    "changed": "The stores listed as changed were changed; everything else is as it was.",
    "rolled-back": "Every file is as it was before, proved by its hash.",
    "broken": "A store is NOT as it was. The backup is intact.",
}
_STYLES = {
    "ok": "green",
    "replaced": "red",
    "expired": "red",
    "expiring": "yellow",
    "pending": "yellow",
    "not-checked": "yellow",
    "changed": "green",
    "rolled-back": "yellow",
    "broken": "red",
    "failed": "red",
    "done": "green",
}


def render(report: Report, *, width: int | None = None, colour: bool = False) -> str:
    """The result for standard output. `width` in columns, None for a pipe: then it is ASCII, never cut.

    A macro stands there alone: what is printed is what dsmadmc reads.
    """
    if report.macro is not None:
        return report.macro
    console = _console(width, colour)
    _RENDERERS.get(report.command, _stores)(console, report)
    _servers(console, report)
    _services(console, report)
    for warning in report.warnings:
        console.print(f"warning: {printable(warning)}", style="yellow")
    # A failure of the whole command is told on standard error, with its next step.
    if report.comment and not (report.problem and report.problem.message == report.comment):
        console.print(f"{report.command}: {printable(report.comment)}")
    return _text(console, ascii_only=width is None)


def render_problem(report: Report, *, width: int | None = None, colour: bool = False) -> str:
    """The errors for standard error: what happened, the machine's state, the next step. Empty without one."""
    problems = [report.problem] if report.problem else []
    problems += [store.problem for store in report.stores if store.problem]
    if not problems or report.exit_code == 0:
        return ""
    console = _console(width, colour)
    for problem in dict.fromkeys(problems):
        _problem(console, problem)
    console.print(f"state: {_STATE[report.outcome]}")
    if report.journal:
        console.print(f"journal: {printable(report.journal)}", soft_wrap=True)
    if report.log:
        console.print(f"log: {printable(report.log)}", soft_wrap=True)
    if report.backup:
        console.print(f"backup: {printable(report.backup)}", soft_wrap=True)
    return _text(console, ascii_only=width is None)


def printable(text: str) -> str:
    """The text with control characters and invalid bytes escaped: a terminal shows it and does not obey."""
    if text.isprintable():
        return text
    safe = text.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in safe)


def _problem(console: Console, problem: Problem) -> None:
    console.print(f"error: {printable(problem.message)} [{problem.code}]", style="red")
    for line in problem.context:
        console.print(f"  {printable(line)}", soft_wrap=True)
    from dsmcertfix.catalogue import next_step

    hint = problem.hint or next_step(problem.code)
    if hint:
        console.print(f"hint: {printable(hint)}")


def _locate(console: Console, report: Report) -> None:
    _places(console, [_place_cells(place) for place in report.looked_at])
    console.print()
    for store in report.stores:
        console.print(_headline(store), soft_wrap=True)
        for origin in store.origin:
            console.print(f"  because: {printable(origin)}", soft_wrap=True)
        _store_problem(console, store)


def _place_cells(place: PlaceReport) -> tuple[str, str, str]:
    state = place.problem or ("store" if place.found else "-")
    return printable(place.directory), printable(state), printable(place.because)


def _places(console: Console, rows: list[tuple[str, str, str]]) -> None:
    if console.width < _TABLE_WIDTH:
        lines = [f"{directory}: {state}\n  {why}" for directory, state, why in rows]
        console.print("\n".join(lines), soft_wrap=True)
    elif len(rows) > _LONGEST_TABLE:
        # Fitting the columns of so many to the window would take seconds.
        longest = max(len(directory) for directory, _, _ in rows)
        lines = [f"{directory:{longest}}  {state:5}  {why}" for directory, state, why in rows]
        console.print("\n".join(lines), soft_wrap=True)
    elif rows:
        table = _table("place", "", "why")
        for row in rows:
            table.add_row(*row)
        console.print(table)


def _stores(console: Console, report: Report) -> None:
    steps: dict[str, list[StepReport]] = {}
    for step in report.steps:
        steps.setdefault(step.store, []).append(step)
    planned = report.command == "plan" or any(step.state == "planned" for step in report.steps)
    for store in report.stores:
        console.print(_headline(store), style="bold", soft_wrap=True)
        if report.command in ("fix", "trust", "rollback", "server renew") and not planned:
            console.print(f"  outcome: {store.outcome}", style=_STYLES.get(store.outcome))
        if planned:
            _planned_steps(console, steps.get(store.id, ()))
        else:
            _step_notes(console, steps.get(store.id, ()))
        _certificates(console, store.certificates)
        _instance(console, report, store)
        for note in store.notes:
            console.print(f"  note: {printable(note)}")
        _store_problem(console, store)
        console.print()


def _instance(console: Console, report: Report, store: StoreReport) -> None:
    found = next((item for item in report.instances if item.id == store.id), None)
    if found is not None and report.command == "server inspect":
        from dsmcertfix.render import server

        for line in server.lines(found):
            console.print(f"  {printable(line)}", soft_wrap=True)


def _headline(store: StoreReport) -> str:
    version = f", key database version {store.key_database_version}" if store.key_database_version else ""
    stanzas = f", used by {', '.join(store.stanzas)}" if store.stanzas else ""
    return printable(f"{store.directory} ({store.owner}{stanzas}{version})")


def _store_problem(console: Console, store: StoreReport) -> None:
    if store.problem is not None:
        console.print(f"  problem: {printable(store.problem.message)} [{store.problem.code}]", style="red")


def _planned_steps(console: Console, steps: Iterable[StepReport]) -> None:
    for number, step in enumerate(steps, 1):
        console.print(f"  {number:2}. {printable(step.text)}", style=_STYLES.get(step.state))
        if step.state == "failed" and step.note:
            console.print(f"      would be refused: {printable(step.note)}", style="red")


def _step_notes(console: Console, steps: Iterable[StepReport]) -> None:
    """What a step has to say for itself; that it was done was told while it was."""
    for step in steps:
        if step.note and step.state == "done" and step.step in _TELLING:
            console.print(f"  {step.step}: {printable(step.note)}", soft_wrap=True)


def _certificates(console: Console, certificates: tuple[CertificateReport, ...]) -> None:
    if not certificates:
        return
    if console.width >= _TABLE_WIDTH:
        console.print(_certificate_table(certificates, whole=console.width == _PIPE_WIDTH))
        return
    for item in certificates:
        days = "" if item.days_left is None else f", {item.days_left} days left"
        console.print(f"  {printable(item.label) or '(new)'}", soft_wrap=True)
        console.print(
            f"    {item.status}, until {(item.not_after or '?')[:10]}{days}", style=_STYLES.get(item.status)
        )
        console.print(f"    SHA-256 {item.sha256}", soft_wrap=True)
        console.print(f"    {printable(item.reason)}")


def _certificate_table(certificates: Iterable[CertificateReport], *, whole: bool) -> Table:
    """A pipe gets whole fingerprints, to be searched and compared; a terminal what tells them apart."""
    from rich.text import Text

    title = "SHA-256" if whole else "SHA-256 begins"
    table = _table("  label", "valid until", "days left", "status", title, "why")
    for item in certificates:
        days = "" if item.days_left is None else str(item.days_left)
        table.add_row(
            "  " + (printable(item.label) or "(new)"),
            (item.not_after or "")[:10],
            Text(days, justify="right"),
            Text(item.status, style=_STYLES.get(item.status, "")),
            item.sha256 if whole else item.sha256[:16],
            printable(item.reason),
        )
    return table


def _servers(console: Console, report: Report) -> None:
    for server in report.servers:
        name = f"{'/'.join(server.stanzas)} ({server.server})" if server.stanzas else server.server
        if server.sha256 is None:
            why = server.problem.message if server.problem else "not asked"
            console.print(f"server {printable(name)}: {printable(why)}")
        else:
            until = (server.not_after or "")[:10]
            console.print(
                f"server {printable(name)} presents SHA-256 {server.sha256}, valid until {until}",
                soft_wrap=True,
            )


def _services(console: Console, report: Report) -> None:
    for item in report.services:
        was = "" if item.action == "none" else f", {item.action.replace('failed', 'not restarted')}"
        named = f" ({item.name})" if item.display and item.display != item.name else ""
        console.print(f"service {printable(item.display or item.name)}{printable(named)}: {item.state}{was}")


def _backups(console: Console, report: Report) -> None:
    rows = [_backup_cells(item) for item in report.backups]
    if rows and console.width < _TABLE_WIDTH:
        # A run's id is for `rollback`: in one piece.
        lines = [
            f"{run}: {state}\n  {made}, {size} bytes\n  {where}" for run, made, state, size, where in rows
        ]
        console.print("\n".join(lines), soft_wrap=True)
    elif rows:
        table = _table("run", "made", "state", "bytes", "store")
        table.columns[0].no_wrap = True
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for item in report.backups:
        if item.problem is not None:
            console.print(f"damaged: {printable(item.problem.message)}", soft_wrap=True)


def _backup_cells(item: BackupReport) -> tuple[str, str, str, str, str]:
    state = "intact" if item.intact else "damaged" if item.intact is False else "?"
    return printable(item.run), item.made_at[:19], state, str(item.size), printable(item.directory)


def _explanations(console: Console, report: Report) -> None:
    from dsmcertfix.render import helpdesk

    helpdesk.explanations(console, report)


def _contents(console: Console, report: Report) -> None:
    from dsmcertfix.render import helpdesk

    helpdesk.contents(console, report)


def _overview(console: Console, report: Report) -> None:
    from dsmcertfix.render import fleet_text

    for line in fleet_text.overview(report.fleet) if report.fleet is not None else ():
        console.print(fleet_text.wrapped(line, console.width), soft_wrap=True)


_RENDERERS = {
    "locate": _locate,
    "backups": _backups,
    "prune": _backups,
    "explain": _explanations,
    "support-bundle": _contents,
    "report": _overview,
}


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, header_style="")
    for column in table.columns:
        column.overflow = "fold"
    return table


def _console(width: int | None, colour: bool) -> Console:
    from rich.console import Console

    return Console(
        file=io.StringIO(),
        width=width or _PIPE_WIDTH,
        force_terminal=colour,
        no_color=not colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def _text(console: Console, *, ascii_only: bool) -> str:
    written = console.file.getvalue() if isinstance(console.file, io.StringIO) else ""
    lines = [line.rstrip() for line in written.splitlines()]
    text = "\n".join(lines).strip("\n")
    return text.encode("ascii", "backslashreplace").decode() if ascii_only else text
