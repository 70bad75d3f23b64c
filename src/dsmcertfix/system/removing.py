"""Directories of ours that go: removed as far as they can be, and what is left is told.

Owns what a system's refusal to remove something means. Never follows a link, and removes nothing of others.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from dsmcertfix.errors import Busy, NotPermitted


@contextlib.contextmanager
def removing(directory: Path) -> Iterator[None]:
    """An OSError inside says that the directory cannot be removed: Busy, or NotPermitted, is raised."""
    try:
        yield
    except OSError as error:
        held = error.errno in (errno.EBUSY, errno.ETXTBSY) or _is_held(error)
        kind = Busy if held else NotPermitted
        raise kind(
            "run-not-removed",
            f"`{directory}` cannot be removed: {error.strerror or error}",
            context=(f"kept: {error.filename}",) if error.filename else (),
            hint="See what holds it open, then run `dsmcertfix prune` again." if held else None,
        ) from error


def _is_held(error: OSError) -> bool:
    from dsmcertfix.system.win32.calls import code_of
    from dsmcertfix.system.windows.replacing import HELD

    return code_of(error) in HELD


def remove(directory: Path, last: str) -> None:
    """The directory is gone with all that is in it, the file called `last` after everything else.

    Raises OSError where something stays; then so does that file, and the rest is gone.
    """
    for path in directory.iterdir():
        if path.name == last:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    # Once more, what is in a directory before it, for the reason and the name of what stays.
    for path in sorted(directory.rglob("*"), reverse=True):
        if path != directory / last:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    (directory / last).unlink(missing_ok=True)
    os.rmdir(directory)
