"""Owners, DACLs, SIDs, and who this process is."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from functools import cache

from dsmcertfix.system.win32.calls import (
    BOOL,
    DWORD,
    HANDLE,
    POINTER,
    TEXT,
    check,
    close,
    failure,
    free,
    function,
    pointer_to,
)
from dsmcertfix.system.win32.descriptor import (
    ADMINISTRATORS,
    Descriptor,
    comparable,
    read_descriptor,
    settable,
    sid_bytes,
)

_OWNER, _DACL = 0x1, 0x4
_QUERY, _ADJUST = 0x0008, 0x0020
_QUERY_LIMITED = 0x1000
_TOKEN_USER = 1
_ENABLED = 0x2
_SDDL_1 = 1


class _Privilege(ctypes.Structure):
    _fields_ = (("count", DWORD), ("low", DWORD), ("high", ctypes.c_int32), ("attributes", DWORD))


def descriptor_of(handle: int) -> Descriptor:
    """Owner and DACL of what is open; the handle needs READ_CONTROL. Raises OSError."""
    return read_descriptor(_raw(handle))


def sddl_of(handle: int) -> str:
    """The same as text, comparable with other texts of this function."""
    raw, text = _raw(handle), ctypes.c_void_p()
    call = function(
        "advapi32",
        "ConvertSecurityDescriptorToStringSecurityDescriptorW",
        BOOL,
        *(POINTER, DWORD, DWORD, POINTER, POINTER),
    )
    check(call(pointer_to(raw), _SDDL_1, _OWNER | _DACL, ctypes.addressof(text), None))
    try:
        return comparable(ctypes.wstring_at(text.value or 0))
    finally:
        free(text.value)


def _raw(handle: int) -> bytes:
    call = function("advapi32", "GetKernelObjectSecurity", BOOL, HANDLE, DWORD, POINTER, DWORD, POINTER)
    size, needed = 1024, DWORD()
    while True:
        buffer = ctypes.create_string_buffer(size)
        if call(handle, _OWNER | _DACL, ctypes.addressof(buffer), size, ctypes.addressof(needed)):
            return buffer.raw[: needed.value or size]
        error = failure()
        if needed.value <= size:
            raise error
        size = needed.value


def set_security(handle: int, sddl: str) -> None:
    """What is open has that owner and DACL; the handle needs WRITE_DAC and WRITE_OWNER. Raises OSError."""
    call = function("advapi32", "SetKernelObjectSecurity", BOOL, HANDLE, DWORD, POINTER)
    with descriptor(settable(sddl)) as made, privilege("SeRestorePrivilege"):
        check(call(handle, _OWNER | _DACL, made))


@contextlib.contextmanager
def descriptor(sddl: str) -> Iterator[int]:
    """The security descriptor that the text describes, as long as the block lasts. Raises OSError."""
    made = ctypes.c_void_p()
    call = function(
        "advapi32",
        "ConvertStringSecurityDescriptorToSecurityDescriptorW",
        BOOL,
        *(TEXT, DWORD, POINTER, POINTER),
    )
    check(call(sddl, _SDDL_1, ctypes.addressof(made), None))
    try:
        yield made.value or 0
    finally:
        free(made.value)


@contextlib.contextmanager
def privilege(name: str) -> Iterator[None]:
    """The privilege is in force inside, if this process has it. SYSTEM has it, switched off."""
    with own_token(_QUERY | _ADJUST) as token:
        before = _switch(token, name, on=True)
        try:
            yield
        finally:
            if before:
                _switch(token, name, on=False)


def _switch(token: int, name: str, *, on: bool) -> bool:
    """Whether the privilege was switched: it was there, and in the other state."""
    lookup = function("advapi32", "LookupPrivilegeValueW", BOOL, TEXT, TEXT, POINTER)
    adjust = function(
        "advapi32", "AdjustTokenPrivileges", BOOL, HANDLE, BOOL, POINTER, DWORD, POINTER, POINTER
    )
    new, old, size = _Privilege(1, 0, 0, _ENABLED if on else 0), _Privilege(), DWORD()
    if not lookup(None, name, ctypes.addressof(new) + _Privilege.low.offset):
        return False
    room = ctypes.sizeof(_Privilege)
    done = adjust(token, 0, ctypes.addressof(new), room, ctypes.addressof(old), ctypes.addressof(size))
    return bool(done) and old.count == 1


def own_token(access: int) -> contextlib.AbstractContextManager[int]:
    """This process's token, open with that access as long as the block lasts. Raises OSError."""
    return _token(function("kernel32", "GetCurrentProcess", HANDLE)(), access)


