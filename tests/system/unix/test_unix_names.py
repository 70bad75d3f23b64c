"""Names in a store's directory: nobody who puts one there meanwhile gains by it; mounted ones stay."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.system.unix.kit import KDB, STRANGER, as_root, like

from dsmcertfix import budgets
from dsmcertfix.errors import NotPermitted, StoreUnreadable, SwapFailed
from dsmcertfix.model import FileFact, StoreFile
from dsmcertfix.system.unix import directory as unix_directory
from dsmcertfix.system.unix import in_place
from dsmcertfix.system.unix.directory import UnixDirectory, open_directory

STH = StoreFile.STH
NEW = "dsmcert.kdb.dsmcertfix-run-new"


@pytest.fixture
def place(place: Path) -> Path:
    """A store beside a file that nobody may touch."""
    (place.parent / "victim").write_bytes(b"of others")
    return place


def before_it_is_opened(
    monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], object], *, needs: int = 0
) -> None:
    """`act` is done at the last moment; the flags must have `needs`, or the test would hang."""
    opens = os.open

    def opened(path: Any, how: int, *arguments: Any, **options: Any) -> int:
        if path == name:
            act()
            assert how & needs == needs
        return opens(path, how, *arguments, **options)

    monkeypatch.setattr(os, "open", opened)


# --- what others put there -------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "code"), [("fifo", "not-a-regular-file"), ("link", "link-in-path")])
def test_what_is_put_in_a_file_s_place_while_it_is_opened_is_neither_followed_nor_waited_for(
    directory: UnixDirectory[StoreFile], place: Path, kind: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exchange() -> None:
        (place / "dsmcert.kdb").unlink(missing_ok=True)
        if kind == "fifo":
            os.mkfifo(place / "dsmcert.kdb")
        else:
            (place / "dsmcert.kdb").symlink_to(place.parent / "victim")

    before_it_is_opened(monkeypatch, "dsmcert.kdb", exchange, needs=os.O_NONBLOCK)
    with pytest.raises(NotPermitted) as raised:
        directory.read(KDB)
    assert raised.value.code == code


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_put_in_a_new_file_s_place_is_not_written_to(
    directory: UnixDirectory[StoreFile], place: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = place.parent / "victim"

    def plant() -> None:
        if kind == "file":
            os.link(victim, place / NEW)
        else:
            (place / NEW).symlink_to(victim)

    wanted = like(directory)
    before_it_is_opened(monkeypatch, NEW, plant)
    with pytest.raises(FileExistsError):
        directory.write_new(KDB, b"new", wanted)
    assert victim.read_bytes() == b"of others"


@pytest.mark.parametrize(("cap", "refused"), [(2, True), (3, False)])
def test_of_a_directory_only_so_many_names_are_looked_at(
    directory: UnixDirectory[StoreFile], place: Path, cap: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in ("one", "two"):
        os.link(place / "dsmcert.kdb", place / f"dsmcert.kdb.dsmcertfix-{run}-aside")
    monkeypatch.setattr(budgets, "NAMES", budgets.NAMES._replace(cap=cap))
    if not refused:
        assert directory.read(KDB) == b"live"
        return
    with pytest.raises(NotPermitted) as raised:
        directory.read(KDB)
    assert raised.value.code == "file-has-another-name"


def test_a_file_with_one_name_is_read_however_many_other_names_there_are(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "NAMES", budgets.NAMES._replace(cap=0))
    assert directory.read(KDB) == b"live"


def test_a_link_in_a_file_s_place_gives_no_other_name_to_what_it_leads_to(
    directory: UnixDirectory[StoreFile], place: Path
) -> None:
    (place / "dsmcert.kdb").unlink()
    (place / "dsmcert.kdb").symlink_to(place.parent / "victim")
    directory.keep_aside(KDB)
    assert (place.parent / "victim").stat().st_nlink == 1


@pytest.mark.parametrize("kind", ["fifo", "link"])
def test_every_file_of_a_set_must_be_a_regular_one(
    directory: UnixDirectory[StoreFile], place: Path, kind: str
) -> None:
    directory.require_theirs()
    if kind == "fifo":
        os.mkfifo(place / "dsmcert.idx")
    else:
        (place / "dsmcert.idx").symlink_to(place / "dsmcert.kdb")
    with pytest.raises(NotPermitted) as raised:
        directory.require_theirs()
    assert raised.value.code == "not-a-regular-file" and "dsmcert.idx" in raised.value.message


def test_a_file_that_is_too_large_is_not_even_opened(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix_directory, "SIZE_LIMIT", 3)
    for look in (directory.metadata, directory.sync_content, directory.read):
        with pytest.raises(StoreUnreadable) as raised:
            look(KDB)
        assert raised.value.code == "file-too-large"
    monkeypatch.setattr(unix_directory, "SIZE_LIMIT", 4)
    assert directory.read(KDB) == b"live"


@pytest.mark.parametrize(("flag", "read_only"), [(os.ST_RDONLY, True), (os.ST_NOSUID, False), (0, False)])
def test_a_file_is_told_whole_and_whether_its_file_system_can_be_written(
    directory: UnixDirectory[StoreFile],
    place: Path,
    flag: int,
    read_only: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "fstatvfs", lambda handle: SimpleNamespace(f_flag=flag))
    (place / "dsmcert.kdb").chmod(0o604)
    info = (place / "dsmcert.kdb").stat()
    told = directory.fact(KDB)
    digest = sha256(b"live").hexdigest()
    assert told == FileFact(KDB, True, 4, digest, 0o604, info.st_uid, info.st_gid)
    assert (told.mounted, told.read_only) == (False, read_only)
    assert directory.fact(STH) == FileFact(STH, False)


@pytest.mark.parametrize(
    ("root", "owner", "opens"), [(0, 0, False), (STRANGER, 0, True), (0, STRANGER, True)]
)
def test_only_to_root_a_directory_of_the_system_s_must_be_closed(
    place: Path, root: int, owner: int, opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_root()
    place.chmod(0o777)
    os.chown(place, owner, -1)
    monkeypatch.setattr(os, "geteuid", lambda: root)
    if opens:
        with open_directory(place, StoreFile, "run"):
            return
    with pytest.raises(NotPermitted), open_directory(place, StoreFile, "run"):
        pass


@pytest.mark.parametrize("slot", ["new", "aside"])
def test_trouble_with_a_file_of_ours_is_told_as_it_is(
    directory: UnixDirectory[StoreFile], slot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise OSError(errno.EIO, "the reason")

    monkeypatch.setattr(in_place, "is_mounted", lambda handle, name: True)
    monkeypatch.setattr(os, "unlink", fails)
    # Whether it is there or not.
    with pytest.raises(OSError, match="the reason"):
        directory.discard(KDB, slot)


# --- files that are mounts of their own ------------------------------------------------------------------


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names that are mounts, as the system is made to tell."""
    names = {"dsmcert.kdb"}
    monkeypatch.setattr(in_place, "is_mounted", lambda handle, name: name in names)
    return names


