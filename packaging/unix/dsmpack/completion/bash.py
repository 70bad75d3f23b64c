"""Completion for bash 4 and newer, with or without the bash-completion package. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsmpack.commandline import Command, first, own
from dsmpack.completion import LABEL, NOTE, OPTION_FILES, RUNS

_ACTIONS = {
    "text": ":",
    "file": 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$word"))',
    "run": "_dsmcertfix_runs",
    "stanza": "_dsmcertfix_stanzas",
    "label": "_dsmcertfix_labels",
    "directory": 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$word"))',
}


_RUNS = f"""\
_dsmcertfix_runs() {{
    local path
    for path in {" ".join(f'"{place}"2*Z-*' for place in RUNS)}; do
        [ -d "$path" ] && path=${{path##*/}} && [[ $path == "$word"* ]] && COMPREPLY+=("$path")
    done
}}"""
_STANZAS = f"""\
_dsmcertfix_stanzas() {{
    local file key name rest
    for file in {" ".join(f'"{file}"' for file in OPTION_FILES)}; do
        [ -r "$file" ] || continue
        while read -r key name rest; do
            [[ ${{key,,}} == se* && servername == "${{key,,}}"* && $name =~ ^[A-Za-z0-9_.+-]+$ ]] || continue
            [[ $name == "$word"* ]] && COMPREPLY+=("$name")
        done <"$file"
    done
}}"""


# A word that was begun with a quotation mark goes on in it; another one has its blanks escaped.
_LABELS = f"""\
_dsmcertfix_labels() {{
    local begun=${{word#[\\"\\']}} typed=$word label word=""
    begun=${{begun//\\\\/}}
    _dsmcertfix_stanzas
    local -a names=("${{COMPREPLY[@]}}")
    COMPREPLY=()
    for label in "${{names[@]/#/{LABEL[0]}}}"; do
        label="$label{LABEL[1]}"
        [[ $label == "$begun"* ]] || continue
        case "$typed" in [\\"\\']*) ;; *) printf -v label %q "$label" ;; esac
        COMPREPLY+=("$label")
    done
}}"""


def script(program: Command, commands: Sequence[Command]) -> str:
    """The script; it is sourced."""
    every = (program, *commands)
    lines = [
        "# bash completion for dsmcertfix",
        f"# {NOTE}",
        _RUNS,
        _STANZAS,
        _LABELS,
        "_dsmcertfix() {",
        '    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command="" at=1',
        "    # bash makes words of their own of `=` and what follows it.",
        '    [ "$word" = = ] && word="" && before=${COMP_WORDS[COMP_CWORD-1]}',
        '    [ "$before" = = ] && before=${COMP_WORDS[COMP_CWORD-2]}',
        *_command_of_the_line(program, commands),
        "    COMPREPLY=()",
        '    case "$command:$before" in',
        *(line for command in every for line in _values(command)),
        "    esac",
        '    case "$command" in',
        *(
            _words(command, first(commands) if command is program else own(command, commands))
            for command in every
        ),
        "    esac",
        "}",
        "complete -F _dsmcertfix dsmcertfix dsmcertfix.pyz",
    ]
    return "\n".join(lines) + "\n"


def _command_of_the_line(program: Command, commands: Sequence[Command]) -> Iterator[str]:
    """Lines that put the command before the cursor into $command, two words for one of a group."""
    before = "|".join(name for option in program.options if option.value != "none" for name in option.names)
    groups = [one.name for one in first(commands) if own(one, commands)]
    yield '    while [ "$at" -lt "$COMP_CWORD" ]; do'
    yield '        case "${COMP_WORDS[at]}" in'
    yield f'            {before}) at=$((at + 1)); [ "${{COMP_WORDS[at]}}" = = ] && at=$((at + 1)) ;;'
    yield "            -*|=) ;;"
    yield '            *) command="${command:+$command }${COMP_WORDS[at]}"'
    yield f'                case "$command" in {"|".join(groups) or chr(34) * 2}) ;; *) break ;; esac ;;'
    yield "        esac"
    yield "        at=$((at + 1))"
    yield "    done"


def _values(command: Command) -> Iterator[str]:
    for option in command.options:
        if option.value != "none":
            names = "|".join(f'"{command.name}:{name}"' for name in option.names)
            chosen = f'COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$word"))'
            yield f"        {names}) {_ACTIONS.get(option.value, chosen)}; return ;;"


def _words(command: Command, after: Sequence[Command]) -> str:
    words = [name for option in command.options for name in option.names] + [one.word for one in after]
    more = "".join(f"; {_ACTIONS[item.value]}" for item in command.arguments if item.value == "run")
    return f'        "{command.name}") COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$word")){more} ;;'
