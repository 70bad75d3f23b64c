"""Unix: who we are, whose store it is, and acting as that user.

Owns user ids, private directories, the lock and the child that works in a user's store. Never decides what to
do there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dsmcertfix.errors import (
    Busy,
    DsmcertfixError,
    InternalError,
    NotFound,
    NotPermitted,
    Problem,
    ServiceDown,
    SwapFailed,
)
from dsmcertfix.model import FileSet, FileT, Owner
from dsmcertfix.platforms import locks, private
from dsmcertfix.platforms.base import ClientService, LogStyle, StoreDirectory
from dsmcertfix.platforms.directory import UnixDirectory, open_directory, translated
from dsmcertfix.platforms.unix_places import UnixPlaces
from dsmcertfix.platforms.unix_private import UnixGuard

if TYPE_CHECKING:
    # What only some commands need is loaded by them.
    from dsmcertfix.platforms.system_log import SystemLog
    from dsmcertfix.platforms.unix_servers import UnixServers

_CHILD_LIMIT_S = 60.0
_REAP_LIMIT_S = 5.0


class Unix:
    """The capabilities of a Unix machine whose file system starts at `places.root`."""

    def __init__(self, places: UnixPlaces):
        self.places = places

    def may_act_for_others(self) -> bool:
        """Whether this process can work in other users' stores."""
        return os.geteuid() == 0

    def state_directory(self) -> Path:
        """Where journals, backups and the lock are kept: below `root` for root, else below one's home."""
        if str(self.places.root) != "/":
            return self.places.below("/var/lib/dsmcertfix")
        if self.may_act_for_others():
            return Path("/var/lib/dsmcertfix")
        from platformdirs import user_state_path

        return user_state_path("dsmcertfix", appauthor=False)

    def private_directory(self, path: Path) -> None:
        """The directory exists, is ours and closed. Raises NotPermitted when somebody else prepared it."""
        private.make(path, UnixGuard())

    def require_state(self, state: Path) -> None:
        """What there is of the state directory is ours. Raises NotPermitted otherwise."""
        private.require_state(state, UnixGuard())

    def may_change(self, store: FileSet[FileT]) -> bool:
        """See `Platform.may_change`."""
        return self.may_act_for_others() or os.access(store.directory, os.W_OK)

    def may_sign_on_as(self, owner: Owner) -> bool:
        """See `Platform.may_sign_on_as`."""
        return self.may_act_for_others() or owner.uid == os.geteuid()

    def lock(self, path: Path, wait_s: float) -> contextlib.AbstractContextManager[None]:
        """See `Platform.lock`."""
        return locks.alone(path, wait_s)

    def locked(self, path: Path) -> bool:
        """See `Platform.locked`."""
        return locks.held(path)

    @property
    def log_style(self) -> LogStyle:
        """See `Platform.log_style`."""
        return "plain"

    def system_log(self) -> SystemLog:
        """See `Platform.system_log`."""
        from dsmcertfix.platforms.system_log import SystemLog

        return SystemLog(self.places)

    def console_directories(self) -> tuple[Path, ...]:
        """See `Platform.console_directories`: they read the journal and syslog."""
        return ()

    def servers(self) -> UnixServers:
        """See `Platform.servers`."""
        from dsmcertfix.platforms.unix_servers import UnixServers

        return UnixServers(self.places)

    def trusted(self, program: Path) -> Path:
        """See `Platform.trusted`."""
        from dsmcertfix.platforms import trust

        return trust.require_trusted(program, below=self.places.root)

    def services(self) -> tuple[ClientService, ...]:
        """See `Platform.services`: each session reads the store anew, so that none is restarted here."""
        return ()

    def restart(self, name: str, limit_s: float) -> Problem | None:
        """See `Platform.restart`."""
        return _no_service(name)

    def start(self, name: str, limit_s: float) -> Problem | None:
        """See `Platform.start`."""
        return _no_service(name)

    def libraries_of(self, program: Path) -> dict[str, str]:
        """See `Platform.libraries_of`: only from a directory that nobody else can fill or change."""
        from dsmcertfix.platforms import libraries, trust

        found = libraries.library_environment(program)
        try:
            return {
                name: str(trust.require_closed(Path(path), below=self.places.root))
                for name, path in found.items()
            }
        except (NotFound, NotPermitted):
            # Without it the program has the system's own libraries, or does not start.
            return {}

    @contextlib.contextmanager
    def reading(self, store: FileSet[FileT]) -> Iterator[UnixDirectory[FileT]]:
        """The store's directory, for reading. Raises as `open_directory` does."""
        with self._open(store, "none") as directory:
            yield directory

    def _open(
        self, store: FileSet[FileT], run: str
    ) -> contextlib.AbstractContextManager[UnixDirectory[FileT]]:
        system_uids = self.places.system_uids()
        return open_directory(store.directory, store.kind, run, store.identity, system_uids=system_uids)

    def in_store(
        self, store: FileSet[FileT], run: str, work: Callable[[StoreDirectory[FileT]], None]
    ) -> None:
        """`work` was done in the store's directory, by a process with the rights of the directory's owner.

        What `work` raises is raised here: errors of ours as they are, an OSError as SwapFailed.
        """
        with _told_of(store), self._open(store, run) as directory:
            # Asked of the handle: a path could lead to a directory of root's for just that moment.
            if self.may_act_for_others() and directory.owner not in self.places.system_uids():
                _in_child(store.owner, lambda: _work(store, directory, work))
            else:
                work(directory)


