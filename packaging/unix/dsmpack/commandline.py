"""The command line as values, read from the very Typer app that `--help` comes from.

Owns what is known about Typer. Man page and completion are made from these values, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import typer

from dsmcertfix import cli
from dsmcertfix.cli.examples import EXAMPLES, EXIT_CODES

Value = Literal["none", "text", "file", "directory", "choice", "run", "stanza", "label"]

_RUN = "ID"
_HELP = "Show this message and exit."


@dataclass(frozen=True, slots=True)
class Option:
    """An option with all its names; `metavar` is empty for one without a value."""

    names: tuple[str, ...]
    metavar: str
    help: str
    value: Value
    choices: tuple[str, ...]
    repeatable: bool
    required: bool

    @property
    def long(self) -> str:
        """Its long name."""
        return next(name for name in self.names if name.startswith("--"))


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument as it stands in the usage line."""

    metavar: str
    help: str
    repeatable: bool
    value: Value


@dataclass(frozen=True, slots=True)
class Command:
    """A command with everything that its `--help` shows. The program itself has an empty name."""

    name: str
    help: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    examples: tuple[str, ...]
    exit_codes: tuple[int, ...]

    @property
    def word(self) -> str:
        """The last word of its name."""
        return self.name.rpartition(" ")[2]


def first(commands: Sequence[Command]) -> list[Command]:
    """The commands that stand right after the program."""
    return [one for one in commands if " " not in one.name]


def own(group: Command, commands: Sequence[Command]) -> list[Command]:
    """The commands that stand after that one: none, unless it is a group."""
    return [one for one in commands if one.name.startswith(f"{group.name} ")]


def program() -> tuple[Command, tuple[Command, ...]]:
    """The program with the options before the command, and its commands in the order of `--help`."""
    group: Any = typer.main.get_command(cli.whole())
    shown = [(name, one) for name, one in group.commands.items() if not one.hidden]
    return _command("", group), tuple(made for name, one in shown for made in _with_own(name, one))


def _with_own(name: str, one: Any) -> Iterator[Command]:
    """The command, and those that a group has, as "server inspect"."""
    yield _command(name, one)
    for own, command in getattr(one, "commands", {}).items():
        yield _command(f"{name} {own}", command)


def _command(name: str, one: Any) -> Command:
    told = [parameter for parameter in one.params if not getattr(parameter, "hidden", False)]
    return Command(
        name,
        " ".join(one.help.split()),
        (*(_option(item) for item in told if item.param_type_name == "option"), _help_option()),
        tuple(_argument(item) for item in told if item.param_type_name == "argument"),
        EXAMPLES.get(name, ()),
        tuple(sorted(EXIT_CODES.get(name, ()))),
    )


def _help_option() -> Option:
    settings = cli.app.info.context_settings or {}
    names: list[str] = settings["help_option_names"]
    return Option(tuple(names), "", _HELP, "none", (), False, False)


def _option(item: Any) -> Option:
    choices = tuple(str(choice) for choice in getattr(item.type, "choices", ()))
    metavar = "" if item.is_flag else item.metavar or "|".join(choices) or item.type.name.upper()
    value: Value = "text"
    if item.is_flag:
        value = "none"
    elif choices:
        value = "choice"
    elif item.type.name == "path":
        value = "directory" if metavar == "DIR" else "file"
    elif metavar == _RUN:
        value = "run"
    elif "tanza name" in (item.help or ""):
        value = "stanza"
    elif "with this label" in (item.help or ""):
        value = "label"
    return Option(
        (*item.opts, *item.secondary_opts),
        metavar,
        item.help or "",
        value,
        choices,
        bool(item.multiple),
        bool(item.required),
    )


def _argument(item: Any) -> Argument:
    metavar = item.metavar or item.name.upper()
    value: Value = "run" if metavar == f"[{_RUN}]" else "text"
    return Argument(metavar, item.help or "", item.nargs == -1, value)
