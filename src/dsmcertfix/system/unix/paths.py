"""Paths of a Unix machine whose root is a directory here: mapped, followed and read without a trap.

A path is followed component by component with lstat, so that an absolute link leads below that root and not
to this machine's own. Nothing here opens a FIFO, a device or a link, and nothing is written.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Literal

from dsmcertfix import NamedTuple, budgets
from dsmcertfix.system.base import Entry, Exposed, FileContent, FileTail, Resolved
from dsmcertfix.system.unix import handles
from dsmcertfix.system.unix.mounts import Before

_MOST_LINKS = 40
_CHUNK = 1024 * 1024

IsPrivate = Callable[[int, int], bool]
"""Whether nobody but the user with that uid is in the group with that gid."""

_TYPE = 0o170000


def below(root: Path, path: str) -> Path:
    """`path` below `root`; see `Places.below`. It ends at a NUL, as for the system."""
    parts: list[str] = []
    depth = 0
    for part in path.split("\0", 1)[0].split("/"):
        if part in ("", "."):
            continue
        if part == ".." and depth == 0:
            continue
        depth += -1 if part == ".." else 1
        parts.append(part)
    return Path(f"{str(root).rstrip('/')}/{'/'.join(parts)}") if parts else root


_NOT_THERE = Resolved(None)


class _Link(NamedTuple):
    path: str
    owner: int


def resolve(root: Path, path: Path | str, trusted: frozenset[int], barrier: Before | None = None) -> Resolved:
    """What is at `path`, a real path below `root`, with every link on the way followed.

    A link may lead anywhere when one of the `trusted` uids owns it; another one only to what belongs to the
    link's owner. Otherwise, and after 40 links, `refused` names it; it also says what the `barrier` has
    against a file system on the way, which is then not looked at. Raises OSError where the system does not
    let us look.
    """
    base = str(root).rstrip("/")
    # What is left of the path, its next part last.
    rest = str(path)[len(base) + 1 :].split("/")[::-1]
    current = base
    links: list[_Link] = []
    while rest:
        part = rest.pop()
        if not part:
            continue
        if part == "..":
            current = current if current == base else current.rpartition("/")[0]
            continue
        name = f"{current}/{part}"
        if barrier is not None:
            why_not = barrier.before(name, "/".join(rest[::-1]))
            if why_not is not None:
                return Resolved(None, why_not)
        try:
            info = os.lstat(name)
        except (FileNotFoundError, NotADirectoryError):
            return _NOT_THERE
        if not stat.S_ISLNK(info.st_mode):
            current = name
            continue
        links.append(_Link(name, info.st_uid))
        if len(links) > _MOST_LINKS:
            return Resolved(None, f"{path} leads through more than {_MOST_LINKS} symbolic links")
        target = os.readlink(name)
        rest += [item for item in target.split("/")[::-1] if item not in ("", ".")]
        current = base if target.startswith("/") else current
    return Resolved(Path(current or "/"), _refused(current or "/", links, trusted))


def straight(below_root: str, path: str) -> Resolved | None:
    """What `resolve` says of a path with no link and no detour on the way; None of any other.

    `path` begins with `below_root`, which ends with a slash. Most paths are such, and ten thousand homes ask
    ninety thousand times: this is short for that. Raises what `resolve` raises.
    """
    if "//" in path or "/.." in path:
        return None
    name, lstat, link = below_root[:-1], os.lstat, stat.S_IFLNK
    try:
        for part in path[len(below_root) :].split("/"):
            name = f"{name}/{part}"
            if lstat(name).st_mode & _TYPE == link:
                return None
    except (FileNotFoundError, NotADirectoryError):
        return _NOT_THERE
    return Resolved(Path(name))


def _refused(final: str, links: list[_Link], trusted: frozenset[int]) -> str | None:
    suspicious = [link for link in links if link.owner not in trusted]
    if not suspicious:
        return None
    owner = os.lstat(final).st_uid
    for link in suspicious:
        if link.owner != owner:
            return f"the link {link.path} of uid {link.owner} leads to {final}, which belongs to uid {owner}"
    return None


def read(
    root: Path,
    path: Path,
    limit: int,
    trusted: frozenset[int],
    word_of: int | None = None,
    is_private: IsPrivate = lambda uid, gid: False,
) -> FileContent:
    """See `Places.read`; a directory below `root` of any but the `trusted` uids is an ordinary user's.

    `is_private` tells whether a group is that user's alone. The groups with the numbers of the `trusted`
    users are the system's, too.
    """
    handle, info, way = _opened(path, limit)
    try:
        ours = way[len(root.parts) - 1 :]
        uid, public = _whose(path, info, ours, trusted)
        if word_of not in (None, uid) and not (public and uid in trusted):
            raise of_another(word_of, path)
        data = _whole(path, handle, limit)
    finally:
        os.close(handle)
    exposed_by = exposed(path, (info, *reversed(ours)), trusted, is_private)
    return FileContent(data, uid, exposed_by, (info.st_dev, info.st_ino))


def read_in(directory: int, path: Path, limit: int) -> bytes:
    """The content of what has the path's last name in an open directory; raises as `read`."""
    handle, _ = _opened_in(directory, path, limit)
    try:
        return _whole(path, handle, limit)
    finally:
        os.close(handle)


def of_another(word_of: int | None, path: Path) -> OSError:
    """The error that says why a file that a user named is not read."""
    return OSError(errno.EPERM, f"uid {word_of} named it, to whom it does not belong", str(path))


