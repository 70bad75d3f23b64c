"""Walks to a directory by handles, so that no link planted on the way can lead elsewhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

# A directory on the way may be one that its users can pass but not list (mode 0711).
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_READ = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_CLOSED = getattr(os, "O_CLOEXEC", 0)


def directory(path: Path) -> int:
    """A handle for the directory at `path`, which can be listed, synced and named from.

    Raises OSError (ELOOP or ENOTDIR) when a component is a link.
    """
    handle, _ = _walk(path, _READ)
    return handle


@contextlib.contextmanager
def passing(path: Path, top: int | None = None) -> Iterator[tuple[int, tuple[os.stat_result, ...]]]:
    """A handle for the directory at `path` to name from, and what every directory from the top on is.

    With `top` the path is relative to that open directory. Raises as `directory` does.
    """
    handle, way = _walk(path, _PASS, top)
    try:
        yield handle, way
    finally:
        os.close(handle)


def _walk(path: Path, last: int, top: int | None = None) -> tuple[int, tuple[os.stat_result, ...]]:
    names = path.parts if top is not None else path.parts[1:]
    handle = os.open(path.anchor or ".", (_PASS if names else last) | _CLOSED, dir_fd=top)
    way = [os.fstat(handle)]
    for number, name in enumerate(names, start=1):
        try:
            below = os.open(name, (_PASS if number < len(names) else last) | _CLOSED, dir_fd=handle)
        finally:
            os.close(handle)
        handle = below
        way.append(os.fstat(handle))
    return handle, tuple(way)
