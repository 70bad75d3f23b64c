"""A live store at its edges: no index, what only looks the same, and what cannot be looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.transaction.kit import backed_up, database, make_store, opened, seen

from dsmcertfix.errors import NotPermitted, NotRestored, PlanOutdated, StoreUnreadable
from dsmcertfix.model import FileFact, LocatedStore, StoreFile
from dsmcertfix.system.base import SIZE_LIMIT, Slot
from dsmcertfix.system.unix.directory import UnixDirectory
from dsmcertfix.transaction import live
from dsmcertfix.transaction.backup import Backup

OTHER = database()
ASIDE = "dsmcert.kdb.dsmcertfix-run-aside"


@pytest.fixture
def store(tmp_path: Path) -> LocatedStore:
    return make_store(tmp_path / "store")


@pytest.fixture
def backup(store: LocatedStore, tmp_path: Path) -> Backup:
    return backed_up(store, tmp_path / "set")


def swap(store: LocatedStore, backup: Backup) -> None:
    with opened(store) as directory:
        live.swap(directory, backup, OTHER, StoreFile.IDX)


def restore(store: LocatedStore, backup: Backup) -> None:
    with opened(store) as directory:
        live.restoring(backup)(directory)


def test_a_store_without_an_index_is_swapped_and_put_back(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", index=False)
    before = seen(store.directory)
    backup = backed_up(store, tmp_path / "set")
    swap(store, backup)
    assert (store.directory / "dsmcert.kdb").read_bytes() == OTHER
    restore(store, backup)
    assert seen(store.directory) == before


# --- what only looks like the saved file ------------------------------------------------------------------


def spoilt(path: Path, what: str) -> None:
    """Another content with everything else as it was, or another time or mode."""
    info = path.stat()
    if what == "content":
        content = path.read_bytes()
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    if what == "mode":
        path.chmod(0o666)
    times = info.st_mtime_ns + (what == "time")
    os.utime(path, ns=(times, times))


@pytest.mark.parametrize("what", ["content", "time", "mode"])
@pytest.mark.parametrize("slot", ["live", "aside"])
def test_a_file_that_differs_in_one_thing_alone_is_not_taken_for_the_saved_one(
    store: LocatedStore, backup: Backup, what: str, slot: str
) -> None:
    before = seen(store.directory)
    if slot == "aside":
        swap(store, backup)
    spoilt(store.directory / (ASIDE if slot == "aside" else "dsmcert.kdb"), what)
    restore(store, backup)
    assert seen(store.directory) == before


# --- what cannot be looked at -----------------------------------------------------------------------------


def test_what_somebody_made_too_large_right_before_the_swap_is_back_under_its_name(
    store: LocatedStore, backup: Backup
) -> None:
    os.truncate(store.directory / "dsmcert.kdb", SIZE_LIMIT + 1)
    with pytest.raises(PlanOutdated) as raised:
        swap(store, backup)
    assert raised.value.code == "store-changed"
    assert (store.directory / "dsmcert.kdb").stat().st_size == SIZE_LIMIT + 1
    assert not (store.directory / ASIDE).exists()


@pytest.mark.parametrize("error", [NotPermitted("no", "no"), StoreUnreadable("no", "no")])
def test_what_lies_aside_and_cannot_be_read_is_not_what_was_backed_up(
    store: LocatedStore, backup: Backup, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    before, fact = seen(store.directory), UnixDirectory.fact

    def unreadable(
        self: UnixDirectory[StoreFile], file: StoreFile, slot: Slot = "live"
    ) -> FileFact[StoreFile]:
        if slot == "aside":
            raise error
        return fact(self, file, slot)

    monkeypatch.setattr(UnixDirectory, "fact", unreadable)
    with pytest.raises(PlanOutdated):
        swap(store, backup)
    assert seen(store.directory) == before


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), NotPermitted("no", "it is closed")])
def test_a_store_that_cannot_be_compared_with_its_backup_is_not_called_restored(
    store: LocatedStore, backup: Backup, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(self: Backup, directory: object) -> tuple[str, ...]:
        raise error

    monkeypatch.setattr(Backup, "differences", fails)
    with pytest.raises(NotRestored) as raised:
        restore(store, backup)
    assert raised.value.context == (f"{store.directory}: {error}", f"backup: {backup.path}")


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), NotPermitted("no", "it is closed")])
def test_a_saved_file_that_cannot_be_looked_at_is_put_back_from_the_backup(
    store: LocatedStore, backup: Backup, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    before, fact = seen(store.directory), UnixDirectory.fact
    swap(store, backup)
    failed: list[Slot] = []

    def once(self: UnixDirectory[StoreFile], file: StoreFile, slot: Slot = "live") -> FileFact[StoreFile]:
        if file is StoreFile.KDB and slot not in failed:
            failed.append(slot)
            raise error
        return fact(self, file, slot)

    monkeypatch.setattr(UnixDirectory, "fact", once)
    restore(store, backup)
    assert failed == ["live", "aside"] and seen(store.directory) == before
