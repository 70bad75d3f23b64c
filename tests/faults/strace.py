"""The lines that strace writes of a call, read: its arguments as bytes, handles and paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

LINE = re.compile(r"([\d.]+) (\w+)\((.*)\) += (-?\d+|\?)(?:<([^>]*)>)?")
_TOKEN = re.compile(r'"((?:\\x..)*)"(?:\.\.\.)?|(AT_FDCWD|-?\d+)<([^>]*)>(?:\(deleted\))?|[^,\s{}\[\]]+')
_TEXT = re.compile(r"\\x(..)")


def tokens(text: str) -> Iterator[object]:
    """Strings as bytes, handles as (number, path), the rest as it stands."""
    for match in _TOKEN.finditer(text):
        if match[1] is not None:
            yield bytes.fromhex(match[1].replace("\\x", ""))
        elif match[2] is not None:
            number = -100 if match[2] == "AT_FDCWD" else int(match[2])
            yield number, Path(decoded(match[3]).removesuffix(" (deleted)"))
        else:
            yield match[0]


def decoded(text: str) -> str:
    """A name, as the file system has it."""
    return os.fsdecode(bytes.fromhex("".join(_TEXT.findall(text)))) if "\\x" in text else text


def as_handle(given: object) -> tuple[int, Path]:
    """An argument that is a handle: its number, and what it is open on."""
    assert isinstance(given, tuple), given
    return given


def as_bytes(given: object) -> bytes:
    """An argument that is a string."""
    assert isinstance(given, bytes), given
    return given


def path_at(directory: object, name: object) -> Path:
    """The place of a name that was given with the handle of a directory, or without one."""
    path = Path(os.fsdecode(as_bytes(name)))
    if directory is None:
        return path
    _, base = as_handle(directory)
    parts = path.parts
    if parts[:4] == ("/", "proc", "self", "cwd"):
        return base.joinpath(*parts[4:])
    return base / path
