"""Memory and signals that a program shares with the one that it was started by: a handle for each."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

from dsmcertfix.system.win32.calls import BOOL, DWORD, HANDLE, INVALID, POINTER, TEXT, check, close, function

_READ_WRITE = 0x04
_MAP = 0x0006
_LENGTH = 8


class Shared:
    """`size` bytes that two processes have in common, and in them one text at a time."""

    def __init__(self, handle: int, size: int):
        self.handle = handle
        self._size = size
        call = function("kernel32", "MapViewOfFile", POINTER, HANDLE, DWORD, DWORD, DWORD, ctypes.c_size_t)
        self._at = int(check(call(handle, _MAP, 0, 0, size)))

    def fits(self, text: tuple[bytes, ...]) -> bool:
        """Whether there is room for it."""
        return _LENGTH + sum(map(len, text)) <= self._size

    def put(self, text: tuple[bytes, ...]) -> None:
        """The text, in parts, stands there. Raises ValueError when it does not fit."""
        if not self.fits(text):
            raise ValueError("too long")
        at = self._at
        for part in (sum(map(len, text)).to_bytes(_LENGTH, "little"), *text):
            ctypes.memmove(at, part, len(part))
            at += len(part)

    def taken(self) -> bytes:
        """The text that stands there, as it is now: the other process may change it at any time."""
        length = int.from_bytes(ctypes.string_at(self._at, _LENGTH), "little")
        return ctypes.string_at(self._at + _LENGTH, min(length, self._size - _LENGTH))

    def close(self) -> None:
        """This process has it no more."""
        function("kernel32", "UnmapViewOfFile", BOOL, POINTER)(self._at)


@contextlib.contextmanager
def section(size: int) -> Iterator[int]:
    """A handle, which can be inherited, of so many new bytes of memory. Raises OSError."""
    call = function("kernel32", "CreateFileMappingW", HANDLE, HANDLE, POINTER, DWORD, DWORD, DWORD, TEXT)
    with inheritable() as security:
        handle = int(check(call(INVALID, security, _READ_WRITE, size >> 32, size & 0xFFFFFFFF, None)))
    try:
        yield handle
    finally:
        close(handle)


@contextlib.contextmanager
def event() -> Iterator[int]:
    """A handle, which can be inherited, of a new signal that is not set. Raises OSError."""
    call = function("kernel32", "CreateEventW", HANDLE, POINTER, BOOL, BOOL, TEXT)
    with inheritable() as security:
        handle = int(check(call(security, 0, 0, None)))
    try:
        yield handle
    finally:
        close(handle)


class _SecurityAttributes(ctypes.Structure):
    _fields_ = (("length", DWORD), ("descriptor", POINTER), ("inherit", BOOL))


@contextlib.contextmanager
def inheritable() -> Iterator[int]:
    """What makes a new handle one that a program inherits, if it is named to it."""
    attributes = _SecurityAttributes(ctypes.sizeof(_SecurityAttributes), None, 1)
    yield ctypes.addressof(attributes)


def signal(handle: int) -> None:
    """The signal is set; the first who waits for it takes it. Raises OSError."""
    check(function("kernel32", "SetEvent", BOOL, HANDLE)(handle))


def wait(handles: tuple[int, ...], limit_s: float | None) -> int | None:
    """Which of the handles was signalled first, None when none was in that time (for ever without one)."""
    array = (ctypes.c_void_p * len(handles))(*handles)
    call = function("kernel32", "WaitForMultipleObjects", DWORD, DWORD, POINTER, BOOL, DWORD)
    limit_ms = 0xFFFFFFFF if limit_s is None else max(0, int(limit_s * 1000))
    found = int(call(len(handles), ctypes.addressof(array), 0, limit_ms))
    return found if found < len(handles) else None
