"""IBM's libraries in this process: loaded by their paths, never searched for; and sockets for them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

_MODE = getattr(os, "RTLD_NOW", 0) | getattr(os, "RTLD_GLOBAL", 0)
_SYSTEM_ONLY = 0x800
"""LOAD_LIBRARY_SEARCH_SYSTEM32: where Windows looks for what is not loaded yet."""


def loaded(library: Path, beside: str) -> Any:
    """The library at that path, with those that match `beside` in its directory loaded before it.

    None when it does not load.
    """
    left = sorted(library.parent.glob(beside))
    while left:
        # One does not load while another that it needs is not.
        rest = [file for file in left if _load(file) is None]
        if len(rest) == len(left):
            break
        left = rest
    return _load(library)


def _load(library: Path) -> Any:
    import ctypes

    try:
        return ctypes.CDLL(str(library), mode=_MODE, winmode=_SYSTEM_ONLY)
    except OSError:
        return None


def give_up_after(limit_s: float, plain: socket.socket) -> None:
    """The socket blocks, as IBM's libraries want it, and gives up on a peer that says nothing for so long."""
    import socket
    import struct

    plain.settimeout(None)
    seconds = max(1, int(limit_s))
    value = seconds * 1000 if os.name == "nt" else struct.pack("ll", seconds, 0)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        plain.setsockopt(socket.SOL_SOCKET, option, value)
