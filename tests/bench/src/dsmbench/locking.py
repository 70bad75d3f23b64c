"""One holder of an open file at a time, over processes, on every system the bench runs on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def held(file: IO[str]) -> Iterator[None]:
        """This process holds the file; waits for others."""
        while True:
            file.seek(0)
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                break
            except OSError:
                time.sleep(0.01)
        try:
            yield
        finally:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    @contextmanager
    def held(file: IO[str]) -> Iterator[None]:
        """This process holds the file; waits for others."""
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
