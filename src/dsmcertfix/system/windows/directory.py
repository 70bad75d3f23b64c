"""Windows: a store's directory, held open with all above it, so that nobody can put another in its place.

Owns every call that touches a live store. A directory that is open without FILE_SHARE_DELETE can neither be
renamed nor removed; so a name in it means what it meant when it was opened. Every file is opened without
following a link and looked at by that handle. See `StoreDirectory` for the contract.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PureWindowsPath
from typing import Generic

from dsmcertfix.errors import Busy, NotPermitted, PlanOutdated, StoreUnreadable
from dsmcertfix.model import FileFact, FileT, Owner
from dsmcertfix.system.base import SIZE_LIMIT, Metadata, Slot
from dsmcertfix.system.win32 import files, security
from dsmcertfix.system.win32.calls import ACCESS_DENIED, close, code_of
from dsmcertfix.system.windows import replacing as windows_replacing
from dsmcertfix.system.windows import who as windows_who
from dsmcertfix.system.windows.holding import PATIENCE_S, holding_way, patiently, told
from dsmcertfix.wording import quoted

_CHUNK = 1024 * 1024
_KEPT_ATTRIBUTES = files.READONLY | files.HIDDEN | files.SYSTEM | 0x2000
"""What is kept of a file's attributes. Not ARCHIVE: writing sets it, and backup programs take it away."""

_NO_CONTENT = files.OFFLINE | files.RECALL_ON_OPEN | files.RECALL_ON_DATA_ACCESS
_MOST_LOOKED_AT = 1000
"""Names like our own that are opened: a run makes one of each file, and each costs a call."""

_INVALID_OWNER = (1307, 1314)
_READ = files.READ_DATA | files.READ_ATTRIBUTES | files.READ_CONTROL
_CHANGE = files.READ_ATTRIBUTES | files.WRITE_ATTRIBUTES | files.READ_CONTROL
_OWN = files.WRITE_DAC | files.WRITE_OWNER
_MARK = files.WRITE_ATTRIBUTES | files.READ_ATTRIBUTES


