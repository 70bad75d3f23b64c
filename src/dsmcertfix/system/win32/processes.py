"""Which programs run, by their file names: quick, without opening any of them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

from dsmcertfix.system.win32.calls import BOOL, DWORD, HANDLE, INVALID, POINTER, close, failure, function

_PROCESSES = 0x2


class _Entry(ctypes.Structure):
    _fields_ = (
        ("size", DWORD),
        ("usage", DWORD),
        ("number", DWORD),
        ("heap", ctypes.c_size_t),
        ("module", DWORD),
        ("threads", DWORD),
        ("parent", DWORD),
        ("priority", ctypes.c_long),
        ("flags", DWORD),
        ("name", ctypes.c_wchar * 260),
    )


def running() -> Iterator[tuple[int, str]]:
    """The number and the file name of every running program. Raises OSError."""
    snapshot = function("kernel32", "CreateToolhelp32Snapshot", HANDLE, DWORD, DWORD)(_PROCESSES, 0)
    if snapshot is None or snapshot == INVALID:
        raise failure()
    try:
        entry = _Entry(size=ctypes.sizeof(_Entry))
        for called in ("Process32FirstW", *("Process32NextW",) * 100_000):
            if not function("kernel32", called, BOOL, HANDLE, POINTER)(snapshot, ctypes.addressof(entry)):
                return
            yield entry.number, entry.name
    finally:
        close(snapshot)
