"""Where IBM's files and programs are on a Windows machine. Reads only; see `Places`.

Every user of ProfileList is known by their SID's number (`windows_who`). A store belongs to the user in whose
profile it lies, and everywhere else to the machine: its client runs as SYSTEM or as an administrator.
"""

from __future__ import annotations

import ntpath
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from dsmcertfix.errors import Problem
from dsmcertfix.model import Area, Owner, Stanza
from dsmcertfix.system import ibm_environment as client_settings
from dsmcertfix.system.base import READING, Clue, Entry, FileContent, FileTail, Home, OwnerLimits, Resolved
from dsmcertfix.system.seen import Task
from dsmcertfix.system.win32 import machine, processes, security
from dsmcertfix.system.win32.registry import Registry
from dsmcertfix.system.windows import (
    clues as windows_clues,
)
from dsmcertfix.system.windows import (
    paths as windows_paths,
)
from dsmcertfix.system.windows import (
    tables as windows_tables,
)
from dsmcertfix.system.windows import (
    who as windows_who,
)
from dsmcertfix.system.windows.owners import Owners
from dsmcertfix.system.windows.tables import Folders, Profile, Values

SERVICES = "HKLM\\SYSTEM\\CurrentControlSet\\Services"
_ENVIRONMENT = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
_SHORTCUT_LIMIT = 1024 * 1024
_MOST_SHORTCUTS = 2000
_SYSTEM_NAME = "SYSTEM"