def exposed(
    path: Path, upwards: tuple[os.stat_result, ...], trusted: frozenset[int], is_private: IsPrivate
) -> Exposed | None:
    """The first of the file and the directories above it, nearest first, that others can write, and who."""
    places = [path, *path.parents][: len(upwards)]
    opened = (
        Exposed(place, to)
        for place, what in zip(places, upwards, strict=True)
        if (to := _open_to(place, what, trusted, is_private)) is not None
    )
    return next(opened, None)


def _open_to(path: Path, info: os.stat_result, trusted: frozenset[int], is_private: IsPrivate) -> str | None:
    """Who besides its owner and the system can write it, or exchange what is in it; None when nobody can."""
    mode = stat.S_IMODE(info.st_mode)
    if stat.S_ISDIR(info.st_mode) and mode & stat.S_ISVTX:
        # Nobody can take away there what is not theirs.
        return None
    if mode & stat.S_IWOTH:
        return f"everyone, mode {mode:04o}"
    if not mode & stat.S_IWGRP:
        return None
    # Where there is an ACL, these bits are the most that anybody in it has.
    if _has_acl(path):
        return f"users or groups in its ACL, mode {mode:04o}"
    if info.st_gid in trusted or is_private(info.st_uid, info.st_gid):
        return None
    return f"group {info.st_gid}, mode {mode:04o}"


def _has_acl(path: Path) -> bool:
    try:
        return bool(os.getxattr(path, "system.posix_acl_access", follow_symlinks=False))
    except (OSError, AttributeError):
        return False


def _whose(
    path: Path, info: os.stat_result, way: tuple[os.stat_result, ...], trusted: frozenset[int]
) -> tuple[int, bool]:
    """Whose word a file is, reached through these directories, and whether everyone may read it there."""
    theirs = [directory.st_uid for directory in way if directory.st_uid not in trusted]
    uid = theirs[-1] if theirs and info.st_uid in trusted else info.st_uid
    if uid != info.st_uid and info.st_nlink > 1:
        # Where the system lets users link to what is not theirs, this may be anything of root's.
        raise OSError(errno.EPERM, "a file of root's with another name", str(path))
    return uid, bool(info.st_mode & stat.S_IROTH) and all(item.st_mode & stat.S_IXOTH for item in way)


def look(path: Path) -> Entry:
    """See `Places.look`."""
    info = os.lstat(path)
    kind: Literal["file", "directory", "other"] = "other"
    if stat.S_ISREG(info.st_mode):
        kind = "file"
    elif stat.S_ISDIR(info.st_mode):
        kind = "directory"
    return Entry(kind, (info.st_dev, info.st_ino), info.st_uid, info.st_gid)


def names(path: Path) -> tuple[str, ...]:
    """See `Places.names`."""
    handle = handles.directory(path)
    try:
        with os.scandir(handle) as entries:
            found = tuple(entry.name for entry in islice(entries, budgets.NAMES.cap + 1))
    finally:
        os.close(handle)
    if len(found) > budgets.NAMES.cap:
        raise OSError(errno.EFBIG, budgets.NAMES.exceeded(), str(path))
    return found


def tail(path: Path, limit: int) -> FileTail:
    """See `Places.tail`."""
    handle, info, _ = _opened(path)
    try:
        data = _end(handle, info, limit)
    finally:
        os.close(handle)
    is_cut = info.st_size > limit
    return FileTail(data, info.st_uid, (info.st_dev, info.st_ino), info.st_mtime, is_cut)


def tail_below(top: int, path: Path, limit: int) -> bytes:
    """At most the last `limit` bytes of what is at the relative path below an open directory."""
    with handles.passing(path.parent, top) as (directory, _):
        handle, info = _opened_in(directory, path)
    try:
        return _end(handle, info, limit)
    finally:
        os.close(handle)


def _opened(path: Path, limit: int | None = None) -> tuple[int, os.stat_result, tuple[os.stat_result, ...]]:
    """The regular file at `path`, and the directories on the way, none of which was reached by a link."""
    with handles.passing(path.parent) as (directory, way):
        return *_opened_in(directory, path, limit), way


def _opened_in(directory: int, path: Path, limit: int | None = None) -> tuple[int, os.stat_result]:
    """The regular file with the path's last name in an open directory, of at most `limit` bytes."""
    # O_NONBLOCK: opening a FIFO must not wait for a writer; O_NOCTTY: a terminal must not become ours.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    # Looked at before it is opened too: opening a tape device can move the tape.
    _require_fit(path, os.stat(path.name, dir_fd=directory, follow_symlinks=False), limit)
    handle = os.open(path.name, flags, dir_fd=directory)
    try:
        info = os.fstat(handle)
        _require_fit(path, info, limit)
    except OSError:
        os.close(handle)
        raise
    return handle, info


def _whole(path: Path, handle: int, limit: int) -> bytes:
    data = _bytes(handle, limit + 1)
    if len(data) > limit:
        raise _too_large(path, limit)
    return data


def _end(handle: int, info: os.stat_result, limit: int) -> bytes:
    os.lseek(handle, max(0, info.st_size - limit), os.SEEK_SET)
    return _bytes(handle, limit)


def _bytes(handle: int, most: int) -> bytes:
    parts: list[bytes] = []
    left = most
    while left > 0 and (chunk := os.read(handle, min(_CHUNK, left))):
        parts.append(chunk)
        left -= len(chunk)
    return b"".join(parts)


def _require_fit(path: Path, info: os.stat_result, limit: int | None) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    if limit is not None and info.st_size > limit:
        raise _too_large(path, limit)


def _too_large(path: Path, limit: int) -> OSError:
    return OSError(errno.EFBIG, f"larger than {limit} bytes", str(path))
