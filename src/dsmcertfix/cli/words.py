"""What people type, in the form that the options and commands are declared in. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

ALIASES = {"status": "detect", "undo": "rollback", "restore": "rollback"}
"""Words that people try, and the command that each stands for."""

WITH_VALUE = ("--root", "--state-dir", "--keep-backups")
"""The options before the command that a value follows."""

_FLAGS = ("--trust-root", "--verbose", "-v", "--quiet", "-q")
_BEHIND = "--json"


def understood(words: Sequence[str], groups: Collection[str] = ()) -> list[str]:
    """The words with the program's options before the command and `--json` behind it.

    `help COMMAND` is `COMMAND --help`, and an alias is its command; `groups` are words that another word of
    the command follows. What stands behind `--` stays where it is. A value that is spelled like one of these
    options needs the equals sign: `--label=--json`.
    """
    taken, end = list(words), []
    if "--" in taken:
        at = taken.index("--")
        taken, end = taken[:at], taken[at:]
    before, rest = _parted(taken)
    as_json = [word for word in rest if word == _BEHIND]
    rest = [word for word in rest if word != _BEHIND]
    if rest[:1] == ["help"]:
        rest = [*rest[1:], "--help"]
    if not rest or rest[0].startswith("-"):
        return [*before, *as_json[:1], *rest, *end]
    rest[0] = ALIASES.get(rest[0], rest[0])
    named = 2 if rest[0] in groups and len(rest) > 1 else 1
    return [*before, *rest[:named], *as_json[:1], *rest[named:], *end]


def _parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The program's options with their values, and all other words."""
    before: list[str] = []
    rest: list[str] = []
    left = iter(words)
    for word in left:
        if word in WITH_VALUE:
            before += [word, *(value for value in [next(left, None)] if value is not None)]
        elif word in _FLAGS or word.partition("=")[0] in WITH_VALUE:
            before.append(word)
        else:
            rest.append(word)
    return before, rest
