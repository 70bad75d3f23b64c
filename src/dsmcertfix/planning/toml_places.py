"""Reads TOML, and tells where in the text a value stands: line and column, both from 1. Pure."""

from __future__ import annotations

import re
import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Path = tuple[str | int, ...]
"""The way to a value: keys of tables, and places in lists."""

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")


class NotToml(ValueError):
    """The text is no TOML: what is wrong, and where."""

    def __init__(self, message: str, line: int, column: int):
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


def read(text: str) -> dict[str, Any]:
    """The document. Raises NotToml."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise NotToml("values lie too deep in one another", 1, 1) from None
    except tomllib.TOMLDecodeError as error:
        told = str(error)
        found = _PLACE.search(told)
        if found is not None and found[1]:
            line, column = int(found[1]), int(found[2])
        else:
            lines = text.split("\n")
            line, column = len(lines), len(lines[-1]) + 1
        raise NotToml(_PLACE.sub("", told), line, column) from None


def place(text: str, path: Path) -> tuple[int, int]:
    """Line and column of the key, or the value in a list, to which the path leads; (1, 1) for none.

    TOML is read from top to bottom: the statement that makes a value is the last one of the shortest
    beginning of the text that has it. The text must be a document.
    """
    lines = text.split("\n")
    least, most = 0, len(lines)
    while least < most:
        middle = (least + most) // 2
        end, found = _beginning(lines, middle, path)
        if found:
            most = middle
        else:
            least = max(middle, end) + 1 if end > middle else middle + 1
    if not path or not _beginning(lines, most, path)[1]:
        return 1, 1
    return _within(lines, most, path)


def _beginning(lines: list[str], number: int, path: Path) -> tuple[int, bool]:
    """The end of the statement in which that line is, and whether the text up to there has the value."""
    for end in range(number, len(lines) + 1):
        try:
            document: Any = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        return end, _leads(document, path)
    return len(lines), False


def _leads(value: Any, path: Path) -> bool:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _within(lines: list[str], most: int, path: Path) -> tuple[int, int]:
    """Where in the statement that begins at, or around, that line the key stands."""
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    pattern = re.compile(rf"(?<![\w-])[\"']?{re.escape(key)}[\"']?(?=\s*[=.\]])")
    for number in range(most, 0, -1):
        found = pattern.search(lines[number - 1])
        if found is not None:
            return number, found.start() + 1
    return most, 1
