"""What every command needs: the machine, how to print, how to ask, how to show progress."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

import typer

from dsmcertfix.cli.arguments import CONSOLES
from dsmcertfix.errors import DsmcertfixError, Interrupted, Problem, UsageError, bug, exit_code

if TYPE_CHECKING:
    from dsmcertfix.cli.telling import Telling
    from dsmcertfix.host import Host
    from dsmcertfix.repair import Confirm, Observe
    from dsmcertfix.report import Report
    from dsmcertfix.runlog import RunLog
    from dsmcertfix.transaction.journal import Event

_HOST, _LOG = "dsmcertfix.host", "dsmcertfix.log"
# As in runlog, which is not loaded by commands that only read.
_CHANGING = ("fix", "trust", "rollback", "recover", "prune", "guide", "server renew")


class Settings(NamedTuple):
    """The options before the command."""

    root: Path | None = None
    state_dir: Path | None = None
    verbose: bool = False


def run(
    context: typer.Context,
    command: str,
    as_json: bool,
    work: Callable[[Host], Report],
    *,
    network_homes: bool = False,
    how: Telling | None = None,
) -> None:
    """The command's report is told, as `how` says where it is given; Exit carries the exit code."""
    from dsmcertfix.cli.telling import Telling, tell
    from dsmcertfix.commands import reported
    from dsmcertfix.host import open_host

    settings: Settings = context.obj

    def logged() -> Report:
        host = open_host(settings.root, settings.state_dir, network_homes=network_homes)
        keep_log(context, command, host)
        return work(host)

    report = reported(command, logged)
    end_with(report.exit_code)
    report = end_log(context, command, report)
    raise typer.Exit(tell(report, how or Telling("json" if as_json else "text")))


def whatever_comes(tell: Callable[[], int], code: int) -> int:
    """What `tell` returns; where it has a bug that is told, and the `code` of the work, which is over, stays.

    Raises what is no bug: a file for the result that cannot be written, say.
    """
    try:
        return tell()
    except DsmcertfixError:
        raise
    except Exception as error:
        problem = bug(error).problem()
        print_to(sys.stderr, "; ".join((f"the result cannot be told: {problem.message}", *problem.context)))
        return code


