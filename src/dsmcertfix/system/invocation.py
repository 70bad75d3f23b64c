"""Who runs this process, with which arguments, and which program it is: for the journal's first event."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import dsmcertfix
from dsmcertfix import NamedTuple

_LOGIN_UID = Path("/proc/self/loginuid")
_NO_LOGIN = 2**32 - 1
_COMMANDS = ("--stop-command", "--start-command")
HIDDEN = "***"


class Typist(NamedTuple):
    """The user who typed the command, before sudo made root of them."""

    name: str
    uid: int
    gid: int


def typist() -> Typist | None:
    """Who typed `sudo dsmcertfix`; None where this is not root, or nobody became root by sudo."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        return None
    try:
        uid, gid = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    except (KeyError, ValueError):
        return None
    return Typist(os.environ.get("SUDO_USER") or f"uid {uid}", uid, gid) if uid > 0 else None


def invocation() -> dict[str, object]:
    """The caller (`user`, `uid`, `sudo_user`, `login_uid` where there are such), `arguments`, and `program`.

    Whatever cannot be told is missing. Of a command that is given as an argument only its option is told: a
    password may be in it.
    """
    by: dict[str, object] = {"user": _user(), "sudo_user": os.environ.get("SUDO_USER"), "login_uid": _login()}
    if hasattr(os, "getuid"):
        by["uid"] = os.getuid()
    return {
        "by": {name: value for name, value in by.items() if value is not None},
        "arguments": list(without_commands(sys.argv[1:])),
        "program": _program(),
    }


def without_commands(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments, with `***` for each command of a server's administrator."""
    hide = False
    for word in arguments:
        option = word.partition("=")[0]
        # Typer takes no shortened options, so that there are no other spellings.
        yield HIDDEN if hide else f"{option}={HIDDEN}" if option in _COMMANDS and "=" in word else word
        hide = not hide and word in _COMMANDS


def _user() -> str | None:
    with contextlib.suppress(Exception):
        return getpass.getuser()
    return None


def _login() -> int | None:
    """Who logged in, however often the user was changed since (Linux, audit)."""
    with contextlib.suppress(OSError, ValueError):
        found = int(_LOGIN_UID.read_text(encoding="ascii"))
        return found if found != _NO_LOGIN else None
    return None


def _program() -> dict[str, str]:
    """Where this program is, and the SHA-256 of its one file, or of all files of its package, by name."""
    top = Path(dsmcertfix.__file__).parent
    frozen = Path(sys.executable) if getattr(sys, "frozen", False) else None
    archive = frozen or next((path for path in top.parents if path.is_file()), None)
    with contextlib.suppress(OSError):
        if archive is not None:
            return {"path": str(archive), "sha256": sha256(archive.read_bytes()).hexdigest()}
        whole = sha256()
        for path in sorted(path for path in top.rglob("*") if path.suffix in (".py", ".json", ".js")):
            whole.update(f"{path.relative_to(top).as_posix()}\0".encode())
            whole.update(sha256(path.read_bytes()).digest())
        return {"path": str(top), "sha256": whole.hexdigest()}
    return {"path": str(archive or top)}
