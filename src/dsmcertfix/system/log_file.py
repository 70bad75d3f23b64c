"""A log file that stays small: bounded in size and number, closed to others, and never in anybody's way."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

LARGEST = 1024 * 1024
KEPT = 5


class LogFile:
    """Lines at the end of `path`; from `largest` bytes on it is turned, and `kept` older ones are kept.

    Two processes may write at the same time: each line is one write at the end of the file.
    """

    def __init__(self, path: Path, largest: int = LARGEST, kept: int = KEPT):
        self.path = path
        self._largest = largest
        self._kept = kept
        self._handle: int | None = None

    def write(self, line: str) -> bool:
        """Whether the line is in the file now. Never raises: a full disk costs the line and nothing else."""
        data = f"{line}\n".encode("utf-8", "backslashreplace")
        try:
            handle = self._opened()
            if os.fstat(handle).st_size + len(data) > self._largest and os.fstat(handle).st_size > 0:
                self.close()
                self._turn()
                handle = self._opened()
            return os.write(handle, data) == len(data)
        except OSError:
            self.close()
            return False

    def close(self) -> None:
        """The file is closed; the next line opens it again."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.close(self._handle)
        self._handle = None

    def _opened(self) -> int:
        """Raises OSError for what is no regular file of ours with one name."""
        if self._handle is None:
            # O_NONBLOCK: a FIFO must not let us wait.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_TRAPS
            handle = os.open(self.path, flags, 0o600)
            info = os.fstat(handle)
            if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
                os.close(handle)
                raise OSError("not a log file of ours")
            if stat.S_IMODE(info.st_mode) & 0o077 and hasattr(os, "fchmod"):
                with contextlib.suppress(OSError):
                    os.fchmod(handle, 0o600)
            self._handle = handle
        return self._handle

    def _turn(self) -> None:
        for number in range(self._kept - 1, -1, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(self._numbered(number), self._numbered(number + 1))

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}") if number else self.path


_NO_TRAPS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
# A line ends where it says, on Windows too.
_NO_TRAPS |= getattr(os, "O_BINARY", 0)


def log_files(path: Path, kept: int = KEPT) -> tuple[Path, ...]:
    """The log and its older parts, as far as they are there, the oldest first."""
    names = [path.with_name(f"{path.name}.{number}") for number in range(kept, 0, -1)]
    return tuple(name for name in (*names, path) if name.is_file() and not name.is_symlink())
