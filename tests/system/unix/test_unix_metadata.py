"""Since when a file is there, and its rights while they are set."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.shown import not_shown

from dsmcertfix.model import StoreFile
from dsmcertfix.system import unix
from dsmcertfix.system.process import run
from dsmcertfix.system.seen import Metadata
from dsmcertfix.system.unix import access, acl_programs
from dsmcertfix.system.unix.directory import open_directory
from dsmcertfix.system.unix.opened import Opened

ACL = ("system.posix_acl_access", b"an ACL")
BASIC, BIRTH = 0x7FF, 0x800
"""What statx(2) of Linux tells of every file, and what of those whose file system keeps it."""
EMPTY_PATH, FLAGS = 0x1000, 0x7900
"""The flag for an open file, and all flags that it takes."""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Opened]:
    path = tmp_path / "dsmcert.kdb"
    path.write_bytes(b"content")
    handle, directory = os.open(path, os.O_RDWR), os.open(tmp_path, os.O_RDONLY)
    yield Opened(handle, directory, path)
    os.close(handle)
    os.close(directory)


def like(file: Opened, **changes: Any) -> Metadata:
    info = os.fstat(file.handle)
    plain = Metadata(info.st_mode & 0o7777, info.st_uid, info.st_gid, info.st_mtime_ns, ())
    return plain._replace(**changes)


def mode(file: Opened) -> int:
    return os.fstat(file.handle).st_mode & 0o7777


def test_a_file_is_there_since_the_system_s_own_program_says(file: Opened) -> None:
    told = subprocess.run(["stat", "--format=%W", file.path], capture_output=True, text=True, check=False)
    if not told.stdout.strip().isdigit() or told.stdout.strip() == "0":
        not_shown("when a file was made: this system does not tell")
    os.utime(file.handle, (7, 7))
    assert int(access.made_at(file.handle)) == int(told.stdout)


@pytest.mark.parametrize(
    ("mask", "code", "born"),
    [(BASIC | BIRTH, 0, 5.25), (BIRTH, 0, 5.25), (BASIC, 0, None), (BASIC | BIRTH, -1, None)],
)
def test_a_birth_is_known_where_linux_says_that_it_tells_it(
    mask: int, code: int, born: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statx(handle: int, path: bytes, flags: int, wanted: int, answer: Any) -> int:
        if path or not flags & EMPTY_PATH or flags & ~FLAGS or not wanted & BIRTH:
            return -1
        struct.pack_into("=I76xqI", answer, 0, mask, 5, 250_000_000)
        return code

    monkeypatch.setattr(os, "O_PATH", 0, raising=False)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(statx=statx))
    assert access._birth_time(0) == born


def test_another_system_s_call_of_that_name_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def statx(*arguments: object) -> int:
        raise AssertionError("it would take numbers for addresses")

    monkeypatch.delattr(os, "O_PATH", raising=False)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(statx=statx))
    assert access._birth_time(0) is None


@pytest.mark.parametrize(
    ("wanted", "closed"),
    [
        (0o644, 0o644),
        (0o755, 0o755),
        (0o600, 0o600),
        (0o640, 0o600),
        (0o641, 0o600),
        (0o751, 0o700),
        (0o677, 0o677),
        (0o604, 0o600),
    ],
)
def test_where_the_group_cannot_be_given_only_rights_that_all_others_share_are_left(
    file: Opened, wanted: int, closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*arguments: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuses)
    access.keep(file, like(file, gid=54321, mode=wanted))
    assert mode(file) == closed


@pytest.mark.parametrize("call", ["setxattr", "removexattr"])
def test_where_an_acl_cannot_be_given_or_taken_the_file_is_its_owner_s_alone(
    file: Opened, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*arguments: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, call, refuses)
    wanted = (ACL,) if call == "setxattr" else ()
    if call == "removexattr":
        monkeypatch.setattr(os, "listxattr", lambda handle: [ACL[0]])
        monkeypatch.setattr(os, "getxattr", lambda handle, name: ACL[1])
    access.keep(file, like(file, mode=0o755, xattrs=wanted))
    assert mode(file) == 0o700


@pytest.mark.parametrize("wanted", [0o677, 0o766, 0o4755])
def test_while_its_acl_is_set_a_file_is_its_owner_s_alone(
    file: Opened, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    there = {"system.other": b"1"}
    monkeypatch.setattr(os, "listxattr", lambda handle: list(there))
    monkeypatch.setattr(os, "getxattr", lambda handle, name: there[name])
    monkeypatch.setattr(os, "removexattr", lambda handle, name: modes.append(mode(file)))
    monkeypatch.setattr(os, "setxattr", lambda handle, name, value: modes.append(mode(file)))
    access.keep(file, like(file, mode=wanted, xattrs=(ACL,)))
    assert modes == [wanted & 0o700] * 2 and mode(file) == wanted


@pytest.fixture
def attributes(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What the file has, as the system's calls find and change it."""
    there: dict[str, bytes] = {}
    monkeypatch.setattr(os, "listxattr", lambda handle: list(there))
    monkeypatch.setattr(os, "getxattr", lambda handle, name: there[name])
    monkeypatch.setattr(os, "setxattr", lambda handle, name, value: there.update({name: value}))
    monkeypatch.setattr(os, "removexattr", lambda handle, name: there.pop(name))
    return there