def test_a_mounted_file_has_its_new_content_in_place_and_nothing_beside_it(
    directory: UnixDirectory[StoreFile], place: Path, mounted: set[str]
) -> None:
    inode = (place / "dsmcert.kdb").stat().st_ino
    directory.write_new(KDB, b"before", like(directory))
    directory.write_new(KDB, b"new", like(directory, mode=0o640))
    assert directory.read(KDB) == b"live" and os.listdir(place) == ["dsmcert.kdb"]
    directory.exchange(KDB)
    info = (place / "dsmcert.kdb").stat()
    assert (info.st_ino, info.st_mode & 0o7777) == (inode, 0o640)
    assert directory.read(KDB) == b"new" and os.listdir(place) == ["dsmcert.kdb"]
    # It was put there once: there is nothing new any more.
    with pytest.raises(FileNotFoundError):
        directory.move(KDB, "new", "live")


def test_a_file_that_is_mounted_no_more_gets_what_was_written_last(
    directory: UnixDirectory[StoreFile], place: Path, mounted: set[str]
) -> None:
    directory.write_new(KDB, b"before", like(directory))
    mounted.clear()
    directory.write_new(KDB, b"new", like(directory))
    assert (place / NEW).read_bytes() == b"new"
    directory.exchange(KDB)
    assert (directory.read(KDB), directory.read(KDB, "aside")) == (b"new", b"live")


def test_a_mounted_file_goes_nowhere_and_others_do(
    directory: UnixDirectory[StoreFile], place: Path, mounted: set[str]
) -> None:
    (place / "dsmcert.sth").write_bytes(b"stash")
    directory.write_new(KDB, b"new", like(directory))
    with pytest.raises(SwapFailed) as raised:
        directory.move(KDB, "live", "aside")
    assert raised.value.code == "store-file-mounted" and directory.read(KDB) == b"live"
    directory.move(STH, "live", "aside")
    assert directory.read(STH, "aside") == b"stash"


def test_a_mount_that_only_a_link_shows_is_told_as_one(
    directory: UnixDirectory[StoreFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*arguments: object, **options: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(SwapFailed) as raised:
        directory.keep_aside(KDB)
    assert raised.value.code == "store-file-mounted"
