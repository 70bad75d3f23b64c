"""A file that is handed to somebody: new, closed to others until its owner gives it away, and whole."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """A file of that content is at `path`, readable by its owner alone, and on the disk.

    On Windows the system and administrators can read it, too, whatever its directory hands down.

    Raises FileExistsError where there is anything of that name, another OSError where it cannot be written
    whole; then nothing of it is left.
    """
    handle = _created(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _created(path: Path) -> int:
    if os.name == "nt":
        from dsmcertfix.platforms.windows_private import created_closed

        return created_closed(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