def nothing_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*arguments: object) -> None:
        raise OSError(errno.EIO, "nothing is to be set")

    for call in ("fchown", "fchmod", "setxattr", "removexattr"):
        monkeypatch.setattr(os, call, refuses)


def test_a_file_gets_all_of_the_other_s_metadata(file: Opened, attributes: dict[str, bytes]) -> None:
    attributes.update({"user.same": b"1", "user.other": b"1", "user.more": b"1"})
    wanted = (("user.new", b"3"), ("user.other", b"2"), ("user.same", b"1"))
    access.apply(file, like(file, mode=0o604, mtime_ns=10**18 + 7, xattrs=wanted))
    assert mode(file) == 0o604 and os.fstat(file.handle).st_mtime_ns == 10**18 + 7
    assert attributes == dict(wanted)
    access.apply(file, like(file, mtime_ns=None, xattrs=wanted))
    assert os.fstat(file.handle).st_mtime_ns == 10**18 + 7


@pytest.mark.parametrize("give", [access.apply, access.keep])
def test_a_file_gets_the_other_s_owner_and_group(file: Opened, give: Any) -> None:
    if os.geteuid() != 0:
        not_shown("giving a file to another user needs root")
    for owner in ((54321, 0), (54321, 54322), (0, 54322)):
        give(file, like(file, uid=owner[0], gid=owner[1]))
        info = os.fstat(file.handle)
        assert (info.st_uid, info.st_gid) == owner


def test_what_is_as_it_must_be_is_not_set_again(
    file: Opened, attributes: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes.update({ACL[0]: ACL[1], "user.note": b"1"})
    nothing_may_be_set(monkeypatch)
    access.keep(file, like(file, xattrs=(ACL,)))
    # What is no right of anybody is nothing to keep.
    access.keep(file, like(file, xattrs=(ACL, ("user.note", b"2"), ("user.more", b""))))


def test_an_attribute_that_is_there_already_need_not_be_settable(
    file: Opened, attributes: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes["security.label"] = b"1"
    wanted = like(file, xattrs=(("security.label", b"1"),))
    nothing_may_be_set(monkeypatch)
    monkeypatch.setattr(os, "fchmod", lambda handle, mode: None)
    access.apply(file, wanted)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, True),
        ({"mode": 0o601}, False),
        ({"uid": 54321}, False),
        ({"gid": 54321}, False),
        ({"xattrs": ()}, False),
        ({"xattrs": ((ACL[0], b"another"),)}, False),
        ({"xattrs": (ACL, ("user.note", b""))}, True),
    ],
)
def test_rights_are_kept_where_owner_group_mode_and_acl_are_the_same(
    file: Opened, attributes: dict[str, bytes], changes: dict[str, Any], kept: bool
) -> None:
    attributes[ACL[0]] = ACL[1]
    assert access.is_kept(file, like(file, **({"xattrs": (ACL,)} | changes))) is kept


def test_a_system_that_tells_the_birth_with_the_rest_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    told = SimpleNamespace(st_birthtime=3.5, st_mtime=7.0)
    monkeypatch.setattr(access, "_birth_time", lambda handle: None)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", lambda handle: told)
        made = access.made_at(0)
    assert made == 3.5


# --- where programs must do what calls do elsewhere


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """A system without calls for attributes, and what is asked of its programs; the file has an ACL."""
    asked: list[tuple[object, ...]] = []
    for name in ("listxattr", "getxattr", "setxattr", "removexattr"):
        monkeypatch.delattr(os, name)
    monkeypatch.setattr(acl_programs, "attributes", lambda file: ((acl_programs.NAME, b"an ACL"),))
    monkeypatch.setattr(acl_programs, "put", lambda file, value: asked.append(("put", value)))
    monkeypatch.setattr(acl_programs, "remove", lambda file, mode: asked.append(("remove", mode)))
    return asked


def test_an_acl_is_put_again_after_a_mode_that_takes_it_away(
    file: Opened, programs: list[tuple[object, ...]]
) -> None:
    access.apply(file, like(file, xattrs=((acl_programs.NAME, b"an ACL"),)))
    assert programs == [("put", b"an ACL")]


def test_without_an_acl_a_file_stays_its_owner_s_alone_until_its_mode_is_set(
    file: Opened, programs: list[tuple[object, ...]]
) -> None:
    access.keep(file, like(file, mode=0o751))
    assert programs == [("remove", 0o700)] and mode(file) == 0o751


def test_an_attribute_of_another_system_cannot_be_set(
    file: Opened, programs: list[tuple[object, ...]]
) -> None:
    with pytest.raises(OSError, match=r"no attribute user\.note") as raised:
        access.apply(file, like(file, xattrs=(("user.note", b"1"),)))
    assert (raised.value.errno, raised.value.filename) == (errno.ENOTSUP, str(file.path))


@pytest.mark.parametrize("calls", [True, False])
def test_what_an_ordinary_user_may_not_load_is_loaded_before_where_it_is_needed(
    tmp_path: Path, calls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[bool] = []
    monkeypatch.setattr(run, "prepare", lambda: prepared.append(True))
    monkeypatch.delitem(sys.modules, acl_programs.__name__)
    monkeypatch.delattr(unix, "acl_programs")
    if not calls:
        monkeypatch.delattr(os, "listxattr")
    with open_directory(tmp_path, StoreFile, "run"):
        loaded = acl_programs.__name__ in sys.modules
    assert (loaded, prepared) == ((False, []) if calls else (True, [True]))