class WindowsDirectory(Generic[FileT]):
    """See `StoreDirectory`. `run` names the run whose `aside` and `new` files it may form.

    `kind` has the names of the set. `allowed` are the numbers that files in it may belong to, None for any.
    With `is_closed` nobody else can put anything into it, so that ReplaceFileW, which goes by names, can be
    used.
    """

    def __init__(
        self,
        path: Path,
        kind: type[FileT],
        run: str,
        owner: int,
        allowed: frozenset[int] | None,
        *,
        is_closed: bool,
    ):
        self.path = path
        self.kind = kind
        self.owner = owner
        self._run = run
        self._allowed = allowed
        self._is_closed = is_closed

    def _name(self, file: FileT, slot: Slot) -> str:
        if type(file) is not self.kind:
            raise TypeError(f"{file} is not of this set")
        name = file.value if slot == "live" else f"{file.value}.dsmcertfix-{self._run}-{slot}"
        return f"{self.path}{'' if str(self.path).endswith(os.sep) else os.sep}{name}"

    def present(self, file: FileT, slot: Slot = "live") -> bool:
        """See `StoreDirectory.present`."""
        return files.attributes(self._name(file, slot)) is not None

    def fact(self, file: FileT, slot: Slot = "live") -> FileFact[FileT]:
        """See `StoreDirectory.fact`; `mode` has the attributes, `uid` the number of the owner's SID."""
        if not self.present(file, slot):
            return FileFact(file, False)
        with self._open(file, slot) as handle:
            digest, size = sha256(), 0
            for chunk in self._chunks(handle, file):
                digest.update(chunk)
                size += len(chunk)
            found = files.information(handle)
            uid = windows_who.number(security.descriptor_of(handle).owner)
        return FileFact(file, True, size, digest.hexdigest(), found.attributes & _KEPT_ATTRIBUTES, uid)

    def read(self, file: FileT, slot: Slot = "live") -> bytes:
        """See `StoreDirectory.read`."""
        with self._open(file, slot) as handle:
            return b"".join(self._chunks(handle, file))

    def metadata(self, file: FileT, slot: Slot = "live") -> Metadata:
        """See `StoreDirectory.metadata`."""
        with self._open(file, slot) as handle:
            return _metadata(handle)

    def mounted(self, file: FileT) -> bool:
        """See `StoreDirectory.mounted`: a file can be no mount here."""
        return False

    def require_free(self, file: FileT) -> None:
        """See `StoreDirectory.require_free`."""
        # What replaces a file must be able to open it so.
        with self._open(file, "live", files.DELETE | _READ):
            return

    def write_new(self, file: FileT, content: bytes, like: Metadata) -> None:
        """See `StoreDirectory.write_new`. Closed from its first moment on, opened to others at its last."""
        self.discard(file, "new")
        access = files.WRITE_DATA | files.DELETE | _CHANGE | _OWN
        with security.descriptor(_closed()) as closed:
            handle = files.created(self._name(file, "new"), access, closed)
        try:
            try:
                files.write(handle, content)
                files.set_basic(handle, like.mode, like.mtime_ns)
                if like.security is not None:
                    _set_security(handle, like.security, self._name(file, "new"))
                files.flush(handle)
            except BaseException:
                with contextlib.suppress(OSError):
                    files.delete(handle)
                raise
        finally:
            close(handle)

    def keep_aside(self, file: FileT) -> None:
        """See `StoreDirectory.keep_aside`."""
        self.discard(file, "aside")
        with self._open(file, "live", _CHANGE) as handle:
            files.link(handle, self._name(file, "aside"))

    def exchange(self, file: FileT) -> None:
        """See `StoreDirectory.exchange`.

        Where users can put links in, both renames go by handle: ReplaceFileW would follow names.
        """
        if not self._is_closed:
            self.keep_aside(file)
            self.move(file, "new", "live")
            return
        self._require_writable(file, "live")
        names = (self._name(file, "live"), self._name(file, "new"), self._name(file, "aside"))
        with told(names[0]):
            windows_replacing.replace(*names, _Names(), PATIENCE_S)

    def move(self, file: FileT, source: Slot, target: Slot) -> None:
        """See `StoreDirectory.move`."""
        self._require_writable(file, target)
        patiently(lambda: _rename(self._name(file, source), self._name(file, target), replace=True))

    def keep_access(self, file: FileT, like: Metadata, since: datetime) -> None:
        """See `StoreDirectory.keep_access`: owner, DACL and attributes are the old ones.

        A directory that others may put files into was not opened.
        """
        with self._open(file, "live", _CHANGE) as handle:
            found, now = files.information(handle), _metadata(handle)
            if found.links > 1:
                raise self._has_another_name(self._name(file, "live"), found.links)
            if now.mode != like.mode:
                files.set_basic(handle, like.mode, None)
        if like.security is not None and now.security != like.security:
            with self._open(file, "live", _CHANGE | _OWN) as handle:
                _set_security(handle, like.security, self._name(file, "live"))

    def discard(self, file: FileT, slot: Slot) -> None:
        """See `StoreDirectory.discard`. A live file of which it was another name is marked as before."""
        name = self._name(file, slot)
        if not self.present(file, slot):
            return
        with contextlib.suppress(FileNotFoundError):
            try:
                patiently(lambda: _delete(name))
            except OSError as error:
                # Windows before 10 1809, and FAT: there what is read-only keeps its name.
                if code_of(error) != ACCESS_DENIED or not (files.attributes(name) or 0) & files.READONLY:
                    raise
                self._discard_read_only(file, slot)

    def _discard_read_only(self, file: FileT, slot: Slot) -> None:
        name, live = self._name(file, slot), self._name(file, "live")
        shared = slot != "live" and self.present(file) and _identity(live) == _identity(name)
        if not shared:
            self._require_writable(file, slot)
            patiently(lambda: _delete(name))
            return
        with files.holding(live, _MARK) as handle:
            marked = files.information(handle).attributes
            files.set_basic(handle, marked & ~files.READONLY, None)
            try:
                patiently(lambda: _delete(name))
            finally:
                files.set_basic(handle, marked, None)

    def sync_content(self, file: FileT) -> None:
        """See `StoreDirectory.sync_content`. What somebody else has open is theirs to write."""
        with contextlib.suppress(Busy), self._open(file, "live", files.WRITE_DATA | _READ) as handle:
            files.flush(handle)

    def sync(self) -> None:
        """See `StoreDirectory.sync`. NTFS keeps a log of names; this writes it out, where that can be."""
        with (
            contextlib.suppress(OSError),
            files.holding(str(self.path), files.ADD_FILE, files.SHARE_READ | files.SHARE_WRITE) as handle,
        ):
            files.flush(handle)

    @contextlib.contextmanager
    def _open(self, file: FileT, slot: Slot, access: int = _READ) -> Iterator[int]:
        name = self._name(file, slot)
        with told(name):
            handle = patiently(lambda: files.opened(name, access | files.READ_CONTROL))
        try:
            self._require_regular(file, handle, name)
            yield handle
        finally:
            close(handle)

    def _require_regular(self, file: FileT, handle: int, name: str) -> None:
        found = files.information(handle)
        what = _odd(found.attributes) or ("" if files.is_on_disk(handle) else "a device")
        if what:
            raise NotPermitted("not-a-regular-file", f"`{name}` is {what}, not a regular file")
        if found.size > SIZE_LIMIT:
            raise self._too_large(file)
        owner = security.descriptor_of(handle).owner
        if self._allowed is not None and windows_who.number(owner) not in self._allowed:
            raise NotPermitted(
                "file-of-another-owner",
                f"`{name}` belongs to {windows_who.name(owner)}, who is not the user of its directory",
                hint=f"If it is right: `icacls {quoted(PureWindowsPath(name))} /setowner "
                f"*{security.own_sid()}`; if not, remove it.",
            )
        # Two names are fine when the second is our own: a swap is under way, or was cut off.
        if found.links > 1 and found.links > self._names_of(file, found.identity):
            raise self._has_another_name(name, found.links)

    def _has_another_name(self, name: str, links: int) -> NotPermitted:
        return NotPermitted(
            "file-has-another-name",
            f"`{name}` has {links} names (hard links)",
            hint="A change to it would change a file elsewhere; "
            f"`fsutil hardlink list {quoted(PureWindowsPath(name))}` shows it.",
        )

    def _names_of(self, file: FileT, identity: tuple[int, int]) -> int:
        count = 0
        looked_at = 0
        with os.scandir(files.extended(str(self.path))) as entries:
            for name in (entry.name for entry in entries):
                if not (name.lower() == file.value or name.lower().startswith(f"{file.value}.dsmcertfix-")):
                    continue
                looked_at += 1
                if looked_at > _MOST_LOOKED_AT:
                    break
                with contextlib.suppress(OSError):
                    count += _identity(f"{self.path}{os.sep}{name}") == identity
        return count

    def _chunks(self, handle: int, file: FileT) -> Iterator[bytes]:
        size = 0
        while chunk := files.read(handle, _CHUNK):
            size += len(chunk)
            if size > SIZE_LIMIT:
                raise self._too_large(file)
            yield chunk

    def _too_large(self, file: FileT) -> StoreUnreadable:
        return StoreUnreadable(
            "file-too-large",
            f"`{self.path / file.value}` is larger than a store file can be",
            context=(f"limit: {SIZE_LIMIT} bytes",),
            hint="Look at the file: it is not one that the backup client wrote.",
        )

    def _require_writable(self, file: FileT, slot: Slot) -> None:
        """What is to give its name away is not marked read-only, which would keep it there."""
        if (files.attributes(self._name(file, slot)) or 0) & files.READONLY:
            with files.holding(self._name(file, slot), _MARK) as handle:
                files.set_basic(handle, files.information(handle).attributes & ~files.READONLY, None)


