"""Windows: which directories are ours, by owner and DACL."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from dsmcertfix.system.private import foreign
from dsmcertfix.system.win32 import files, security
from dsmcertfix.system.win32.descriptor import Descriptor
from dsmcertfix.system.windows import who as windows_who

_SEEN = files.READ_ATTRIBUTES | files.READ_CONTROL


class WindowsGuard:
    """See `Guard`."""

    def make_closed(self, directory: Path) -> None:
        """See `Guard`: SYSTEM and administrators, and whoever we are; nothing is inherited from above."""
        with security.descriptor(_closed()) as closed:
            files.make_directory(str(directory), closed)

    def require_closed(self, directory: Path) -> None:
        """See `Guard`."""
        found, descriptor = _look(directory)
        if found.attributes & files.REPARSE_POINT or not found.is_directory:
            raise foreign(directory, "is not a directory")
        _require_ours(directory, descriptor)
        others = windows_who.others(descriptor, windows_who.ANYTHING)
        if others:
            raise foreign(directory, f"is open to {', '.join(others)}")

    def require_file(self, path: Path) -> None:
        """See `Guard`."""
        try:
            found, descriptor = _look(path)
        except FileNotFoundError:
            return
        if found.attributes & (files.REPARSE_POINT | files.DIRECTORY):
            raise foreign(path, "is not a regular file")
        _require_ours(path, descriptor)
        if found.links > 1:
            raise foreign(path, f"has {found.links} names (hard links)")

    def require_anchored(self, path: Path) -> None:
        """See `Guard`: what is above it is the system's or ours, no foreign link, and cannot be renamed."""
        for parent in reversed(path.parents):
            try:
                _, descriptor = _look(parent)
            except FileNotFoundError:
                return
            if not windows_who.is_ours(descriptor.owner):
                owner = windows_who.name(descriptor.owner)
                raise foreign(path, f"lies below `{parent}`, which belongs to {owner}")
            # The root of a drive has no name that could be taken away.
            mask = windows_who.EXCHANGE & ~(files.DELETE if parent == parent.parent else 0)
            others = windows_who.others(descriptor, mask)
            if others:
                raise foreign(path, f"lies below `{parent}`, which {', '.join(others)} may exchange")


def created_closed(path: Path) -> int:
    """A descriptor of the new file at `path`, closed to others from its first moment on. Raises OSError."""
    runtime: Any = importlib.import_module("msvcrt")
    own = security.own_sid()
    with security.descriptor(f"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{own})") as closed:
        handle = files.created(str(path.absolute()), files.WRITE_DATA | files.READ_ATTRIBUTES, closed)
    found: int = runtime.open_osfhandle(handle, os.O_WRONLY | getattr(os, "O_BINARY", 0))
    return found


def _look(path: Path) -> tuple[files.Information, Descriptor]:
    with files.holding(str(path), _SEEN) as handle:
        return files.information(handle), security.descriptor_of(handle)


def _require_ours(path: Path, descriptor: Descriptor) -> None:
    if not windows_who.is_ours(descriptor.owner):
        raise foreign(path, f"belongs to {windows_who.name(descriptor.owner)}")


def _closed() -> str:
    own = security.own_sid()
    if security.is_administrator():
        return "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
    return f"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{own})"
