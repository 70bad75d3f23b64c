"""Takes out of lines that a program said what may be a password. Pure.

The client repeats a line of an option file that it does not understand (ANS1036S), and that may be a PASSWORD
line with a typing error; administrators give `-password=` on command lines, which end up in logs, and a shell
repeats what it runs (`set -x`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"

DSMC_SAID, GSKIT_SAID, IT_SAID = "dsmc: ", "gsk8capicmd: ", "it said: "
"""What stands before each line of a problem that a program said, and not this one."""

# PASsword may be cut short down to its capitals.
_PASSWORD = re.compile(
    r"(?i)(-pa[a-z]*=|\bpas(?:s(?:w(?:o(?:rd?)?)?)?)?['\"]?[=:\s]+)(?:\"[^\"]*\"?|'[^']*'?|\S+)"
)
_SET_PASSWORD = re.compile(r"(?i)(\bset\s+pas[sword]*)\s.*")
_OTHERS = re.compile(r"(?i)(\bvmcpw?\b['\"]?[=:\s]+)\S.*")
# As a shell repeats a word with a blank in it.
_QUOTED_WORD = re.compile(r"(?i)(['\"])(-pa[a-z]*=)(?:\1\\\1\1|(?!\1).)*")
_ENTRY = re.compile(r"(?i)(\bentry\s*:\s*)\S.*")
_ENTRY_FOLLOWS = re.compile(r"(?i)\bentry\s*:\s*\Z")
_QUOTED = re.compile(r"(?i)(\boption\s*['\"]\w+)\s[^'\"]*")
_NAMED = re.compile(r"(?i)pa|vmcp|entry|option")
"""Every pattern above has one of these: most lines have none, and are passed on after one look."""


def without_secrets(line: str) -> str:
    """The line with `***` for what may be a password: after that word, and in an option's line it quotes.

    It is for those who may read where the line is from; what is given away is `shareable`'s.
    """
    if not _NAMED.search(line):
        return line
    line = _QUOTED_WORD.sub(rf"\1\2{HIDDEN}", line)
    line = _QUOTED.sub(rf"\1 {HIDDEN}", _PASSWORD.sub(rf"\1{HIDDEN}", line))
    line = _OTHERS.sub(rf"\1{HIDDEN}", _SET_PASSWORD.sub(rf"\1 {HIDDEN}", line))
    return _ENTRY.sub(rf"\1{HIDDEN}", line)


def lines_without_secrets(lines: Iterable[str], secrets: Iterable[str] = ()) -> tuple[str, ...]:
    """The same for lines that belong together: an option's line may be quoted in a line of its own.

    `secrets`, from `secret_words`, are taken out wherever they are, in capitals or not.
    """
    told: list[str] = []
    any_of = _any_of(secrets)
    follows = False
    for line in lines:
        bare = any_of.sub(HIDDEN, line) if any_of else line
        told.append(HIDDEN if follows else without_secrets(bare))
        follows = _ENTRY_FOLLOWS.search(line) is not None
    return tuple(told)


# What people write behind a program that stops or starts a server, and no password.
_HARMLESS = re.compile(
    r"(?i)(?:start|stop|restart|halt|quit|force|status|now|--?[a-z]|--[a-z][a-z-]*"
    r"|/[^=:\s]*/[^=:\s]*|[a-z]:\\[^=:\s]*)\Z"
)
_VALUE = re.compile(r"[=:](\S+)")
_SHORT = 4


def secret_words(arguments: Iterable[str]) -> tuple[str, ...]:
    """What may be a password among the arguments of a command that a person gave.

    Each that is not a plain verb, an option without a value, or a path, and what is behind `=` or `:` in it.
    """
    found: dict[str, None] = {}
    for word in arguments:
        # As `Launched.tail` reads bytes that are no UTF-8.
        read = word.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if not _HARMLESS.match(read):
            behind = (*_VALUE.findall(read), read.partition("=")[2], read.partition(":")[2])
            values = (value.strip("'\"") for value in behind)
            found |= dict.fromkeys((*read.splitlines(), read.replace("'", "'\\''"), *values))
    return tuple(word for word in found if len(word) > 1)


def _any_of(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """Matches each of them, the longest first; a short one only where it stands alone."""
    words = sorted(secrets, key=len, reverse=True)
    if not words:
        return None
    bounded = (
        rf"(?<!\w){re.escape(word)}(?!\w)" if len(word) < _SHORT else re.escape(word) for word in words
    )
    return re.compile("|".join(bounded), re.IGNORECASE)
