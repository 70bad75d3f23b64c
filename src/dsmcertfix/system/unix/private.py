"""Unix: which directories are ours, by owner and mode."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from dsmcertfix.model import Owner
from dsmcertfix.system.private import foreign, sync_directory


def trusted_owners() -> frozenset[int]:
    """Who may own what we go through: root, we ourselves, and on AIX `bin`, who owns /usr and /var there."""
    return frozenset({0, os.geteuid(), *([2] if sys.platform.startswith("aix") else [])})


class UnixGuard:
    """See `Guard`."""

    def make_closed(self, directory: Path) -> None:
        """See `Guard`."""
        directory.mkdir(mode=0o700)
        sync_directory(directory.parent)

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
            if info.st_uid not in trusted_owners():
                raise foreign(path, f"lies below `{parent}`, which belongs to uid {info.st_uid}")
            # A group of one's own (umask 002) is nobody else.
            others = stat.S_IWOTH | (0 if info.st_gid == os.getegid() else stat.S_IWGRP)
            if stat.S_ISDIR(info.st_mode) and info.st_mode & others and not info.st_mode & stat.S_ISVTX:
                whose = "everybody" if info.st_mode & stat.S_IWOTH else f"group {info.st_gid}"
                raise foreign(path, f"lies below `{parent}`, which {whose} may write")


@contextlib.contextmanager
def handed_over(directory: Path, files: Mapping[str, bytes], owner: Owner) -> Iterator[int]:
    """A handle for a new directory in a private one of ours, which is the owner's with those files.

    Nobody else reaches it, nor does the owner but from it: no other user passes the directories above. It is
    gone afterwards, except what its owner keeps putting there.
    """
    theirs = directory / "theirs"
    shutil.rmtree(theirs, ignore_errors=True)
    theirs.mkdir(mode=0o700)
    try:
        handle = os.open(theirs, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            for name, content in files.items():
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                with open(os.open(name, flags, 0o600, dir_fd=handle), "wb") as file:
                    file.write(content)
                    os.fchown(file.fileno(), owner.uid, owner.gid)
            # Given away last: until then everything in it is ours.
            os.fchown(handle, owner.uid, owner.gid)
            yield handle
        finally:
            os.close(handle)
    finally:
        with contextlib.suppress(RecursionError):
            shutil.rmtree(theirs, ignore_errors=True)
