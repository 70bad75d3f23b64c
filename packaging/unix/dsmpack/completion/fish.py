"""Completion for fish 3 and newer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsmpack.commandline import Command, first, own
from dsmpack.completion import LABEL, NOTE, OPTION_FILES, RUNS

# Every abbreviation that the client takes.
_SERVERNAME = "se(?:r(?:v(?:e(?:r(?:n(?:a(?:me?)?)?)?)?)?)?)?"
_FUNCTIONS = f"""\
function __dsmcertfix_runs
    for path in {" ".join(f"{place}2*Z-*" for place in RUNS)}
        test -d $path; and string replace -r '.*/' '' -- $path
    end
end
function __dsmcertfix_stanzas
    set -l place /opt/tivoli/tsm/client/ba/bin
    set -q DSM_DIR; and set place $DSM_DIR
    for file in $place/dsm.sys {" ".join(OPTION_FILES[1:])}
        test -r $file; or continue
        while read -l line
            string match -r -i -g '^\\s*{_SERVERNAME}\\s+([A-Za-z0-9_.+-]+)\\s*$' -- $line
        end <$file
    end
end
function __dsmcertfix_labels
    for name in (__dsmcertfix_stanzas)
        echo "{LABEL[0]}$name{LABEL[1]}"
    end
end"""


def script(program: Command, commands: Sequence[Command]) -> str:
    """The script; fish finds it by its name."""
    shown = first(commands)
    groups = [one for one in shown if own(one, commands)]
    lines = [
        "# fish completion for dsmcertfix",
        f"# {NOTE}",
        _FUNCTIONS,
        "complete -c dsmcertfix -f",
        *_options(program, _without(shown)),
        *_names(shown, _without(shown)),
    ]
    for command in shown:
        after = own(command, commands)
        # A command of a group can have the name of one that stands alone.
        others = after or [group for group in groups if group is not command]
        alone = "; and ".join([_seen(command), *([_without(others)] if others else [])])
        lines += [*_options(command, alone), *_names(after, alone), *_arguments(command, alone)]
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


def _arguments(command: Command, condition: str) -> Iterator[str]:
    for argument in command.arguments:
        if argument.value == "run":
            told = _quoted(argument.help)
            yield f'complete -c dsmcertfix -n "{condition}" -a "(__dsmcertfix_runs)" -d {told}'


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
            "run": '-x -a "(__dsmcertfix_runs)" ',
            "stanza": '-x -a "(__dsmcertfix_stanzas)" ',
            "label": '-x -a "(__dsmcertfix_labels)" ',
            "choice": f'-x -a "{" ".join(option.choices)}" ',
        }[option.value]
        yield f'complete -c dsmcertfix -n "{condition}" {named} {value}-d {_quoted(option.help)}'


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
