"""Services of a played client: known to the service manager, with a program that starts and stops."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

assert sys.platform == "win32"

# Made by a compiler, where there is one: scripts/wine.sh puts it beside python.exe.
PROGRAM = Path(sys.base_prefix) / "dsmbench-service.exe"
ALL_ACCESS = 0xF003F
OWN_PROCESS, ON_DEMAND, NORMAL = 0x10, 3, 1
STOP, STOPPED = 1, 1

_advapi = ctypes.WinDLL("advapi32", use_last_error=True)
for _name in ("OpenSCManagerW", "CreateServiceW", "OpenServiceW"):
    getattr(_advapi, _name).restype = ctypes.c_void_p


class _Status(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("kind", "state", "accepts", "a", "b", "c", "d"))


def install(name: str, display: str, directory: Path, arguments: str) -> None:
    """The service manager has that service; its program is `dsmcsvc.exe` in `directory`.

    Raises FileNotFoundError when no played service was compiled here, OSError when the manager refuses.
    """
    program = directory / "dsmcsvc.exe"
    if not program.exists():
        shutil.copy2(PROGRAM, program)
    line = f'"{program}" {arguments}'.rstrip()
    with _manager() as manager:
        kinds = (ALL_ACCESS, OWN_PROCESS, ON_DEMAND, NORMAL)
        made = _advapi.CreateServiceW(
            ctypes.c_void_p(manager), name, display, *kinds, line, None, None, None, None, None
        )
        _close(_required(made))


def start(name: str) -> None:
    """The service was told to start. Raises OSError when it is not there, or does not start."""
    with _service(name) as service:
        _required(_advapi.StartServiceW(ctypes.c_void_p(service), 0, None))


def running(name: str) -> bool:
    """Whether it runs. Raises OSError when it is not there."""
    status = _Status()
    with _service(name) as service:
        _required(_advapi.QueryServiceStatus(ctypes.c_void_p(service), ctypes.byref(status)))
    return int(status.state) != STOPPED


def remove(name: str) -> None:
    """The service and its process are gone. Raises OSError or psutil.Error when there was none."""
    process = psutil.win_service_get(name).pid()
    with _service(name) as service:
        _advapi.ControlService(ctypes.c_void_p(service), STOP, ctypes.byref(_Status()))
        _required(_advapi.DeleteService(ctypes.c_void_p(service)))
    if process:
        with suppress(OSError):  # it stopped when it was told
            os.kill(process, signal.SIGTERM)


@contextmanager
def _manager() -> Iterator[int]:
    manager = _required(_advapi.OpenSCManagerW(None, None, ALL_ACCESS))
    try:
        yield manager
    finally:
        _close(manager)


@contextmanager
def _service(name: str) -> Iterator[int]:
    with _manager() as manager:
        service = _required(_advapi.OpenServiceW(ctypes.c_void_p(manager), name, ALL_ACCESS))
        try:
            yield service
        finally:
            _close(service)


def _close(handle: int) -> None:
    _advapi.CloseServiceHandle(ctypes.c_void_p(handle))


def _required(handle: int | None) -> int:
    if not handle:
        raise ctypes.WinError(ctypes.get_last_error())
    return handle
