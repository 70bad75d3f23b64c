"""What every command needs: the machine, how to print, how to ask, how to show progress."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

import typer

from dsmcertfix import NamedTuple
from dsmcertfix.cli import options as given
from dsmcertfix.cli.output import print_to, show_list, terminal
from dsmcertfix.errors import Interrupted, Problem, UsageError, exit_code

if TYPE_CHECKING:
    from dsmcertfix.cli.formats import Telling
    from dsmcertfix.commands.contract import Confirm, Observe
    from dsmcertfix.commands.log import RunLog
    from dsmcertfix.report.result import Report
    from dsmcertfix.system.host import Host
    from dsmcertfix.transaction.journal import Event

_HOST, _LOG = "dsmcertfix.host", "dsmcertfix.log"
# As in runlog, which is not loaded by commands that only read.
_CHANGING = ("fix", "trust", "rollback", "recover", "prune", "guide", "server renew", "store restore")


class Settings(NamedTuple):
    """The options before the command."""

    root: given.Root = None
    state_dir: given.StateDir = None
    trust_root: given.TrustRoot = False
    keep_backups: given.KeepBackups = 10
    verbose: given.Verbose = False
    quiet: given.Quiet = False

    def host(self, *, network_homes: bool = False) -> Host:
        """The machine that is meant. Raises as `open_host` does."""
        from dsmcertfix.system.host import open_host

        return open_host(
            self.root,
            self.state_dir,
            sets_kept=self.keep_backups,
            network_homes=network_homes,
            trust_root=self.trust_root,
        )


def run(
    context: typer.Context,
    command: str,
    how: Telling,
    work: Callable[[Host], Report],
    *,
    network_homes: bool = False,
) -> None:
    """The command's report is told as `how` says; Exit carries the exit code."""
    from dsmcertfix.cli.formats import tell
    from dsmcertfix.commands.contract import reported

    settings: Settings = context.obj

    def logged() -> Report:
        host = settings.host(network_homes=network_homes)
        keep_log(context, command, host)
        return work(host)

    report = reported(command, logged)
    end_with(report.exit_code)
    report = end_log(context, command, report)
    raise typer.Exit(tell(report, how._replace(quiet=settings.quiet)))


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
        from dsmcertfix.commands.log import RunLog

        settings: Settings = context.obj
        tell = (lambda line: print_to(sys.stderr, line)) if settings.verbose else None
        context.meta[_LOG] = RunLog(host, command, tell, for_consoles=context.meta.get(given.CONSOLES, False))


def end_log(context: typer.Context, command: str, report: Report) -> Report:
    """The end of the command, or the error of one that keeps no log, is in the log; the report says which."""
    host: Host | None = context.meta.get(_HOST)
    if host is None or (_LOG not in context.meta and report.exit_code in (0, 3)):
        return report
    from dsmcertfix.commands.log import RunLog

    log: RunLog = context.meta.get(_LOG) or RunLog(host, command)
    log.ended(report)
    log.close()
    return report._replace(log=str(log.path) if log.path else None)


def show_usage_problem(problem: Problem, form: str, command: str) -> int:
    """A wrong command line is told like any other failure, in the format asked for; returns its exit code.

    `command` is what it named; the bare words `server` and `policy`, and `guide`, stand for no report.
    """
    from dsmcertfix.cli.formats import Telling, format_of_problems, tell
    from dsmcertfix.report.result import Report
    from dsmcertfix.system.host import host_name

    code = exit_code(problem, "unchanged")
    named = "" if command in ("server", "policy", "guide") else command
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
    """Tells on standard error what is being done to which store, a line a step; and the log.

    On a terminal a step that is longer than a line goes on below its beginning.
    """
    from dsmcertfix.report.render.lines import wrap
    from dsmcertfix.wording import printable

    settings: Settings = context.obj
    if settings.quiet:
        return observed(context, lambda _: None)
    directories: dict[str | None, str] = {}
    last: str | None = None
    width, _ = terminal(sys.stderr)

    def put(line: str, indent: str = "") -> None:
        line = printable(line)
        print_to(sys.stderr, indent + line if width is None else wrap(line, width, indent, f"{indent}  "))

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
                put(f"{directories[last]}:")
        put(line, "  ")

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
        raise Interrupted("interrupted", "interrupted by Ctrl+C") from None
