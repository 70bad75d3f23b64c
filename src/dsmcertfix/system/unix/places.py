"""Where IBM's files and programs are on a Unix machine: by its system's table, and by what it is told."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from dsmcertfix.errors import DsmcertfixError, Problem
from dsmcertfix.model import Area, Owner, Stanza
from dsmcertfix.system import ibm_environment as client_settings
from dsmcertfix.system.base import READING, Clue, Entry, FileContent, FileTail, Home, OwnerLimits, Resolved
from dsmcertfix.system.unix import (
    clues as unix_clues,
)
from dsmcertfix.system.unix import (
    handles,
    mounts,
)
from dsmcertfix.system.unix import (
    paths as unix_paths,
)
from dsmcertfix.system.unix import (
    services as unix_services,
)
from dsmcertfix.system.unix import (
    users as unix_users,
)
from dsmcertfix.system.unix.mounts import Barrier, HomeFinder, Mount
from dsmcertfix.system.unix.owners import Owners
from dsmcertfix.system.unix.starters import Starters
from dsmcertfix.system.unix.tables import SYSTEMS
from dsmcertfix.system.unix.users import User

_TEXT_LIMIT = 1024 * 1024
_NOBODY = 2**32 - 2
_HOME_STORES = ("IBM/SpectrumProtect/certs", "IBM/StorageProtect/certs")
"""IT41127, and the name since the product was renamed; the release that changed it is not known."""


_SYSTEM_OF = {"linux": "linux", "aix": "aix", "sunos": "solaris", "darwin": "macos"}


class UnixPlaces:
    """The places of a Unix machine whose file system starts at `root`. Reads only; see `Places`.

    `system` is one of SYSTEMS, this machine's when it is not given. Users, homes and mounts are read once.
    Homes on network file systems are left alone unless `network_homes`. Programs below another root are asked
    only with `trust_root`.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        system: str | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        network_homes: bool = False,
        trust_root: bool = False,
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
        self.starters = Starters(self, self._table, asks=trust_root or self._is_this_machine)
        self._mounted = mounted
        self._known_barrier: Barrier | None = None
        self._barrier_is_needed: bool | None = None
        self.owners = Owners()

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
        barrier, users = self._known_barrier, self._known_users
        return (*(barrier.told if barrier is not None else ()), *(users.told if users is not None else ()))

    def excess(self) -> tuple[Problem, ...]:
        """See `Places.excess`."""
        return self.owners.problems

    def is_ours(self, uid: int) -> bool:
        """Whether we read what belongs to that user ourselves: we can, and it is ours or the system's."""
        us = os.geteuid()
        return us != 0 or uid == us or uid in self.system_uids()

    def as_user(self, uid: int, work: Callable[[], object], limits: OwnerLimits = READING) -> object:
        """See `Places.as_user`."""
        return work() if self.is_ours(uid) else self.owners.read(self._acting(uid), work, limits)

    def _acting(self, uid: int) -> Owner:
        """As whom that user's files are read. Who is not known has no group that anybody else has."""
        return self.owner(uid) or Owner(uid, _NOBODY, f"uid {uid}")

    def read(self, path: Path, limit: int, word_of: int | None = None) -> FileContent:
        """See `Places.read`. An ordinary user's file is read with that user's rights."""
        trusted, is_private = self.system_uids(), self._is_private
        info = os.lstat(path)
        if self.is_ours(info.st_uid):
            return unix_paths.read(self._root, path, limit, trusted, word_of, is_private)
        if word_of not in (None, info.st_uid):
            raise unix_paths.of_another(word_of, path)
        with handles.passing(path.parent) as (directory, way):
            data = self._bytes_of(path, info, lambda: unix_paths.read_in(directory, path, limit), directory)
        upwards = (info, *reversed(way[len(self._root.parts) - 1 :]))
        exposed = unix_paths.exposed(path, upwards, trusted, is_private)
        return FileContent(data, info.st_uid, exposed, (info.st_dev, info.st_ino))

    def _is_private(self, uid: int, gid: int) -> bool:
        return self._users().is_private(uid, gid)

    def _bytes_of(self, path: Path, info: os.stat_result, read: Callable[[], bytes], keep: int) -> bytes:
        """What `read` finds, with its owner's rights, of the user's file that `info` is of."""
        try:
            data = self.owners.read(self._acting(info.st_uid), read, keep=keep)
        except DsmcertfixError as error:
            raise OSError(errno.EDQUOT, error.message, str(path)) from error
        now = os.lstat(path)
        if (now.st_dev, now.st_ino, now.st_uid) != (info.st_dev, info.st_ino, info.st_uid):
            raise OSError(errno.ESTALE, "it was exchanged while it was read", str(path))
        if not isinstance(data, bytes):
            raise OSError(errno.EBADMSG, "it was not read whole", str(path))
        return data

    def look(self, path: Path) -> Entry:
        """See `Places.look`."""
        return unix_paths.look(path)

    def names(self, path: Path) -> tuple[str, ...]:
        """See `Places.names`."""
        return unix_paths.names(path)

    def tail(self, path: Path, limit: int) -> FileTail:
        """See `Places.tail`. An ordinary user's file is opened by that user, from the root on."""
        info = os.lstat(path)
        if self.is_ours(info.st_uid):
            return unix_paths.tail(path, limit)
        below = path.relative_to(self._root)
        with handles.passing(self._root) as (top, _):
            data = self._bytes_of(path, info, lambda: unix_paths.tail_below(top, below, limit), top)
        identity, is_cut = (info.st_dev, info.st_ino), info.st_size > limit
        return FileTail(data, info.st_uid, identity, info.st_mtime, is_cut)

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
        yield from unix_services.from_units(map(self.directory, table.units), text_of, self.below)
        yield from unix_services.from_scripts(self.starters.scripts(), text_of)
        for path in table.launchd:
            yield from unix_services.from_launchd(self.directory(path), text_of)
        for one in self.starters.subsystems():
            user = self._users().owner(one.uid)
            yield from unix_services.from_subsystem(one, user.name if user else None)
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

    def _db2_clues(self) -> Iterator[Clue]:
        for home in self.homes():
            try:
                sqllib = self.resolve(f"{home.path}/sqllib")
            except OSError:
                continue
            if sqllib.path is not None and sqllib.refused is None:
                yield from self._db2_clues_of(home, sqllib.path)

    def _db2_clues_of(self, home: Home, sqllib: Path) -> Iterator[Clue]:
        word_of = None if home.uid in self.system_uids() else home.uid
        # What is root's own there is not the user's to read; whose word all of it is, is the user's.
        files = {sqllib / name: self.text(sqllib / name) for name in unix_services.DB2_FILES}

        def found() -> list[list[str | None]]:
            clues = unix_services.from_db2_profile(sqllib, home.user, files.get)
            return [[clue.setting, clue.value, clue.because] for clue in clues]

        try:
            told = found() if word_of is None else self.as_user(word_of, found)
        except DsmcertfixError as error:
            told = [["left-out", error.message, f"Db2 instance of {home.user}"]]
        for setting, value, because in unix_clues.told(told):
            written = unix_clues.as_written(value, self._root)
            yield Clue(setting, written, because, home.user, word_of)

    def directory(self, path: str) -> Path:
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
