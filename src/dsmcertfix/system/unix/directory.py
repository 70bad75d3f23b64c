"""Unix: a store's directory held by a handle, so that no link planted later can lead elsewhere.

Owns every call that touches a live store. Each call names one of the five files of a set (a client's store,
or a server's key database) and one of three slots; no other name can be formed. Links, FIFOs, devices, and
files with a second name are refused, so that nothing outside the set is read, written or given away, even by
root in a directory that a user owns.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Generic

from dsmcertfix import budgets
from dsmcertfix.errors import Busy, NotPermitted, PlanOutdated, StoreUnreadable
from dsmcertfix.model import FileFact, FileT
from dsmcertfix.system.base import SIZE_LIMIT, Metadata, Slot
from dsmcertfix.system.private import sync_names
from dsmcertfix.system.unix import access as unix_access
from dsmcertfix.system.unix import handles, in_place
from dsmcertfix.system.unix.opened import Opened
from dsmcertfix.wording import quoted

_CHUNK = 1024 * 1024

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
_ROOT_S = "trusted."
_CLOCKS_DIFFER_S = 2.0
"""So much may the clock of a file system be behind ours: FAT counts in steps of two seconds."""
_TWO_NAMES: tuple[Slot, ...] = ("live", "aside")


class UnixDirectory(Generic[FileT]):
    """See `StoreDirectory`. `run` names the run whose `aside` and `new` files it may form.

    `handle` is the open directory. `owner` is the uid whose directory it is; with `only_theirs` every file in
    it must be theirs, too.
    """

    def __init__(
        self, handle: int, path: Path, kind: type[FileT], run: str, owner: int, *, only_theirs: bool
    ):
        self.handle = handle
        self.path = path
        self.kind = kind
        self.owner = owner
        self._run = run
        self._pending: dict[FileT, tuple[bytes, Metadata]] = {}
        self._only_theirs = only_theirs

    def _name(self, file: FileT, slot: Slot) -> str:
        if type(file) is not self.kind:
            raise TypeError(f"{file} is not of this set")
        return file.value if slot == "live" else f"{file.value}.dsmcertfix-{self._run}-{slot}"

    def _opened(self, handle: int, file: FileT, slot: Slot) -> Opened:
        return Opened(handle, self.handle, self.path / self._name(file, slot))

    def present(self, file: FileT, slot: Slot = "live") -> bool:
        """Whether anything has that name, of whatever type."""
        try:
            os.stat(self._name(file, slot), dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def fact(self, file: FileT, slot: Slot = "live") -> FileFact[FileT]:
        """Size, hash, owner and mode of the file as it is now.

        Raises NotPermitted for anything but a regular file with one name, StoreUnreadable for one that is too
        large or changes while it is read.
        """
        if not self.present(file, slot):
            return FileFact(file, False)
        with self._open(file, slot) as handle:
            info = os.fstat(handle)
            digest = sha256()
            size = 0
            while chunk := os.read(handle, _CHUNK):
                digest.update(chunk)
                size += len(chunk)
                self._require_size(file, size)
            where = in_place.is_mount(self.handle, handle), bool(os.fstatvfs(handle).f_flag & os.ST_RDONLY)
        mode = stat.S_IMODE(info.st_mode)
        return FileFact(file, True, size, digest.hexdigest(), mode, info.st_uid, info.st_gid, *where)

    def mounted(self, file: FileT) -> bool:
        """See `StoreDirectory.mounted`."""
        return in_place.is_mounted(self.handle, self._name(file, "live"))

    def read(self, file: FileT, slot: Slot = "live") -> bytes:
        """The content. Raises as `fact` does, and FileNotFoundError when it is absent."""
        with self._open(file, slot) as handle:
            parts: list[bytes] = []
            size = 0
            while chunk := os.read(handle, _CHUNK):
                parts.append(chunk)
                size += len(chunk)
                self._require_size(file, size)
        return b"".join(parts)

    def metadata(self, file: FileT, slot: Slot = "live") -> Metadata:
        """Mode, owner, time and extended attributes of the file.

        In a user's store without `trusted.*`, which only root can see and set: it cannot be compared or put
        back by the owner, as whom everything live is done. A file that is replaced there loses it; one that
        comes back from aside still has it.
        """
        with self._open(file, slot) as handle:
            info = os.fstat(handle)
            xattrs = unix_access.attributes(self._opened(handle, file, slot))
        if self._only_theirs:
            xattrs = tuple(pair for pair in xattrs if not pair[0].startswith(_ROOT_S))
        return Metadata(stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, info.st_mtime_ns, xattrs)

    def require_free(self, file: FileT) -> None:
        """See `StoreDirectory.require_free`: an open file stands in nobody's way here."""

    def write_new(self, file: FileT, content: bytes, like: Metadata) -> None:
        """A file in the slot `new` has that content and metadata, and both are on the disk.

        A leftover of that name is removed first. Raises OSError when content or metadata cannot be written
        (then nothing is left), NotPermitted when an attribute cannot be set.
        Where the live file is mounted they are only kept in mind: its directory need not be writable at all.
        """
        self._pending.pop(file, None)
        if self.mounted(file):
            self._pending[file] = content, like
            return
        name = self._name(file, "new")
        self.discard(file, "new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(name, flags, 0o600, dir_fd=self.handle)
        try:
            try:
                in_place.write_all(handle, content)
                unix_access.apply(self._opened(handle, file, "new"), like)
                os.fsync(handle)
            finally:
                os.close(handle)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=self.handle)
            raise

    def keep_aside(self, file: FileT) -> None:
        """The live file has a second name, in the slot `aside`: its content and metadata outlive a swap.

        Where the file system has no hard links the backup alone must do.
        """
        if self.mounted(file):
            return
        self.discard(file, "aside")
        try:
            os.link(
                file.value,
                self._name(file, "aside"),
                src_dir_fd=self.handle,
                dst_dir_fd=self.handle,
                follow_symlinks=False,
            )
        except OSError as error:
            if error.errno == errno.EXDEV:
                # Nothing told of the mount before (no /proc).
                raise in_place.cannot_go(self.path / file.value) from error
            if error.errno not in _NO_LINKS:
                raise

    def exchange(self, file: FileT) -> None:
        """See `StoreDirectory.exchange`; there is a live file at every moment."""
        self.keep_aside(file)
        self.move(file, "new", "live")

    def move(self, file: FileT, source: Slot, target: Slot) -> None:
        """See `StoreDirectory.move`."""
        if file in self._pending and (source, target) == ("new", "live"):
            content, like = self._pending.pop(file)
            with self._open(file, "live", os.O_RDWR) as handle:
                in_place.rewrite(self._opened(handle, file, "live"), content, like)
            return
        if source == "live" and self.mounted(file):
            raise in_place.cannot_go(self.path / file.value)
        os.rename(
            self._name(file, source),
            self._name(file, target),
            src_dir_fd=self.handle,
            dst_dir_fd=self.handle,
        )

    def keep_access(self, file: FileT, like: Metadata, since: datetime) -> None:
        """See `StoreDirectory.keep_access`. Refused is a second name of our own, too."""
        with self._open(file, "live") as handle:
            info, opened = os.fstat(handle), self._opened(handle, file, "live")
            if info.st_nlink > 1:
                raise self._has_another_name(opened.path, info)
            others_may_fill = os.fstat(self.handle).st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if others_may_fill and not unix_access.is_kept(opened, like):
                self._require_made(file, handle, like, since)
            unix_access.keep(opened, like)

    def _require_made(self, file: FileT, handle: int, like: Metadata, since: datetime) -> None:
        """Raises NotPermitted for a file that was moved in: it would be opened to whoever moved it."""
        theirs = os.fstat(handle).st_uid in (like.uid, self.owner, os.geteuid())
        if not theirs or unix_access.made_at(handle) < since.timestamp() - _CLOCKS_DIFFER_S:
            raise NotPermitted(
                "file-moved-in",
                f"`{self.path / file.value}` was put there by somebody else while the client was at work",
                hint=f"See who can write to the directory: `ls -ld {quoted(self.path)}`.",
            )

    def discard(self, file: FileT, slot: Slot) -> None:
        """Nothing has that name any more."""
        try:
            os.unlink(self._name(file, slot), dir_fd=self.handle)
        except FileNotFoundError:
            return
        except OSError as error:
            if slot == "live" and self.mounted(file):
                raise in_place.cannot_go(self.path / file.value) from error
            # What can not be changed at all says so before it looks.
            if error.errno != errno.EROFS or self.present(file, slot):
                raise

    def sync_content(self, file: FileT) -> None:
        """The live file's content survives a power cut, whoever wrote it. Raises as `fact` does."""
        in_place.sync(lambda how: self._open(file, "live", how))

    def sync(self) -> None:
        """Every change of names so far survives a power cut."""
        sync_names(self.handle)

    def require_theirs(self) -> None:
        """Every file of the set is a regular one with one name, and whose it must be. Raises NotPermitted."""
        for file in self.kind:
            with contextlib.suppress(FileNotFoundError):
                info = os.stat(file.value, dir_fd=self.handle, follow_symlinks=False)
                self._require_regular(file, info, str(self.path / file.value))

    @contextlib.contextmanager
    def _open(self, file: FileT, slot: Slot, how: int = os.O_RDONLY) -> Iterator[int]:
        name = self._name(file, slot)
        where = str(self.path / name)
        # O_NONBLOCK: opening a FIFO must not wait for a writer.
        flags = how | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        before = os.stat(name, dir_fd=self.handle, follow_symlinks=False)
        self._require_regular(file, before, where)
        self._require_size(file, before.st_size)
        try:
            handle = os.open(name, flags, dir_fd=self.handle)
        except OSError as error:
            raise translated(error, where) from error
        try:
            after = os.fstat(handle)
            self._require_regular(file, after, where)
            if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino):
                raise NotPermitted("file-exchanged", f"`{where}` was exchanged while it was opened")
            yield handle
        finally:
            os.close(handle)

    def _require_regular(self, file: FileT, info: os.stat_result, where: str) -> None:
        if not stat.S_ISREG(info.st_mode):
            raise NotPermitted(
                "not-a-regular-file",
                f"`{where}` is {unix_access.type_name(info.st_mode)}, not a regular file",
            )
        # Whoever owns the directory can race with the count of names below, not with this.
        if self._only_theirs and info.st_uid != self.owner:
            raise NotPermitted(
                "file-of-another-owner",
                f"`{where}` belongs to uid {info.st_uid}, but its directory to uid {self.owner}",
                hint=f"If it is theirs: `chown -h {self.owner} {quoted(Path(where))}`; if not, remove it.",
            )
        # Two names are fine when the second is our own: a swap is under way, or was cut off.
        if info.st_nlink > 1 and info.st_nlink > self._names_of(file, info):
            raise self._has_another_name(where, info)

    def _has_another_name(self, where: str | Path, info: os.stat_result) -> NotPermitted:
        return NotPermitted(
            "file-has-another-name",
            f"`{where}` has {info.st_nlink} names (hard links)",
            context=(f"of its directory at most {budgets.NAMES.cap:,} names are looked at",),
        )

    def _names_of(self, file: FileT, info: os.stat_result) -> int:
        """How many names of the file, in its directory, are its own or ours; of very many names none counts.

        The file aside that this run itself made is found by its name alone: what others put beside it cannot
        keep a run from its way back.
        """
        if info.st_nlink == 2 and all(self._is_at(self._name(file, slot), info) for slot in _TWO_NAMES):
            return 2
        count = 0
        with os.scandir(self.handle) as entries:
            for seen, entry in enumerate(entries):
                if seen >= budgets.NAMES.cap or count == info.st_nlink:
                    break
                ours = entry.name == file.value or entry.name.startswith(f"{file.value}.dsmcertfix-")
                # The directory itself tells the inode: only the file's own names are looked at.
                if ours and entry.inode() == info.st_ino:
                    count += self._is_at(entry.name, info)
        return count

    def _is_at(self, name: str, info: os.stat_result) -> bool:
        with contextlib.suppress(OSError):
            seen = os.stat(name, dir_fd=self.handle, follow_symlinks=False)
            return (seen.st_dev, seen.st_ino) == (info.st_dev, info.st_ino)
        return False

    def _require_size(self, file: FileT, size: int) -> None:
        if size > SIZE_LIMIT:
            raise StoreUnreadable(
                "file-too-large",
                f"`{self.path / file.value}` is larger than a store file can be",
                context=(f"limit: {SIZE_LIMIT} bytes",),
                hint="Look at the file: it is not one that the backup client wrote.",
            )


