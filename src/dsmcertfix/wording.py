"""What messages tell people in more than one place: the commands to run next, above all. Pure."""

from __future__ import annotations

import re
import shlex
from pathlib import Path, PurePath, PureWindowsPath

STORE = "<directory of the store>"
"""Stands in a text for a directory that whoever wrote it did not know."""

PATH = "<that path>"
"""Stands in a command for a path that no quotes make harmless there: it has to be typed."""

NO_GSKIT = "there is no GSKit here, or others than the system can change it"
"""Why IBM's TLS cannot be asked at all."""

# Texts: `re` compiles each where it is first used, and most commands need none.
_PLAIN_PATH = r"[A-Za-z0-9._+@:/\\-]+\Z"
_PLAIN_WORD = r"[A-Za-z0-9._+@:/=,-]+\Z"
# Between double quotes cmd.exe still expands %, and ! where that is switched on; PowerShell expands $ and `,
# and takes typographic quotes for quotes.
_NEVER_QUOTED = '[%!$`"\u201c-\u201e\x00-\x1f\x7f]'
_PLAIN_NAME = r"[A-Za-z0-9._+&$-]{1,64}\Z"


def is_plain(name: str) -> bool:
    """Whether a name can be pasted into a command as it is, be it the server's or a shell's."""
    return re.match(_PLAIN_NAME, name) is not None


def is_plain_word(word: str) -> bool:
    """Whether no shell takes the word for anything but itself."""
    return re.match(_PLAIN_WORD, word) is not None


def plain(name: str | None, otherwise: str) -> str:
    """The name if it can be pasted into a command as it is, else `otherwise`."""
    return name if name is not None and is_plain(name) else otherwise


def quoted(path: PurePath) -> str:
    """The path as it can be pasted into a command of its system, which then does nothing else with it.

    On Windows in cmd.exe and in PowerShell; `PATH` for one that cannot be quoted for both.
    """
    if not isinstance(path, PureWindowsPath):
        return shlex.quote(str(path))
    if re.search(_NEVER_QUOTED, str(path)):
        return PATH
    return str(path) if re.match(_PLAIN_PATH, str(path)) else f'"{path}"'


def account(name: str, uid: int) -> str:
    """The user as a command takes it: by number where the name could be taken for something else."""
    return name if is_plain(name) and name[0].isalnum() and "$" not in name else str(uid)


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


def not_proved(reason: str) -> str:
    """What is said where IBM's TLS gave no answer."""
    return f"not proved by IBM's TLS: {reason}"


def printable(text: str) -> str:
    r"""The text in which nothing is obeyed, and nothing is other than it looks.

    Control characters (C0, C1), those that turn the direction of writing or have no width, characters that
    nobody has assigned, and invalid bytes are escaped as Python writes them (`\x1b`, `\u202e`).
    """
    if text.isprintable():
        return text
    safe = text.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in safe)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def number(value: int, noun: str = "") -> str:
    """The number with its thousands apart, and with its noun in the right number."""
    plural = "" if not noun else f" {noun}" if value == 1 else f" {noun}s"
    return f"{value:,}{plural}"
