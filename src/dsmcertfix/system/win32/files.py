"""Files and directories by handle: opened without following a link, told apart, renamed, linked, deleted.

Every path is absolute. It is passed in the form that has neither a length limit nor a second meaning for
blanks, dots and device names at its end (`\\\\?\\`).
"""

from __future__ import annotations

import contextlib
import ctypes
import ntpath
from collections.abc import Iterator
from dataclasses import dataclass

from dsmcertfix.system.win32.calls import (
    BOOL,
    DWORD,
    HANDLE,
    INVALID,
    POINTER,
    TEXT,
    check,
    close,
    code_of,
    failure,
    function,
    pointer_to,
)

READ_DATA = 0x0001
WRITE_DATA = 0x0002
ADD_FILE = 0x0002
TRAVERSE = 0x0020
READ_ATTRIBUTES = 0x0080
WRITE_ATTRIBUTES = 0x0100
DELETE = 0x00010000
READ_CONTROL = 0x00020000
WRITE_DAC = 0x00040000
WRITE_OWNER = 0x00080000
SYNCHRONIZE = 0x00100000

SHARE_READ = 1
SHARE_WRITE = 2
SHARE_ALL = 7

READONLY = 0x1
HIDDEN = 0x2
SYSTEM = 0x4
DIRECTORY = 0x10
ARCHIVE = 0x20
NORMAL = 0x80
REPARSE_POINT = 0x400
OFFLINE = 0x1000
RECALL_ON_OPEN = 0x40000
RECALL_ON_DATA_ACCESS = 0x400000

_OPEN_EXISTING = 3
_CREATE_NEW = 1
_BACKUP_SEMANTICS = 0x02000000
_OPEN_REPARSE_POINT = 0x00200000
_DISK = 1
_NO_ATTRIBUTES = 0xFFFFFFFF
_NOT_THERE = (2, 3)
_NOT_SUPPORTED = (1, 50, 87)

_BASIC_INFO, _RENAME_INFO, _DISPOSITION_INFO, _DISPOSITION_INFO_EX = 0, 3, 4, 21
_LINK_INFORMATION = 11
# DELETE | POSIX_SEMANTICS | IGNORE_READONLY_ATTRIBUTE: the name is gone at once (Windows 10 1607).
_GONE_AT_ONCE = 0x1 | 0x2 | 0x10

# From 1601 to 1970, in the 100 nanoseconds that Windows counts in.
_EPOCH = 116444736000000000


class _ByHandle(ctypes.Structure):
    _fields_ = (
        ("attributes", DWORD),
        ("created", DWORD * 2),
        ("accessed", DWORD * 2),
        ("written", DWORD * 2),
        ("volume", DWORD),
        ("size_high", DWORD),
        ("size_low", DWORD),
        ("links", DWORD),
        ("index_high", DWORD),
        ("index_low", DWORD),
    )


class _Basic(ctypes.Structure):
    _fields_ = (
        ("created", ctypes.c_int64),
        ("accessed", ctypes.c_int64),
        ("written", ctypes.c_int64),
        ("changed", ctypes.c_int64),
        ("attributes", DWORD),
    )


class _SecurityAttributes(ctypes.Structure):
    _fields_ = (("length", DWORD), ("descriptor", POINTER), ("inherit", BOOL))


class _StatusBlock(ctypes.Structure):
    _fields_ = (("status", POINTER), ("information", POINTER))


@dataclass(frozen=True, slots=True)
class Information:
    """What Windows tells of an open file: (volume, index) is its identity, times are ns since 1970."""

    attributes: int
    links: int
    size: int
    identity: tuple[int, int]
    written_ns: int

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return bool(self.attributes & DIRECTORY)


def extended(path: str) -> str:
    """The absolute path without a length limit: `\\\\?\\C:\\…`, `\\\\?\\UNC\\server\\…`."""
    if path.startswith(("\\\\?\\", "\\\\.\\")):
        return path
    normal = ntpath.normpath(path)
    return f"\\\\?\\UNC\\{normal[2:]}" if normal.startswith("\\\\") else f"\\\\?\\{normal}"


