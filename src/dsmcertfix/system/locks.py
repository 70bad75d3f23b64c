"""The lock that keeps two runs apart: a kernel lock, which ends with its process.

Its file stays, since removing it would let two runs in.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from dsmcertfix.errors import Busy
from dsmcertfix.system import private


@contextlib.contextmanager
def alone(path: Path, wait_s: float) -> Iterator[None]:
    """Only one run at a time is inside. Raises Busy when another one is for longer than `wait_s` seconds.

    Raises as `private.keeping` does when the lock cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=wait_s, mode=0o600)
    with private.keeping(path):
        try:
            lock.acquire()
        except Timeout:
            raise Busy(
                "another-run",
                "another run of dsmcertfix is at work on this machine",
                context=(f"lock: {path}",),
            ) from None
    try:
        yield
    finally:
        lock.release()


def held(path: Path) -> bool:
    """Whether a run holds the lock now."""
    from filelock import FileLock

    if not path.exists():
        return False
    lock = FileLock(path, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except OSError:  # filelock's Timeout is one
        return True
    lock.release()
    return False
