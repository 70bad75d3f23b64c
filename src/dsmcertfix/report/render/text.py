"""A report as text for people: what was found, store by store, and what is wrong with it.

Nothing is said by colour alone. What comes from outside (labels, paths, messages) is printed so that it
cannot steer a terminal.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsmcertfix.errors import Outcome, Problem
from dsmcertfix.report.causes import key
from dsmcertfix.report.render import brief
from dsmcertfix.report.render.brief import AS_TYPED, Typed
from dsmcertfix.report.render.lines import wrap
from dsmcertfix.report.result import (
    BackupReport,
    CertificateReport,
    PlaceReport,
    Report,
    StepReport,
    StoreReport,
)
from dsmcertfix.wording import counted, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_PIPE_WIDTH = 120
# Below it a table would break its cells into syllables.
_TABLE_WIDTH = 100
_LONGEST_TABLE = 1000
_SOON = 400
"""Days: of a certificate that lives ten years, what is left counts only near its end."""
_CONTEXT = 12
"""Lines of what IBM's programs said, where not all is wanted."""
_CHANGING = ("fix", "trust", "rollback", "recover", "server renew", "store restore")
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
    "untrusted": "red",
    "not-yet-valid": "red",
    "expiring": "yellow",
    "pending": "yellow",
    "not-checked": "yellow",
    "changed": "green",
    "rolled-back": "yellow",
    "broken": "red",
    "failed": "red",
    "done": "green",
    "accepted": "green",
    "refused": "red",
}


def render(
    report: Report,
    *,
    width: int | None = None,
    colour: bool = False,
    typed: Typed = AS_TYPED,
    asking: bool = False,
) -> str:
    """The result for standard output. `width` in columns, None for a pipe.

    Of what `brief` tells, the details come before it, where they are wanted. With `asking`, a question
    follows. A macro stands there alone: what is printed is what dsmadmc reads.
    """
    if report.macro is not None:
        return report.macro
    console = _console(width, colour)
    if brief.told_so(report):
        if typed.verbose:
            _stores(console, report)
            _servers(console, report)
            _services(console, report)
        first, *others = brief.brief(report, console.width, typed, asking=asking)
        console.print(first, style="bold green" if report.exit_code == 0 else "bold red", soft_wrap=True)
        console.print("\n".join(others), soft_wrap=True)
        return _text(console)
    if report.command == "history":
        from dsmcertfix.report.render import history

        history.page(console, report, typed.program)
    else:
        _RENDERERS.get(report.command, _stores)(console, report)
    _servers(console, report)
    _services(console, report)
    for warning in report.warnings:
        _put(console, f"warning: {printable(warning)}", style="yellow")
    # A failure of the whole command is told on standard error, with its next step.
    if report.comment and not (report.problem and report.problem.message == report.comment):
        _put(console, f"{report.command}: {printable(report.comment)}")
    return _text(console)


def render_problem(report: Report, *, width: int | None = None, colour: bool = False) -> str:
    """The errors for standard error: what happened, the machine's state, the next step. Empty without one.

    Of those that have one cause the first is told, and in how many stores it is so.
    """
    problems = [report.problem] if report.problem else []
    problems += [store.problem for store in report.stores if store.problem]
    if not problems or report.exit_code == 0:
        return ""
    console = _console(width, colour)
    by_cause: dict[str, list[Problem]] = {}
    for problem in problems:
        by_cause.setdefault(key(problem), []).append(problem)
    for first, *others in by_cause.values():
        _problem(console, first, len({*others} - {first}))
    _put(console, f"state: {_STATE[report.outcome]}")
    for name, value in (("journal", report.journal), ("log", report.log), ("backup", report.backup)):
        if value:
            _put(console, f"{name}: {printable(value)}")
    return _text(console)


def _problem(console: Console, problem: Problem, others: int) -> None:
    _put(console, f"error: {printable(problem.message)} [{problem.code}]", style="red")
    if others:
        _put(console, f"  and {counted(others, 'more error')} of the same cause")
    for line in problem.context[:_CONTEXT]:
        _put(console, f"  {printable(line)}")
    from dsmcertfix.report.catalogue import next_step

    hint = problem.hint or next_step(problem.code)
    if hint:
        _put(console, f"hint: {printable(hint)}")


def _locate(console: Console, report: Report) -> None:
    _places(console, [_place_cells(place) for place in report.looked_at])
    console.print()
    for store in report.stores:
        _put(console, _headline(store))
        for origin in store.origin:
            _put(console, f"  because: {printable(origin)}")
        _store_problem(console, store)


def _place_cells(place: PlaceReport) -> tuple[str, str, str]:
    state = place.problem or ("store" if place.found else "-")
    return printable(place.directory), printable(state), printable(place.because)


def _places(console: Console, rows: list[tuple[str, str, str]]) -> None:
    if console.width < _TABLE_WIDTH or console.soft_wrap:
        for directory, state, why in rows:
            _put(console, f"{directory}: {state}")
            _put(console, f"  {why}")
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
        _put(console, _headline(store), style="bold")
        if report.command in _CHANGING and not planned:
            _put(console, f"  outcome: {store.outcome}", style=_STYLES.get(store.outcome))
        if planned:
            _planned_steps(console, steps.get(store.id, ()))
        else:
            _step_notes(console, steps.get(store.id, ()))
        _certificates(console, store.certificates)
        _instance(console, report, store)
        for proof in store.proofs:
            _put(console, f"  proof: {printable(proof.reason)}", style=_STYLES.get(proof.answer))
        _policy(console, store)
        for note in store.notes:
            _put(console, f"  note: {printable(note)}")
        _store_problem(console, store)
        console.print()