def end_with(code: int) -> None:
    """From now on a signal ends the process with that code: the work is over, and this says how."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, lambda *_: sys.exit(code))


def keep_log(context: typer.Context, command: str, host: Host) -> None:
    """From now on `progress` writes to the log of that machine, too, if the command is one that keeps it."""
    context.meta[_HOST] = host
    if command in _CHANGING:
        from dsmcertfix.runlog import RunLog

        settings: Settings = context.obj
        tell = (lambda line: print_to(sys.stderr, line)) if settings.verbose else None
        context.meta[_LOG] = RunLog(host, command, tell, for_consoles=context.meta.get(CONSOLES, False))


def end_log(context: typer.Context, command: str, report: Report) -> Report:
    """The end of the command, or the error of one that keeps no log, is in the log; the report says which."""
    host: Host | None = context.meta.get(_HOST)
    if host is None or (_LOG not in context.meta and report.exit_code in (0, 3)):
        return report
    from dataclasses import replace

    from dsmcertfix.runlog import RunLog

    log: RunLog = context.meta.get(_LOG) or RunLog(host, command)
    log.ended(report)
    log.close()
    return replace(report, log=str(log.path) if log.path else None)


def show(report: Report, *, as_json: bool) -> None:
    """The result is on standard output, errors on standard error."""
    if as_json:
        from dsmcertfix.render import json

        print_to(sys.stdout, json.render(report))
        return
    from dsmcertfix.render import text

    width, colour = _terminal(sys.stdout)
    print_to(sys.stdout, text.render(report, width=width, colour=colour))
    width, colour = _terminal(sys.stderr)
    print_to(sys.stderr, text.render_problem(report, width=width, colour=colour))


def show_usage_problem(problem: Problem, form: str, command: str) -> int:
    """A wrong command line is told like any other failure, in the format asked for; returns its exit code.

    `command` is what it named; the bare word `server` and `guide` stand for no report.
    """
    from dsmcertfix.cli.telling import Telling, format_of_problems, tell
    from dsmcertfix.host import host_name
    from dsmcertfix.report import Report

    code = exit_code(problem, "unchanged")
    named = "" if command in ("server", "guide") else command
    report = Report(named, host_name(), comment=problem.message, exit_code=code, problem=problem)
    return tell(report, Telling(format_of_problems(form)))


def observed(context: typer.Context, observe: Observe) -> Observe:
    """Tells `observe` of each event, and the log when one is kept."""
    log: RunLog | None = context.meta.get(_LOG)
    if log is None:
        return observe

    def both(event: Event) -> None:
        log.observe(event)
        observe(event)

    return both


def progress(context: typer.Context) -> Observe:
    """Tells on standard error what is being done to which store, a line a step; and the log."""
    from dsmcertfix.render.text import printable

    directories: dict[str | None, str] = {}
    last: str | None = None

    def observe(event: Event) -> None:
        nonlocal last
        if event.kind == "store-started":
            directories[event.store] = str(event.data.get("directory", event.store))
        line = _progress_line(event)
        if line is None:
            return
        # Several stores may be worked on in turn (`--jobs`).
        if event.store != last:
            last = event.store
            if last in directories:
                print_to(sys.stderr, printable(f"{directories[last]}:"))
        print_to(sys.stderr, printable(f"  {line}"))

    return observed(context, observe)


def _progress_line(event: Event) -> str | None:
    match event.kind:
        case "step-started" | "undo-started":
            return f"{event.data.get('text')} ..."
        case "step-failed":
            return f"failed: {event.data.get('note')}"
        case "undo-done":
            return str(event.data.get("text"))
    return None


def confirmation(yes: bool, question: str, look: str) -> Confirm | None:
    """How to ask before something is changed; None when the answer is given already.

    Raises UsageError where nobody can answer; `look` says then what shows what the command would do.
    """
    if yes:
        return None
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "nobody-to-ask",
            "the command asks before it does anything, and there is no terminal to ask on",
            hint=f"{look}; then give `--yes`.",
        )

    def confirm(report: Report) -> bool:
        show_list(report)
        return ask(question, sys.stderr)

    return confirm


def ask(question: str, stream: TextIO) -> bool:
    """What was answered: `y` and `yes` are yes; Enter, `n`, `no` and the end of the input are no.

    Raises Interrupted for Ctrl+C.
    """
    try:
        while True:
            stream.write(f"{question} [y/N]: ")
            stream.flush()
            line = sys.stdin.readline()
            answer = line.strip().lower()
            if not line:
                stream.write("\n")
            if answer in ("", "n", "no", "y", "yes"):
                return answer.startswith("y")
            print_to(stream, "Please answer y for yes, or n for no.")
    except KeyboardInterrupt:
        stream.write("\n")
        raise Interrupted(
            "interrupted", "interrupted by Ctrl+C", hint="Run the same command again."
        ) from None


def show_list(report: Report) -> None:
    """What is about to be done is on standard error."""
    from dsmcertfix.render import text

    width, colour = _terminal(sys.stderr)
    print_to(sys.stderr, text.render(report, width=width, colour=colour))


def _terminal(stream: TextIO) -> tuple[int | None, bool]:
    """The width of the terminal, None for a pipe, and whether colour is welcome (no-color.org)."""
    from dsmcertfix.platforms import no_colour_wanted

    if not stream.isatty():
        return None, False
    return shutil.get_terminal_size().columns, not no_colour_wanted()


def print_to(stream: TextIO, text: str) -> None:
    """The text is written, a line end after it, what the stream cannot take escaped; nothing for no text.

    What cannot be written (a full disk, a pipe that nobody reads) is lost, which standard error is told; the
    exit code says what state the machine is in all the same.
    """
    if not text:
        return
    try:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except OSError as error:
        give_up(stream, error)
    except ValueError:
        # The stream was closed from inside: nobody is there to be told.
        return


def give_up(stream: TextIO, error: OSError) -> None:
    """What is left for the stream goes nowhere: the interpreter would fail on it when it ends.

    Standard error is told that standard output cannot be written, unless nobody reads it any more.
    """
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    if stream is sys.stdout and not isinstance(error, BrokenPipeError):
        print_to(sys.stderr, f"the result cannot be written to standard output: {error.strerror}")