def _no_service(name: str) -> Problem:
    message = f"the service {name} is not known on this system"
    return ServiceDown("client-service-not-known", message, hint="Start it by hand.").problem()


def _work(
    store: FileSet[FileT], directory: StoreDirectory[FileT], work: Callable[[StoreDirectory[FileT]], None]
) -> None:
    with _told_of(store):
        work(directory)


@contextlib.contextmanager
def _told_of(store: FileSet[FileT]) -> Iterator[None]:
    """An OSError inside is raised as the error of ours that it means for the store."""
    try:
        yield
    except OSError as error:
        again = translated(error, str(store.directory))
        if isinstance(again, DsmcertfixError):
            raise again from error
        raise _not_reached(store.directory, error) from error


def _not_reached(directory: Path, error: OSError) -> SwapFailed:
    return SwapFailed(
        "live-store-not-written",
        f"`{directory}` could not be changed: {error.strerror}",
        context=(f"errno: {error.errno}",),
    )


def _in_child(owner: Owner, work: Callable[[], None]) -> None:
    """`work` was done in a child with the owner's uid, gid and groups.

    The child holds no right of ours, so that the kernel refuses whatever a planted name would lead to. Its
    answer is JSON: nothing that the user could influence is unpickled.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be(owner, work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        text = _read_until(answer.fileno(), time.monotonic() + _CHILD_LIMIT_S)
    if text is None:
        os.kill(child, signal.SIGKILL)
    _reap(child, _REAP_LIMIT_S)
    if text is None:
        raise Busy(
            "store-does-not-answer", f"the file system did not answer for {_CHILD_LIMIT_S:.0f} seconds"
        )
    _raise_answer(text)


def _reap(child: int, limit_s: float) -> None:
    """The child is gone, or does not even die: its file system holds it, and shall not hold us."""
    end = time.monotonic() + limit_s
    while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < end:
        time.sleep(0.005)


def _be(owner: Owner, work: Callable[[], None], writer: int) -> None:
    answer: dict[str, object] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.setgroups(owner.groups)
        os.setgid(owner.gid)
        os.setuid(owner.uid)
        os.umask(0o077)
        work()
    except DsmcertfixError as error:
        answer = error.problem().to_data()
    except BaseException as error:
        answer = InternalError("child-failed", repr(error)).problem().to_data()
    try:
        os.write(writer, json.dumps(answer).encode())
    finally:
        os._exit(0)


def _read_until(handle: int, deadline: float) -> bytes | None:
    import select

    parts: list[bytes] = []
    while True:
        ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        part = os.read(handle, 65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


def _raise_answer(text: bytes) -> None:
    if not text:
        raise SwapFailed("child-died", "the process that works in the user's store died")
    problem = Problem.from_data(json.loads(text))
    if problem is not None:
        raise problem.error()
