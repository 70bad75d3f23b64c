"""Windows: who we are, whose store it is, and acting in it.

Nobody can act as another user there without that user's password. So the files of a user's store are changed
by us, by handles that no link of theirs can lead elsewhere, and signing on is left to them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from dsmcertfix.errors import Problem, SwapFailed
from dsmcertfix.model import FileSet, FileT, Owner
from dsmcertfix.platforms import libraries, locks, private, windows_services, windows_trust, windows_who
from dsmcertfix.platforms.base import ClientService, LogStyle, StoreDirectory
from dsmcertfix.platforms.windows_directory import WindowsDirectory, open_directory
from dsmcertfix.platforms.windows_event_log import EventLog
from dsmcertfix.platforms.windows_holding import told
from dsmcertfix.platforms.windows_places import WindowsPlaces
from dsmcertfix.platforms.windows_private import WindowsGuard
from dsmcertfix.platforms.windows_servers import WindowsServers
from dsmcertfix.win32 import files, machine, security

_STATE = "dsmcertfix"


class Windows:
    """See `Platform`: this Windows machine, or the tree of another one."""

    def __init__(self, places: WindowsPlaces):
        self.places = places
        machine.refuse_foreign_junctions()

    def may_act_for_others(self) -> bool:
        """See `Platform.may_act_for_others`: as SYSTEM, or as an administrator with all rights."""
        return security.is_administrator()

    def may_change(self, store: FileSet[FileT]) -> bool:
        """See `Platform.may_change`."""
        if self.may_act_for_others():
            return True
        try:
            with files.holding(str(store.directory), files.ADD_FILE):
                return True
        except OSError:
            return False

    def may_sign_on_as(self, owner: Owner) -> bool:
        """See `Platform.may_sign_on_as`: as the machine for administrators, as oneself for everybody else.

        A client that an administrator starts can write into its own directory, and keeps its store there, not
        in the profile (IT41127). So what is in SYSTEM's or an administrator's profile is filled by others.
        """
        if self.may_act_for_others():
            return owner.uid == 0 and owner.home is None
        return owner.uid == windows_who.user_number(security.own_sid())

    def state_directory(self) -> Path:
        """See `Platform.state_directory`: below ProgramData, never in a profile of SYSTEM's."""
        if self.may_act_for_others():
            return Path(machine.folder("ProgramData") or "C:\\ProgramData", _STATE)
        return Path(machine.folder("LocalAppData") or str(Path.home()), _STATE)

    def private_directory(self, path: Path) -> None:
        """See `Platform.private_directory`."""
        private.make(path, WindowsGuard())

    def require_state(self, state: Path) -> None:
        """See `Platform.require_state`."""
        private.require_state(state, WindowsGuard())

    def lock(self, path: Path, wait_s: float) -> contextlib.AbstractContextManager[None]:
        """See `Platform.lock`."""
        return locks.alone(path, wait_s)

    def locked(self, path: Path) -> bool:
        """See `Platform.locked`."""
        return locks.held(path)

    @property
    def log_style(self) -> LogStyle:
        """See `Platform.log_style`."""
        return "cmtrace"

    def system_log(self) -> EventLog:
        """See `Platform.system_log`."""
        return EventLog()

    def console_directories(self) -> tuple[Path, ...]:
        """See `Platform.console_directories`: what ConfigMgr and Intune (Collect diagnostics) collect."""
        data = Path(machine.folder("ProgramData") or "C:\\ProgramData")
        places = (
            Path(machine.windows_directory(), "CCM", "Logs"),
            data / "Microsoft" / "IntuneManagementExtension" / "Logs",
        )
        return tuple(path for path in places if path.is_dir() and windows_trust.is_closed(path))

    def servers(self) -> WindowsServers:
        """See `Platform.servers`."""
        return WindowsServers(self.places)

    def trusted(self, program: Path) -> Path:
        """See `Platform.trusted`."""
        return windows_trust.require_trusted(program)

    def services(self) -> tuple[ClientService, ...]:
        """See `Platform.services`."""
        try:
            return windows_services.client_services(self.places.services())
        except OSError:
            # The service manager does not speak to everybody.
            return ()

    def restart(self, name: str, limit_s: float) -> Problem | None:
        """See `Platform.restart`."""
        return windows_services.restart(name, limit_s)

    def start(self, name: str, limit_s: float) -> Problem | None:
        """See `Platform.start`."""
        return windows_services.start((name,), limit_s)

    def libraries_of(self, program: Path) -> dict[str, str]:
        """See `Platform.libraries_of`: only from a directory that nobody else can fill."""
        found = libraries.library_environment(program)
        paths = [path for path in found.values() if windows_trust.is_closed(Path(path))]
        return {"PATH": ";".join((*paths, machine.system_directory()))} if paths else {}

    @contextlib.contextmanager
    def reading(self, store: FileSet[FileT]) -> Iterator[WindowsDirectory[FileT]]:
        """See `Platform.reading`."""
        with open_directory(store.directory, store.kind, "none", store.owner, store.identity) as directory:
            yield directory

    def in_store(
        self, store: FileSet[FileT], run: str, work: Callable[[StoreDirectory[FileT]], None]
    ) -> None:
        """See `Platform.in_store`."""
        where = str(store.directory)
        try:
            with (
                told(where),
                open_directory(store.directory, store.kind, run, store.owner, store.identity) as directory,
            ):
                work(directory)
        except OSError as error:
            raise SwapFailed(
                "live-store-not-written",
                f"`{where}` could not be changed: {error.strerror}",
                context=(f"errno: {error.errno}",),
            ) from error
