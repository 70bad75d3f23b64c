"""Windows: who we are, whose store it is, and acting in it.

Nobody can act as another user there without that user's password. So the files of a user's store are changed
by us, by handles that no link of theirs can lead elsewhere, and signing on is left to them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dsmcertfix.errors import Problem, SwapFailed
from dsmcertfix.model import FileSet, FileT, Owner
from dsmcertfix.system import ibm_environment as libraries
from dsmcertfix.system import private, roots
from dsmcertfix.system.answers import no_answer_told
from dsmcertfix.system.base import READING, ClientService, LogStyle, OwnerLimits, StoreDirectory
from dsmcertfix.system.seen import Task
from dsmcertfix.system.win32 import files, machine, security
from dsmcertfix.system.windows import child as windows_child
from dsmcertfix.system.windows import lending
from dsmcertfix.system.windows import (
    services as windows_services,
)
from dsmcertfix.system.windows import (
    trust as windows_trust,
)
from dsmcertfix.system.windows import (
    who as windows_who,
)
from dsmcertfix.system.windows.directory import WindowsDirectory, open_directory
from dsmcertfix.system.windows.event_log import EventLog
from dsmcertfix.system.windows.holding import told
from dsmcertfix.system.windows.places import WindowsPlaces
from dsmcertfix.system.windows.private import WindowsGuard
from dsmcertfix.system.windows.servers import WindowsServers

_STATE = "dsmcertfix"


class Windows:
    """See `Platform`: this Windows machine, or the tree of another one."""

    def __init__(self, places: WindowsPlaces, *, foreign: bool = False):
        self.places = places
        self.foreign = foreign
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
            own = Path(machine.folder("ProgramData") or "C:\\ProgramData", _STATE)
        else:
            own = Path(machine.folder("LocalAppData") or str(Path.home()), _STATE)
        return roots.state_of(own, self.places.root) if self.foreign else own

    def configuration(self) -> Path | None:
        """See `Platform.configuration`: it is where administrators have their state, which is closed."""
        return None if self.foreign else Path(machine.folder("ProgramData") or "C:\\ProgramData", _STATE)

    def vouched(self, file: Path) -> Path:
        """See `Platform.vouched`."""
        return windows_trust.require_trusted(file)

    def own_programs(self, name: str) -> tuple[Path, ...]:
        """See `Platform.own_programs`."""
        system = Path(machine.windows_directory(), "System32")
        files = Path(machine.folder("ProgramFiles") or "C:\\Program Files")
        places = (system / "OpenSSH", files / "OpenSSH", files / name)
        return tuple(place / f"{name}.exe" for place in places)

    def private_directory(self, path: Path) -> None:
        """See `Platform.private_directory`."""
        private.make(path, WindowsGuard())

    def require_state(self, state: Path) -> None:
        """See `Platform.require_state`."""
        private.require_state(state, WindowsGuard())

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
        if self.foreign:
            raise roots.not_run(program)
        return windows_trust.require_trusted(program)

    services_at_hand = True

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
        if self.foreign:
            return {}
        found = libraries.library_environment(program)
        paths = [path for path in found.values() if windows_trust.has_closed_libraries(Path(path))]
        return {"PATH": ";".join((*paths, machine.system_directory()))} if paths else {}

    def as_owner(self, owner: Owner, task: Task, limits: OwnerLimits = READING) -> object:
        """See `Platform.as_owner`: in a child that has the rights of every user."""
        return self.places.as_user(owner.uid, task, limits)

    def from_store(
        self,
        store: FileSet[FileT],
        look: Callable[[StoreDirectory[FileT]], object],
        judge: Callable[[Any], object] | None = None,
        run: str = "none",
    ) -> object:
        """See `Platform.from_store`: we look, by handles, and what was read is judged in a child."""
        self._require_below(store)
        with open_directory(store.directory, store.kind, run, store.owner, store.identity) as directory:
            seen = look(directory)
        return seen if judge is None else self.as_owner(store.owner, Task(judge, seen))

    def edited(
        self, store: FileSet[FileT], directory: Path, files: Mapping[str, bytes], edit: Callable[[Path], None]
    ) -> bytes:
        """See `Platform.edited`."""
        return private.edited(directory, files, edit)

    def _require_below(self, store: FileSet[FileT]) -> None:
        if self.places.tree is not None:
            roots.require_below(store.directory, self.places.tree)

    def apart(self, owner: Owner | None, task: Task, limits: OwnerLimits) -> object:
        """See `Platform.apart`: the child has the rights of every user, and is nobody else."""
        with no_answer_told():
            return windows_child.run(task, limits)

    def lent(self, databases: tuple[Path, ...]) -> contextlib.AbstractContextManager[tuple[Path, ...]]:
        """See `Platform.lent`."""
        return lending.lent(self.places, databases)

    @contextlib.contextmanager
    def reading(self, store: FileSet[FileT]) -> Iterator[WindowsDirectory[FileT]]:
        """See `Platform.reading`."""
        self._require_below(store)
        with open_directory(store.directory, store.kind, "none", store.owner, store.identity) as directory:
            yield directory

    def in_store(
        self, store: FileSet[FileT], run: str, work: Callable[[StoreDirectory[FileT]], None]
    ) -> None:
        """See `Platform.in_store`."""
        self._require_below(store)
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
