"""Directories that nobody else can pass: the state directory and all that is made in it.

Owns the question whether a directory is ours; how a system answers it is its Guard's. What somebody else
prepared is refused before anything in it is read or written: a planted journal would be carried out, a
planted link would lead a write elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from dsmcertfix.errors import BackupFailed, NotPermitted

RUNS = "runs"
LOCK = "lock"

_OWN = "Run as root (on Windows as administrator), or give a state directory of your own with `--state-dir`."


class Guard(Protocol):
    """What a system knows of its directories and files. Every question raises NotPermitted for a no."""

    def make_closed(self, directory: Path) -> None:
        """The directory is made, closed to others from its first moment on. Raises FileExistsError."""
        ...

    def require_closed(self, directory: Path) -> None:
        """It is a directory of ours that nobody else can pass."""
        ...

    def require_file(self, path: Path) -> None:
        """What is there, if anything, is a regular file of ours with one name."""
        ...

    def require_anchored(self, path: Path) -> None:
        """Nobody else can exchange what is at `path`, whether it is there or not."""
        ...


def make(path: Path, guard: Guard) -> None:
    """The directory exists, belongs to us, and nobody else can pass or exchange it.

    It is made closed, never opened first and closed later. Raises NotPermitted when somebody else prepared
    it, or could exchange it; then nothing was made. Raises as `keeping` does when the disk is full.
    """
    with keeping(path):
        missing: list[Path] = []
        current = path
        while not os.path.lexists(current):
            missing.append(current)
            current = current.parent
        guard.require_anchored(path)
        for directory in reversed(missing):
            with contextlib.suppress(FileExistsError):
                guard.make_closed(directory)
        guard.require_closed(path)


@contextlib.contextmanager
def keeping(path: Path, what: str = "state") -> Iterator[None]:
    """An OSError inside says that nothing can be kept at `path`: BackupFailed, or NotPermitted, is raised."""
    try:
        yield
    except OSError as error:
        message = f"`{path}` could not be written: {error.strerror or error}"
        if error.errno in (errno.EACCES, errno.EPERM):
            raise NotPermitted(
                "journal-not-permitted" if what == "journal" else "state-not-permitted",
                message,
                hint=_OWN,
            ) from error
        raise BackupFailed(
            "journal-not-written" if what == "journal" else "state-not-written",
            message,
            hint="Give another place with `--state-dir`, one that outlives a container: backups lie there."
            if error.errno == errno.EROFS
            else "Make room there, or give another place with `--state-dir`.",
        ) from error


def sync_directory(directory: Path) -> None:
    """Every change of names in it so far survives a power cut. On Windows the system sees to that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync_names(handle)
    finally:
        os.close(handle)


def sync_names(handle: int) -> None:
    """Every change of names in the open directory survives a power cut, where the system syncs directories.

    Some do not sync what cannot be written (AIX: EBADF): their file system's own journal keeps the names.
    """
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.EINVAL):
            raise
        # One that is not open at all is an error of ours.
        os.fstat(handle)


def is_there(directory: Path) -> bool:
    """Whether there is a directory of that name. Raises NotPermitted where this user may not look."""
    try:
        return directory.is_dir()
    except PermissionError as error:
        raise NotPermitted(
            "state-not-permitted", f"`{directory}` may not be looked into by this user", hint=_OWN
        ) from error


def require_state(state: Path, guard: Guard) -> None:
    """What there is of a state directory is ours: itself, the lock, every run with its journal.

    Raises NotPermitted otherwise. What does not exist is no problem.
    """
    if not os.path.lexists(state):
        return
    guard.require_anchored(state)
    guard.require_closed(state)
    guard.require_file(state / LOCK)
    runs = state / RUNS
    if os.path.lexists(runs):
        guard.require_closed(runs)
        for name in os.listdir(runs):
            _require_run(runs / name, guard)


def _require_run(path: Path, guard: Guard) -> None:
    # A run can be pruned meanwhile; a file is no run, and nobody reads it.
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() or path.is_symlink():
            guard.require_closed(path)
            for name in os.listdir(path):
                if name.endswith(".jsonl"):
                    guard.require_file(path / name)


def foreign(path: Path, why: str) -> NotPermitted:
    """The error that says that something of the state directory is not ours."""
    what = "file of the state directory" if path.name == LOCK or path.suffix else "state directory"
    return NotPermitted("state-directory-not-ours", f"the {what} `{path}` {why}")


def edited(directory: Path, files: Mapping[str, bytes], edit: Callable[[Path], None]) -> bytes:
    """What the first of these files holds after `edit` was done in that private directory, which has them."""
    for name, content in files.items():
        (directory / name).write_bytes(content)
    edit(directory)
    return (directory / next(iter(files))).read_bytes()
