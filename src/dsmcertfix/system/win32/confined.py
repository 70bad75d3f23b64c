"""Starts a program with a restricted token, in a job with limits, and with no handle but those named."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Mapping, Sequence

from dsmcertfix.system.win32 import jobs, tokens
from dsmcertfix.system.win32.calls import BOOL, DWORD, HANDLE, POINTER, TEXT, check, close, function

_UNICODE, _EXTENDED, _DETACHED = 0x400, 0x80000, 0x8
_HANDLE_LIST = 0x20002


class _Startup(ctypes.Structure):
    _fields_ = (
        ("size", DWORD),
        ("reserved", TEXT),
        ("desktop", TEXT),
        ("title", TEXT),
        ("numbers", DWORD * 7),
        ("flags", DWORD),
        ("window", ctypes.c_uint16),
        ("reserved_size", ctypes.c_uint16),
        ("more_reserved", POINTER),
        ("standard", HANDLE * 3),
        ("attributes", POINTER),
    )


class _Information(ctypes.Structure):
    _fields_ = (("process", HANDLE), ("thread", HANDLE), ("number", DWORD), ("thread_number", DWORD))


class Confined:
    """The started program. `process` is a handle of it, which is signalled when it has ended."""

    def __init__(self, process: int, number: int, job: jobs.Job):
        self.process = process
        self.number = number
        self._job = job

    def status(self) -> int:
        """Its exit code, when it has ended. Raises OSError."""
        status = DWORD()
        call = function("kernel32", "GetExitCodeProcess", BOOL, HANDLE, POINTER)
        check(call(self.process, ctypes.addressof(status)))
        return status.value

    def close(self) -> None:
        """It has ended."""
        self._job.end()
        self._job.close()
        close(self.process)


def started(
    command: str,
    program: str,
    *,
    directory: str,
    environment: Mapping[str, str],
    handles: Sequence[int],
    limits: jobs.JobLimits,
) -> Confined:
    """`program` runs with that command line, confined. It has no console, and no input or output.

    Raises OSError; then it does not run.
    """
    job = jobs.Job(limits)
    try:
        with tokens.restricted() as token, _only(handles) as attributes:
            made = _create(token, command, program, directory, _block(environment), attributes)
        try:
            job.start(made.process or 0)
        except OSError:
            function("kernel32", "TerminateProcess", BOOL, HANDLE, DWORD)(made.process, 1)
            close(made.process or 0)
            raise
        finally:
            close(made.thread or 0)
    except OSError:
        job.close()
        raise
    return Confined(made.process or 0, made.number, job)


def _create(
    token: int, command: str, program: str, directory: str, block: str, attributes: int
) -> _Information:
    startup, made = _Startup(size=ctypes.sizeof(_Startup), attributes=attributes), _Information()
    call = function(
        "advapi32",
        "CreateProcessAsUserW",
        BOOL,
        *(HANDLE, TEXT, TEXT, POINTER, POINTER, BOOL, DWORD, TEXT, TEXT, POINTER, POINTER),
    )
    # Windows writes into the command line.
    line = ctypes.create_unicode_buffer(command)
    flags = jobs.SUSPENDED | _UNICODE | _EXTENDED | _DETACHED
    pointers = ctypes.addressof(startup), ctypes.addressof(made)
    check(call(token, program, line, None, None, 1, flags, block, directory, *pointers), program)
    return made


def _block(environment: Mapping[str, str]) -> str:
    # Windows wants it sorted, without regard to case.
    names = sorted(environment, key=str.upper)
    return "".join(f"{name}={environment[name]}\0" for name in names) + "\0"


@contextlib.contextmanager
def _only(handles: Sequence[int]) -> Iterator[int]:
    """The attributes of a program that inherits these handles and no others."""
    array, size = (ctypes.c_void_p * len(handles))(*handles), ctypes.c_size_t()
    initialise = function(
        "kernel32", "InitializeProcThreadAttributeList", BOOL, POINTER, DWORD, DWORD, POINTER
    )
    initialise(None, 1, 0, ctypes.addressof(size))
    room = ctypes.create_string_buffer(size.value)
    attributes = ctypes.addressof(room)
    check(initialise(attributes, 1, 0, ctypes.addressof(size)))
    try:
        update = function(
            "kernel32",
            "UpdateProcThreadAttribute",
            BOOL,
            *(POINTER, DWORD, ctypes.c_size_t, POINTER, ctypes.c_size_t, POINTER, POINTER),
        )
        inherited = ctypes.addressof(array), ctypes.sizeof(array)
        check(update(attributes, 0, _HANDLE_LIST, *inherited, None, None))
        yield attributes
    finally:
        function("kernel32", "DeleteProcThreadAttributeList", None, POINTER)(attributes)
