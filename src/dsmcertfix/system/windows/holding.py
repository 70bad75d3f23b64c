"""Directories and files that stay what they were looked at as, and waiting for those that somebody holds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from dsmcertfix.errors import Busy, NotPermitted
from dsmcertfix.system.win32 import files
from dsmcertfix.system.win32.calls import ACCESS_DENIED, close, code_of
from dsmcertfix.system.windows.replacing import HELD

PATIENCE_S = 3.0
"""Seconds that a file which somebody holds is waited for: a virus scanner lets go of it in less."""

_PAUSE_S = 0.1

T = TypeVar("T")


@contextlib.contextmanager
def holding_way(path: Path) -> Iterator[tuple[int, ...]]:
    """Handles of the directory and of every one above it, the topmost first: none of them is a link.

    Until the end nobody can rename or remove one of them. Raises NotPermitted for a link, OSError.
    """
    with contextlib.ExitStack() as stack:
        handles = []
        for step in (*reversed(path.parents), path):
            handle = _hold(str(step))
            stack.callback(close, handle)
            attributes = files.information(handle).attributes
            if attributes & files.REPARSE_POINT or not attributes & files.DIRECTORY:
                raise NotPermitted(
                    "link-in-path",
                    f"a link or a file stands where `{step}` was a directory",
                    hint="Someone changed the path since it was looked up; run `dsmcertfix locate`.",
                )
            handles.append(handle)
        yield tuple(handles)


def _hold(path: str) -> int:
    """Only a handle with a right to the content keeps others from renaming the directory."""
    share = files.SHARE_READ | files.SHARE_WRITE
    seen = files.READ_ATTRIBUTES | files.READ_CONTROL
    with told(path):
        for access in (seen | files.READ_DATA, seen | files.TRAVERSE):
            try:
                return _opened(path, access, share)
            except OSError as error:
                if code_of(error) != ACCESS_DENIED:
                    raise
        return files.opened(path, files.READ_ATTRIBUTES, share)


def _opened(path: str, access: int, share: int) -> int:
    return patiently(lambda: files.opened(path, access, share))


def translated(error: OSError, where: str) -> Exception:
    """The error of ours that says what a system error means for a store; the same error when it has none."""
    if code_of(error) in HELD:
        return Busy("file-in-use", f"`{where}` is in use", hint="Try again when no backup runs.")
    if code_of(error) == ACCESS_DENIED:
        return NotPermitted(
            "access-denied",
            f"the system denies access to `{where}`",
            hint="Run as administrator, or as the owner of the store.",
        )
    return error


@contextlib.contextmanager
def told(where: str) -> Iterator[None]:
    """A system error inside is raised as the error of ours that it means, if there is one."""
    try:
        yield
    except OSError as error:
        again = translated(error, where)
        if again is error:
            raise
        raise again from error


def patiently(work: Callable[[], T]) -> T:
    """What `work` returned; while somebody holds the file it is tried again, `PATIENCE_S` at most."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return work()
        except OSError as error:
            if code_of(error) not in HELD or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_S)
