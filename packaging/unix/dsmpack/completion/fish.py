"""Completion for fish 3 and newer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsmpack.commandline import Command, first, own
from dsmpack.completion import NOTE


def script(program: Command, commands: Sequence[Command]) -> str:
    """The script; fish finds it by its name."""
    shown = first(commands)
    groups = [one for one in shown if own(one, commands)]
    lines = [
        "# fish completion for dsmcertfix",
        f"# {NOTE}",
        "complete -c dsmcertfix -f",
        *_options(program, _without(shown)),
        *_names(shown, _without(shown)),
    ]
    for command in shown:
        after = own(command, commands)
        # A command of a group can have the name of one that stands alone.
        others = after or [group for group in groups if group is not command]
        alone = "; and ".join([_seen(command), *([_without(others)] if others else [])])
        lines += [*_options(command, alone), *_names(after, alone)]
        for one in after:
            lines += _options(one, f"{_seen(command)}; and {_seen(one)}")
    return "\n".join(lines) + "\n"


def _seen(command: Command) -> str:
    return f"__fish_seen_subcommand_from {command.word}"


def _without(commands: Sequence[Command]) -> str:
    return f"not __fish_seen_subcommand_from {' '.join(one.word for one in commands)}"


def _names(commands: Sequence[Command], condition: str) -> Iterator[str]:
    for one in commands:
        yield f'complete -c dsmcertfix -n "{condition}" -a {one.word} -d {_quoted(one.help)}'


def _options(command: Command, condition: str) -> Iterator[str]:
    for option in command.options:
        named = " ".join(
            f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
        )
        value = {
            "none": "",
            "text": "-x ",
            "file": "-r -F ",
            "directory": '-x -a "(__fish_complete_directories)" ',
            "choice": f'-x -a "{" ".join(option.choices)}" ',
        }[option.value]
        yield f'complete -c dsmcertfix -n "{condition}" {named} {value}-d {_quoted(option.help)}'


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
