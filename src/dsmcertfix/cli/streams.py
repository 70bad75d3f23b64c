"""The standard streams of the process, which whoever started it may have closed (`>&-`, a launcher)."""

from __future__ import annotations

import os
import sys


def open_streams() -> None:
    """The descriptors 0, 1 and 2 are open, and `sys.stdin`, `sys.stdout` and `sys.stderr` are streams.

    What was closed leads nowhere. So no file that is opened later gets one of these numbers: what is meant
    for people would be written into a journal or a key database.
    """
    for number in range(3):
        _open(number)
    # Python has None for a stream that was closed when it started.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8", errors="backslashreplace"))


def _open(number: int) -> None:
    """The descriptor is open; one that was closed leads nowhere, here and in programs that are started."""
    try:
        os.fstat(number)
    except OSError:
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere == number:
            os.set_inheritable(number, True)
        else:
            os.dup2(nowhere, number)
            os.close(nowhere)
