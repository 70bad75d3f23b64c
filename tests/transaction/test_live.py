"""What happens to a live store: swap, move out, restore, whatever is in the way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.transaction.kit import ACL, ONLY_1000, PLANTS, THREE, backed_up, database, opened, seen

from dsmcertfix.errors import NotRestored
from dsmcertfix.model import LocatedStore, Owner, StoreFile
from dsmcertfix.transaction import live
from dsmcertfix.transaction.backup import Backup

OTHER = database()
PRESENT = ("dsmcert.kdb", "dsmcert.sth", "dsmcert.idx")
STRANGER = Owner(54321, 54322, "stranger", None, (54323,))


@pytest.fixture
def backup(store: LocatedStore, tmp_path: Path) -> Backup:
    return backed_up(store, tmp_path / "set")


def swap(store: LocatedStore, backup: Backup, *, keep_index: bool = False) -> None:
    with opened(store) as directory:
        live.swap(directory, backup, OTHER, None if keep_index else StoreFile.IDX)


def restore(store: LocatedStore, backup: Backup) -> None:
    with opened(store) as directory:
        live.restoring(backup)(directory)


def finish(store: LocatedStore) -> None:
    with opened(store) as directory:
        live.finish(directory)


def with_xattrs(file: Path) -> None:
    try:
        os.setxattr(file, "user.note", b"\x00\xff")
        os.setxattr(file, "system.posix_acl_access", ACL)
    except OSError:
        not_shown("extended attributes and ACLs: this file system has none")


# --- swap and move out -----------------------------------------------------------------------------------


def test_after_a_swap_there_is_new_content_and_no_index(store: LocatedStore, backup: Backup) -> None:
    swap(store, backup)
    finish(store)
    assert sorted(path.name for path in store.directory.iterdir()) == ["dsmcert.kdb", "dsmcert.sth"]
    assert (store.directory / "dsmcert.kdb").read_bytes() == OTHER


def test_the_index_stays_when_it_is_to_be_kept(store: LocatedStore, backup: Backup) -> None:
    before = seen(store.directory)["dsmcert.idx"]
    swap(store, backup, keep_index=True)
    finish(store)
    assert seen(store.directory)["dsmcert.idx"] == before


def test_a_swap_keeps_owner_mode_attributes_and_acl(store: LocatedStore, tmp_path: Path) -> None:
    file = store.directory / "dsmcert.kdb"
    with_xattrs(file)
    if os.geteuid() == 0:
        os.chown(file, 54321, 54322)
    before = seen(store.directory)["dsmcert.kdb"]
    swap(store, backed_up(store, tmp_path / "set"))
    after = seen(store.directory)["dsmcert.kdb"]
    assert after[1:4] == before[1:4]
    assert after[5] == before[5]


def test_a_new_file_does_not_keep_what_its_directory_would_give_it(
    store: LocatedStore, backup: Backup
) -> None:
    try:
        os.setxattr(store.directory, "system.posix_acl_default", ACL)
    except OSError:
        not_shown("ACLs: this file system has none")
    before = seen(store.directory)
    swap(store, backup)
    assert os.listxattr(store.directory / "dsmcert.kdb") == []
    (store.directory / "dsmcert.idx").write_bytes(b"another")
    (store.directory / "dsmcert.idx.dsmcertfix-run-aside").unlink()
    restore(store, backup)
    assert seen(store.directory) == before


def test_a_swapped_file_is_new_so_that_whoever_has_the_old_one_open_is_not_disturbed(
    store: LocatedStore, backup: Backup
) -> None:
    with (store.directory / "dsmcert.kdb").open("rb") as reader:
        swap(store, backup)
        finish(store)
        assert reader.read() == THREE


def test_moved_out_no_file_has_its_own_name(store: LocatedStore, backup: Backup) -> None:
    with opened(store) as directory:
        live.move_out(directory, backup)
    assert not [path for path in store.directory.iterdir() if path.name in PRESENT]
    finish(store)
    assert list(store.directory.iterdir()) == []


# --- who may use what the client made anew ----------------------------------------------------------------


def made_anew(file: Path) -> None:
    """The client put another file there, as it does."""
    file.unlink()
    file.write_bytes(b"new")
    file.chmod(0o644)


def kept(store: LocatedStore, backup: Backup) -> tuple[str, ...]:
    with opened(store) as directory:
        live.keep_access(directory, backup)
        return live.access_lost(directory, backup)


@pytest.mark.parametrize("acl", [ACL, ONLY_1000, None])
def test_a_file_that_was_made_anew_has_the_old_group_mode_and_acl(
    store: LocatedStore, tmp_path: Path, acl: bytes | None
) -> None:
    file = store.directory / "dsmcert.sth"
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 54321, 54322)
    if acl is not None:
        with_xattrs(file)
        os.setxattr(file, "system.posix_acl_access", acl)
        os.removexattr(file, "user.note")
    before = seen(store.directory)["dsmcert.sth"]
    backup = backed_up(store, tmp_path / "set")
    made_anew(file)
    assert kept(store, backup) == ()
    after = seen(store.directory)["dsmcert.sth"]
    assert (after[1:4], after[5]) == (before[1:4], before[5])


def test_a_file_that_was_made_anew_has_no_acl_of_its_directory(store: LocatedStore, backup: Backup) -> None:
    try:
        os.setxattr(store.directory, "system.posix_acl_default", ACL)
    except OSError:
        not_shown("ACLs: this file system has none")
    made_anew(store.directory / "dsmcert.kdb")
    assert os.listxattr(store.directory / "dsmcert.kdb")
    assert kept(store, backup) == ()
    assert os.listxattr(store.directory / "dsmcert.kdb") == []
    assert (store.directory / "dsmcert.kdb").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("mode", "acl", "then"), [(0o640, False, 0o600), (0o644, False, 0o644), (0o644, True, 0o600)]
)
def test_where_the_group_may_not_be_given_the_file_is_its_owner_s_alone(
    store: LocatedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, acl: bool, then: int
) -> None:
    file = store.directory / "dsmcert.sth"
    if acl:
        with_xattrs(file)
    file.chmod(mode)
    backup = backed_up(store, tmp_path / "set")
    made_anew(file)
    # As if another group had been the file's.
    (saved,) = (item for item in backup.files if item.fact.file is StoreFile.STH)
    assert saved.metadata is not None
    other = replace(saved, metadata=saved.metadata._replace(gid=saved.metadata.gid + 1))
    backup = replace(backup, files=tuple(other if item is saved else item for item in backup.files))

    def denied(*arguments: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", denied)
    told = kept(store, backup)
    assert file.stat().st_mode & 0o777 == then
    assert len(told) == (then != mode)
    assert all(str(file) in line and f"mode {mode:04o}" in line for line in told)


def test_a_full_disk_while_the_new_file_is_written_leaves_the_old_one(
    store: LocatedStore, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seen(store.directory)

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        swap(store, backup)
    assert seen(store.directory) == before


def test_where_there_are_no_hard_links_the_backup_does(
    store: LocatedStore, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seen(store.directory)

    def no_links(*arguments: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    swap(store, backup)
    restore(store, backup)
    assert seen(store.directory) == before


# --- restore ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", ["swapped", "moved out"])
def test_restored_from_aside_the_files_are_the_very_same(
    store: LocatedStore, backup: Backup, out: str
) -> None:
    before = seen(store.directory)
    inodes = {name: (store.directory / name).stat().st_ino for name in PRESENT}
    if out == "swapped":
        swap(store, backup)
    else:
        with opened(store) as directory:
            live.move_out(directory, backup)
    restore(store, backup)
    assert seen(store.directory) == before
    assert {name: (store.directory / name).stat().st_ino for name in PRESENT} == inodes


def test_restoring_from_aside_needs_no_room_on_the_disk(
    store: LocatedStore, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seen(store.directory)
    swap(store, backup)
    (store.directory / "dsmcert.kdb").write_bytes(b"what the client wrote")

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    restore(store, backup)
    assert seen(store.directory) == before


def test_restored_from_the_backup_everything_is_as_it_was(store: LocatedStore, tmp_path: Path) -> None:
    with_xattrs(store.directory / "dsmcert.kdb")
    before = seen(store.directory)
    backup = backed_up(store, tmp_path / "set")
    swap(store, backup)
    finish(store)
    for name in ("dsmcert.kdb", "dsmcert.sth", "dsmcert.rdb"):
        (store.directory / name).write_bytes(b"what the client wrote")
    restore(store, backup)
    assert seen(store.directory) == before


def test_a_damaged_aside_is_not_trusted(store: LocatedStore, backup: Backup) -> None:
    before = seen(store.directory)
    swap(store, backup)
    (store.directory / "dsmcert.kdb.dsmcertfix-run-aside").write_bytes(b"tampered with")
    restore(store, backup)
    assert seen(store.directory) == before


def test_restoring_twice_changes_nothing_more(store: LocatedStore, backup: Backup) -> None:
    swap(store, backup)
    restore(store, backup)
    before = seen(store.directory), (store.directory / "dsmcert.kdb").stat().st_ino
    restore(store, backup)
    assert (seen(store.directory), (store.directory / "dsmcert.kdb").stat().st_ino) == before


def test_what_was_absent_is_absent_again(store: LocatedStore, backup: Backup) -> None:
    (store.directory / "dsmcert.crl").write_bytes(b"the client's")
    restore(store, backup)
    assert not (store.directory / "dsmcert.crl").exists()


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("slot", ["", ".dsmcertfix-run-aside", ".dsmcertfix-run-new"])
@pytest.mark.parametrize("name", ["dsmcert.kdb", "dsmcert.sth", "dsmcert.idx", "dsmcert.rdb", "dsmcert.crl"])
def test_what_was_planted_at_a_name_is_neither_followed_nor_waited_for(
    store: LocatedStore, backup: Backup, plant: Callable[[Path], None], slot: str, name: str
) -> None:
    before = seen(store.directory)
    passwords = Path("/etc/passwd").read_bytes(), Path("/etc/passwd").stat()
    swap(store, backup)
    path = store.directory / f"{name}{slot}"
    path.unlink(missing_ok=True)
    plant(path)
    begun = time.monotonic()
    restore(store, backup)
    assert time.monotonic() - begun < 20
    assert seen(store.directory) == before
    assert (Path("/etc/passwd").read_bytes(), Path("/etc/passwd").stat().st_mode) == (
        passwords[0],
        passwords[1].st_mode,
    )


@pytest.mark.parametrize("name", ["dsmcert.kdb", "dsmcert.crl"])
def test_a_directory_in_the_way_is_told_the_rest_is_restored_and_the_next_try_succeeds(
    store: LocatedStore, backup: Backup, name: str
) -> None:
    before = seen(store.directory)
    swap(store, backup)
    path = store.directory / name
    path.unlink(missing_ok=True)
    path.mkdir()
    with pytest.raises(NotRestored) as raised:
        restore(store, backup)
    assert any(str(path) in line for line in raised.value.context)
    assert any(str(backup.path) in line for line in raised.value.context)
    assert raised.value.hint and "recover" in raised.value.hint
    assert seen(store.directory)["dsmcert.idx"] == before["dsmcert.idx"]
    path.rmdir()
    restore(store, backup)
    assert seen(store.directory) == before


@pytest.mark.parametrize("slot", [".dsmcertfix-run-aside", ".dsmcertfix-run-new"])
def test_a_directory_at_one_of_our_names_leaves_no_store_changed(
    store: LocatedStore, backup: Backup, slot: str
) -> None:
    before = seen(store.directory)
    planted = store.directory / f"dsmcert.kdb{slot}"
    planted.mkdir()
    with pytest.raises(OSError, match=r"directory|permitted"):
        swap(store, backup)
    restore(store, backup)
    planted.rmdir()
    assert seen(store.directory) == before


def test_a_damaged_backup_is_told_when_nothing_else_is_left(store: LocatedStore, backup: Backup) -> None:
    swap(store, backup)
    finish(store)
    (backup.path / "dsmcert.kdb").write_bytes(b"damaged")
    with pytest.raises(NotRestored) as raised:
        restore(store, backup)
    assert any("its content changed" in line for line in raised.value.context)
    assert seen(store.directory)["dsmcert.idx"]


def test_a_damaged_backup_does_no_harm_while_the_old_file_lies_aside(
    store: LocatedStore, backup: Backup
) -> None:
    before = seen(store.directory)
    swap(store, backup)
    (backup.path / "dsmcert.kdb").unlink()
    restore(store, backup)
    assert seen(store.directory) == before


def test_an_earlier_set_takes_the_place_of_what_is_there_which_lies_aside(
    store: LocatedStore, backup: Backup, tmp_path: Path
) -> None:
    before = seen(store.directory)
    swap(store, backup)
    finish(store)
    between = seen(store.directory)
    current = backed_up(store, tmp_path / "current")
    inode = (store.directory / "dsmcert.kdb").stat().st_ino
    with opened(store) as directory:
        live.exchanging(current, backup)(directory)
    assert {name: item for name, item in seen(store.directory).items() if name in PRESENT} == before
    restore(store, current)
    assert (seen(store.directory), (store.directory / "dsmcert.kdb").stat().st_ino) == (between, inode)