class WindowsPlaces:
    """The places of this machine; with `root` those of the tree of another one, whose C: drive that is.

    Of such a tree neither registry nor services are known. What lies on other machines, and profiles that
    roam, are left alone unless `network_homes`.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        network_homes: bool = False,
        registry: Values | None = None,
        environ: Mapping[str, str] | None = None,
    ):
        self._tree = Path(os.path.realpath(root)) if root is not None else None
        self._network_homes = network_homes
        self._registry: Values = registry or (Registry() if root is None else _Nothing())
        self._environ = environ
        self._told: dict[str, None] = {}
        self.owners = Owners()

    @property
    def root(self) -> Path:
        """See `Places.root`; of this machine, the drive that Windows is on."""
        return self._tree or Path(ntpath.splitdrive(self._folders.windows)[0] + "\\")

    @property
    def tree(self) -> Path | None:
        """The tree that is looked at; None for this machine itself, which has more than one drive."""
        return self._tree

    @property
    def registry(self) -> Values:
        """The registry; that of a tree is empty."""
        return self._registry

    @cached_property
    def _folders(self) -> Folders:
        if self._tree is not None:
            return Folders()
        windows, system = machine.windows_directory(), machine.system_directory()
        return windows_tables.folders(self._registry, windows, system, machine.folder("ProgramData"))

    # --- paths

    def below(self, path: str) -> Path:
        """See `Places.below`. Of this machine, every path is what it says."""
        text = ntpath.normpath(path.split("\0", 1)[0].replace("/", "\\") or "\\")
        drive, rest = ntpath.splitdrive(text)
        if self._tree is not None:
            return self._tree.joinpath(*(part for part in rest.split("\\") if part not in ("", "..")))
        return Path(text) if drive else self.root / rest.lstrip("\\")

    def resolve(self, path: Path | str) -> Resolved:
        """See `Places.resolve`."""
        return windows_paths.resolve(str(Path(path).absolute()), self._barrier)

    def _barrier(self, path: str) -> str | None:
        if not windows_paths.is_remote(path):
            return None
        why = f"{path} lies on another machine and is left alone; `--network-homes` looks into it"
        if self._network_homes:
            why = f"{path} does not answer" if not windows_paths.answers(path) else ""
        if why:
            self._told[why] = None
        return why or None

    def look(self, path: Path) -> Entry:
        """See `Places.look`."""
        return windows_paths.look(str(path))

    def not_entered(self) -> tuple[str, ...]:
        """See `Places.not_entered`."""
        return tuple(self._told)

    def excess(self) -> tuple[Problem, ...]:
        """See `Places.excess`."""
        return self.owners.problems

    def is_ours(self, uid: int) -> bool:
        """See `Places.is_ours`: ours, the system's, and all where we have no more rights than they."""
        own = windows_who.user_number(security.own_sid())
        return uid in (0, own) or not security.is_administrator()

    def as_user(self, uid: int, task: Task, limits: OwnerLimits = READING) -> object:
        """See `Places.as_user`: in a child that has the rights of every user."""
        if self.is_ours(uid):
            return task()
        return self.owners.read(self.owner(uid) or Owner(uid, 0, f"uid {uid}"), task, limits)

    def read(self, path: Path, limit: int, word_of: int | None = None) -> FileContent:
        """See `Places.read`."""
        profile = self._profile_of(path)
        return windows_paths.read(path, limit, profile.uid if profile is not None else None, word_of)

    def names(self, path: Path) -> tuple[str, ...]:
        """See `Places.names`."""
        return windows_paths.names(path)

    def tail(self, path: Path, limit: int) -> FileTail:
        """See `Places.tail`."""
        return windows_paths.tail(path, limit)

    # --- users

    def homes(self) -> tuple[Home, ...]:
        """See `Places.homes`."""
        return tuple(Home(str(owner.home), owner.name, owner.uid) for owner in self._owners)

    @cached_property
    def _owners(self) -> tuple[Owner, ...]:
        return tuple(self._owner(profile) for profile in self._profiles if self._is_wanted(profile))

    @cached_property
    def _profiles(self) -> tuple[Profile, ...]:
        if self._tree is None:
            return windows_tables.profiles(self._registry, self._folders)
        try:
            names = windows_paths.names(self._tree / "Users")
        except OSError:
            return ()
        return tuple(Profile(name, f"C:\\Users\\{name}") for name in names)

    def _is_wanted(self, profile: Profile) -> bool:
        if profile.kind == "local" or (profile.kind == "roaming" and self._network_homes):
            return True
        why = {
            "roaming": "it roams: its copy on another machine would undo a repair; `--network-homes` "
            "looks into it",
            "mandatory": "it is a mandatory one, whose changes are lost",
            "temporary": "it is a temporary one, whose changes are lost",
        }[profile.kind]
        self._told[f"the profile {profile.path} is left alone: {why}"] = None
        return False

    def _owner(self, profile: Profile) -> Owner:
        return Owner(windows_who.user_number(profile.sid), 0, profile.name, self.below(profile.path))

    def owner(self, uid: int) -> Owner | None:
        """See `Places.owner`."""
        return next((owner for owner in self._owners if owner.uid == uid), None)

    def store_owner(self, directory: Path, database: Entry) -> Owner:
        """See `Places.store_owner`: the user of the profile; elsewhere the machine, or who owns the file."""
        of_profile = self._profile_of(directory)
        if of_profile is not None:
            return of_profile
        if database.uid == 0:
            return Owner(0, 0, _SYSTEM_NAME)
        return self.owner(database.uid) or Owner(database.uid, 0, f"uid {database.uid}")

    def _profile_of(self, path: Path) -> Owner | None:
        for home, owner in self._real_homes:
            if path == home or path.is_relative_to(home):
                return owner
        return None

    @cached_property
    def _real_homes(self) -> tuple[tuple[Path, Owner], ...]:
        found: list[tuple[Path, Owner]] = []
        for owner in self._owners:
            if owner.home is not None:
                found.append((owner.home, owner))
                try:
                    real = self.resolve(owner.home).path
                except OSError:
                    continue
                if real is not None:
                    found.append((real, owner))
        # The deepest first: a profile may lie in another one's directory.
        return tuple(sorted(found, key=lambda item: -len(item[0].parts)))

    def system_uids(self) -> frozenset[int]:
        """See `Places.system_uids`."""
        return frozenset((0,))

    # --- IBM's files

    def client_directories(self) -> tuple[tuple[Area, Path], ...]:
        """See `Places.client_directories`."""
        return self._client_directories

    @cached_property
    def _client_directories(self) -> tuple[tuple[Area, Path], ...]:
        found = windows_tables.client_directories(self._registry, self._folders)
        return tuple((area, self.below(path)) for area, path in found)

    @property
    def stanza_file(self) -> str:
        """See `Places.stanza_file`: Windows has no dsm.sys (TCPSERVERADDRESS, 8.2.2 manual)."""
        return "dsm.opt"

    def option_text(self, data: bytes) -> bytes:
        """See `Places.option_text`."""
        return windows_tables.as_utf8(data, machine.ansi_code_page())

    def option_directories(self) -> tuple[Path, ...]:
        """See `Places.option_directories`: none but the installation directories."""
        return ()

    def home_stores(self) -> tuple[str, ...]:
        """See `Places.home_stores`."""
        return tuple(map(os.path.normpath, windows_tables.HOME_STORES))

    def default_passworddir(self) -> str | None:
        """See `Places.default_passworddir`: PASSWORDDIR is an option of Unix clients (8.2.2 manual)."""
        return None

    def password_directories(self, stanza: Stanza) -> tuple[Path, ...]:
        """See `Places.password_directories`: the node's, and those of its servers in it."""
        base = self._password_directory(stanza)
        return (base, *(base / name for name in self._names(base)))

    def server_names(self, stanza: Stanza) -> tuple[str, ...]:
        """See `Places.server_names`: passwords are kept under the servers' own names."""
        base = self._password_directory(stanza)
        names = (name for name in self._names(base) if not name.lower().startswith(("tsm.", "spclicert.")))
        return tuple(names)

    def _password_directory(self, stanza: Stanza) -> Path:
        node = stanza.node or machine.computer_name()
        return self.below(windows_tables.password_directory(self._folders.program_data, node))

    def _names(self, directory: Path) -> tuple[str, ...]:
        try:
            return self.names(directory)
        except OSError:
            return ()

    def starting_directories(self) -> tuple[Path, ...]:
        """See `Places.starting_directories`: the service manager starts services in System32."""
        return (self.below(self._folders.system),)

    def gsk8capicmd(self) -> tuple[Path, ...]:
        """See `Places.gsk8capicmd`."""
        return tuple(map(self.below, windows_tables.gsk8capicmd(self._registry, self._folders)))

    def client_programs(self, name: str) -> tuple[Path, ...]:
        """See `Places.client_programs`."""
        return tuple(path / f"{name}.exe" for area, path in self.client_directories() if area == "ba")

    # --- clues

    def environment(self) -> Mapping[str, str]:
        """See `Places.environment`."""
        if self._environ is not None:
            return self._environ
        return os.environ if self._tree is None else {}

    def clues(self) -> Iterator[Clue]:
        """See `Places.clues`."""
        environ = self.environment()
        if environ:
            yield from client_settings.from_environment(environ, "environment", machine.user_name())
        if self._tree is not None:
            return
        yield from self._environments()
        for service in self.services():
            yield from windows_clues.from_service(service)
        yield from self._shortcuts()
        yield from _running()

    def _environments(self) -> Iterator[Clue]:
        told = self._registry.values(_ENVIRONMENT)
        named = {name.upper(): self._folders.expanded(value) for name, value in told.items()}
        yield from client_settings.from_environment(named, "environment of the machine", None)
        for profile in self._profiles:
            own = self._registry.values(f"HKU\\{profile.sid}\\Environment")
            owner = self._owner(profile)
            named = {name.upper(): value for name, value in own.items()}
            because = f"environment of {owner.name}"
            for clue in client_settings.from_environment(named, because, owner.name):
                word_of = windows_who.number(profile.sid) or None
                yield Clue(clue.setting, clue.value, because, owner.name, word_of)

    def services(self) -> Iterator[windows_clues.Service]:
        """Every service that could say something of the client's files."""
        for name in self._registry.names(SERVICES):
            key = f"{SERVICES}\\{name}"
            values = {item.lower(): value for item, value in self._registry.values(key).items()}
            service = windows_clues.Service(
                name,
                self._folders.expanded(values.get("imagepath", "")),
                values.get("objectname", ""),
                values.get("environment", ""),
            )
            if service.is_clients:
                parameters = self._registry.values(f"{key}\\Parameters")
                yield windows_clues.Service(
                    name, service.command, service.account, service.environment, parameters
                )
            elif service.environment:
                yield service

    def _shortcuts(self) -> Iterator[Clue]:
        """The shortcuts for all users; nobody but administrators makes these."""
        seen = 0
        for folder in ("CommonPrograms", "CommonDesktop"):
            top = machine.folder(folder)
            for directory, _, names in os.walk(top) if top is not None else ():
                for name in names:
                    seen += 1
                    if seen > _MOST_SHORTCUTS:
                        return
                    if name.lower().endswith(".lnk"):
                        path = Path(directory, name)
                        try:
                            data = self.read(path, _SHORTCUT_LIMIT).data
                        except OSError:
                            continue
                        yield from windows_clues.from_shortcut(data, f"shortcut {path}")


class _Nothing:
    """The registry of a machine that is only a tree of files."""

    def values(self, key: str, view: windows_tables.View = 64) -> Mapping[str, str]:
        return {}

    def names(self, key: str, view: windows_tables.View = 64) -> tuple[str, ...]:
        return ()


def _running() -> Iterator[Clue]:
    """The option files and variables of running clients."""
    suspects = [
        (number, name)
        for number, name in processes.running()
        if name.lower() in windows_clues.CLIENT_PROGRAMS
    ]
    if not suspects:
        return
    import psutil

    for number, name in suspects:
        because = f"running {name} (process {number})"
        try:
            uid = windows_who.number(security.sid_of_process(number))
            process = psutil.Process(number)
            command, user = process.cmdline(), process.username()
            environ = {key.upper(): value for key, value in process.environ().items()}
        except (psutil.Error, OSError):
            # It ended, or it is the system's and we are not.
            continue
        found = [*client_settings.from_environment(environ, because, user)]
        for word in command[1:]:
            found += [Clue("optfile", value, because) for value in windows_clues.option_files(f'"{word}"')]
        # Any user can give any program the client's name.
        yield from (Clue(item.setting, item.value, because, user, uid or None) for item in found)
