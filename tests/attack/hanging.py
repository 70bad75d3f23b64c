"""A file system that never answers: a FUSE mount whose program reads no request."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

from tests.shown import not_shown

_DETACH = 2


@contextlib.contextmanager
def never_answering(point: Path, kind: str = "fuse.sshfs") -> Iterator[None]:
    """At `point` is a file system that never answers; not shown where none can be mounted."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        not_shown(f"a file system that never answers: /dev/fuse cannot be opened ({error.strerror})")
    try:
        options = f"fd={device},rootmode=40755,user_id=0,group_id=0,allow_other".encode()
        if libc.mount(b"dead", os.fsencode(point), kind.encode(), 0, options) != 0:
            reason = os.strerror(ctypes.get_errno())
            not_shown(f"a file system that never answers: FUSE cannot be mounted ({reason})")
        try:
            yield
        finally:
            libc.umount2(os.fsencode(point), _DETACH)
    finally:
        # Whoever still waits gets an error now.
        os.close(device)
