"""`dsmcad`, played: a process of that name that does nothing until told to end, or for ten minutes."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading

PR_SET_NAME = 15
LIFETIME_S = 600.0


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, b"dsmcad", 0, 0, 0)
    over.wait(LIFETIME_S)


if __name__ == "__main__":
    main()
