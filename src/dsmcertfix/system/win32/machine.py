"""What this Windows and this process are called, and where the system has its directories.

Nothing is taken from the environment, which whoever started this process has made.
"""

from __future__ import annotations

import ctypes
from functools import cache

from dsmcertfix.system.win32.calls import (
    BOOL,
    DWORD,
    HANDLE,
    POINTER,
    TEXT,
    check,
    close,
    exists,
    function,
    pointer_to,
)

# FOLDERID_… of knownfolders.h.
_FOLDERS = {
    "ProgramData": "62AB5D82-FDC1-4DC3-A9DD-070D1D495D97",
    "ProgramFiles": "905E63B6-C1BF-494E-B29C-65B732D3D21A",
    "CommonPrograms": "0139D44E-6AFE-49F2-8690-3DAFCAE6FFB8",
    "CommonDesktop": "C4AA340D-F20F-4863-AFEF-F87EF2E6BA25",
    "CommonStartup": "82A5EA35-D9CD-47C5-9629-E15D2F714E6E",
    "Public": "DFDF76A2-C82A-4D63-906A-5644AC457385",
    "UserProfiles": "0762D272-C50A-4BB0-A382-697DCD729B80",
    "LocalAppData": "F1B32785-6FBA-4FCF-9D55-7B8E7F157091",
    "RoamingAppData": "3EB685DB-65F9-4CF6-A03A-E3EF65729F3D",
}
_REDIRECTION_TRUST = 16
_QUERY = 0x0008


@cache
def system_directory() -> str:
    """`C:\\Windows\\System32`."""
    return _text("GetSystemDirectoryW")


@cache
def windows_directory() -> str:
    """`C:\\Windows`, also for a session of a terminal server."""
    return _text("GetSystemWindowsDirectoryW")


def _text(called: str) -> str:
    buffer = ctypes.create_unicode_buffer(0x8000)
    check(function("kernel32", called, DWORD, TEXT, DWORD)(buffer, len(buffer)))
    return buffer.value


@cache
def folder(name: str) -> str | None:
    """A known folder of the machine or of this process's user, by the names above; None without one."""
    import uuid

    identifier = uuid.UUID(_FOLDERS[name]).bytes_le
    call = function("shell32", "SHGetKnownFolderPath", ctypes.c_long, POINTER, DWORD, HANDLE, POINTER)
    found = ctypes.c_void_p()
    if call(pointer_to(identifier), 0, None, ctypes.addressof(found)) or not found.value:
        return None
    try:
        return ctypes.wstring_at(found.value)
    finally:
        function("ole32", "CoTaskMemFree", None, POINTER)(found)


@cache
def computer_name() -> str:
    """The machine's NetBIOS name, which is a client's node name where none is given."""
    buffer, size = ctypes.create_unicode_buffer(256), DWORD(256)
    check(function("kernel32", "GetComputerNameW", BOOL, TEXT, POINTER)(buffer, ctypes.addressof(size)))
    return buffer.value


@cache
def user_name() -> str:
    """The name of this process's user."""
    buffer, size = ctypes.create_unicode_buffer(256), DWORD(256)
    check(function("advapi32", "GetUserNameW", BOOL, TEXT, POINTER)(buffer, ctypes.addressof(size)))
    return buffer.value


@cache
def profile_directory() -> str | None:
    """The profile of this process's user; None where it has none."""
    process = function("kernel32", "GetCurrentProcess", HANDLE)()
    token, buffer, size = ctypes.c_void_p(), ctypes.create_unicode_buffer(1024), DWORD(1024)
    opened = function("advapi32", "OpenProcessToken", BOOL, HANDLE, DWORD, POINTER)
    check(opened(process, _QUERY, ctypes.addressof(token)))
    try:
        call = function("userenv", "GetUserProfileDirectoryW", BOOL, HANDLE, TEXT, POINTER)
        return buffer.value if call(token, buffer, ctypes.addressof(size)) else None
    finally:
        close(token.value or 0)


@cache
def ansi_code_page() -> int:
    """The code page of programs that know no Unicode, as 1252."""
    return int(function("kernel32", "GetACP", DWORD)())


def refuse_foreign_junctions() -> bool:
    """From now on this process follows no junction that an ordinary user made; whether Windows can do that.

    RedirectionGuard: Windows 11, and Windows 10 22H2 with updates. Programs that we start do not have it.
    """
    if not exists("kernel32", "SetProcessMitigationPolicy"):
        return False
    wanted = DWORD(1)
    call = function("kernel32", "SetProcessMitigationPolicy", BOOL, DWORD, POINTER, ctypes.c_size_t)
    return bool(call(_REDIRECTION_TRUST, ctypes.addressof(wanted), ctypes.sizeof(wanted)))
