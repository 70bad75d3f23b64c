"""Writes a file that others read, so that they see the old one or the new one and never half of it."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from dsmcertfix.errors import NotPermitted
from dsmcertfix.system.invocation import Typist

PRIVATE, READABLE = 0o600, 0o644


def write_whole(path: Path, parts: Iterable[bytes], mode: int = PRIVATE) -> int:
    """`path` holds the parts, one after the other, with that mode; a link in its place is replaced.

    They are written beside it under a name that ends in `.tmp`, synced, and take its name in one step.
    Returns the number of bytes. Raises NotPermitted when the system forbids it, and nothing is left behind
    then; whatever the iterable raises comes through, too.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        # O_EXCL: nobody else's file or link is written to.
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE)
        try:
            with open(handle, "wb") as stream:
                size = sum(stream.write(part) for part in parts)
                stream.flush()
                os.fsync(handle)
                if mode != PRIVATE and hasattr(os, "fchmod"):
                    os.fchmod(handle, mode)
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as error:
        raise NotPermitted(
            "output-not-written",
            f"`{path}` could not be written: {error.strerror or error}",
            hint="Name a file in a directory that exists and that you may write to.",
        ) from error
    return size


def write_new(path: Path, content: bytes, owner: Typist | None = None) -> bool:
    """A file of that content is at `path`, readable by its owner alone, and on the disk.

    On Windows the system and administrators can read it, too, whatever its directory hands down. With `owner`
    it is theirs, if its directory is theirs or one where everybody makes files; returns whether it is.

    Raises FileExistsError where there is anything of that name, another OSError where it cannot be written
    whole; then nothing of it is left.
    """
    handle, theirs = _created(path, owner)
    try:
        with os.fdopen(handle, "wb") as file:
            if owner is not None and theirs:
                os.fchown(handle, owner.uid, owner.gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return theirs


def _created(path: Path, owner: Typist | None) -> tuple[int, bool]:
    """The new file, and whether `owner` could have made it there.

    Who may run this program by sudo, and nothing else, must not get a file of their own in /etc by it.
    """
    if os.name == "nt":
        from dsmcertfix.system.windows.private import created_closed

        return created_closed(path), False
    directory = os.open(path.parent, getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY)
    try:
        info = os.fstat(directory)
        everybody = info.st_mode & (stat.S_ISVTX | stat.S_IWOTH) == stat.S_ISVTX | stat.S_IWOTH
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        handle = os.open(path.name, flags, 0o600, dir_fd=directory)
    finally:
        os.close(directory)
    return handle, owner is not None and (info.st_uid == owner.uid or everybody)
