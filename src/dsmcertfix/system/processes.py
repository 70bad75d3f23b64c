"""The running processes: by psutil where the machine has it, else by /proc, else by `ps` (AIX, Solaris).

What stands here bears psutil's names and does the same, as far as it is asked for; `library()` is which.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from dsmcertfix import NamedTuple

PROC = Path("/proc")
PS = ("/usr/bin/ps", "/bin/ps")
_COLUMNS = ("pid", "ruser", "user", "etime", "comm", "args")
_TIMEOUT_S = 20.0
STATUS_ZOMBIE = "zombie"


@cache
def library() -> Any:
    """psutil; this module, where there is none that can be loaded."""
    try:
        import psutil
    except ImportError:
        return sys.modules[__name__]
    return psutil


class Error(OSError):
    """The process ended, or the system does not tell."""


class Ids(NamedTuple):
    """The users of a process, by their numbers."""

    real: int
    effective: int
    saved: int


class Process:
    """A process that runs. Everything asked of one that ended raises Error, or OSError."""

    def __init__(self, pid: int):
        self.pid = pid
        self._row = None if _has_proc() else _listed().get(pid)
        if self._row is None and not (PROC / str(pid)).exists():
            raise Error(f"process {pid} ended")

    def name(self) -> str:
        """The name of its program."""
        if self._row is not None:
            return self._row["comm"].rpartition("/")[2]
        return self._read("comm").decode("utf-8", "replace").rstrip("\n")

    def status(self) -> str:
        """STATUS_ZOMBIE for one that ended and was not fetched yet, else something else."""
        dead = self._row is not None and "<defunct>" in self._row["args"]
        return STATUS_ZOMBIE if dead or (self._row is None and self._said("State").startswith("Z")) else ""

    def create_time(self) -> float:
        """When it began, in seconds since 1970."""
        if self._row is not None:
            return time.time() - _elapsed(self._row["etime"])
        # Behind the name, which may have blanks and brackets: field 22 of proc(5).
        ticks = int(self._read("stat").rpartition(b")")[2].split()[19])
        return boot_time() + ticks / os.sysconf("SC_CLK_TCK")

    def uids(self) -> Ids:
        """Its users."""
        if self._row is None:
            real, effective, saved = map(int, self._said("Uid").split()[:3])
            return Ids(real, effective, saved)
        real, effective = (_number_of(self._row[name]) for name in ("ruser", "user"))
        return Ids(real, effective, effective)

    def username(self) -> str:
        """The name of its real user, the number where it has none."""
        if self._row is not None:
            return self._row["ruser"]
        import pwd

        number = self.uids().real
        try:
            return pwd.getpwuid(number).pw_name
        except KeyError:
            return str(number)

    def cmdline(self) -> list[str]:
        """The words that it was started with."""
        if self._row is not None:
            return self._row["args"].split()
        return os.fsdecode(self._read("cmdline").removesuffix(b"\0")).split("\0")

    def environ(self) -> dict[str, str]:
        """The environment that it was started with; nothing where only `ps` tells."""
        if self._row is not None:
            return {}
        pairs = os.fsdecode(self._read("environ")).split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    def cwd(self) -> str:
        """Where it works."""
        return os.readlink(PROC / str(self.pid) / "cwd")

    def exe(self) -> str:
        """Its program."""
        return os.readlink(PROC / str(self.pid) / "exe")

    def _read(self, name: str) -> bytes:
        return (PROC / str(self.pid) / name).read_bytes()

    def _said(self, what: str) -> str:
        for line in self._read("status").decode("utf-8", "replace").splitlines():
            if line.startswith(f"{what}:"):
                return line.partition(":")[2].strip()
        raise Error(f"process {self.pid} does not tell its {what}")


def _number_of(user: str) -> int:
    """The number of a user whom `ps` names; by the number itself where there is no name for it."""
    import pwd

    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        if user.isascii() and user.isdigit():
            return int(user)
        # A long name may be cut.
        raise Error(f"there is no user {user}") from error


def pids() -> list[int]:
    """The numbers of all processes."""
    if _has_proc():
        return sorted(int(name) for name in os.listdir(PROC) if name.isdigit())
    _listed.cache_clear()
    return sorted(_listed())


def process_iter() -> Iterator[Process]:
    """All processes, but those that ended meanwhile."""
    for pid in pids():
        try:
            yield Process(pid)
        except Error:
            continue


def boot_time() -> float:
    """When the system was started, in seconds since 1970; where it does not say, not before."""
    try:
        text = (PROC / "stat").read_text(encoding="ascii", errors="replace")
        return float(next(line.split()[1] for line in text.splitlines() if line.startswith("btime ")))
    except (OSError, StopIteration):
        return time.time() - time.monotonic()


def _has_proc() -> bool:
    """Whether /proc is that of Linux, which has text for everything."""
    return (PROC / "self/cmdline").exists()


@cache
def _listed() -> dict[int, dict[str, str]]:
    """What `ps` lists, by the numbers of the processes. Raises Error where it cannot be asked."""
    from dsmcertfix.errors import DsmcertfixError
    from dsmcertfix.system.process.run import clean_environment, run

    program = next(filter(os.path.exists, PS), PS[0])
    # An empty title: POSIX prints no line of titles then.
    asked = [word for column in _COLUMNS for word in ("-o", f"{column}=")]
    try:
        done = run([program, "-A", *asked], env=clean_environment(), timeout_s=_TIMEOUT_S)
    except DsmcertfixError as error:
        raise Error(str(error)) from error
    rows = (line.split(None, len(_COLUMNS) - 1) for line in done.stdout.splitlines())
    found = (dict(zip(_COLUMNS, row, strict=True)) for row in rows if len(row) == len(_COLUMNS))
    listed = {int(row["pid"]): row for row in found if row["pid"].isdigit()}
    if not listed:
        raise Error(f"{program} lists no processes")
    return listed


def _elapsed(text: str) -> float:
    """The seconds in `[[days-]hours:]minutes:seconds`."""
    days, _, clock = text.rpartition("-")
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part)
    return float(86400 * int(days or 0) + seconds)
