"""Windows: paths followed component by component, and files read without a trap.

A link (symbolic link, junction) that an ordinary user made may only lead to what is that user's. Nothing here
opens a device, a pipe or a link, and nothing is written. What lies on another machine is not looked at,
unless that was asked for.
"""

from __future__ import annotations

import contextlib
import errno
import ntpath
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dsmcertfix.system.base import Entry, Exposed, FileContent, FileTail, Resolved
from dsmcertfix.system.win32 import files, security
from dsmcertfix.system.win32.calls import close
from dsmcertfix.system.win32.descriptor import Descriptor
from dsmcertfix.system.windows import who as windows_who
from dsmcertfix.system.windows.holding import holding_way

_MOST_LINKS = 40
_CHUNK = 1024 * 1024
_REMOTE = 4
_NAME_SURROGATE = 0x20000000
"""In a reparse tag: the name stands for another one. Without it (deduplication, cloud files) it does not."""

ANSWERS_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class _Link:
    path: str
    owner: int


def resolve(path: str, barrier: Callable[[str], str | None]) -> Resolved:
    """What is at `path`, with every link on the way followed; in the names' true case.

    `barrier` says of a path what stands against looking at it. Raises OSError where the system does not let
    us look.
    """
    drive, rest = ntpath.splitdrive(ntpath.normpath(path))
    parts, current, links = deque(rest.strip("\\").split("\\")), f"{drive}\\", list[_Link]()
    if (why_not := barrier(current)) is not None:
        return Resolved(None, why_not)
    while parts:
        part = parts.popleft()
        if not part:
            continue
        name = ntpath.join(current, part)
        try:
            found = os.lstat(files.extended(name))
        except (FileNotFoundError, NotADirectoryError):
            return Resolved(None)
        if not _is_link(found):
            current = name
            continue
        links.append(_Link(name, look(name).uid))
        if len(links) > _MOST_LINKS:
            return Resolved(None, f"{path} leads through more than {_MOST_LINKS} links")
        target = files.plain(os.readlink(files.extended(name)))
        drive, rest = ntpath.splitdrive(ntpath.normpath(ntpath.join(current, target)))
        parts.extendleft(reversed(rest.strip("\\").split("\\")))
        current = f"{drive}\\"
        if (why_not := barrier(current)) is not None:
            return Resolved(None, why_not)
    # A path that is too long for this call (on Wine) stays as it was written.
    with contextlib.suppress(OSError), files.holding(current, files.READ_ATTRIBUTES) as handle:
        current = files.final_path(handle)
    return Resolved(Path(current), _refused(current, links))


def _is_link(found: os.stat_result) -> bool:
    tag = getattr(found, "st_reparse_tag", 0)
    attributes = getattr(found, "st_file_attributes", 0)
    return bool(attributes & files.REPARSE_POINT and tag & _NAME_SURROGATE)


def _refused(final: str, links: list[_Link]) -> str | None:
    suspicious = [link for link in links if link.owner != 0]
    if not suspicious:
        return None
    owner = look(final).uid
    for link in suspicious:
        if link.owner != owner:
            return f"the link {link.path} of an ordinary user leads to {final}, which is not theirs"
    return None


def look(path: str) -> Entry:
    """See `Places.look`."""
    with files.holding(path, files.READ_ATTRIBUTES | files.READ_CONTROL) as handle:
        found = files.information(handle)
        kind: Literal["file", "directory", "other"] = "directory" if found.is_directory else "file"
        if found.attributes & files.REPARSE_POINT:
            kind = "other"
        return Entry(kind, found.identity, windows_who.number(security.descriptor_of(handle).owner))


def names(path: Path) -> tuple[str, ...]:
    """See `Places.names`."""
    with holding_way(path):
        return tuple(os.listdir(files.extended(str(path))))


def read(path: Path, limit: int, profile: int | None, word_of: int | None) -> FileContent:
    """See `Places.read`; `profile` is the number of the user in whose profile it lies, None outside of all.

    What is the system's but lies in a profile is that user's word.
    """
    with holding_way(path.parent):
        handle = _opened(path)
        try:
            found = files.information(handle)
            if found.size > limit:
                raise OSError(errno.EFBIG, f"larger than {limit} bytes", str(path))
            descriptor = security.descriptor_of(handle)
            uid = windows_who.number(descriptor.owner) or profile or 0
            public = uid == 0 and windows_who.everybody_reads(descriptor)
            if word_of not in (None, uid) and not public:
                raise OSError(errno.EPERM, "another user named it, to whom it does not belong", str(path))
            data = _bytes(handle, limit + 1)
        finally:
            close(handle)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit} bytes", str(path))
    return FileContent(data, uid, _open_to(path, descriptor, uid), found.identity)


def _open_to(path: Path, descriptor: Descriptor, uid: int) -> Exposed | None:
    """Who besides that user and the system can write the file, or put another one in its place."""
    writers = windows_who.others(descriptor, windows_who.WRITE, uid)
    if writers:
        return Exposed(path, ", ".join(writers))
    for place in path.parents:
        # The root of a drive cannot be exchanged; what lies in it can.
        mask = windows_who.EXCHANGE & (~files.DELETE if place == place.parent else windows_who.ANYTHING)
        with files.holding(str(place), files.READ_ATTRIBUTES | files.READ_CONTROL) as handle:
            others = windows_who.others(security.descriptor_of(handle), mask, uid)
        if others:
            return Exposed(place, ", ".join(others))
    return None


def tail(path: Path, limit: int) -> FileTail:
    """See `Places.tail`."""
    with holding_way(path.parent):
        handle = _opened(path)
        try:
            found = files.information(handle)
            start = max(0, found.size - limit)
            files.seek(handle, start)
            data = _bytes(handle, limit)
            uid = windows_who.number(security.descriptor_of(handle).owner)
        finally:
            close(handle)
    return FileTail(data, uid, found.identity, found.written_ns / 1e9, start > 0)


def _opened(path: Path) -> int:
    access = files.READ_DATA | files.READ_ATTRIBUTES | files.READ_CONTROL
    handle = files.opened(str(path), access)
    try:
        found = files.information(handle)
        if found.attributes & (files.REPARSE_POINT | files.DIRECTORY) or not files.is_on_disk(handle):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return handle
    except BaseException:
        close(handle)
        raise


def _bytes(handle: int, most: int) -> bytes:
    parts: list[bytes] = []
    left = most
    while left > 0 and (chunk := files.read(handle, min(_CHUNK, left))):
        parts.append(chunk)
        left -= len(chunk)
    return b"".join(parts)


def is_remote(path: str) -> bool:
    """Whether the path lies on another machine; that machine is not asked."""
    normal = files.plain(path)
    return normal.startswith("\\\\") or files.drive_kind(normal) == _REMOTE


def answers(path: str, limit_s: float = ANSWERS_WITHIN_S) -> bool:
    """Whether what holds the path answers within `limit_s` seconds, also with an error."""

    def ask() -> None:
        with contextlib.suppress(OSError):
            os.stat(path)
        answered.set()

    answered = threading.Event()
    # A daemon: what waits for a dead server must not keep this process.
    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(limit_s)
