"""The libraries of Windows, each function declared once, and how a failure becomes an OSError."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

HANDLE = ctypes.c_void_p
DWORD = ctypes.c_uint32
BOOL = ctypes.c_int
TEXT = ctypes.c_wchar_p
POINTER = ctypes.c_void_p
INVALID = ctypes.c_void_p(-1).value

ACCESS_DENIED = 5
SHARING_VIOLATION = 32
LOCK_VIOLATION = 33
MORE_DATA = 234


@cache
def library(name: str) -> Any:
    """A library of the system directory, by its short name."""
    windows: Any = ctypes
    # 0x800: LOAD_LIBRARY_SEARCH_SYSTEM32. A library of that name anywhere else is not loaded.
    return windows.WinDLL(f"{name}.dll", use_last_error=True, winmode=0x800)


@cache
def function(name: str, called: str, result: Any, *arguments: Any) -> Any:
    """The function `called` of that library, with that result and those arguments."""
    # An object of its own: what another part of the process declares does not matter.
    prototype: Any = ctypes
    found = prototype.WINFUNCTYPE(result, *arguments, use_last_error=True)((called, library(name)))
    return found


def exists(name: str, called: str) -> bool:
    """Whether this Windows has that function: newer ones came with newer releases."""
    return hasattr(library(name), called)


def failure(filename: str | None = None, code: int | None = None) -> OSError:
    """The error of the call that failed just now in this thread, or of that code."""
    windows: Any = ctypes
    number = windows.get_last_error() if code is None else code
    text = windows.FormatError(number).strip()
    # The three-argument form with winerror makes the subclass that belongs to it (PermissionError ...).
    return OSError(0, text, filename, number)


def check(result: Any, filename: str | None = None) -> Any:
    """The result of a call; raises its failure when it is 0 (or NULL)."""
    if not result:
        raise failure(filename)
    return result


def pointer_to(data: bytes) -> ctypes.c_void_p:
    """Where the bytes are, as long as what is returned lives. They must not be written to."""
    return ctypes.cast(ctypes.c_char_p(data), POINTER)


def close(handle: int) -> None:
    """The handle is closed."""
    function("kernel32", "CloseHandle", BOOL, HANDLE)(handle)


def free(pointer: int | None) -> None:
    """The memory that Windows gave is given back."""
    if pointer:
        function("kernel32", "LocalFree", POINTER, POINTER)(pointer)


def code_of(error: OSError) -> int | None:
    """Windows' own number of an error, None for one that did not come from there."""
    code = getattr(error, "winerror", None)
    return code if isinstance(code, int) else None
