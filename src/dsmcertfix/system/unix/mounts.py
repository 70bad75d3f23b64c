"""Which paths lie on other machines' file systems, and which of those answer.

Owns the mount table. Nothing but that table is read in this process: whether a file system answers is asked
by a child that is killed when it takes too long, and not waited for then.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from dsmcertfix import NamedTuple

TABLE = "/proc/self/mountinfo"
MNTTAB = "/etc/mnttab"
MOUNT = "/usr/sbin/mount"
_MOUNT_S = 20.0
PROBE_S = 3.0
"""Seconds that one file system has to answer; all that do not answer take thrice as long at most."""

_NETWORK = frozenset(
    (
        *("nfs", "nfs3", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "coda", "9p", "virtiofs"),
        # Cluster file systems: every node sees the same homes, and no lock of ours reaches the other nodes.
        *("gpfs", "mmfs", "lustre", "ceph", "glusterfs", "beegfs", "pvfs2", "orangefs", "ocfs2", "gfs2"),
        *("fuse", "macfuse", "osxfuse", "davfs", "vboxsf", "vmhgfs", "prl_fs", "webdav", "afpfs"),
    )
)
_AUTOMOUNT = frozenset(("autofs", "autofs_nowait"))
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """A line of the mount table: where, and the type of the file system."""

    point: str
    kind: str

    @property
    def is_automount(self) -> bool:
        """Whether only looking at what is in it can mount something there."""
        return self.kind in _AUTOMOUNT

    @property
    def is_network(self) -> bool:
        """Whether its files lie on another machine, or are made by a user's program (FUSE)."""
        return self.kind in _NETWORK or self.is_automount or self.kind.startswith("fuse.")


def read_table(text: str) -> tuple[Mount, ...]:
    """The mounts in a Linux mountinfo, in its order. Lines of another form are passed over."""
    mounts = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        fields, rest = before.split(" "), after.split(" ")
        if separator and len(fields) >= 6 and rest[0]:
            mounts.append(Mount(_unescaped(fields[4]), rest[0]))
    return tuple(mounts)


def mounted() -> tuple[Mount, ...]:
    """What is mounted on this machine; nothing where that cannot be read."""
    try:
        with open(TABLE, encoding="utf-8", errors="surrogateescape") as file:
            return read_table(file.read())
    except OSError:
        return _mounted_elsewhere()


def read_mnttab(text: str) -> tuple[Mount, ...]:
    """The mounts in Solaris' /etc/mnttab: device, place, type, options and time, with tabs between them."""
    rows = (line.split("\t") for line in text.splitlines())
    return tuple(Mount(row[1], row[2]) for row in rows if len(row) >= 3)


def read_aix(text: str) -> tuple[Mount, ...]:
    """The mounts that AIX's `mount` prints, below two lines of titles.

    The node stands first where the file system is another machine's: a line without one begins with a blank.
    """
    mounts = []
    for line in text.splitlines()[2:]:
        words = line.split() if line[:1].isspace() else line.split()[1:]
        if len(words) >= 3:
            mounts.append(Mount(words[1], words[2]))
    return tuple(mounts)


def _mounted_elsewhere() -> tuple[Mount, ...]:
    try:
        with open(MNTTAB, encoding="utf-8", errors="surrogateescape") as file:
            return read_mnttab(file.read())
    except OSError:
        pass
    try:
        import psutil

        return tuple(Mount(item.mountpoint, item.fstype) for item in psutil.disk_partitions(all=True))
    except (ImportError, OSError, RuntimeError):
        return _mounted_by_program()


def _mounted_by_program() -> tuple[Mount, ...]:
    from dsmcertfix.errors import DsmcertfixError
    from dsmcertfix.system.process.run import clean_environment, run

    try:
        return read_aix(run([MOUNT], env=clean_environment(), timeout_s=_MOUNT_S).stdout)
    except DsmcertfixError:
        return ()


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text)


class Barrier:
    """Says, before a path is looked at, why it must not be.

    The mounts at `left_alone` are never entered, every other network file system only when it answers.
    """

    def __init__(self, mounts: Iterable[Mount], left_alone: frozenset[str] = frozenset()):
        # Of several at one place the last one is what is seen there.
        self._mounts = {mount.point: mount for mount in mounts}
        self._left_alone = left_alone
        self._answers: dict[str, bool] = {}
        self._left_s = 3 * PROBE_S
        self._told: dict[str, None] = {}

    @property
    def told(self) -> tuple[str, ...]:
        """Every reason that was given so far, once."""
        return tuple(self._told)

    def before(self, name: str, rest: str) -> str | None:
        """Why `name`, on the way to `rest` below it, must not be looked at; None when it may be."""
        reason = self._reason(name, rest)
        if reason is not None:
            self._told[reason] = None
        return reason

    def network_on(self, name: str, rest: str) -> Mount | None:
        """The network file system that holds `rest` below `name`, when `name` is where one is mounted."""
        here = self._mounts.get(name)
        if here is None or not here.is_network:
            return None
        holder = self._holding(f"{name}/{rest}".rstrip("/"))
        return holder if holder is not None and holder.is_network else None

    def _reason(self, name: str, rest: str) -> str | None:
        here = self._mounts.get(name)
        if here is None:
            above = self._mounts.get(os.path.dirname(name))
            # What an automounter has not mounted yet is not in the table.
            return self._silent(name, "automounted") if above is not None and above.is_automount else None
        holder = self.network_on(name, rest)
        if holder is not None and holder.point in self._left_alone:
            return f"{holder.kind} at {holder.point} is left alone; `--network-homes` looks into it"
        return self._silent(name, here.kind) if here.is_network and not here.is_automount else None

    def _holding(self, path: str) -> Mount | None:
        while path not in self._mounts and path not in ("", "/"):
            path = os.path.dirname(path)
        return self._mounts.get(path)

    def _silent(self, point: str, kind: str) -> str | None:
        if point not in self._answers:
            started = time.monotonic()
            self._answers[point] = answers(point, min(PROBE_S, max(self._left_s, 0.05)))
            self._left_s -= time.monotonic() - started
        return None if self._answers[point] else f"{kind} at {point} does not answer"


class Before(Protocol):
    """What is asked before a path is looked at."""

    def before(self, name: str, rest: str) -> str | None:
        """See `Barrier.before`."""
        ...


class HomeFinder:
    """Stands in for a Barrier on the way to homes: stops at network file systems, and notes them."""

    def __init__(self, mounts: Iterable[Mount]):
        self._table = Barrier(mounts)
        self.found: set[str] = set()

    def before(self, name: str, rest: str) -> str | None:
        """Something when a network file system begins at `name`."""
        mount = self._table.network_on(name, rest)
        if mount is not None:
            self.found.add(mount.point)
        return None if mount is None else f"{mount.kind} at {mount.point}"


def answers(point: str, limit_s: float) -> bool:
    """Whether the file system at `point` answers within `limit_s` seconds, also with an error."""
    child = os.fork()
    if child == 0:
        _ask(point)
    end = time.monotonic() + limit_s
    pause_s = 0.001
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            # Not waited for: what waits for a dead file system may not even die.
            with suppress(ChildProcessError):
                time.sleep(0.01)
                os.waitpid(child, os.WNOHANG)
            return False
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.05)
    return True


def _ask(point: str) -> None:
    """Ends this process after the file system at `point` was asked; it holds nothing of ours meanwhile."""
    try:
        # A stuck child must keep neither our lock nor our output open.
        os.closerange(0, 1024)
        os.stat(point)
        # A stat can be answered from a cache.
        os.statvfs(point)
    finally:
        os._exit(0)
