"""How a program ended and what it said: the beginning and the end of it, however much it is."""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from dsmcertfix.wording import printable

_CHUNK = 1 << 20


class Output:
    """One output, read as it comes, its beginning and end kept.

    Read without waiting, by whoever waits for the program; where a pipe cannot be read so, by a thread. Not
    by one where this process forks: a process with threads must not.
    """

    def __init__(self, pipe: IO[bytes], limit: int):
        self.truncated = False
        self._pipe = pipe
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self._ended = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        if hasattr(os, "fork"):
            os.set_blocking(pipe.fileno(), False)
        else:
            self._thread = threading.Thread(target=self._read, name="output", daemon=True)
            self._thread.start()

    def take(self) -> bool:
        """What has come was read, some of it if it is much; whether there was anything."""
        if self._thread is not None or self._ended:
            return False
        try:
            chunk = self._pipe.read(_CHUNK)
        except OSError:
            chunk = b""
        if chunk is None:
            return False
        self._ended = not chunk
        self._keep(chunk)
        return bool(chunk)

    def at_end(self) -> bool:
        """Whether nothing more can come."""
        return self._ended

    def close(self) -> None:
        """Nothing more is read."""
        if self._thread is None:
            self._pipe.close()

    def text(self) -> str:
        """What was kept, bytes that are no UTF-8 replaced."""
        with self._lock:
            gap = b"\n[...]\n" if self.truncated else b""
            kept = bytes(self._head) + gap + bytes(self._tail)
        return kept.decode("utf-8", "replace")

    def _read(self) -> None:
        with self._pipe, suppress(OSError):
            while chunk := self._pipe.read(_CHUNK):
                self._keep(chunk)
        self._ended = True

    def _keep(self, chunk: bytes) -> None:
        with self._lock:
            room = self._half - len(self._head)
            self._head += chunk[:room]
            self._tail += chunk[room:] if room < len(chunk) else b""
            if len(self._tail) > self._half:
                del self._tail[: -self._half]
                self.truncated = True


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended, and what it said.

    `returncode` is None when nobody can tell: the program was stopped at its time limit, or its status was
    fetched by somebody else. It is negative for a program that a signal ended. `truncated` is True when the
    middle of an output is missing because it was longer than the limit.
    """

    returncode: int | None
    stdout: str
    stderr: str
    timed_out: bool
    truncated: bool

    def tail(self, lines: int = 20, width: int = 300) -> tuple[str, ...]:
        """The last lines of what was said, errors last, none too wide, control characters escaped."""
        said = (line.rstrip() for text in (self.stdout, self.stderr) for line in text.splitlines())
        return tuple(printable(line[:width])[:width] for line in deque(filter(None, said), maxlen=lines))
