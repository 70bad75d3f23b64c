"""The token of a process that can do less than this one: no privileges, no special group, low integrity."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

from dsmcertfix.system.win32 import security
from dsmcertfix.system.win32.calls import BOOL, DWORD, HANDLE, POINTER, check, close, function, pointer_to
from dsmcertfix.system.win32.descriptor import sid_bytes

_ASSIGN, _DUPLICATE, _QUERY, _ADJUST_DEFAULT = 0x1, 0x2, 0x8, 0x80
_GROUPS, _DEFAULT_DACL, _INTEGRITY = 2, 6, 25
_NO_PRIVILEGES = 0x1
_IS_INTEGRITY, _INTEGRITY_GROUP = 0x60, 0x20
_LOW = "S-1-16-4096"

# Everyone, LOCAL, INTERACTIVE, SERVICE, Authenticated Users, Users; and the session's own, for its desktop.
_KEPT = frozenset(("S-1-1-0", "S-1-2-0", "S-1-5-4", "S-1-5-6", "S-1-5-11", "S-1-5-32-545"))
_SESSION = "S-1-5-5-"


class _SidAndAttributes(ctypes.Structure):
    _fields_ = (("sid", POINTER), ("attributes", DWORD))


@contextlib.contextmanager
def restricted() -> Iterator[int]:
    """A token of this process's user, with which a program can be started as long as the block lasts.

    Of the user's groups only those count that every user is in; the others can only be denied something. It
    has no privilege but that of passing directories, and its integrity is low: it may write nothing that is
    not open to such processes. What a program makes with it is its user's and SYSTEM's. Raises OSError.
    """
    with security.own_token(_ASSIGN | _DUPLICATE | _QUERY | _ADJUST_DEFAULT) as ours:
        data, groups = _groups(ours)
        disabled = [group for group in groups if _is_disabled(group)]
        array = (_SidAndAttributes * len(disabled))(*disabled)
        made = ctypes.c_void_p()
        call = function(
            "advapi32",
            "CreateRestrictedToken",
            BOOL,
            *(HANDLE, DWORD, DWORD, POINTER, DWORD, POINTER, DWORD, POINTER, POINTER),
        )
        arguments = (len(disabled), ctypes.addressof(array), 0, None, 0, None, ctypes.addressof(made))
        check(call(ours, _NO_PRIVILEGES, *arguments))
        # The groups' SIDs lie in there.
        del data
    token = made.value or 0
    try:
        _set_default_dacl(token)
        _set_low_integrity(token)
        yield token
    finally:
        close(token)


def _groups(token: int) -> tuple[object, tuple[_SidAndAttributes, ...]]:
    """The groups in the token, as long as the first value lives."""
    call = function("advapi32", "GetTokenInformation", BOOL, HANDLE, DWORD, POINTER, DWORD, POINTER)
    needed = DWORD()
    call(token, _GROUPS, None, 0, ctypes.addressof(needed))
    buffer = ctypes.create_string_buffer(needed.value)
    check(call(token, _GROUPS, ctypes.addressof(buffer), len(buffer), ctypes.addressof(needed)))
    count = int.from_bytes(buffer.raw[:4], "little")
    # TOKEN_GROUPS: the array begins where a pointer may.
    array = (_SidAndAttributes * count).from_buffer(buffer, ctypes.sizeof(ctypes.c_void_p))
    return buffer, tuple(array)


def _is_disabled(group: _SidAndAttributes) -> bool:
    if group.attributes & _IS_INTEGRITY:
        return False
    sid = security.text_of_sid(group.sid)
    return sid not in _KEPT and not sid.startswith(_SESSION)


def _set_default_dacl(token: int) -> None:
    """An administrator's names the group alone, and the program could not open what it makes itself."""
    with security.descriptor(f"D:(A;;GA;;;SY)(A;;GA;;;{security.own_sid()})") as made:
        present, dacl, defaulted = BOOL(), ctypes.c_void_p(), BOOL()
        call = function("advapi32", "GetSecurityDescriptorDacl", BOOL, *(POINTER, POINTER, POINTER, POINTER))
        check(call(made, *map(ctypes.addressof, (present, dacl, defaulted))))
        _set(token, _DEFAULT_DACL, dacl, ctypes.sizeof(dacl))


def _set_low_integrity(token: int) -> None:
    sid = sid_bytes(_LOW)
    label = _SidAndAttributes(pointer_to(sid), _INTEGRITY_GROUP)
    _set(token, _INTEGRITY, label, ctypes.sizeof(label) + len(sid))


def _set(token: int, kind: int, data: ctypes.c_void_p | ctypes.Structure, size: int) -> None:
    call = function("advapi32", "SetTokenInformation", BOOL, HANDLE, DWORD, POINTER, DWORD)
    check(call(token, kind, ctypes.addressof(data), size))