def plain(path: str) -> str:
    """The path as people and other programs write it."""
    if path.upper().startswith("\\\\?\\UNC\\"):
        return f"\\\\{path[8:]}"
    return path[4:] if path.startswith("\\\\?\\") and path[5:6] == ":" else path


def opened(path: str, access: int, share: int = SHARE_ALL) -> int:
    """A handle of what is at `path`, file, directory or link; the link itself, where it is one.

    Raises OSError: FileNotFoundError when there is nothing.
    """
    return _create(path, access | SYNCHRONIZE, share, _OPEN_EXISTING, None)


def created(path: str, access: int, descriptor: int | None) -> int:
    """A handle of the new file at `path`, with that security descriptor from its first moment on.

    Raises FileExistsError when anything has that name.
    """
    return _create(path, access | SYNCHRONIZE, 0, _CREATE_NEW, descriptor)


def _create(path: str, access: int, share: int, how: int, descriptor: int | None) -> int:
    call = function("kernel32", "CreateFileW", HANDLE, TEXT, DWORD, DWORD, POINTER, DWORD, DWORD, HANDLE)
    security = None
    if descriptor is not None:
        attributes = _SecurityAttributes(ctypes.sizeof(_SecurityAttributes), descriptor, 0)
        security = ctypes.addressof(attributes)
    flags = _BACKUP_SEMANTICS | _OPEN_REPARSE_POINT
    handle = call(extended(path), access, share, security, how, flags, None)
    if handle is None or handle == INVALID:
        raise failure(path)
    return int(handle)


@contextlib.contextmanager
def holding(path: str, access: int, share: int = SHARE_ALL) -> Iterator[int]:
    """As `opened`; the handle is closed at the end."""
    handle = opened(path, access, share)
    try:
        yield handle
    finally:
        close(handle)


def make_directory(path: str, descriptor: int | None) -> None:
    """The directory is made, with that security descriptor. Raises FileExistsError when it is there."""
    attributes = _SecurityAttributes(ctypes.sizeof(_SecurityAttributes), descriptor, 0)
    security = ctypes.addressof(attributes) if descriptor is not None else None
    check(function("kernel32", "CreateDirectoryW", BOOL, TEXT, POINTER)(extended(path), security), path)


def information(handle: int) -> Information:
    """What Windows tells of the file."""
    found = _ByHandle()
    call = function("kernel32", "GetFileInformationByHandle", BOOL, HANDLE, POINTER)
    check(call(handle, ctypes.addressof(found)))
    written = found.written[1] << 32 | found.written[0]
    return Information(
        found.attributes,
        found.links,
        found.size_high << 32 | found.size_low,
        (found.volume, found.index_high << 32 | found.index_low),
        (written - _EPOCH) * 100,
    )


def is_on_disk(handle: int) -> bool:
    """Whether it is a file of a file system: no pipe, no console, no device."""
    return bool(function("kernel32", "GetFileType", DWORD, HANDLE)(handle) == _DISK)


def attributes(path: str) -> int | None:
    """The attributes of what is at `path` (of the link, where it is one), None when there is nothing."""
    found = function("kernel32", "GetFileAttributesW", DWORD, TEXT)(extended(path))
    if found != _NO_ATTRIBUTES:
        return int(found)
    error = failure(path)
    if code_of(error) in _NOT_THERE:
        return None
    raise error


def final_path(handle: int) -> str:
    """Where the open file is, links followed, names in their true case; as people write it."""
    call = function("kernel32", "GetFinalPathNameByHandleW", DWORD, HANDLE, TEXT, DWORD, DWORD)
    text = ctypes.create_unicode_buffer(0x8000)
    check(call(handle, text, len(text), 0))
    return plain(text.value)


def read(handle: int, most: int) -> bytes:
    """At most that many bytes from where the handle stands; fewer at the end of the file."""
    call = function("kernel32", "ReadFile", BOOL, HANDLE, POINTER, DWORD, POINTER, POINTER)
    buffer, count = ctypes.create_string_buffer(most), DWORD()
    check(call(handle, ctypes.addressof(buffer), most, ctypes.addressof(count), None))
    return buffer.raw[: count.value]