class _Names:
    """Files by name; see `windows_replacing.Calls`."""

    def replace(self, live: str, new: str, aside: str) -> None:
        files.replace(live, new, aside)

    def rename(self, source: str, target: str) -> None:
        _rename(source, target, replace=False)

    def exists(self, path: str) -> bool:
        return files.attributes(path) is not None


@contextlib.contextmanager
def open_directory(
    path: Path, kind: type[FileT], run: str, owner: Owner, identity: tuple[int, int] | None = None
) -> Iterator[WindowsDirectory[FileT]]:
    """The directory at `path`, and every one above it, held so that nobody can exchange them.

    `owner` is whose store it is. Raises PlanOutdated when it is not the directory with that identity any more
    (volume 0 stands for any), NotPermitted when a component is a link, and for a store of the machine also
    when ordinary users can put files into it.
    """
    with holding_way(path) as handles:
        found = files.information(handles[-1])
        descriptor = security.descriptor_of(handles[-1])
        may_fill = windows_who.others(descriptor, windows_who.FILL)
        if owner.uid == 0 and may_fill and security.is_administrator():
            raise NotPermitted(
                "store-open-to-others",
                f"{', '.join(may_fill)} can exchange the files in `{path}`",
                hint="See what was put there, then take the right away "
                f"(`icacls {quoted(PureWindowsPath(path))}` shows it).",
            )
        if identity is not None and identity not in (found.identity, (0, found.identity[1])):
            raise PlanOutdated("directory-exchanged", f"`{path}` is no longer the directory that was found")
        theirs = owner.uid != 0 and security.is_administrator()
        allowed = frozenset((0, owner.uid)) if theirs else None
        uid = windows_who.number(descriptor.owner)
        yield WindowsDirectory(path, kind, run, uid, allowed, is_closed=not may_fill)


def _rename(source: str, target: str, *, replace: bool) -> None:
    with files.holding(source, files.DELETE | files.READ_ATTRIBUTES) as handle:
        files.rename(handle, target, replace=replace)


def _delete(path: str) -> None:
    with files.holding(path, files.DELETE | files.READ_ATTRIBUTES) as handle:
        files.delete(handle)


def _identity(path: str) -> tuple[int, int]:
    with files.holding(path, files.READ_ATTRIBUTES) as handle:
        return files.information(handle).identity


def _metadata(handle: int) -> Metadata:
    found, sddl = files.information(handle), security.sddl_of(handle)
    uid = windows_who.number(security.descriptor_of(handle).owner)
    return Metadata(found.attributes & _KEPT_ATTRIBUTES, uid, 0, found.written_ns, (), sddl)


def _set_security(handle: int, sddl: str, name: str) -> None:
    try:
        security.set_security(handle, sddl)
    except OSError as error:
        if code_of(error) not in (*_INVALID_OWNER, ACCESS_DENIED):
            raise
        raise NotPermitted(
            "owner-not-kept", f"`{name}` cannot be given its owner and its access rights: {error.strerror}"
        ) from error


def _closed() -> str:
    """Only the system, administrators and we."""
    return f"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{security.own_sid()})"


def _odd(attributes: int) -> str:
    """What something is that is no regular file; empty for one."""
    if attributes & files.REPARSE_POINT:
        return "a link (reparse point)"
    if attributes & files.DIRECTORY:
        return "a directory"
    return "a placeholder of a file elsewhere" if attributes & _NO_CONTENT else ""
