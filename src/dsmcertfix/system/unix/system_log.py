"""The system's own log: the journal with its fields where systemd has one, else syslog; never in the way.

The journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) is one datagram of `FIELD=value` lines. It
is spoken here because that is all there is to it, and systemd's own Python module needs a compiler.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from dsmcertfix.system.base import Places

IDENTIFIER = "dsmcertfix"
_JOURNAL = "/run/systemd/journal/socket"
# Linux, AIX and the BSDs; macOS.
_SYSLOG = ("/dev/log", "/var/run/syslog")
_FACILITY_DAEMON = 3
# What a syslog daemon takes for certain (RFC 3164); the log file has the whole line.
_LONGEST = 1000
_PATIENCE_S = 0.5


class SystemLog:
    """The journal or syslog of the machine, whichever there is; without one, nothing happens.

    A daemon that is slow is waited for once, a moment; after that, what it does not take at once is lost.
    """

    def __init__(self, places: Places):
        self._journal = _socket_at(places.below(_JOURNAL))
        syslog = (
            None if self._journal else next(filter(None, map(_socket_at, map(places.below, _SYSLOG))), None)
        )
        self._path = self._journal or syslog
        self._socket: socket.socket | None = None
        self._patience_s = _PATIENCE_S

    def write(self, priority: int, message: str, fields: Mapping[str, str]) -> bool:
        """Whether the daemon took it; `priority` is that of syslog (3 error, 4 warning, 6 information)."""
        if self._path is None:
            return False
        data = _journal_entry(priority, message, fields) if self._journal else _syslog_line(priority, message)
        try:
            self._connected(self._path).send(data)
        except TimeoutError:
            self._patience_s = 0.0
            self.close()
            return False
        except (OSError, ValueError):
            self.close()
            return False
        return True

    def close(self) -> None:
        """The connection is closed; the next message opens it again."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None

    def _connected(self, path: Path) -> socket.socket:
        import socket

        if self._socket is None:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0))
            made.settimeout(self._patience_s)
            try:
                made.connect(str(path))
            except OSError:
                made.close()
                raise
            self._socket = made
        return self._socket


def _socket_at(path: Path) -> Path | None:
    import socket

    with contextlib.suppress(OSError):
        if hasattr(socket, "AF_UNIX") and path.is_socket():
            return path
    return None


def _journal_entry(priority: int, message: str, fields: Mapping[str, str]) -> bytes:
    entry = {"MESSAGE": message, "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": IDENTIFIER}
    entry |= {f"DSMCERTFIX_{name.upper()}": value for name, value in fields.items()}
    return b"".join(_field(name, value.encode("utf-8", "backslashreplace")) for name, value in entry.items())


def _field(name: str, value: bytes) -> bytes:
    if b"\n" not in value:
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


def _syslog_line(priority: int, message: str) -> bytes:
    # Without a time: the local daemon puts its own in, as it does for syslog(3).
    head = f"<{_FACILITY_DAEMON * 8 + priority}>{IDENTIFIER}[{os.getpid()}]: "
    return (head + message).encode("ascii", "backslashreplace")[:_LONGEST]
