"""Takes out of lines of the client's what may be a password. Pure.

The client repeats a line of an option file that it does not understand (ANS1036S), and that may be a PASSWORD
line with a typing error; administrators give `-password=` on command lines, which end up in logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"

# PASsword may be cut short down to its capitals.
_PASSWORD = re.compile(
    r"(?i)(-pa[a-z]*=|\bpas(?:s(?:w(?:o(?:rd?)?)?)?)?['\"]?[=:\s]+)(?:\"[^\"]*\"?|'[^']*'?|\S+)"
)
_ENTRY = re.compile(r"(?i)(\bentry\s*:\s*)\S.*")
_ENTRY_FOLLOWS = re.compile(r"(?i)\bentry\s*:\s*\Z")
_QUOTED = re.compile(r"(?i)(\boption\s*['\"]\w+)\s[^'\"]*")


def without_secrets(line: str) -> str:
    """The line with `***` for what may be a password: after that word, and in an option's line it quotes."""
    line = _QUOTED.sub(rf"\1 {HIDDEN}", _PASSWORD.sub(rf"\1{HIDDEN}", line))
    return _ENTRY.sub(rf"\1{HIDDEN}", line)


def lines_without_secrets(lines: Iterable[str]) -> tuple[str, ...]:
    """The same for lines that belong together: an option's line may be quoted in a line of its own."""
    told: list[str] = []
    follows = False
    for line in lines:
        told.append(HIDDEN if follows else without_secrets(line))
        follows = _ENTRY_FOLLOWS.search(line) is not None
    return tuple(told)
