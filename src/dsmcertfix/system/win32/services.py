"""The service control manager: which services there are, in which state, and their stop and start."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dsmcertfix.system.win32.calls import (
    BOOL,
    DWORD,
    HANDLE,
    MORE_DATA,
    POINTER,
    TEXT,
    check,
    code_of,
    failure,
    function,
)

State = Literal["stopped", "starting", "stopping", "running", "resuming", "pausing", "paused", "unknown"]
_STATES: tuple[State, ...] = (
    "unknown",
    "stopped",
    "starting",
    "stopping",
    "running",
    "resuming",
    "pausing",
    "paused",
)

_CONNECT, _ENUMERATE = 0x0001, 0x0004
_QUERY_STATUS, _DEPENDENTS, _START, _STOP = 0x04, 0x08, 0x10, 0x20
_WIN32_SERVICES, _ALL_STATES, _ACTIVE = 0x30, 0x3, 0x1
_CONTROL_STOP = 1

ALREADY_RUNNING = 1056
NOT_ACTIVE = 1062


class _Status(ctypes.Structure):
    _fields_ = tuple(
        (name, DWORD)
        for name in ("kind", "state", "accepts", "exit", "own_exit", "point", "wait", "process", "flags")
    )


class _Short(ctypes.Structure):
    _fields_ = _Status._fields_[:7]


class _Listed(ctypes.Structure):
    _fields_ = (("name", TEXT), ("display", TEXT), ("status", _Status))


class _ListedShort(ctypes.Structure):
    _fields_ = (("name", TEXT), ("display", TEXT), ("status", _Short))


@dataclass(frozen=True, slots=True)
class Listed:
    """A service: its key's name, the name that people see, and its state now."""

    name: str
    display: str
    state: State


def listed() -> tuple[Listed, ...]:
    """Every service of the machine that is a program. Raises OSError."""
    call = function(
        "advapi32",
        "EnumServicesStatusExW",
        BOOL,
        *(HANDLE, DWORD, DWORD, DWORD, POINTER, DWORD, POINTER, POINTER, POINTER, TEXT),
    )
    with _manager(_CONNECT | _ENUMERATE) as manager:
        size, needed, count = 0x40000, DWORD(), DWORD()
        while True:
            buffer, resume = ctypes.create_string_buffer(size), DWORD()
            sizes = (ctypes.addressof(needed), ctypes.addressof(count), ctypes.addressof(resume))
            place = ctypes.addressof(buffer)
            if call(manager, 0, _WIN32_SERVICES, _ALL_STATES, place, size, *sizes, None):
                found = ctypes.cast(buffer, ctypes.POINTER(_Listed))
                rows = (found[number] for number in range(count.value))
                return tuple(Listed(row.name, row.display, _state(row.status.state)) for row in rows)
            error = failure()
            if code_of(error) != MORE_DATA or size > 0x4000000:
                raise error
            size += needed.value + 0x10000


def state(name: str) -> State:
    """The service's state now. Raises OSError."""
    with _service(name, _QUERY_STATUS) as service:
        return _state(_status(service, name).state)


def dependents(name: str) -> tuple[str, ...]:
    """The running services that cannot run without it, in the order in which they must be stopped."""
    call = function(
        "advapi32", "EnumDependentServicesW", BOOL, HANDLE, DWORD, POINTER, DWORD, POINTER, POINTER
    )
    with _service(name, _DEPENDENTS) as service:
        buffer, needed, count = ctypes.create_string_buffer(0x10000), DWORD(), DWORD()
        sizes = (ctypes.addressof(needed), ctypes.addressof(count))
        check(call(service, _ACTIVE, ctypes.addressof(buffer), len(buffer), *sizes), name)
        found = ctypes.cast(buffer, ctypes.POINTER(_ListedShort))
        return tuple(str(found[number].name) for number in range(count.value))


def stop(name: str) -> None:
    """The service was asked to stop; whether it has is for `state` to say. Raises OSError."""
    call = function("advapi32", "ControlService", BOOL, HANDLE, DWORD, POINTER)
    with _service(name, _STOP) as service:
        answer = _Short()
        check(call(service, _CONTROL_STOP, ctypes.addressof(answer)), name)


def start(name: str) -> None:
    """The service was asked to start; whether it runs is for `state` to say. Raises OSError."""
    with _service(name, _START) as service:
        check(function("advapi32", "StartServiceW", BOOL, HANDLE, DWORD, POINTER)(service, 0, None), name)


def _state(number: int) -> State:
    return _STATES[number] if number < len(_STATES) else "unknown"


def _status(service: int, name: str) -> _Status:
    call = function("advapi32", "QueryServiceStatusEx", BOOL, HANDLE, DWORD, POINTER, DWORD, POINTER)
    found, needed = _Status(), DWORD()
    check(call(service, 0, ctypes.addressof(found), ctypes.sizeof(found), ctypes.addressof(needed)), name)
    return found


@contextlib.contextmanager
def _manager(access: int) -> Iterator[int]:
    handle = check(function("advapi32", "OpenSCManagerW", HANDLE, TEXT, TEXT, DWORD)(None, None, access))
    try:
        yield handle
    finally:
        _close(handle)


@contextlib.contextmanager
def _service(name: str, access: int) -> Iterator[int]:
    with _manager(_CONNECT) as manager:
        call = function("advapi32", "OpenServiceW", HANDLE, HANDLE, TEXT, DWORD)
        handle = check(call(manager, name, access), name)
        try:
            yield handle
        finally:
            _close(handle)


def _close(handle: int) -> None:
    function("advapi32", "CloseServiceHandle", BOOL, HANDLE)(handle)
