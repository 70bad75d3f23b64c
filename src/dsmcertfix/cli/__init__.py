"""The doors: one Typer command for each use case. Nothing is decided here."""

from __future__ import annotations

import gc

# Objects made between two searches for unreachable cycles: what a command makes has none, and Python's own
# number, 700, lets it search dozens of times while modules are loaded. So before anything else is.
gc.set_threshold(1_000_000)

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Annotated, Any, NoReturn

import typer

from dsmcertfix import __version__
from dsmcertfix.cli.context import Settings, show_usage_problem
from dsmcertfix.cli.examples import ENDING, epilog
from dsmcertfix.cli.groups import spread
from dsmcertfix.cli.help import GROUPS, Listed, Program
from dsmcertfix.cli.output import give_up, open_streams, print_to
from dsmcertfix.cli.words import WITH_VALUE, understood
from dsmcertfix.errors import DsmcertfixError, Problem, UsageError, bug
from dsmcertfix.system.process.signals import UntilOver

Command = Callable[..., Any]

app = typer.Typer(
    name="dsmcertfix",
    cls=Program,
    epilog=ENDING,
    subcommand_metavar="[COMMAND] ...",
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


def before(
    context: typer.Context,
    *,
    settings: Settings,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Repair the trust of IBM Spectrum/Storage Protect clients after a server certificate was renewed."""
    context.obj = settings
    if context.invoked_subcommand is None:
        from dsmcertfix.cli.guide import guide

        guide(context)


app.callback()(spread(before))


def _look() -> Iterable[Command]:
    from dsmcertfix.cli import look

    return look.locate, look.inspect, look.detect, look.plan


def _repair() -> Iterable[Command]:
    from dsmcertfix.cli import repair

    return (
        repair.fix,
        repair.rollback,
        repair.recover,
        repair.history,
        repair.backups,
        repair.verify,
        repair.prune,
    )


def _handed() -> Iterable[Command]:
    from dsmcertfix.cli import trust as handed

    return handed.probe, handed.trust


def _guide() -> Iterable[Command]:
    from dsmcertfix.cli import guide

    return (guide.guide,)


def _helpdesk() -> Iterable[Command]:
    from dsmcertfix.cli import helpdesk

    return helpdesk.explain, helpdesk.support_bundle


def _fleet() -> Iterable[Command]:
    from dsmcertfix.cli import fleet

    return fleet.report, fleet.admin_macro, fleet.forecast


_COMMANDS: tuple[tuple[tuple[str, ...], Callable[[], Iterable[Command]]], ...] = (
    (("locate", "inspect", "detect", "plan"), _look),
    (("fix", "rollback", "recover", "history", "backups", "verify", "prune"), _repair),
    (("probe", "trust"), _handed),
    (("guide",), _guide),
    (("explain", "support-bundle"), _helpdesk),
    (("report", "admin-macro", "forecast"), _fleet),
)
"""What loads the functions of which names: a command loads its own module only."""

WORDS: Mapping[str, str] = {
    "server": "Look at servers on this host, and renew their certificates.",
    "store": "Make a store for a client, or carry one over the client's upgrade.",
    "policy": "Check and make the site's policy: which certificates are trusted, of which server, how long.",
}
"""The words before commands about one thing, each with what these do."""


def _register(words: list[str]) -> None:
    """`app` has every command that the words can mean.

    Reading the options of all of them takes longer than most commands' work: a word that names a command
    stands for it alone, unless help on all of them is asked for before it; the version needs none.
    """
    every = [name for names, _ in _COMMANDS for name in names]
    named = [name for name in (*every, *WORDS) if name in words]
    before_it = words[: min(map(words.index, named))] if named else words
    if "--version" in before_it:
        return
    everything = not named or bool({"-h", "--help"} & {*before_it})
    loaded: dict[str, Command] = {}
    for names, load in _COMMANDS:
        if everything or {*names} & {*named}:
            loaded |= zip(names, load(), strict=True)
    for name in dict.fromkeys((*(name for _, group in GROUPS for name in group), *loaded)):
        if name in loaded and (everything or name in named):
            app.command(name, epilog=epilog(name))(spread(loaded[name]))
    for word, told in WORDS.items():
        if everything or word in named:
            commands = typer.Typer(cls=Listed, rich_markup_mode=None, help=told)
            for command in _commands_of(word):
                commands.command(epilog=epilog(f"{word} {command.__name__}"))(spread(command))
            app.add_typer(commands, name=word)


def _commands_of(word: str) -> tuple[Command, ...]:
    """The commands of a group."""
    if word == "policy":
        from dsmcertfix.cli import policy

        return policy.COMMANDS
    if word == "store":
        from dsmcertfix.cli import store

        return store.COMMANDS
    from dsmcertfix.cli import server

    return server.COMMANDS


def whole() -> typer.Typer:
    """The app with every command: what man page and completion are made from."""
    _register([])
    return app


def _command_in(words: list[str]) -> str:
    """The command that a command line names, before it is understood; empty where it names none that is."""
    left = iter(words)
    for word in left:
        if word in WITH_VALUE:
            next(left, None)
        elif word in WORDS:
            names, following = [command.__name__ for command in _commands_of(word)], next(left, "")
            return f"{word} {following}" if following in names else word
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


_LISTS = "`dsmcertfix help` lists commands and options, `dsmcertfix help COMMAND` those of one."


def _problem_of(error: Exception, words: list[str]) -> Problem:
    """What is wrong with the command line, or with us."""
    told = getattr(error, "format_message", None)
    if told is None:
        return bug(error).problem()
    command = _command_in(words)
    if not command and "--json" in words and all(word.startswith("-") for word in words):
        return UsageError(
            "usage",
            "`--json` needs a command: without one dsmcertfix talks to a person",
            hint="`dsmcertfix detect --json` tells whether action is needed.",
        ).problem()
    hint = f"`dsmcertfix {command} --help` lists the options." if command else _LISTS
    return UsageError("usage", " ".join(str(told()).split()), hint=hint).problem()


def main() -> NoReturn:
    """Runs the command line of this process. Raises SystemExit with the exit code of docs/exit-codes.md."""
    open_streams()
    # Whatever is made is closed, however the caller's shell is set; the client's own run has its own umask.
    os.umask(0o077)
    _end_with_a_code()
    words = understood(sys.argv[1:], WORDS)
    form = _format_in(words)
    _register(words)
    try:
        code = app(args=words, standalone_mode=False)
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
    sys.exit(code if isinstance(code, int) else 0)


def program() -> NoReturn:
    """`main` as a program of its own: the process ends at once, with all that was printed.

    To take the interpreter apart, object by object, takes milliseconds that nobody needs: memory and open
    files are the system's again without that.
    """
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(end.code)
