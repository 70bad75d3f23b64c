"""Completion for zsh's own completion system. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsmpack.commandline import Command, Option, first, own
from dsmpack.completion import LABEL, NOTE, OPTION_FILES, RUNS, quoted

_LEADS_ON = "'1: :->command' '*:: :->rest'"


_RUNS = f"""\
_dsmcertfix_runs() {{
    local -a found
    found=({" ".join(f"{place}2*Z-*(N/:t)" for place in RUNS)})
    compadd -a found
}}"""
_STANZAS = f"""\
_dsmcertfix_read_stanzas() {{
    local file key name rest
    for file in {" ".join(f'"{file}"' for file in OPTION_FILES)}; do
        [[ -r $file ]] || continue
        while read -r key name rest; do
            [[ ${{(L)key}} == se* && servername == ${{(L)key}}* ]] || continue
            [[ $name =~ '^[A-Za-z0-9_.+-]+$' ]] && found+=($name)
        done <$file
    done
}}
_dsmcertfix_stanzas() {{
    local -a found
    _dsmcertfix_read_stanzas
    compadd -a found
}}
_dsmcertfix_labels() {{
    local -a found
    _dsmcertfix_read_stanzas
    found=("{LABEL[0]}"${{^found}}"{LABEL[1]}")
    compadd -a found
}}"""
_OF_SHELL = {"run": "_dsmcertfix_runs", "stanza": "_dsmcertfix_stanzas", "label": "_dsmcertfix_labels"}


def script(program: Command, commands: Sequence[Command]) -> str:
    """The script; it is a function of $fpath by the name _dsmcertfix."""
    lines = [
        "#compdef dsmcertfix dsmcertfix.pyz",
        f"# {NOTE}",
        _RUNS,
        _STANZAS,
        "_dsmcertfix() {",
        "    local context state state_descr line",
        "    typeset -A opt_args",
        "    _arguments -C \\",
        *(f"        {word} \\" for option in program.options for word in _option(option)),
        f"        {_LEADS_ON}",
        *_states(first(commands), commands, "    "),
        "}",
        '_dsmcertfix "$@"',
    ]
    return "\n".join(lines) + "\n"


def _states(shown: Sequence[Command], commands: Sequence[Command], indent: str) -> Iterator[str]:
    """What follows an `_arguments -C` that leads on to one of these commands and its own arguments."""
    yield f'{indent}case "$state" in'
    yield f"{indent}    command)"
    yield f"{indent}        local -a commands=("
    for one in shown:
        yield f"{indent}            {quoted(f'{one.word}:{_text(one.help)}')}"
    yield f"{indent}        )"
    yield f"{indent}        _describe command commands ;;"
    yield f"{indent}    rest)"
    yield f'{indent}        case "$line[1]" in'
    for one in shown:
        yield from _command(one, commands, f"{indent}            ")
    yield f"{indent}        esac ;;"
    yield f"{indent}esac"


def _command(command: Command, commands: Sequence[Command], indent: str) -> Iterator[str]:
    words = [word for option in command.options for word in _option(option)]
    after = own(command, commands)
    if after:
        yield f"{indent}{command.word}) _arguments -C \\"
        yield from (f"{indent}    {word} \\" for word in words)
        yield f"{indent}    {_LEADS_ON}"
        yield from _states(after, commands, f"{indent}    ")
        yield f"{indent}    ;;"
        return
    words += [
        quoted(f"{'*' if item.repeatable else ''}:{_text(item.metavar)}:{_OF_SHELL.get(item.value, '( )')}")
        for item in command.arguments
    ]
    yield f"{indent}{command.word}) _arguments \\"
    yield from (f"{indent}    {word} \\" for word in words[:-1])
    yield f"{indent}    {words[-1]} ;;"


def _option(option: Option) -> Iterator[str]:
    actions = {"text": " ", "file": "_files", "directory": "_files -/", **_OF_SHELL}
    action = actions.get(option.value, f"({' '.join(option.choices)})")
    value = f":{_text(option.metavar)}:{action}" if option.metavar else ""
    others = "" if option.repeatable else f"({' '.join(option.names)})"
    for name in option.names:
        equals = "=" if option.metavar and name.startswith("--") else ""
        repeat = "*" if option.repeatable else ""
        yield quoted(f"{others}{repeat}{name}{equals}[{_text(option.help)}]{value}")


def _text(text: str) -> str:
    for special in "\\:[]":
        text = text.replace(special, f"\\{special}")
    return text
