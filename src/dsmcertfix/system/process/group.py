"""A program with everything that it starts, as one: a session of its own, on Windows a job that ends with us.

Knows how systems do that; which program is started, and how long it may run, is `process`'s.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dsmcertfix.system.win32.jobs import Job

WINDOWS = os.name == "nt"


class Program(Protocol):
    """A started program, as `subprocess.Popen` is one. Windows gives it a handle besides."""

    pid: int
    returncode: int | Any

    def kill(self) -> None:
        """It was ended."""
        ...


_jobs: dict[Program, Job] = {}


def apart() -> dict[str, Any]:
    """What makes a started program the first of a group of its own. On Windows `hold` lets it run."""
    if not WINDOWS:
        return {"start_new_session": True}
    from dsmcertfix.system.win32 import jobs

    # Suspended until it is in its job, so that nothing it starts is ever outside.
    return {"creationflags": jobs.SUSPENDED | jobs.NEW_PROCESS_GROUP | jobs.NO_WINDOW}


def hold(process: Program) -> None:
    """The program, started `apart`, runs and can be ended as a whole. Raises OSError; then it is gone."""
    if not WINDOWS:
        return
    from dsmcertfix.system.win32.jobs import Job

    try:
        job = Job()
        _jobs[process] = job
        handle: Any = process
        job.start(int(handle._handle))
    except OSError:
        process.kill()
        let_go(process)
        raise


def signal_group(process: Program, number: int) -> None:
    """The program's whole group was sent a signal, as far as there is one and we may.

    On Windows it was ended: nothing gentler reaches a program without a window.
    """
    job = _jobs.get(process)
    if job is not None:
        job.end()
    # Without waitid a program that has ended has lost its number: better spare its group than hit another's.
    elif process.returncode is None and hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


def let_go(process: Program) -> None:
    """Nothing is kept for the group any more; on Windows, whatever is left of it ends."""
    job = _jobs.pop(process, None)
    if job is not None:
        job.close()


@contextmanager
def own_libraries_hidden() -> Iterator[None]:
    """A program started inside does not search the frozen tool's libraries, which Windows would hand down."""
    if not (WINDOWS and getattr(sys, "frozen", False)):
        yield
        return
    from dsmcertfix.system.win32 import jobs

    ours = jobs.dll_directory()
    jobs.set_dll_directory(None)
    try:
        yield
    finally:
        jobs.set_dll_directory(ours)
