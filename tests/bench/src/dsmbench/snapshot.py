"""What can be compared of the files below a directory, before and after."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Seen:
    """A file, directory or link. `content` is a hash, a link's target, or empty. ACLs are among `xattrs`."""

    kind: str
    content: str
    uid: int
    gid: int
    mode: int
    xattrs: tuple[tuple[str, bytes], ...]


def snapshot(directory: Path, pattern: str = "*") -> dict[str, Seen]:
    """Relative path to what was seen, for all below `directory` whose name fits; links are not followed.

    Times are left out: the client reads its store at any moment.
    """
    return {str(path.relative_to(directory)): seen(path) for path in sorted(directory.rglob(pattern))}


def seen(path: Path) -> Seen:
    """What there is to see of one path. Raises OSError."""
    found = path.lstat()
    if stat.S_ISREG(found.st_mode):
        kind, content = "file", hashlib.sha256(path.read_bytes()).hexdigest()
    elif stat.S_ISLNK(found.st_mode):
        kind, content = "link", str(path.readlink())
    else:
        kind, content = "directory" if stat.S_ISDIR(found.st_mode) else "other", ""
    return Seen(kind, content, found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), _xattrs(path))


def _xattrs(path: Path) -> tuple[tuple[str, bytes], ...]:
    if not hasattr(os, "listxattr"):
        return ()
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)