def _policy(console: Console, store: StoreReport) -> None:
    """How the store stands to the site's policy."""
    others = [told for told in store.policy if told.standing != "fine"]
    if store.policy and not others:
        _put(console, "  policy: fine", style="green")
    for told in others:
        which = f"`{told.label}`" if told.label else f"SHA-256 {told.sha256}"
        whose = f" of {told.name}" if told.name else ""
        line = printable(f"policy: {told.standing}: {which}{whose}: {told.reason}")
        _put(console, f"  {line}", style="yellow")


def _instance(console: Console, report: Report, store: StoreReport) -> None:
    found = next((item for item in report.instances if item.id == store.id), None)
    if found is not None and report.command == "server inspect":
        from dsmcertfix.report.render import server

        for line in server.lines(found):
            _put(console, f"  {printable(line)}")


def _headline(store: StoreReport) -> str:
    version = f", key database version {store.key_database_version}" if store.key_database_version else ""
    stanzas = f", used by {', '.join(store.stanzas)}" if store.stanzas else ""
    return printable(f"{store.directory} ({store.owner}{stanzas}{version})")


def _store_problem(console: Console, store: StoreReport) -> None:
    if store.problem is not None:
        _put(console, f"  problem: {printable(store.problem.message)} [{store.problem.code}]", style="red")


def _planned_steps(console: Console, steps: Iterable[StepReport]) -> None:
    for number, step in enumerate(steps, 1):
        _put(console, f"  {number:2}. {printable(step.text)}", style=_STYLES.get(step.state))
        if step.state == "failed" and step.note:
            _put(console, f"      would be refused: {printable(step.note)}", style="red")
        elif step.note:
            _put(console, f"      {printable(step.note)}")


def _step_notes(console: Console, steps: Iterable[StepReport]) -> None:
    """What a step has to say for itself; that it was done was told while it was."""
    for step in steps:
        if step.note and step.state == "done" and step.step in _TELLING:
            _put(console, f"  {step.step}: {printable(step.note)}")


def _certificates(console: Console, certificates: tuple[CertificateReport, ...]) -> None:
    for item in certificates:
        left = item.days_left
        days = f", {counted(left, 'day')} left" if left is not None and 0 <= left <= _SOON else ""
        until = f"until {item.not_after[:10]} UTC{days}" if item.not_after else "without an end"
        _put(console, f"  {printable(item.label) or '(new)'}")
        _put(console, f"    {item.status}, {until}", style=_STYLES.get(item.status))
        _put(console, f"    SHA-256 {item.sha256}")
        _put(console, f"    {printable(item.reason)}")


def _put(console: Console, text: str, *, style: str | None = None) -> None:
    """The line, with what does not fit below where it begins; on a pipe it stays one, to be searched."""
    if not console.soft_wrap:
        indent = " " * (len(text) - len(text.lstrip(" ")))
        text = wrap(text, console.width if text.strip() else 1, indent, f"{indent}  ")
    console.print(text, style=style, soft_wrap=True)


def _servers(console: Console, report: Report) -> None:
    for server in report.servers:
        name = f"{'/'.join(server.stanzas)} ({server.server})" if server.stanzas else server.server
        if server.sha256 is None:
            why = server.problem.message if server.problem else "not asked"
            _put(console, f"server {printable(name)}: {printable(why)}")
        else:
            until = (server.not_after or "")[:10]
            _put(
                console,
                f"server {printable(name)} presents SHA-256 {server.sha256}, valid until {until}",
            )


def _services(console: Console, report: Report) -> None:
    for item in report.services:
        was = "" if item.action == "none" else f", {item.action.replace('failed', 'not restarted')}"
        named = f" ({item.name})" if item.display and item.display != item.name else ""
        _put(console, f"service {printable(item.display or item.name)}{printable(named)}: {item.state}{was}")


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
            _put(console, f"damaged: {printable(item.problem.message)}")


def _backup_cells(item: BackupReport) -> tuple[str, str, str, str, str]:
    state = "intact" if item.intact else "damaged" if item.intact is False else "?"
    return printable(item.run), _moment(item.made_at), state, str(item.size), printable(item.directory)


def _moment(text: str) -> str:
    return f"{text[:19].replace('T', ' ')} UTC" if text else "?"


def _explanations(console: Console, report: Report) -> None:
    from dsmcertfix.report.render import helpdesk

    helpdesk.explanations(console, report)


def _contents(console: Console, report: Report) -> None:
    from dsmcertfix.report.render import helpdesk

    helpdesk.contents(console, report)


def _overview(console: Console, report: Report) -> None:
    from dsmcertfix.report.render import fleet_text

    for line in fleet_text.overview(report.fleet) if report.fleet is not None else ():
        console.print(fleet_text.wrapped(line, console.width), soft_wrap=True)


def _forecast(console: Console, report: Report) -> None:
    from dsmcertfix.report.render import fleet_text, forecast_text

    if report.forecast is not None and report.fleet is not None:
        for line in forecast_text.lines(report.forecast, report.fleet):
            console.print(fleet_text.wrapped(line, console.width), soft_wrap=True)


def _evidence(console: Console, report: Report) -> None:
    from dsmcertfix.report.render import evidence

    evidence.page(console, report)


_RENDERERS = {
    "locate": _locate,
    "backups": _backups,
    "prune": _backups,
    "explain": _explanations,
    "support-bundle": _contents,
    "report": _overview,
    "forecast": _forecast,
    "verify": _evidence,
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
        soft_wrap=width is None,
    )


def _text(console: Console) -> str:
    written = console.file.getvalue() if isinstance(console.file, io.StringIO) else ""
    lines = [line.rstrip() for line in written.splitlines()]
    return "\n".join(lines).strip("\n")