@contextlib.contextmanager
def _token(process: int, access: int) -> Iterator[int]:
    token = ctypes.c_void_p()
    call = function("advapi32", "OpenProcessToken", BOOL, HANDLE, DWORD, POINTER)
    check(call(process, access, ctypes.addressof(token)))
    try:
        yield token.value or 0
    finally:
        close(token.value or 0)


@cache
def own_sid() -> str:
    """Who this process is."""
    return _user(function("kernel32", "GetCurrentProcess", HANDLE)())


def sid_of_process(number: int) -> str:
    """Who that process is. Raises OSError when it ended, or is not for us to look at."""
    process = function("kernel32", "OpenProcess", HANDLE, DWORD, BOOL, DWORD)(_QUERY_LIMITED, 0, number)
    check(process)
    try:
        return _user(process)
    finally:
        close(process)


def _user(process: int) -> str:
    with _token(process, _QUERY) as token:
        call = function("advapi32", "GetTokenInformation", BOOL, HANDLE, DWORD, POINTER, DWORD, POINTER)
        buffer, needed = ctypes.create_string_buffer(256), DWORD()
        check(call(token, _TOKEN_USER, ctypes.addressof(buffer), len(buffer), ctypes.addressof(needed)))
        return text_of_sid(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_void_p))[0] or 0)


def text_of_sid(pointer: int) -> str:
    """The SID at that place in memory, as text."""
    text = ctypes.c_void_p()
    check(
        function("advapi32", "ConvertSidToStringSidW", BOOL, POINTER, POINTER)(
            pointer, ctypes.addressof(text)
        )
    )
    try:
        return ctypes.wstring_at(text.value or 0)
    finally:
        free(text.value)


@cache
def is_administrator() -> bool:
    """Whether this process has the rights of the administrators' group: SYSTEM has, an elevated user has."""
    answer, sid = BOOL(), sid_bytes(ADMINISTRATORS)
    call = function("advapi32", "CheckTokenMembership", BOOL, HANDLE, POINTER, POINTER)
    check(call(None, pointer_to(sid), ctypes.addressof(answer)))
    return bool(answer.value)


@cache
def administrators() -> frozenset[str]:
    """The SIDs that the administrators' group of this machine names; no other machine is asked.

    Empty where that cannot be told.
    """
    name = _builtin_name(ADMINISTRATORS)
    if name is None:
        return frozenset()
    call = function(
        "netapi32",
        "NetLocalGroupGetMembers",
        DWORD,
        *(TEXT, TEXT, DWORD, POINTER, DWORD, POINTER, POINTER, POINTER),
    )
    found, count, total = ctypes.c_void_p(), DWORD(), DWORD()
    places = (ctypes.addressof(found), 0xFFFFFFFF, ctypes.addressof(count), ctypes.addressof(total))
    if call(None, name, 0, *places, None) or not found.value:
        return frozenset()
    members = ctypes.cast(found, ctypes.POINTER(ctypes.c_void_p))
    sids = frozenset(text_of_sid(members[number] or 0) for number in range(count.value))
    function("netapi32", "NetApiBufferFree", DWORD, POINTER)(found)
    return sids


def _builtin_name(sid: str) -> str | None:
    """The name that this Windows, in its language, gives to a group of its own."""
    call = function(
        "advapi32",
        "LookupAccountSidW",
        BOOL,
        *(TEXT, POINTER, POINTER, POINTER, POINTER, POINTER, POINTER),
    )
    name, domain, use = ctypes.create_unicode_buffer(256), ctypes.create_unicode_buffer(256), DWORD()
    sizes = (DWORD(256), DWORD(256))
    data = sid_bytes(sid)
    done = call(
        None,
        pointer_to(data),
        ctypes.addressof(name),
        ctypes.addressof(sizes[0]),
        ctypes.addressof(domain),
        ctypes.addressof(sizes[1]),
        ctypes.addressof(use),
    )
    return name.value if done else None
