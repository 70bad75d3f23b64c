"""Unix: who we are, whose store it is, and acting as that user.

Owns user ids, private directories and the lock; what is done as another user, is by `unix_owners`. Never
decides what to do there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsmcertfix.errors import (
    DsmcertfixError,
    NotFound,
    NotPermitted,
    Problem,
    SwapFailed,
)
from dsmcertfix.model import FileSet, FileT, Owner
from dsmcertfix.system import private, roots
from dsmcertfix.system.base import READING, SIZE_LIMIT, ClientService, LogStyle, OwnerLimits, StoreDirectory
from dsmcertfix.system.unix import owners as unix_owners
from dsmcertfix.system.unix.directory import UnixDirectory, open_directory, translated
from dsmcertfix.system.unix.paths import read_in
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.private import UnixGuard, handed_over

if TYPE_CHECKING:
    # What only some commands need is loaded by them.
    from dsmcertfix.system.unix.servers import UnixServers
    from dsmcertfix.system.unix.system_log import SystemLog


_STATE, _CONFIGURATION = "/var/lib/dsmcertfix", "/etc/dsmcertfix"
_PROGRAMS = ("/usr/bin", "/bin", "/usr/local/bin", "/opt/freeware/bin", "/opt/homebrew/bin")


class Unix:
    """The capabilities of a Unix machine whose file system starts at `places.root`."""

    def __init__(self, places: UnixPlaces, *, foreign: bool = False):
        self.places = places
        self.foreign = foreign

    def may_act_for_others(self) -> bool:
        """Whether this process can work in other users' stores."""
        return os.geteuid() == 0

    def state_directory(self) -> Path:
        """See `Platform.state_directory`; in a tree that is trusted it is that machine's own."""
        if self.foreign:
            return roots.state_of(_own_state(), self.places.root)
        return self.places.below(_STATE) if str(self.places.root) != "/" else _own_state()

    def configuration(self) -> Path | None:
        """See `Platform.configuration`."""
        return None if self.foreign else self.places.below(_CONFIGURATION)

    def vouched(self, file: Path) -> Path:
        """See `Platform.vouched`."""
        from dsmcertfix.system.unix import trust

        return trust.require_trusted(file)

    def own_programs(self, name: str) -> tuple[Path, ...]:
        """See `Platform.own_programs`."""
        return tuple(Path(place, name) for place in _PROGRAMS)

    def private_directory(self, path: Path) -> None:
        """The directory exists, is ours and closed. Raises NotPermitted when somebody else prepared it."""
        if path == self.places.below(_STATE):
            # AIX and macOS have no /var/lib; it is not ours, and closed it would be in others' way.
            with contextlib.suppress(OSError):
                path.parent.mkdir(mode=0o755)
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

    @property
    def log_style(self) -> LogStyle:
        """See `Platform.log_style`."""
        return "plain"

    def system_log(self) -> SystemLog:
        """See `Platform.system_log`; what is done to a foreign tree is for this machine's own."""
        from dsmcertfix.system.unix.system_log import SystemLog

        return SystemLog(UnixPlaces() if self.foreign else self.places)

    def console_directories(self) -> tuple[Path, ...]:
        """See `Platform.console_directories`: they read the journal and syslog."""
        return ()

    def servers(self) -> UnixServers:
        """See `Platform.servers`."""
        from dsmcertfix.system.unix.servers import UnixServers

        return UnixServers(self.places)

    def trusted(self, program: Path) -> Path:
        """See `Platform.trusted`."""
        from dsmcertfix.system.unix import trust

        if self.foreign:
            raise roots.not_run(program)
        return trust.require_trusted(program, below=self.places.root)

    services_at_hand = False

    def services(self) -> tuple[ClientService, ...]:
        """See `Platform.services`."""
        from dsmcertfix.system.unix import restarting

        return () if self.foreign else restarting.client_services(self.places, self.trusted)

    def restart(self, name: str, limit_s: float) -> Problem | None:
        """See `Platform.restart`."""
        from dsmcertfix.system.unix import restarting

        return restarting.restart(self.places, self.trusted, name, limit_s)

    def start(self, name: str, limit_s: float) -> Problem | None:
        """See `Platform.start`."""
        from dsmcertfix.system.unix import restarting

        return restarting.start(self.places, self.trusted, name, limit_s)

    def libraries_of(self, program: Path) -> dict[str, str]:
        """See `Platform.libraries_of`: only from a directory that nobody else can fill or change."""
        if self.foreign:
            return {}
        from dsmcertfix.system import ibm_environment as libraries
        from dsmcertfix.system.unix import trust

        found = libraries.library_environment(program)
        try:
            return {
                name: str(trust.require_closed(Path(path), below=self.places.root))
                for name, path in found.items()
            }
        except (NotFound, NotPermitted):
            # Without it the program has the system's own libraries, or does not start.
            return {}

    def as_owner(
        self,
        owner: Owner,
        work: Callable[[], object],
        limits: OwnerLimits = READING,
    ) -> object:
        """See `Platform.as_owner`."""
        if self.places.is_ours(owner.uid):
            return work()
        return self.places.owners.read(owner, work, limits)

    def from_store(
        self,
        store: FileSet[FileT],
        look: Callable[[StoreDirectory[FileT]], object],
        judge: Callable[[Any], object] | None = None,
        run: str = "none",
    ) -> object:
        """See `Platform.from_store`."""
        with self._open(store, run) as directory:

            def work() -> object:
                return look(directory) if judge is None else judge(look(directory))

            if not self._is_another_s(directory):
                return work()
            roots.require_owner(store, directory.owner)
            owners, handle = self.places.owners, directory.handle
            answer = owners.read(store.owner, work, keep=handle)
            directory.require_theirs()
            return answer

    def edited(
        self, store: FileSet[FileT], directory: Path, files: Mapping[str, bytes], edit: Callable[[Path], None]
    ) -> bytes:
        """See `Platform.edited`."""
        if self.places.is_ours(store.owner.uid):
            return private.edited(directory, files, edit)
        from dsmcertfix.system.process.run import prepare

        prepare()
        with handed_over(directory, files, store.owner) as handle:
            self.places.owners.edit(store.owner, lambda: edit(_working_directory()), handle)
            return read_in(handle, Path(next(iter(files))), SIZE_LIMIT)

    def _is_another_s(self, directory: UnixDirectory[FileT]) -> bool:
        """Asked of the handle: a path could lead to a directory of root's for just that moment."""
        return self.may_act_for_others() and directory.owner not in self.places.system_uids()

    def apart(self, owner: Owner | None, task: Callable[[], object], limits: OwnerLimits) -> object:
        """See `Platform.apart`."""
        if owner is None or self.places.is_ours(owner.uid):
            return unix_owners.apart(task, limits)
        return self.places.owners.prove(owner, task, limits)

    @contextlib.contextmanager
    def lent(self, databases: tuple[Path, ...]) -> Iterator[tuple[Path, ...]]:
        """See `Platform.lent`: a child is the store's owner, or has our own rights."""
        yield databases

    @contextlib.contextmanager
    def reading(self, store: FileSet[FileT]) -> Iterator[UnixDirectory[FileT]]:
        """The store's directory, for reading. Raises as `open_directory` does."""
        with self._open(store, "none") as directory:
            yield directory

    def _open(
        self, store: FileSet[FileT], run: str
    ) -> contextlib.AbstractContextManager[UnixDirectory[FileT]]:
        roots.require_below(store.directory, self.places.root)
        system_uids = self.places.system_uids()
        return open_directory(store.directory, store.kind, run, store.identity, system_uids=system_uids)

    def in_store(
        self, store: FileSet[FileT], run: str, work: Callable[[StoreDirectory[FileT]], None]
    ) -> None:
        """`work` was done in the store's directory, by a process with the rights of the directory's owner.

        What `work` raises is raised here: errors of ours as they are, an OSError as SwapFailed.
        """
        with _told_of(store), self._open(store, run) as directory:
            if self._is_another_s(directory):
                roots.require_owner(store, directory.owner)
                self.places.owners.write(store.owner, lambda: work(directory))
            else:
                work(directory)


def _working_directory() -> Path:
    """Where this process works, by a path that leads there through no directory that it may not pass.

    GSKit puts the working directory's own path before a relative one, and finds no key database then (101).
    """
    here = Path("/proc/self/cwd")
    return here if here.is_dir() else Path()


def _own_state() -> Path:
    """This machine's for root, one's own for everybody else."""
    if os.geteuid() == 0:
        return Path(_STATE)
    from platformdirs import user_state_path

    return user_state_path("dsmcertfix", appauthor=False)


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
