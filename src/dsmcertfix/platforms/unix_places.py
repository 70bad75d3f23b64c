"""Where IBM's files and programs are on a Unix machine: by its system's table, and by what it is told."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from dsmcertfix.model import Area, Owner, Stanza
from dsmcertfix.platforms import client_settings, mounts, unix_clues, unix_paths, unix_services, unix_users
from dsmcertfix.platforms.base import Clue, Entry, FileContent, FileTail, Home, Resolved
from dsmcertfix.platforms.mounts import Barrier, HomeFinder, Mount
from dsmcertfix.platforms.unix_tables import SYSTEMS
from dsmcertfix.platforms.unix_users import User

_TEXT_LIMIT = 1024 * 1024
_NOBODY = 2**32 - 2
_HOME_STORES = ("IBM/SpectrumProtect/certs", "IBM/StorageProtect/certs")
"""IT41127, and the name since the product was renamed; the release that changed it is not known."""


_SYSTEM_OF = {"linux": "linux", "aix": "aix", "sunos": "solaris", "darwin": "macos"}


class UnixPlaces:
    """The places of a Unix machine whose file system starts at `root`. Reads only; see `Places`.

    `system` is one of SYSTEMS, this machine's when it is not given. Users, homes and mounts are read once.
    Homes on network file systems are left alone unless `network_homes`.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        system: str | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        network_homes: bool = False,
        mounted: Callable[[], Iterable[Mount]] = mounts.mounted,
    ):
        self._root = Path(os.path.realpath(root))
        self._is_this_machine = str(self._root) == "/"
        self._below_root = "/" if self._is_this_machine else f"{self._root}/"
        self._table = SYSTEMS[system or _this_system()]
        self._environ = environ
        self._known_trusted: frozenset[int] = frozenset()
        self._known_users: unix_users.Users | None = None
        self._known_homes: tuple[Home, ...] | None = None
        self._network_homes = network_homes
        self._mounted = mounted
        self._known_barrier: Barrier | None = None
        self._barrier_is_needed: bool | None = None

    @property
    def root(self) -> Path:
        """The directory taken as the root of the machine's file system, without links."""
        return self._root

    def below(self, path: str) -> Path:
        """See `Places.below`."""
        return unix_paths.below(self._root, path)

    def resolve(self, path: Path | str) -> Resolved:
        """See `Places.resolve`; a path that is not below `root` is taken as written on that machine."""
        text, barrier = str(path), self._barrier()
        if not text.startswith(self._below_root):
            text = text if text == str(self._root) else str(self.below(text))
        elif barrier is None and (found := unix_paths.straight(self._below_root, text)) is not None:
            return found
        return unix_paths.resolve(self._root, text, self._trusted(), barrier)

    def _trusted(self) -> frozenset[int]:
        """Whose links may lead anywhere."""
        us = os.geteuid()
        if us not in self._known_trusted:
            self._known_trusted = self._table.system_uids | {us}
        return self._known_trusted

    def _barrier(self) -> Barrier | None:
        """What stands before other machines' file systems; None where there is none of them."""
        if self._known_barrier is None and self._barrier_is_needed is None:
            mounted = tuple(self._mounted())
            self._barrier_is_needed = any(mount.is_network for mount in mounted)
            if self._barrier_is_needed:
                left_alone = frozenset() if self._network_homes else self._network_mounts_of_homes(mounted)
                self._known_barrier = Barrier(mounted, left_alone)
        return self._known_barrier

    def _network_mounts_of_homes(self, mounted: tuple[Mount, ...]) -> frozenset[str]:
        finder = HomeFinder(mounted)
        trusted = self.system_uids() | {os.geteuid()}
        for home in (*self._listed_homes(), *self._table.home_parents):
            with contextlib.suppress(OSError):
                unix_paths.resolve(self._root, self.below(home), trusted, finder)
        parents = {str(self.below(parent)) for parent in self._table.home_parents}
        beside = {
            item.point for item in mounted if item.is_network and os.path.dirname(item.point) in parents
        }
        return frozenset(finder.found | beside)

    def not_entered(self) -> tuple[str, ...]:
        """See `Places.not_entered`."""
        barrier = self._known_barrier
        return barrier.told if barrier is not None else ()

    def read(self, path: Path, limit: int, word_of: int | None = None) -> FileContent:
        """See `Places.read`."""
        return unix_paths.read(self._root, path, limit, self.system_uids(), word_of)

    def look(self, path: Path) -> Entry:
        """See `Places.look`."""
        return unix_paths.look(path)

    def names(self, path: Path) -> tuple[str, ...]:
        """See `Places.names`."""
        return unix_paths.names(path)

    def tail(self, path: Path, limit: int) -> FileTail:
        """See `Places.tail`."""
        return unix_paths.tail(path, limit)

    def client_directories(self) -> tuple[tuple[Area, Path], ...]:
        """See `Places.client_directories`."""
        return tuple((area, self.below(path)) for area, path in self._table.directories)

    def homes(self) -> tuple[Home, ...]:
        """See `Places.homes`. A home that several users share is root's, or the first one's.

        What lies beside the known homes is a home too, since a name service need not enumerate its users;
        such a one has the directory's name for a user.
        """
        if self._known_homes is None:
            found = self._listed_homes()
            for parent in self._table.home_parents:
                self._add_unlisted_homes(parent, found)
            # They are without detours already.
            root = self._below_root[:-1]
            self._known_homes = tuple(
                Home(root + home if home != "/" else root or "/", user.name, user.uid)
                for home, user in found.items()
            )
        return self._known_homes

    def owner(self, uid: int) -> Owner | None:
        """See `Places.owner`."""
        user = self._users().owner(uid)
        return user and _owner(user, self.below(user.home))

    def store_owner(self, directory: Path, database: Entry) -> Owner:
        """See `Places.store_owner`: whoever owns the key database."""
        known = self.owner(database.uid)
        return known or Owner(database.uid, database.gid, str(database.uid), groups=(database.gid,))

    @property
    def stanza_file(self) -> str:
        """See `Places.stanza_file`."""
        return "dsm.sys"

    def option_text(self, data: bytes) -> bytes:
        """See `Places.option_text`: what the bytes mean is not known."""
        return data

    def system_uids(self) -> frozenset[int]:
        """See `Places.system_uids`. What IBM installs belongs to `bin` on AIX."""
        return self._table.system_uids

    def option_directories(self) -> tuple[Path, ...]:
        """See `Places.option_directories`."""
        below_home = self._table.home_option_directory
        homes = self.homes() if below_home else ()
        return (
            *(self.below(path) for path in self._table.option_directories),
            *(Path(home.path, str(below_home)) for home in homes),
        )

    def home_stores(self) -> tuple[str, ...]:
        """See `Places.home_stores`."""
        return _HOME_STORES

    def default_passworddir(self) -> str:
        """See `Places.default_passworddir` (PASSWORDDIR option, 8.2.2 manual)."""
        return self._table.passworddir

    def password_directories(self, stanza: Stanza) -> tuple[Path, ...]:
        """See `Places.password_directories`."""
        return (self.below(stanza.passworddir or self._table.passworddir),)

    def server_names(self, stanza: Stanza) -> tuple[str, ...]:
        """See `Places.server_names`: stanzas have names, and files do not tell others."""
        return ()

    def starting_directories(self) -> tuple[Path, ...]:
        """See `Places.starting_directories`: init starts services in the root directory."""
        return (self.below("/"),)

    def clues(self) -> Iterator[Clue]:
        """See `Places.clues`; Db2 instances that are backed up through the API are services too."""
        table, text_of = self._table, self.text
        environ = self.environment()
        if environ:
            user = self._users().owner(os.geteuid())
            yield from client_settings.from_environment(environ, "environment", user.name if user else None)
        yield from unix_services.from_units(map(self._directory, table.units), text_of, self.below)
        yield from unix_services.from_scripts(self.scripts(), text_of)
        for path in table.launchd:
            yield from unix_services.from_launchd(self._directory(path), text_of)
        yield from unix_clues.from_processes(self._root)
        yield from self._db2_clues()

    def gsk8capicmd(self) -> tuple[Path, ...]:
        """See `Places.gsk8capicmd`. Db2 ships a copy of its own, which is not for these stores."""
        return tuple(map(self.below, self._table.gsk8capicmd))

    def client_programs(self, name: str) -> tuple[Path, ...]:
        """See `Places.client_programs`."""
        return tuple(path / name for area, path in self.client_directories() if area in ("ba", "api"))

    def environment(self) -> Mapping[str, str]:
        """See `Places.environment`; the one that was handed in, if one was."""
        if self._environ is not None:
            return self._environ
        return os.environ if self._is_this_machine else {}

    def _users(self) -> unix_users.Users:
        if self._known_users is None:
            system = self._is_this_machine
            self._known_users = unix_users.SystemUsers() if system else unix_users.FileUsers(self._root)
        return self._known_users

    def _listed_homes(self) -> dict[str, User]:
        found: dict[str, User] = {}
        for user in self._users().all():
            home = os.path.normpath(user.home)
            # Two slashes at the start are left to the system by POSIX; to Unix they are one.
            home = home[1:] if home[:2] == "//" else home
            known = found.get(home)
            if home.startswith("/") and (known is None or (user.uid == 0 and known.uid != 0)):
                found[home] = user
        return found

    def _add_unlisted_homes(self, parent: str, found: dict[str, User]) -> None:
        try:
            directory = self.resolve(self.below(parent))
            if directory.path is None or directory.refused is not None:
                return
            with os.scandir(directory.path) as entries:
                for entry in entries:
                    home = f"{parent}/{entry.name}"
                    if home in found or not entry.is_dir(follow_symlinks=False):
                        continue
                    barrier = self._barrier()
                    if barrier is not None and barrier.before(entry.path, "") is not None:
                        found[home] = User(_NOBODY, _NOBODY, entry.name, home)
                        continue
                    info = entry.stat(follow_symlinks=False)
                    if info.st_uid != 0:
                        found[home] = User(info.st_uid, info.st_gid, entry.name, home)
        except OSError:
            # No such directory, or not ours to list: the listed homes are what there is.
            return

    def units(self) -> Iterator[tuple[str, list[Path]]]:
        """Every systemd unit of a service: its name, and its files with its drop-ins."""
        return unix_services.units_in(map(self._directory, self._table.units))

    def scripts(self) -> Iterator[Path]:
        """Every init script, and the files in which programs to start are listed."""
        for path in self._table.script_directories:
            yield from unix_services.scripts_in(self._directory(path))
        yield from map(self.below, self._table.scripts)
        for area, directory in self.client_directories():
            if area == "ba":
                yield from unix_services.scripts_in(directory, "rc.dsmcad")

    def _db2_clues(self) -> Iterator[Clue]:
        for home in self.homes():
            try:
                sqllib = self.resolve(f"{home.path}/sqllib")
            except OSError:
                continue
            if sqllib.path is not None and sqllib.refused is None:
                word_of = None if home.uid in self.system_uids() else home.uid
                for clue in unix_services.from_db2_profile(sqllib.path, home.user, self.text):
                    value = unix_clues.as_written(clue.value, self._root)
                    yield clue._replace(value=value, word_of=word_of)

    def _directory(self, path: str) -> Path:
        """A directory of the machine without links, or as it is named where it cannot be looked up."""
        named = self.below(path)
        try:
            found = self.resolve(named)
        except OSError:
            return named
        return found.path if found.path is not None and found.refused is None else named

    def text(self, path: Path) -> str | None:
        """The text of a small regular file, None when there is none that may be read."""
        try:
            found = self.resolve(path)
            if found.path is None or found.refused is not None:
                return None
            return self.read(found.path, _TEXT_LIMIT).data.decode("utf-8", "surrogateescape")
        except OSError:
            return None


def _owner(user: User, home: Path) -> Owner:
    return Owner(user.uid, user.gid, user.name, home, user.groups)


def _this_system() -> str:
    return next((name for start, name in _SYSTEM_OF.items() if sys.platform.startswith(start)), "linux")
