"""Unix: which directories are ours, by owner and mode."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dsmcertfix.platforms.private import foreign


class UnixGuard:
    """See `Guard`."""

    def make_closed(self, directory: Path) -> None:
        """See `Guard`."""
        directory.mkdir(mode=0o700)
        _sync(directory.parent)

    def require_closed(self, directory: Path) -> None:
        """See `Guard`."""
        info = directory.lstat()
        if not stat.S_ISDIR(info.st_mode):
            raise foreign(directory, "is not a directory")
        if info.st_uid != os.geteuid():
            raise foreign(directory, f"belongs to uid {info.st_uid}")
        if stat.S_IMODE(info.st_mode) & 0o077:
            raise foreign(directory, f"is open to others (mode {stat.S_IMODE(info.st_mode):04o})")

    def require_file(self, path: Path) -> None:
        """See `Guard`: to open it neither waits nor leads away."""
        try:
            info = path.lstat()
        except FileNotFoundError:
            return
        if not stat.S_ISREG(info.st_mode):
            raise foreign(path, "is not a regular file")
        if info.st_uid != os.geteuid():
            raise foreign(path, f"belongs to uid {info.st_uid}")
        if info.st_nlink > 1:
            raise foreign(path, f"has {info.st_nlink} names (hard links)")

    def require_anchored(self, path: Path) -> None:
        """See `Guard`: all above it is root's or ours, and closed or sticky."""
        for parent in dict.fromkeys((*reversed(path.parents), *reversed(path.resolve().parents))):
            if not os.path.lexists(parent):
                continue
            info = parent.lstat()
            if info.st_uid not in (0, os.geteuid()):
                raise foreign(path, f"lies below `{parent}`, which belongs to uid {info.st_uid}")
            # A group of one's own (umask 002) is nobody else.
            others = stat.S_IWOTH | (0 if info.st_gid == os.getegid() else stat.S_IWGRP)
            if stat.S_ISDIR(info.st_mode) and info.st_mode & others and not info.st_mode & stat.S_ISVTX:
                whose = "everybody" if info.st_mode & stat.S_IWOTH else f"group {info.st_gid}"
                raise foreign(path, f"lies below `{parent}`, which {whose} may write")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
