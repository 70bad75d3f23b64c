"""The users of a Unix machine: of this one as its name service knows them, of another root by its files."""

from __future__ import annotations

import io
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

from dsmcertfix import NamedTuple, budgets
from dsmcertfix.system.unix import paths as unix_paths

_FILE_LIMIT = 64 * 1024 * 1024
"""Bytes; 200,000 users stay below it."""

_LONGEST_LINE = 64 * 1024
"""Bytes; a group of 5,000 users stays below it."""

_FIELDS = 7

_LARGEST_ID = 2**32 - 2


class User(NamedTuple):
    """A user; `home` is as the machine writes it, not below a root; the primary group is the first one."""

    uid: int
    gid: int
    name: str
    home: str
    groups: tuple[int, ...] = ()


class Users(Protocol):
    """Users, as a machine knows them."""

    def all(self) -> Iterator[User]:
        """Every user that the machine enumerates, groups left out."""
        ...

    def owner(self, uid: int) -> User | None:
        """The user with that uid, with all groups, the primary one first."""
        ...

    @property
    def told(self) -> tuple[str, ...]:
        """What of the users was left out, and why."""
        ...

    def is_private(self, uid: int, gid: int) -> bool:
        """Whether the group is that user's alone: it bears the user's name, and lists nobody else."""
        ...


class SystemUsers:
    """The users of this machine: files, LDAP, whatever its name service asks."""

    told: tuple[str, ...] = ()

    def all(self) -> Iterator[User]:
        """See `Users`. A name service may enumerate fewer users than it knows."""
        import pwd

        for user in pwd.getpwall():
            yield User(user.pw_uid, user.pw_gid, user.pw_name, user.pw_dir)

    def owner(self, uid: int) -> User | None:
        """See `Users`."""
        import pwd

        try:
            user = pwd.getpwuid(uid)
        except (KeyError, OverflowError):
            return None
        groups = dict.fromkeys((user.pw_gid, *_groups_of(user.pw_name, user.pw_gid)))
        return User(user.pw_uid, user.pw_gid, user.pw_name, user.pw_dir, tuple(groups))

    def is_private(self, uid: int, gid: int) -> bool:
        """See `Users`."""
        import grp
        import pwd

        try:
            user, group = pwd.getpwuid(uid), grp.getgrgid(gid)
        except (KeyError, OverflowError):
            return False
        return user.pw_gid == gid and group.gr_name == user.pw_name and not {*group.gr_mem} - {user.pw_name}


def _groups_of(name: str, gid: int) -> Iterable[int]:
    if not hasattr(os, "getgrouplist"):
        # AIX has no such call; every group is gone through.
        import grp

        return [group.gr_gid for group in grp.getgrall() if name in group.gr_mem]
    try:
        return os.getgrouplist(name, gid)
    except OSError:
        return ()


class FileUsers:
    """The users in etc/passwd and etc/group of a tree. Lines that are malformed are passed over.

    So are those over the budget: whoever fills a tree shall not fill our memory.
    """

    def __init__(self, root: Path):
        self.told: tuple[str, ...] = ()
        lines, users = self._lines(root, "etc/group"), self._lines(root, "etc/passwd")
        groups = _read_groups(lines, {fields[0] for fields in users})
        self._private = {(fields[0], fields[2]) for fields in lines if _lists_nobody_else(fields)}
        self._users = tuple(_read_users(users, groups))
        # The first of several users with one uid is the one that the system takes.
        self._by_uid = {user.uid: user for user in reversed(self._users)}

    def _lines(self, root: Path, name: str) -> list[list[str]]:
        try:
            found = unix_paths.resolve(root, root / name, frozenset((0, os.geteuid())))
            if found.path is None or found.refused:
                return []
            file = io.BytesIO(unix_paths.read(root, found.path, _FILE_LIMIT, frozenset((0,))).data)
        except OSError as error:
            self.told = (*self.told, f"{root / name} is not read: {error.strerror}")
            return []
        lines = [
            line.decode("utf-8", "surrogateescape").removesuffix("\n").split(":", _FIELDS - 1)
            for line in islice(file, budgets.USERS.cap)
            if len(line) <= _LONGEST_LINE
        ]
        if file.read(1):
            self.told = (*self.told, f"{root / name}: {budgets.USERS.exceeded()}")
        return lines

    def all(self) -> Iterator[User]:
        """See `Users`."""
        return iter(self._users)

    def owner(self, uid: int) -> User | None:
        """See `Users`."""
        return self._by_uid.get(uid)

    def is_private(self, uid: int, gid: int) -> bool:
        """See `Users`."""
        user = self._by_uid.get(uid)
        return user is not None and user.gid == gid and (user.name, str(gid)) in self._private


def _read_groups(lines: list[list[str]], names: Collection[str]) -> dict[str, list[int]]:
    """The gids that each of these user names is listed under: name:password:gid:members."""
    groups: dict[str, list[int]] = defaultdict(list)
    for fields in lines:
        gid = _id(fields[2]) if len(fields) >= 4 else None
        if gid is not None:
            for member in {item.strip() for item in fields[3].split(",")}.intersection(names):
                groups[member].append(gid)
    return groups


def _lists_nobody_else(fields: list[str]) -> bool:
    """Whether nobody but a user of the group's own name is in it."""
    return len(fields) >= 4 and not {item.strip() for item in fields[3].split(",")} - {"", fields[0]}


def _read_users(lines: list[list[str]], groups: dict[str, list[int]]) -> Iterator[User]:
    """The users: name:password:uid:gid:gecos:home:shell."""
    for fields in lines:
        if len(fields) < 6 or not fields[0] or fields[0][0] in "#+-":
            continue
        name, uid, gid, home = fields[0], _id(fields[2]), _id(fields[3]), fields[5]
        if uid is None or gid is None or not home.startswith("/") or "\0" in home:
            continue
        further = groups.get(name)
        yield User(uid, gid, name, home, tuple(dict.fromkeys((gid, *further))) if further else (gid,))


def _id(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    number = int(text)
    return number if number <= _LARGEST_ID else None
