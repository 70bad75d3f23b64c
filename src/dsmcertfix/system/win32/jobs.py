"""Job objects: a program and whatever it starts, ended together, and kept within limits."""

from __future__ import annotations

import ctypes

from dsmcertfix import NamedTuple
from dsmcertfix.system.win32.calls import BOOL, DWORD, HANDLE, POINTER, TEXT, check, close, failure, function

SUSPENDED = 0x00000004
NEW_PROCESS_GROUP = 0x00000200
NO_WINDOW = 0x08000000

_KILL_ON_CLOSE = 0x2000
_PROCESS_TIME, _PROCESSES, _PROCESS_MEMORY, _NO_DIALOGUE = 0x2, 0x8, 0x100, 0x400
_UI_LIMITS, _EXTENDED_LIMITS = 4, 9
_NO_UI = 0xFF
_SECOND = 10_000_000
"""What Windows counts a second in."""


class _Basic(ctypes.Structure):
    _fields_ = (
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("flags", DWORD),
        ("least_set", ctypes.c_size_t),
        ("largest_set", ctypes.c_size_t),
        ("processes", DWORD),
        ("affinity", ctypes.c_size_t),
        ("priority", DWORD),
        ("scheduling", DWORD),
    )


class _Extended(ctypes.Structure):
    _fields_ = (("basic", _Basic), ("counters", ctypes.c_uint64 * 6), ("memory", ctypes.c_size_t * 4))


class JobLimits(NamedTuple):
    """What one program, alone in its job and without windows, may take: bytes that it commits, seconds."""

    memory: int
    cpu_s: int


class Job:
    """A job that ends with this process, and with it every program in it, however this process ends."""

    def __init__(self, limits: JobLimits | None = None) -> None:
        create = function("kernel32", "CreateJobObjectW", HANDLE, POINTER, TEXT)
        self._handle = int(check(create(None, None)))
        wanted = _Extended()
        wanted.basic.flags = _KILL_ON_CLOSE
        try:
            if limits is not None:
                wanted.basic.flags |= _PROCESS_TIME | _PROCESSES | _PROCESS_MEMORY | _NO_DIALOGUE
                wanted.basic.process_time, wanted.basic.processes = limits.cpu_s * _SECOND, 1
                wanted.memory[0] = limits.memory
                self._set(_UI_LIMITS, DWORD(_NO_UI))
            self._set(_EXTENDED_LIMITS, wanted)
        except OSError:
            self.close()
            raise

    def _set(self, kind: int, wanted: ctypes.Structure | DWORD) -> None:
        call = function("kernel32", "SetInformationJobObject", BOOL, HANDLE, DWORD, POINTER, DWORD)
        check(call(self._handle, kind, ctypes.addressof(wanted), ctypes.sizeof(wanted)))

    def start(self, process: int) -> None:
        """The program, which was started SUSPENDED, is in the job and runs: nothing of it was ever outside.

        Raises OSError; then it does not run.
        """
        check(function("kernel32", "AssignProcessToJobObject", BOOL, HANDLE, HANDLE)(self._handle, process))
        resume(process)

    def end(self) -> None:
        """Every program in the job has been ended."""
        function("kernel32", "TerminateJobObject", BOOL, HANDLE, DWORD)(self._handle, 1)

    def close(self) -> None:
        """The job is gone, with every program that is still in it."""
        close(self._handle)


def resume(process: int) -> None:
    """Every thread of the program runs. Raises OSError."""
    status = function("ntdll", "NtResumeProcess", ctypes.c_long, HANDLE)(process)
    if status < 0:
        raise failure(code=function("ntdll", "RtlNtStatusToDosError", DWORD, ctypes.c_long)(status))


def set_dll_directory(path: str | None) -> None:
    """What programs started from now on search for libraries before the system's; None for nothing."""
    function("kernel32", "SetDllDirectoryW", BOOL, TEXT)(path)


def dll_directory() -> str | None:
    """The directory that `set_dll_directory` named last, or that a frozen program was started with."""
    text = ctypes.create_unicode_buffer(0x8000)
    call = function("kernel32", "GetDllDirectoryW", DWORD, DWORD, TEXT)
    return text.value if call(len(text), text) else None
