"""The man page, from the command line as values. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from dsmcertfix.errors import MEANINGS
from dsmpack.commandline import Command, Option

_FILES = (
    (
        "/var/lib/dsmcertfix",
        "Journals, backups, the lock and the log of root's runs; those of others are below "
        "$HOME/.local/state. Closed to everybody else: a backup holds the stash file, which is a secret.",
    ),
)


def page(version: str, day: str, program: Command, commands: Sequence[Command]) -> str:
    """The page in the man macros; `day` is an ISO date."""
    return "\n".join(_lines(version, day, program, commands)) + "\n"


def _lines(version: str, day: str, program: Command, commands: Sequence[Command]) -> Iterator[str]:
    yield f'.TH DSMCERTFIX 1 "{day}" "dsmcertfix {version}" "User Commands"'
    yield '.\\" Made by packaging/unix from the source of --help. Change that, not this page.'
    yield ".SH NAME"
    yield "dsmcertfix \\- " + _text(program.help[0].lower() + program.help[1:].rstrip("."))
    yield ".SH SYNOPSIS"
    yield ".B dsmcertfix"
    yield "[\\fIOPTION\\fR]... [\\fICOMMAND\\fR [\\fIARGUMENT\\fR]...]"
    yield ".SH DESCRIPTION"
    yield _text(program.help)
    yield ".PP"
    yield _text("Without a command it is the guided repair. The options of the program may stand behind the")
    yield _text("command, too. `help COMMAND` shows the options of a command; `status` is another word for")
    yield _text("`detect`, `undo` and `restore` for `rollback`.")
    yield ".SH OPTIONS"
    for option in program.options:
        yield from _option(option)
    yield ".SH COMMANDS"
    for command in commands:
        yield from _command(command)
    yield ".SH EXIT STATUS"
    yield _text(
        "The first digit says what state the machine is in: 0 fine, 1x untouched, 2x as before, 3x call"
    )
    yield _text(
        "someone. Each command above lists those it can end in; a code that is not here is a failure."
    )
    for code, meaning in sorted(MEANINGS.items()):
        yield from (".TP", f".B {code}", _text(meaning))
    yield ".SH FILES"
    for path, what in _FILES:
        yield from (".TP", f".I {_text(path)}", *map(_text, textwrap.wrap(what, 100)))
    yield ".SH SEE ALSO"
    yield _text("`dsmcertfix explain` says what a code of the client, the server, GSKit or dsmcertfix means.")


def _command(command: Command) -> Iterator[str]:
    yield f".SS {_text(command.name)}"
    usage = [f"\\fB{_text('dsmcertfix ' + command.name)}\\fR"]
    usage += [f"{_name(option.long)} {_value(option)}" for option in command.options if option.required]
    usage += ["[\\fIOPTION\\fR]...", *(f"\\fI{_text(item.metavar)}\\fR" for item in command.arguments)]
    yield " ".join(usage)
    yield ".PP"
    yield _text(command.help)
    for argument in command.arguments:
        yield from (".TP", f".I {_text(argument.metavar)}", _text(argument.help))
    for option in command.options:
        yield from _option(option)
    yield from (".PP", "Examples:", ".PP", ".nf", ".RS")
    for example in command.examples:
        yield _text(f"dsmcertfix {example}")
    yield from (".RE", ".fi", ".PP")
    yield _text(f"Exit status: {', '.join(map(str, command.exit_codes))}.")


def _option(option: Option) -> Iterator[str]:
    yield ".TP"
    yield ", ".join(_name(name) for name in option.names) + (f" {_value(option)}" if option.metavar else "")
    notes = [
        word for word, holds in (("required", option.required), ("repeatable", option.repeatable)) if holds
    ]
    yield _text(option.help + (f" ({', '.join(notes)})" if notes else ""))


def _name(name: str) -> str:
    return f"\\fB{_text(name)}\\fR"


def _value(option: Option) -> str:
    return f"\\fI{_text(option.metavar)}\\fR"


def _text(text: str) -> str:
    """The text as it is to be read: nothing in it is a request or an escape."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
