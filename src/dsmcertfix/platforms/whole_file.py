"""Writes a file that others read, so that they see the old one or the new one and never half of it."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from dsmcertfix.errors import NotPermitted

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
