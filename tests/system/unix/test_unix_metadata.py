"""Since when a file is there, and its rights while they are set."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.shown import not_shown

from dsmcertfix.system.seen import Metadata
from dsmcertfix.system.unix import access
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
