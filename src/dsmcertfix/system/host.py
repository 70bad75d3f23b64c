"""The machine a command works on: where things are, and where state is kept.

Light on purpose: every command loads it, and what acts (tools.py) is loaded by those that act.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from dsmcertfix import NamedTuple
from dsmcertfix.errors import NotFound, NotPermitted
from dsmcertfix.system import locks, private
from dsmcertfix.system.base import Platform
from dsmcertfix.system.this import this_platform

SETS_KEPT = 10
"""So many backup sets of a store stay unless another number is given: each is at most five files."""

POLICY = "policy.toml"
"""The name of the site's policy in the directory of the machine's configuration."""


class Limits(NamedTuple):
    """Time limits in seconds: for a client program, for a server's TLS answer, for the lock."""

    program_s: float = 120.0
    probe_s: float = 10.0
    wait_s: float = 0.0


class Host(NamedTuple):
    """A machine, where our state is kept on it, and how many backup sets of a store stay there."""

    platform: Platform
    state: Path
    sets_kept: int = SETS_KEPT

    @contextlib.contextmanager
    def alone(self, limits: Limits) -> Iterator[None]:
        """No other run is at work. Raises Busy when one is, NotPermitted when the state is not ours."""
        self.require_state()
        self.platform.private_directory(self.state)
        with locks.alone(self.state / private.LOCK, limits.wait_s):
            yield

    def require_state(self) -> None:
        """What earlier runs left is ours. Raises NotPermitted when somebody else could have made it."""
        self.platform.require_state(self.state)

    def has_state(self) -> bool:
        """Whether there is a state directory. Raises NotPermitted where this user may not look."""
        return private.is_there(self.state)

    def has_runs(self) -> bool:
        """Whether earlier runs left something that this user may see."""
        try:
            return private.is_there(self.state / private.RUNS)
        except NotPermitted:
            return False

    def policy_file(self, given: Path | None = None) -> Path | None:
        """The policy that holds: the file that was given, else the machine's own, where it has one."""
        if given is not None:
            return given.absolute()
        directory = self.platform.configuration()
        own = directory / POLICY if directory is not None else None
        return own if own is not None and os.path.lexists(own) else None

    def busy(self) -> bool:
        """Whether a run is at work now."""
        return locks.held(self.state / private.LOCK)


def host_name() -> str:
    """The name of the machine we run on."""
    return socket.gethostname()


def open_host(
    root: Path | None = None,
    state: Path | None = None,
    *,
    sets_kept: int = SETS_KEPT,
    network_homes: bool = False,
    trust_root: bool = False,
) -> Host:
    """The machine whose file system starts at `root`, this one without it.

    Homes on network file systems are left alone unless `network_homes`; a root other than this machine's own
    is believed nothing unless `trust_root`, see `Platform.foreign`. Raises NotFound when there is no such
    directory, or none that this user may see.
    """
    if root is not None and not _is_directory(root):
        raise NotFound("root-not-found", f"`{root}` is not a directory")
    platform = this_platform(root, network_homes=network_homes, trust_root=trust_root)
    return Host(platform, state.absolute() if state else platform.state_directory(), sets_kept=sets_kept)


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except PermissionError:
        return False


def started_after(time: datetime) -> bool:
    """Whether this machine was started after that time: what was not synced before may be lost or torn."""
    from dsmcertfix.system import processes

    try:
        return bool(processes.library().boot_time() > time.timestamp())
    except OSError:
        return True
