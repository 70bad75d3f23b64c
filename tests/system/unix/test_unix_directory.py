"""A store's directory by its handle: which one it is, what is refused, and what is left of a failure."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.shown import not_shown
from tests.system.unix.kit import KDB, STRANGER, as_root, like

from dsmcertfix import budgets
from dsmcertfix.errors import Busy, DsmcertfixError, NotPermitted, PlanOutdated, StoreUnreadable, SwapFailed
from dsmcertfix.model import ServerFile, StoreFile
from dsmcertfix.system.unix import directory as unix_directory
from dsmcertfix.system.unix import handles, in_place
from dsmcertfix.system.unix.directory import UnixDirectory, open_directory, translated, walk

NEW = "dsmcert.kdb.dsmcertfix-run-new"


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


def test_who_is_not_root_works_with_whatever_may_be_opened(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_root()
    os.chown(place, STRANGER, -1)
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    with open_directory(place, StoreFile, "run") as opened:
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
