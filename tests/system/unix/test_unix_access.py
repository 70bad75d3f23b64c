"""Who may use a file of a store: what rights it is given, when it is opened to others, and its attributes."""

from __future__ import annotations

import errno
import os
import stat
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.system.unix.kit import KDB, STRANGER, as_root, like

from dsmcertfix.errors import NotPermitted
from dsmcertfix.model import StoreFile
from dsmcertfix.system.unix import access
from dsmcertfix.system.unix.directory import UnixDirectory, open_directory


def test_a_file_with_a_second_name_of_our_own_is_opened_to_nobody(
    directory: UnixDirectory[StoreFile], place: Path
) -> None:
    directory.keep_aside(KDB)
    with pytest.raises(NotPermitted) as raised:
        directory.keep_access(KDB, like(directory, mode=0o644), datetime.now(timezone.utc))
    assert raised.value.code == "file-has-another-name"


@pytest.mark.parametrize(("mode", "refused"), [(0o777, True), (0o775, True), (0o755, False)])
def test_where_others_may_put_files_only_what_was_made_since_is_opened(
    place: Path, mode: int, refused: bool
) -> None:
    place.chmod(mode | stat.S_ISVTX)
    later = datetime.fromtimestamp(datetime.now(timezone.utc).timestamp() + 3600, timezone.utc)
    with open_directory(place, StoreFile, "run") as opened:
        wanted = like(opened, mode=0o640)
        if refused:
            with pytest.raises(NotPermitted) as raised:
                opened.keep_access(KDB, wanted, later)
            assert raised.value.code == "file-moved-in"
            opened.keep_access(KDB, like(opened), later)
            opened.keep_access(KDB, wanted, datetime(2020, 1, 1, tzinfo=timezone.utc))
        else:
            opened.keep_access(KDB, wanted, later)
    assert (place / "dsmcert.kdb").stat().st_mode & 0o7777 == 0o640


def test_the_clock_of_a_file_system_may_be_two_seconds_behind(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.chmod(0o1777)
    since = datetime(2031, 1, 1, tzinfo=timezone.utc)
    with open_directory(place, StoreFile, "run") as opened:
        for behind, refused in ((2.0, False), (2.1, True)):
            monkeypatch.setattr(access, "made_at", lambda _, behind=behind: since.timestamp() - behind)
            wanted = like(opened, mode=0o600 + int(behind * 10))
            if refused:
                with pytest.raises(NotPermitted):
                    opened.keep_access(KDB, wanted, since)
            else:
                opened.keep_access(KDB, wanted, since)


def test_what_somebody_else_made_is_not_opened(place: Path) -> None:
    as_root()
    place.chmod(0o1777)
    os.chown(place / "dsmcert.kdb", STRANGER, -1)
    since = datetime(2020, 1, 1, tzinfo=timezone.utc)
    with open_directory(place, StoreFile, "run") as opened:
        with pytest.raises(NotPermitted):
            opened.keep_access(KDB, like(opened, uid=0), since)
        opened.keep_access(KDB, like(opened, mode=0o600), since)
    assert (place / "dsmcert.kdb").stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_trouble_with_a_file_s_rights_that_is_no_refusal_is_told(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fails(*arguments: object) -> None:
        raise OSError(number, "the reason")

    monkeypatch.setattr(os, "fchown", fails)
    with pytest.raises(OSError, match="the reason"):
        directory.keep_access(KDB, like(directory, gid=STRANGER), datetime.now(timezone.utc))


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOTSUP])
def test_where_rights_may_not_be_given_the_file_is_closed(
    directory: UnixDirectory[StoreFile], place: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuses(*arguments: object) -> None:
        raise OSError(number, "the reason")

    monkeypatch.setattr(os, "fchown", refuses)
    directory.keep_access(KDB, like(directory, gid=STRANGER, mode=0o640), datetime.now(timezone.utc))
    assert (place / "dsmcert.kdb").stat().st_mode & 0o7777 == 0o600


def test_a_file_is_its_owner_s_alone_until_its_acl_is_there(
    directory: UnixDirectory[StoreFile], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []

    def noted(handle: int, name: str, value: bytes) -> None:
        modes.append(os.fstat(handle).st_mode & 0o7777)

    monkeypatch.setattr(os, "setxattr", noted)
    theirs = like(directory, mode=0o664, xattrs=(("system.posix_acl_access", b"an ACL"),))
    directory.keep_access(KDB, theirs, datetime.now(timezone.utc))
    assert modes == [0o600] and (place / "dsmcert.kdb").stat().st_mode & 0o7777 == 0o664


def test_a_file_was_made_when_it_was_made_whatever_its_time_says(place: Path) -> None:
    began = datetime.now(timezone.utc).timestamp()
    os.utime(place / "dsmcert.kdb", (0, 0))
    with (place / "dsmcert.kdb").open() as file:
        made = access.made_at(file.fileno())
        if made == 0:
            not_shown("this file system does not keep when a file was made")
        assert abs(made - began) < 60


# --- attributes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "found"), [(errno.ENOTSUP, ()), (errno.EIO, None)])
def test_a_file_system_without_attributes_has_none_and_trouble_is_told(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch, number: int, found: object
) -> None:
    def listed(handle: int) -> list[str]:
        raise OSError(number, "the reason")

    monkeypatch.setattr(os, "listxattr", listed)
    if found is None:
        with pytest.raises(OSError, match="the reason"):
            directory.metadata(KDB)
    else:
        assert directory.metadata(KDB).xattrs == found


def test_a_system_without_attributes_has_none(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "listxattr")
    assert directory.metadata(KDB).xattrs == ()


def test_what_the_kernel_keeps_itself_is_not_told_and_what_it_labels_stays(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    there = {"security.ima": b"1", "security.selinux": b"2", "user.note": b"3", "user.same": b"4"}
    monkeypatch.setattr(os, "listxattr", lambda handle: list(there))
    monkeypatch.setattr(os, "getxattr", lambda handle, name: there[name])
    monkeypatch.setattr(os, "removexattr", lambda handle, name: removed.append(name))
    wanted = like(directory, xattrs=(("user.same", b"4"),))
    assert [name for name, _ in directory.metadata(KDB).xattrs] == sorted(set(there) - {"security.ima"})
    directory.write_new(KDB, b"new", wanted)
    assert removed == ["user.note"]


def test_what_only_root_can_see_of_a_user_s_file_is_not_told(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_root()
    there = {"trusted.note": b"1", "user.note": b"2"}
    monkeypatch.setattr(os, "listxattr", lambda handle: list(there))
    monkeypatch.setattr(os, "getxattr", lambda handle, name: there[name])
    with open_directory(place, StoreFile, "run") as opened:
        assert [name for name, _ in opened.metadata(KDB).xattrs] == ["trusted.note", "user.note"]
    for path in (place, place / "dsmcert.kdb"):
        os.chown(path, STRANGER, -1)
    with open_directory(place, StoreFile, "run") as opened:
        assert [name for name, _ in opened.metadata(KDB).xattrs] == ["user.note"]
