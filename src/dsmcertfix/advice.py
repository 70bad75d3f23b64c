"""The commands that messages tell people to run next, where more than one message tells them. Pure."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

_PLAIN_NAME = re.compile(r"[A-Za-z0-9._+&$-]{1,64}\Z")


def is_plain(name: str) -> bool:
    """Whether a name can be pasted into a command as it is, be it the server's or a shell's."""
    return _PLAIN_NAME.match(name) is not None


def plain(name: str | None, otherwise: str) -> str:
    """The name if it can be pasted into a command as it is, else `otherwise`."""
    return name if name is not None and is_plain(name) else otherwise


def trust_command(stanza: str | None, file: Path | None) -> str:
    """How to put the server's certificate in by hand: with that file, or with the server's own."""
    named = shlex.quote(str(file)) if file is not None else "cert256.arm"
    return f"`dsmcertfix trust --server {plain(stanza, '<stanza>')} --file {named}`"
