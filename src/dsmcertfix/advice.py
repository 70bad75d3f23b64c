"""The commands that messages tell people to run next, where more than one message tells them. Pure."""

from __future__ import annotations

import re
import shlex
from pathlib import Path, PurePath, PureWindowsPath

STORE = "<directory of the store>"
"""Stands in a text for a directory that whoever wrote it did not know."""

_PLAIN_PATH = re.compile(r"[A-Za-z0-9._+@:/\\-]+\Z")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._+&$-]{1,64}\Z")


def is_plain(name: str) -> bool:
    """Whether a name can be pasted into a command as it is, be it the server's or a shell's."""
    return _PLAIN_NAME.match(name) is not None


def plain(name: str | None, otherwise: str) -> str:
    """The name if it can be pasted into a command as it is, else `otherwise`."""
    return name if name is not None and is_plain(name) else otherwise


def quoted(path: PurePath) -> str:
    """The path as it can be pasted into a command of its system."""
    if not isinstance(path, PureWindowsPath):
        return shlex.quote(str(path))
    return str(path) if _PLAIN_PATH.match(str(path)) else f'"{path}"'


def whole_store_command(directory: PurePath | None = None) -> str:
    """How to let the client make that one store anew: without a directory all affected ones would go."""
    return f"`dsmcertfix fix --whole-store --store {quoted(directory) if directory else STORE}`"


def about(hint: str | None, directory: PurePath) -> str | None:
    """The text with the directory where `STORE` stood."""
    return hint.replace(STORE, quoted(directory)) if hint else hint


def trust_command(stanza: str | None, file: Path | None) -> str:
    """How to put the server's certificate in by hand: with that file, or with the server's own."""
    named = quoted(file) if file is not None else "cert256.arm"
    return f"`dsmcertfix trust --server {plain(stanza, '<stanza>')} --file {named}`"