def seek(handle: int, position: int) -> None:
    """The handle stands at that byte."""
    call = function("kernel32", "SetFilePointerEx", BOOL, HANDLE, ctypes.c_int64, POINTER, DWORD)
    check(call(handle, position, None, 0))


def write(handle: int, content: bytes) -> None:
    """All of the content was written. Raises OSError when the disk is full."""
    call = function("kernel32", "WriteFile", BOOL, HANDLE, POINTER, DWORD, POINTER, POINTER)
    done = 0
    while done < len(content):
        part, count = content[done : done + 0x100000], DWORD()
        check(call(handle, pointer_to(part), len(part), ctypes.addressof(count), None))
        done += count.value


def flush(handle: int) -> None:
    """Content, and what the file system noted about the file, are on the disk."""
    check(function("kernel32", "FlushFileBuffers", BOOL, HANDLE)(handle))


def set_basic(handle: int, attributes: int, written_ns: int | None) -> None:
    """The file has those attributes, and that time of its last writing if one is given."""
    written = 0 if written_ns is None else written_ns // 100 + _EPOCH
    _set_information(handle, _BASIC_INFO, bytes(_Basic(0, 0, written, 0, attributes or NORMAL)))


def rename(handle: int, path: str, *, replace: bool) -> None:
    """The open file has that name now, in one step; with `replace` it takes it from another file.

    The handle needs DELETE. Raises OSError, FileExistsError when the name is taken and not to be replaced.
    """
    _set_information(handle, _RENAME_INFO, _naming(extended(path), replace=replace), path)


def link(handle: int, path: str) -> bool:
    """The open file also has that name; False where the file system has no hard links. Raises OSError."""
    call = function("ntdll", "NtSetInformationFile", ctypes.c_long, HANDLE, POINTER, POINTER, DWORD, DWORD)
    named, block = _naming(f"\\??\\{extended(path)[4:]}", replace=False), _StatusBlock()
    status = call(handle, ctypes.addressof(block), pointer_to(named), len(named), _LINK_INFORMATION)
    if status >= 0:
        return True
    code = function("ntdll", "RtlNtStatusToDosError", DWORD, ctypes.c_long)(status)
    if code in _NOT_SUPPORTED:
        return False
    raise failure(path, code)


def delete(handle: int) -> None:
    """The name by which the file was opened is gone, at once where Windows can do that. Needs DELETE."""
    try:
        _set_information(handle, _DISPOSITION_INFO_EX, _GONE_AT_ONCE.to_bytes(4, "little"))
    except OSError:
        _set_information(handle, _DISPOSITION_INFO, b"\x01")


def replace(live: str, new: str, aside: str) -> None:
    """ReplaceFileW: `new` is `live` and has its DACL, streams and age; what was live is `aside`.

    Raises OSError; what 1175, 1176 and 1177 leave behind is in `system.windows.replacing`.
    """
    call = function("kernel32", "ReplaceFileW", BOOL, TEXT, TEXT, TEXT, DWORD, POINTER, POINTER)
    check(call(extended(live), extended(new), extended(aside), 0, None, None), live)


def drive_kind(path: str) -> int:
    """GetDriveTypeW: 3 fixed, 4 remote …"""
    return int(function("kernel32", "GetDriveTypeW", DWORD, TEXT)(ntpath.splitdrive(path)[0] + "\\"))


def _naming(path: str, *, replace: bool) -> bytes:
    """FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION, which have one layout."""
    name = path.encode("utf-16-le")
    head = int(replace).to_bytes(8, "little") + bytes(8) + len(name).to_bytes(4, "little")
    return head + name + b"\0\0"


def _set_information(handle: int, kind: int, data: bytes, path: str | None = None) -> None:
    call = function("kernel32", "SetFileInformationByHandle", BOOL, HANDLE, DWORD, POINTER, DWORD)
    check(call(handle, kind, pointer_to(data), len(data)), path)
