"""The doors: one Typer command for each use case. Nothing is decided here."""

from __future__ import annotations

import gc

# Objects made between two searches for unreachable cycles: what a command makes has none, and Python's own
# number, 700, lets it search dozens of times while modules are loaded. So before anything else is.
gc.set_threshold(1_000_000)

import os
import signal
import sys
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from dsmcertfix import __version__
from dsmcertfix.cli.context import Settings, give_up, print_to, show_usage_problem
from dsmcertfix.cli.examples import epilog
from dsmcertfix.cli.streams import open_streams
from dsmcertfix.errors import DsmcertfixError, Problem, UsageError, bug
from dsmcertfix.process_signals import UntilOver

Command = Callable[..., Any]

app = typer.Typer(
    name="dsmcertfix",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print_to(sys.stdout, f"dsmcertfix {__version__}")
        raise typer.Exit


@app.callback()
def before(
    context: typer.Context,
    root: Annotated[
        Path | None,
        # Whether this user may look into a directory is for the commands to say: not all of them have to.
        typer.Option(
            "--root", metavar="DIR", readable=False, help="Take DIR as the root of the machine's file system."
        ),
    ] = None,
    state_dir: Annotated[
        Path | None,
        typer.Option(
            "--state-dir", metavar="DIR", readable=False, help="Keep journals, backups and the lock in DIR."
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell more on standard error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Repair the trust of IBM Spectrum/Storage Protect clients after a server certificate was renewed."""
    context.obj = Settings(root, state_dir, verbose)
    if context.invoked_subcommand is None:
        from dsmcertfix.cli.guide import guide

        guide(context)


def _look() -> Iterable[Command]:
    from dsmcertfix.cli import look

    return look.locate, look.inspect, look.detect, look.plan


def _repair() -> Iterable[Command]:
    from dsmcertfix.cli import repair

    return repair.fix, repair.rollback, repair.recover, repair.backups, repair.prune


def _handed() -> Iterable[Command]:
    from dsmcertfix.cli import handed

    return handed.probe, handed.trust


def _guide() -> Iterable[Command]:
    from dsmcertfix.cli import guide

    return (guide.guide,)


def _helpdesk() -> Iterable[Command]:
    from dsmcertfix.cli import helpdesk

    return helpdesk.explain, helpdesk.support_bundle


def _fleet() -> Iterable[Command]:
    from dsmcertfix.cli import fleet

    return fleet.report, fleet.admin_macro


_COMMANDS: tuple[tuple[tuple[str, ...], Callable[[], Iterable[Command]]], ...] = (
    (("locate", "inspect", "detect", "plan"), _look),
    (("fix", "rollback", "recover", "backups", "prune"), _repair),
    (("probe", "trust"), _handed),
    (("guide",), _guide),
    (("explain", "support-bundle"), _helpdesk),
    (("report", "admin-macro"), _fleet),
)
"""The names in the order of `--help`, and what loads their functions: a command loads its own module only."""

SERVER = "server"
"""The word before the commands about a server."""


def _register(words: list[str]) -> None:
    """`app` has every command that the words can mean.

    Reading the options of all of them takes longer than most commands' work: a word that names a command
    stands for it alone, unless help on all of them is asked for before it; the version needs none.
    """
    names = [name for group, _ in _COMMANDS for name in group]
    named = [name for name in (*names, SERVER) if name in words]
    before_it = words[: min(map(words.index, named))] if named else words
    if "--version" in before_it:
        return
    everything = not named or bool({"-h", "--help"} & {*before_it})
    for group, load in _COMMANDS:
        wanted = group if everything else [name for name in group if name in named]
        if wanted:
            by_name = dict(zip(group, load(), strict=True))
            for name in wanted:
                app.command(name, epilog=epilog(name))(by_name[name])
    if everything or SERVER in named:
        app.add_typer(_server_commands(), name=SERVER)


def _server_commands() -> typer.Typer:
    """The group of the commands about a server."""
    from dsmcertfix.cli import server

    group = typer.Typer(
        rich_markup_mode=None, help="Look at servers on this host, and renew their certificates."
    )
    for command in server.COMMANDS:
        group.command(epilog=epilog(f"{SERVER} {command.__name__}"))(command)
    return group


def whole() -> typer.Typer:
    """The app with every command: what man page and completion are made from."""
    _register([])
    return app


_WITH_VALUE = ("--root", "--state-dir")
"""The options before the command that a value follows."""


def _command_in(words: list[str]) -> str:
    """The command that a command line names, before it is understood; empty where it names none that is."""
    left = iter(words)
    for word in left:
        if word in _WITH_VALUE:
            next(left, None)
        elif word == SERVER:
            from dsmcertfix.cli import server

            names, following = [command.__name__ for command in server.COMMANDS], next(left, "")
            return f"{SERVER} {following}" if following in names else SERVER
        elif not word.startswith("-"):
            return word if any(word in group for group, _ in _COMMANDS) else ""
    return ""


def _format_in(words: list[str]) -> str:
    """The format that a command line asks for, before it is understood: "text" where it names none."""
    if "--json" in words:
        return "json"
    values = [word.partition("=")[2] for word in words if word.startswith("--format=")]
    values += [value for word, value in pairwise(words) if word == "--format"]
    return values[0] if values else "text"


def _end_with_a_code() -> None:
    """A signal before or after the work ends in 143 or the command's own code, never in a bare death."""
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, UntilOver(lambda *_: sys.exit(143)))
    if hasattr(signal, "SIGCHLD"):
        # Ignored by whoever started us, it would have the system drop every child's status.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, UntilOver(signal.default_int_handler))


def _problem_of(error: Exception, words: list[str]) -> Problem:
    """What is wrong with the command line, or with us."""
    told = getattr(error, "format_message", None)
    if told is None:
        return bug(error).problem()
    command = _command_in(words)
    hint = f"`dsmcertfix {command}{' ' if command else ''}--help` lists the options."
    return UsageError("usage", " ".join(str(told()).split()), hint=hint).problem()


def main() -> NoReturn:
    """Runs the command line of this process and ends it with the exit code of docs/exit-codes.md."""
    open_streams()
    # Whatever is made is closed, however the caller's shell is set; the client's own run has its own umask.
    os.umask(0o077)
    _end_with_a_code()
    words = sys.argv[1:]
    form = _format_in(words)
    _register(words)
    try:
        code = app(standalone_mode=False)
    except DsmcertfixError as error:
        code = show_usage_problem(error.problem(), form, _command_in(words))
    except OSError as error:
        # Help is all that is not printed by us.
        if not {"-h", "--help"} & {*words}:
            raise
        give_up(sys.stdout, error)
        code = 0
    except Exception as error:
        if not hasattr(error, "format_message") and form not in ("intune", "nagios"):
            raise
        code = show_usage_problem(_problem_of(error, words), form, _command_in(words))
    # The process ends: the interpreter need not search what is left of it for cycles, object by object.
    gc.freeze()
    sys.exit(code if isinstance(code, int) else 0)
