"""A store's directory by its handle: what is refused, what is left of a failure, who may use a file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.shown import not_shown

from dsmcertfix import budgets
from dsmcertfix.errors import (
    Busy,
    DsmcertfixError,
    NotPermitted,
    PlanOutdated,
    StoreUnreadable,
    SwapFailed,
)
from dsmcertfix.model import ServerFile, StoreFile
from dsmcertfix.system import locks
from dsmcertfix.system.seen import Metadata
from dsmcertfix.system.unix import access, handles, in_place
from dsmcertfix.system.unix import directory as unix_directory
from dsmcertfix.system.unix.directory import UnixDirectory, open_directory, translated, walk

KDB = StoreFile.KDB
NEW = "dsmcert.kdb.dsmcertfix-run-new"
STRANGER = 54321


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "store"
    path.mkdir(mode=0o755)
    (path / "dsmcert.kdb").write_bytes(b"live")
    return path


@pytest.fixture
def directory(place: Path) -> Iterator[UnixDirectory[StoreFile]]:
    with open_directory(place, StoreFile, "run") as opened:
        yield opened


def as_root() -> None:
    if os.geteuid() != 0:
        not_shown("giving a file to another user needs root")


def like(directory: UnixDirectory[StoreFile], **changes: Any) -> Metadata:
    return directory.metadata(KDB)._replace(**changes)


# --- which directory it is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.ELOOP, NotPermitted, "link-in-path"),
        (errno.ENOTDIR, NotPermitted, "link-in-path"),
        (errno.EACCES, NotPermitted, "access-denied"),
        (errno.EPERM, NotPermitted, "access-denied"),
        (errno.EBUSY, Busy, "file-in-use"),
        (errno.ETXTBSY, Busy, "file-in-use"),
    ],
)
def test_a_system_error_has_a_meaning_for_a_store(
    number: int, kind: type[DsmcertfixError], code: str
) -> None:
    error = translated(OSError(number, "x"), "/store")
    assert isinstance(error, kind) and error.code == code and "`/store`" in error.message


def test_any_other_system_error_stays_what_it_is() -> None:
    error = OSError(errno.EIO, "x")
    assert translated(error, "/store") is error


def test_a_directory_is_known_by_device_and_inode_and_after_a_reboot_by_the_inode(place: Path) -> None:
    info = place.stat()
    for identity in ((info.st_dev, info.st_ino), (0, info.st_ino), None):
        with open_directory(place, StoreFile, "run", identity) as opened:
            assert opened.owner == info.st_uid
    for identity in ((info.st_dev, info.st_ino + 1), (info.st_dev + 1, info.st_ino), (0, info.st_ino + 1)):
        with pytest.raises(PlanOutdated), open_directory(place, StoreFile, "run", identity):
            pass


@pytest.mark.parametrize(("mode", "refused"), [(0o757, True), (0o1757, False), (0o775, False)])
def test_root_works_in_no_directory_of_the_system_in_which_everyone_can_exchange_files(
    place: Path, mode: int, refused: bool
) -> None:
    as_root()
    place.chmod(mode)
    if not refused:
        with open_directory(place, StoreFile, "run"):
            return
    with pytest.raises(NotPermitted) as raised, open_directory(place, StoreFile, "run"):
        pass
    assert raised.value.code == "store-open-to-others" and f"(mode {mode:04o})" in raised.value.message


def test_in_a_directory_of_a_user_every_file_must_be_theirs(place: Path) -> None:
    as_root()
    os.chown(place, STRANGER, -1)
    with open_directory(place, StoreFile, "run") as opened:
        with pytest.raises(NotPermitted) as raised:
            opened.read(KDB)
        assert raised.value.code == "file-of-another-owner"
        os.chown(place / "dsmcert.kdb", STRANGER, -1)
        assert opened.read(KDB) == b"live"
    with open_directory(place, StoreFile, "run", system_uids=frozenset((0, STRANGER))) as opened:
        os.chown(place / "dsmcert.kdb", 0, -1)
        assert opened.read(KDB) == b"live"


def open_handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_no_handle_stays_open(place: Path) -> None:
    before = open_handles()
    with open_directory(place, StoreFile, "run") as opened:
        opened.fact(KDB)
        opened.write_new(KDB, b"new", like(opened))
        opened.sync_content(KDB)
    for gone in (place / "gone", place / "dsmcert.kdb" / "below"):
        with pytest.raises((OSError, DsmcertfixError)):
            walk(gone)
    with handles.passing(place) as (_, way):
        assert len(way) == len(place.parts) and way[-1].st_ino == place.stat().st_ino
    assert open_handles() == before


def test_a_path_from_an_open_directory_is_walked_from_there(place: Path) -> None:
    with handles.passing(place.parent) as (top, _), handles.passing(Path("store"), top) as (found, way):
        assert os.fstat(found).st_ino == place.stat().st_ino and len(way) == 2
    os.symlink(place, place.parent / "link")
    with handles.passing(place.parent) as (top, _), pytest.raises(OSError, match=r"levels|directory"):
        handles.passing(Path("link"), top).__enter__()


# --- one file --------------------------------------------------------------------------------------------


def test_a_file_of_another_set_has_no_name_here(directory: UnixDirectory[StoreFile]) -> None:
    with pytest.raises(TypeError):
        directory.present(ServerFile.KDB)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), "a symbolic link"),
        (lambda path: path.mkdir(), "a directory"),
        (os.mkfifo, "a FIFO"),
        (lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3)), "a character device"),
        (lambda path: os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 99)), "a block device"),
        (lambda path: os.mknod(path, stat.S_IFSOCK | 0o600), "a socket"),
    ],
)
def test_what_is_no_regular_file_is_called_by_its_name(
    directory: UnixDirectory[StoreFile], place: Path, make: Any, word: str
) -> None:
    (place / "dsmcert.kdb").unlink()
    try:
        make(place / "dsmcert.kdb")
    except PermissionError:
        not_shown("a device cannot be made here")
    for look in (directory.fact, directory.read, directory.metadata, directory.sync_content):
        with pytest.raises(NotPermitted) as raised:
            look(KDB)
        assert raised.value.message == f"`{place}/dsmcert.kdb` is {word}, not a regular file"


def test_a_file_that_is_exchanged_while_it_is_opened_is_refused(
    directory: UnixDirectory[StoreFile], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def exchanged(name: Any, *arguments: Any, **options: Any) -> int:
        if name == "dsmcert.kdb":
            (place / "other").write_bytes(b"other")
            (place / "other").rename(place / "dsmcert.kdb")
        return opened(name, *arguments, **options)

    monkeypatch.setattr(os, "open", exchanged)
    with pytest.raises(NotPermitted) as raised:
        directory.read(KDB)
    assert raised.value.code == "file-exchanged"


def test_a_new_file_that_cannot_be_written_leaves_nothing_and_tells_why(
    directory: UnixDirectory[StoreFile], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        directory.write_new(KDB, b"new", like(directory))
    assert os.listdir(place) == ["dsmcert.kdb"]

    def gone(handle: int) -> None:
        (place / NEW).unlink()
        full(handle)

    monkeypatch.setattr(os, "fsync", gone)
    with pytest.raises(OSError, match="No space left"):
        directory.write_new(KDB, b"new", like(directory))


def test_a_new_file_is_closed_until_it_is_whole(
    directory: UnixDirectory[StoreFile], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    write = os.write

    def seen(handle: int, data: bytes) -> int:
        modes.append(os.fstat(handle).st_mode & 0o7777)
        return write(handle, bytes(data)[:3])

    monkeypatch.setattr(os, "write", seen)
    directory.write_new(KDB, b"longer", like(directory, mode=0o644))
    assert modes == [0o600, 0o600]
    assert (place / NEW).read_bytes() == b"longer" and (place / NEW).stat().st_mode & 0o7777 == 0o644


@pytest.mark.parametrize(
    ("number", "told"), [(errno.EMLINK, False), (errno.ENOTSUP, False), (errno.EIO, True)]
)
def test_where_there_are_no_links_nothing_is_kept_aside_and_any_other_trouble_is_told(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch, number: int, told: bool
) -> None:
    def link(*arguments: object, **options: object) -> None:
        raise OSError(number, "the reason")

    monkeypatch.setattr(os, "link", link)
    if told:
        with pytest.raises(OSError, match="the reason"):
            directory.keep_aside(KDB)
    else:
        directory.keep_aside(KDB)
    assert not directory.present(KDB, "aside")


def test_a_second_name_elsewhere_is_refused_and_our_own_is_not(
    directory: UnixDirectory[StoreFile], place: Path
) -> None:
    directory.keep_aside(KDB)
    assert directory.read(KDB) == directory.read(KDB, "aside") == b"live"
    os.link(place / "dsmcert.kdb", place / "dsmcert.kdb.dsmcertfix-another-aside")
    assert directory.read(KDB) == b"live"
    os.link(place / "dsmcert.kdb", place / "dsmcert.sth.dsmcertfix-run-aside")
    with pytest.raises(NotPermitted) as raised:
        directory.read(KDB)
    assert raised.value.code == "file-has-another-name" and "has 4 names" in raised.value.message


def test_our_own_second_name_is_found_however_many_names_others_put_beside_it(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "NAMES", budgets.NAMES._replace(cap=0))
    directory.keep_aside(KDB)
    assert directory.read(KDB) == b"live"


# --- who may use it --------------------------------------------------------------------------------------


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


def test_a_file_was_made_when_it_was_made_whatever_its_time_says(place: Path) -> None:
    began = datetime.now(timezone.utc).timestamp()
    os.utime(place / "dsmcert.kdb", (0, 0))
    with (place / "dsmcert.kdb").open() as file:
        made = access.made_at(file.fileno())
        if made == 0:
            not_shown("this file system does not keep when a file was made")
        assert abs(made - began) < 60


def test_a_file_that_grows_while_it_is_read_is_given_up(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix_directory, "SIZE_LIMIT", 10)
    for look in (directory.read, directory.fact):
        left = [b"123456"] * 5
        monkeypatch.setattr(os, "read", lambda handle, size, left=left: left.pop() if left else b"")
        with pytest.raises(StoreUnreadable) as raised:
            look(KDB)
        assert raised.value.code == "file-too-large" and len(left) == 3
    parts = [b"12345", b"67890"]
    monkeypatch.setattr(os, "read", lambda handle, size: parts.pop() if parts else b"")
    assert directory.read(KDB) == b"6789012345"


def test_a_link_that_leads_nowhere_is_there(directory: UnixDirectory[StoreFile], place: Path) -> None:
    (place / "dsmcert.idx").symlink_to(place / "nowhere")
    assert directory.present(StoreFile.IDX) and not directory.present(StoreFile.RDB)


def test_who_is_not_root_works_with_whatever_may_be_opened(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_root()
    os.chown(place, STRANGER, -1)
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    with open_directory(place, StoreFile, "run") as opened:
        assert opened.read(KDB) == b"live"


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


def test_one_run_is_alone_and_its_lock_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.held(path)
    with locks.alone(path, 0.0):
        assert path.stat().st_mode & 0o7777 == 0o600 and locks.held(path)
        with pytest.raises(Busy) as raised, locks.alone(path, 0.01):
            pass
        assert raised.value.code == "another-run" and raised.value.context == (f"lock: {path}",)
    assert not locks.held(path)


def test_a_lock_that_cannot_be_looked_at_may_be_held(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    assert locks.held(tmp_path / "lock")


def test_a_mounted_file_that_cannot_go_is_told_as_one(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*arguments: object, **others: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(os, "unlink", busy)
    with pytest.raises(OSError, match="busy"):
        directory.discard(KDB, "live")
    monkeypatch.setattr(in_place, "is_mounted", lambda *about: True)
    with pytest.raises(SwapFailed) as raised:
        directory.discard(KDB, "live")
    assert raised.value.code == "store-file-mounted"


@pytest.mark.parametrize("name", ["dsmcert.kdb", "dsmcert.sth"])
def test_what_is_not_there_needs_no_change_where_nothing_can_be_changed(
    directory: UnixDirectory[StoreFile], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file system that is mounted read-only answers, before it has looked for the name."""

    def fails(*arguments: object, **others: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "unlink", fails)
    if name == "dsmcert.sth":
        directory.discard(StoreFile.STH, "live")
        return
    with pytest.raises(OSError, match="Read-only"):
        directory.discard(KDB, "live")
