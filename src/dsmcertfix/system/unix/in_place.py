"""Unix: files that are mounts of their own, as containers bind them: such a name takes no other file.

Owns how that is seen, and how such a file is written. IBM's GSKit 8.0.60.5 writes one in place, too (tried).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from dsmcertfix.errors import SwapFailed
from dsmcertfix.system.seen import Metadata
from dsmcertfix.system.unix import access as unix_access
from dsmcertfix.system.unix.opened import Opened

_OF_HANDLE = "/proc/self/fdinfo"
_NAME_ONLY = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK) | os.O_NOFOLLOW | os.O_CLOEXEC

_NO_ROOM_ASKED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
"""Of a file system that can not be asked for room."""


def is_mount(directory: int, file: int) -> bool:
    """Whether the open file lies in another mount than the open directory, whatever the paths to them are.

    Where the system does not tell of mounts (no /proc) it is taken for none: to replace it fails then.
    """
    here, there = _mount_of(directory), _mount_of(file)
    return here is not None and there is not None and here != there


def is_mounted(directory: int, name: str) -> bool:
    """As `is_mount`, of a name in the directory; what is not there is no mount."""
    try:
        handle = os.open(name, _NAME_ONLY, dir_fd=directory)
    except FileNotFoundError:
        return False
    try:
        return is_mount(directory, handle)
    finally:
        os.close(handle)


def _mount_of(handle: int) -> int | None:
    try:
        with open(f"{_OF_HANDLE}/{handle}", encoding="ascii") as file:
            return next((int(line[7:]) for line in file if line.startswith("mnt_id:")), None)
    except OSError:
        return None


def cannot_go(file: Path) -> SwapFailed:
    """The error of a mount that shows only when the file is to be replaced."""
    return SwapFailed(
        "store-file-mounted",
        f"`{file}` is a mount of its own, as containers bind single files: no other file can take its place",
        hint="Bind the directory of the store instead of its files, or run this where /proc is mounted.",
    )


def rewrite(file: Opened, content: bytes, like: Metadata) -> None:
    """The open file has that content and metadata, and both are on the disk. Raises OSError, NotPermitted.

    Room is there before the first byte goes; but whoever reads meanwhile sees a part, as does a power cut.
    """
    handle = file.handle
    try:
        os.posix_fallocate(handle, 0, max(len(content), 1))
    except OSError as error:
        if error.errno not in _NO_ROOM_ASKED:
            raise
    os.lseek(handle, 0, os.SEEK_SET)
    write_all(handle, content)
    os.ftruncate(handle, len(content))
    unix_access.apply(file, like)
    os.fsync(handle)


def sync(opened: Callable[[int], AbstractContextManager[int]]) -> None:
    """What is in the file that `opened` opens, for reading or writing, survives a power cut. Raises OSError.

    AIX syncs only what is open for writing; for that the file may lack the right.
    """
    with opened(os.O_RDONLY) as handle:
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
        else:
            return
    with opened(os.O_WRONLY) as handle:
        os.fsync(handle)


def write_all(handle: int, content: bytes) -> None:
    """All of it was written."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]
