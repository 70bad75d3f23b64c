"""The Application event log."""

from __future__ import annotations

import ctypes
from typing import Literal

from dsmcertfix.system.win32.calls import BOOL, DWORD, HANDLE, POINTER, TEXT, check, function

Kind = Literal["error", "warning", "information"]
_KINDS: dict[Kind, int] = {"error": 1, "warning": 2, "information": 4}
_WORD = ctypes.c_uint16
# ReportEvent takes 31,839 characters a string.
_LONGEST = 31_000


def report(source: str, kind: Kind, number: int, text: str) -> None:
    """The text is in the Application log, from that source, with that event number. Raises OSError.

    A source that nobody registered (the installer does) is shown with a remark that its text is missing.
    """
    register = function("advapi32", "RegisterEventSourceW", HANDLE, TEXT, TEXT)
    call = function(
        "advapi32",
        "ReportEventW",
        BOOL,
        *(HANDLE, _WORD, _WORD, DWORD, POINTER, _WORD, DWORD, POINTER, POINTER),
    )
    log = check(register(None, source))
    try:
        texts = (ctypes.c_wchar_p * 1)(text[:_LONGEST])
        check(call(log, _KINDS[kind], 0, number, None, 1, 0, ctypes.addressof(texts), None))
    finally:
        function("advapi32", "DeregisterEventSource", BOOL, HANDLE)(log)
