"""Unix: what an open file carries besides its content, and so who may use it: owner, group, mode, ACLs."""

from __future__ import annotations

import errno
import os
import stat
import struct

from dsmcertfix.system.base import Metadata
from dsmcertfix.system.unix.opened import Opened

Attributes = tuple[tuple[str, bytes], ...]

# Sums over a file's content that the kernel keeps (IMA, EVM): wrong on any other content.
_KERNEL_S = frozenset(("security.ima", "security.evm"))
# ACLs (posix_acl_access, nfs4_acl) are named so, and nothing else is.
_ACL = "system."
# linux/stat.h and linux/fcntl.h; the mask is at offset 0, stx_btime at 80.
_STATX_BTIME, _AT_EMPTY_PATH = 0x800, 0x1000
_DENIED = (errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOTSUP)


def prepare() -> None:
    """What is needed for ACLs is loaded: a process with an ordinary user's rights may not be able to."""
    if not _has_calls():
        from dsmcertfix.system.process import run
        from dsmcertfix.system.unix import acl_programs  # noqa: F401

        run.prepare()


def attributes(file: Opened) -> Attributes:
    """The extended attributes of the open file, ACLs among them, but for the kernel's own sums.

    Where there are no calls for them it is the ACL alone, by programs; raises BackupFailed as those do.
    """
    if not _has_calls():
        from dsmcertfix.system.unix import acl_programs

        return acl_programs.attributes(file)
    handle = file.handle
    try:
        names = sorted(set(os.listxattr(handle)) - _KERNEL_S)
        return tuple((name, os.getxattr(handle, name)) for name in names)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return ()
        raise


def apply(file: Opened, like: Metadata) -> None:
    """The open file has all of that metadata. Raises OSError."""
    handle = file.handle
    _own(handle, like)
    present = dict(attributes(file))
    wanted = dict(like.xattrs)
    for name in present:
        # The directory's default ACL, say. What the system labels (SELinux) stays.
        if name not in wanted and not name.startswith("security."):
            _remove(file, name, like.mode)
    os.fchmod(handle, like.mode)
    for name, value in like.xattrs:
        # A mode that is set takes an ACL of AIX away.
        if present.get(name) != value or not _has_calls():
            _set(file, name, value)
    if like.mtime_ns is not None:
        os.utime(handle, ns=(like.mtime_ns, like.mtime_ns))


def keep(file: Opened, like: Metadata) -> None:
    """Whoever could use a file with that metadata can use the open one, and nobody else.

    Its owner, group, mode and ACL are those. Where they may not be set it is the owner's alone, unless group
    and others have the same rights, so that it makes no difference. Raises OSError for anything else.
    """
    handle, wanted = file.handle, _acls(like.xattrs)
    try:
        _own(handle, like)
        if _acls(attributes(file)) != wanted:
            _set_acls(file, wanted, like.mode)
    except OSError as error:
        if error.errno not in _DENIED:
            raise
        same = like.mode >> 3 & 0o7 == like.mode & 0o7
        has_acls = wanted or _acls(attributes(file))
        _set_mode(handle, like.mode if same and not has_acls else like.mode & 0o700)
    else:
        _set_mode(handle, like.mode)


def is_kept(file: Opened, like: Metadata) -> bool:
    """Whether owner, group, mode and ACL of the open file are those already."""
    info = os.fstat(file.handle)
    now = (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode))
    return now == (like.uid, like.gid, like.mode) and _acls(attributes(file)) == _acls(like.xattrs)


def made_at(handle: int) -> float:
    """When the open file was made, in seconds since 1970; where that is not known, when it last changed.

    Whoever moves or links a file cannot change either.
    """
    info = os.fstat(handle)
    born = getattr(info, "st_birthtime", None) or _birth_time(handle)
    return info.st_mtime if born is None else float(born)


def _birth_time(handle: int) -> float | None:
    """What statx(2) of Linux says, which Python does not ask before 3.15; None where nothing says it."""
    if not hasattr(os, "O_PATH"):
        # AIX has another call of that name, which takes what it is given for addresses.
        return None
    import ctypes

    statx = getattr(ctypes.CDLL(None), "statx", None)
    answer = ctypes.create_string_buffer(256)
    if statx is None or statx(handle, b"", _AT_EMPTY_PATH, _STATX_BTIME, answer) != 0:
        return None
    mask, seconds, nanoseconds = struct.unpack_from("=I76xqI", answer)
    return seconds + nanoseconds / 1e9 if mask & _STATX_BTIME else None


def _own(handle: int, like: Metadata) -> None:
    info = os.fstat(handle)
    if (info.st_uid, info.st_gid) != (like.uid, like.gid):
        os.fchown(handle, like.uid, like.gid)


def _acls(xattrs: Attributes) -> dict[str, bytes]:
    return {name: value for name, value in xattrs if name.startswith(_ACL)}


def _set_acls(file: Opened, wanted: dict[str, bytes], mode: int) -> None:
    # With an ACL the mode's group bits are its mask: until it is there they would open the file to its group.
    _set_mode(file.handle, mode & 0o700)
    for name in _acls(attributes(file)).keys() - wanted.keys():
        _remove(file, name, mode & 0o700)
    for name, value in wanted.items():
        _set(file, name, value)


def _has_calls() -> bool:
    return hasattr(os, "listxattr")


def _set(file: Opened, name: str, value: bytes) -> None:
    if _has_calls():
        os.setxattr(file.handle, name, value)
        return
    from dsmcertfix.system.unix import acl_programs

    if name != acl_programs.NAME:
        # Of another system: a backup's tree that was moved.
        raise OSError(errno.ENOTSUP, f"there is no attribute {name} on this system", str(file.path))
    acl_programs.put(file, value)


def _remove(file: Opened, name: str, mode: int) -> None:
    if _has_calls():
        os.removexattr(file.handle, name)
        return
    from dsmcertfix.system.unix import acl_programs

    acl_programs.remove(file, mode)


def _set_mode(handle: int, mode: int) -> None:
    if stat.S_IMODE(os.fstat(handle).st_mode) != mode:
        os.fchmod(handle, mode)


def type_name(mode: int) -> str:
    """What kind of file that is, in words."""
    names = (
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
    )
    return next((name for test, name in names if test(mode)), "something unknown")