@contextlib.contextmanager
def open_directory(
    path: Path,
    kind: type[FileT],
    run: str,
    identity: tuple[int, int] | None = None,
    *,
    system_uids: frozenset[int] = frozenset((0,)),
) -> Iterator[UnixDirectory[FileT]]:
    """The directory at `path`, opened component by component without following a link.

    Raises PlanOutdated when it is not the directory with that (device, inode) any more (device 0 stands for
    any), NotPermitted when a component is a link or may not be passed, and for root also when it is one of
    the `system_uids`' in which everyone can exchange files.
    """
    unix_access.prepare()
    handle = walk(path)
    try:
        info = os.fstat(handle)
        as_root = os.geteuid() == 0
        if as_root and info.st_uid in system_uids:
            _require_closed(path, info)
        if identity is not None and identity not in ((info.st_dev, info.st_ino), (0, info.st_ino)):
            raise PlanOutdated("directory-exchanged", f"`{path}` is no longer the directory that was found")
        theirs = as_root and info.st_uid not in system_uids
        yield UnixDirectory(handle, path, kind, run, info.st_uid, only_theirs=theirs)
    finally:
        os.close(handle)


def _require_closed(path: Path, info: os.stat_result) -> None:
    if info.st_mode & stat.S_IWOTH and not info.st_mode & stat.S_ISVTX:
        raise NotPermitted(
            "store-open-to-others",
            f"everyone can exchange the files in `{path}` (mode {stat.S_IMODE(info.st_mode):04o})",
            hint=f"See what was put there, then `chmod o-w {quoted(path)}`.",
        )


def walk(path: Path) -> int:
    """A handle for the directory at `path`, in whose way there is no link.

    Raises NotPermitted when a component is one or may not be passed, OSError when there is none.
    """
    try:
        return handles.directory(path)
    except OSError as error:
        raise translated(error, str(path)) from error


def translated(error: OSError, where: str) -> Exception:
    """The error of ours that says what a system error means for a store; the same error when it has none."""
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return NotPermitted(
            "link-in-path",
            f"a symbolic link or a file stands where `{where}` had a directory or a file",
            hint="Someone changed the path since it was looked up; run `dsmcertfix locate`.",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotPermitted(
            "access-denied",
            f"the system denies access to `{where}`",
            hint="Run as root, or as the owner of the store.",
        )
    if error.errno in (errno.EBUSY, errno.ETXTBSY):
        return Busy("file-in-use", f"`{where}` is in use", hint="Try again when no backup runs.")
    return error
