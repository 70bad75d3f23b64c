"""What is refused in a store's directory: everything but regular files with one name, no link on the way."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.transaction.kit import PLANTS, THREE, backed_up, database, make_store, opened, seen

from dsmcertfix.errors import Busy, NotPermitted, PlanOutdated, StoreUnreadable
from dsmcertfix.model import LocatedStore, Owner, StoreFile
from dsmcertfix.system.base import SIZE_LIMIT
from dsmcertfix.system.unix.directory import UnixDirectory, open_directory
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


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("plant", [*PLANTS, Path.mkdir], ids=lambda plant: plant.__name__)
def test_what_is_no_regular_file_is_refused_at_once(
    store: LocatedStore, plant: Callable[[Path], None]
) -> None:
    (store.directory / "dsmcert.kdb").unlink()
    plant(store.directory / "dsmcert.kdb")
    for look in (UnixDirectory.fact, UnixDirectory.read, UnixDirectory.metadata):
        with opened(store) as directory, pytest.raises(NotPermitted) as raised:
            look(directory, StoreFile.KDB)
        assert raised.value.code == "not-a-regular-file"


def test_a_device_is_refused(store: LocatedStore) -> None:
    (store.directory / "dsmcert.kdb").unlink()
    try:
        os.mknod(store.directory / "dsmcert.kdb", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        not_shown("devices: making one needs root")
    with opened(store) as directory, pytest.raises(NotPermitted, match="character device"):
        directory.read(StoreFile.KDB)


def test_a_file_with_a_second_name_elsewhere_is_refused(store: LocatedStore, tmp_path: Path) -> None:
    os.link(store.directory / "dsmcert.kdb", tmp_path / "elsewhere")
    with opened(store) as directory, pytest.raises(NotPermitted) as raised:
        directory.read(StoreFile.KDB)
    assert raised.value.code == "file-has-another-name"


def test_a_second_name_that_only_looks_like_ours_does_not_hide_a_third(
    store: LocatedStore, tmp_path: Path
) -> None:
    os.link(store.directory / "dsmcert.kdb", store.directory / "dsmcert.kdb.dsmcertfix-x-aside")
    with opened(store) as directory:
        assert directory.read(StoreFile.KDB) == THREE
    os.link(store.directory / "dsmcert.kdb", tmp_path / "elsewhere")
    with opened(store) as directory, pytest.raises(NotPermitted):
        directory.read(StoreFile.KDB)


def test_a_file_of_a_terabyte_is_refused_quickly(store: LocatedStore) -> None:
    os.truncate(store.directory / "dsmcert.kdb", 1024**4)
    begun = time.monotonic()
    for look in (UnixDirectory.fact, UnixDirectory.read):
        with opened(store) as directory, pytest.raises(StoreUnreadable) as raised:
            look(directory, StoreFile.KDB)
        assert raised.value.code == "file-too-large"
    assert time.monotonic() - begun < 20


def test_a_file_just_below_the_limit_is_read(store: LocatedStore) -> None:
    os.truncate(store.directory / "dsmcert.kdb", SIZE_LIMIT)
    with opened(store) as directory:
        assert directory.fact(StoreFile.KDB).size == SIZE_LIMIT


def test_a_directory_that_was_exchanged_is_refused(store: LocatedStore) -> None:
    store.directory.rename(store.directory.parent / "old")
    make_store(store.directory)
    with pytest.raises(PlanOutdated) as raised, opened(store):
        pass
    assert raised.value.code == "directory-exchanged"


def test_after_a_reboot_the_device_may_have_another_number_but_not_the_directory(store: LocatedStore) -> None:
    inode = store.identity[1]
    with open_directory(store.directory, StoreFile, "run", (0, inode)):
        pass
    with pytest.raises(PlanOutdated), open_directory(store.directory, StoreFile, "run", (0, inode + 1)):
        pass
    with (
        pytest.raises(PlanOutdated),
        open_directory(store.directory, StoreFile, "run", (store.identity[0] + 1, inode)),
    ):
        pass


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_no_component_of_a_path_may_be_a_link(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "a" / "b" / "c"
    store = make_store(path)
    linked = (path, path.parent, path.parent.parent)[depth - 1]
    linked.rename(tmp_path / "real")
    linked.symlink_to(tmp_path / "real")
    assert path.is_dir()
    with pytest.raises(NotPermitted) as raised, opened(store):
        pass
    assert raised.value.code == "link-in-path"


def test_a_file_in_place_of_a_directory_is_refused(store: LocatedStore, tmp_path: Path) -> None:
    store.directory.rename(tmp_path / "gone")
    store.directory.write_bytes(b"")
    with pytest.raises(NotPermitted), opened(store):
        pass


def test_nothing_is_done_in_a_store_that_changed_since_it_was_backed_up(
    store: LocatedStore, backup: Backup
) -> None:
    with opened(store) as directory:
        live.require_unchanged(directory, backup)
    (store.directory / "dsmcert.idx").write_bytes(b"the client was here")
    with opened(store) as directory, pytest.raises(PlanOutdated) as raised:
        live.require_unchanged(directory, backup)
    assert "dsmcert.idx" in raised.value.context[0]


def test_nothing_is_done_while_somebody_holds_a_file(
    store: LocatedStore, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[StoreFile] = []

    def held(directory: object, file: StoreFile) -> None:
        asked.append(file)
        if file is StoreFile.IDX:
            raise Busy("file-in-use", "a client has it open")

    monkeypatch.setattr(UnixDirectory, "require_free", held)
    with opened(store) as directory, pytest.raises(Busy):
        live.require_unchanged(directory, backup)
    # What is absent nobody holds.
    assert [file.value for file in asked] == list(PRESENT)


def test_where_there_was_no_key_database_none_is_exchanged(store: LocatedStore, tmp_path: Path) -> None:
    (store.directory / "dsmcert.kdb").unlink()
    before = seen(store.directory)
    with pytest.raises(PlanOutdated) as raised:
        swap(store, backed_up(store, tmp_path / "set"))
    assert raised.value.code == "key-database-gone" and seen(store.directory) == before


def test_other_files_in_the_directory_are_never_touched(store: LocatedStore, backup: Backup) -> None:
    others = ("TSM.KDB", "TSM.sth", "spclicert.kdb", "cert.kdb", "dsmcert.kdb.bak", "dsm.sys")
    for name in others:
        (store.directory / name).write_bytes(name.encode())
    before = seen(store.directory)
    swap(store, backup)
    restore(store, backup)
    assert seen(store.directory) == before
