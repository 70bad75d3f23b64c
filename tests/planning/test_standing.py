"""What mounts keep a store's files from, over made-up facts."""

from __future__ import annotations

import pytest
from tests.facts import FILES, store

from dsmcertfix.model import FileFact, Store, StoreFile
from dsmcertfix.planning.standing import of_store
from dsmcertfix.planning.steps import Swap, step_text


def mounted(*files: StoreFile, read_only: bool = False, there: tuple[StoreFile, ...] = ()) -> Store:
    """A store in which these files are mounts of their own, or lie on what is mounted for reading only."""
    present = {fact.file for fact in FILES if fact.present} | {*there}
    facts = (
        FileFact(
            file,
            file in present,
            mounted=file in files and not read_only,
            read_only=file in files and read_only,
        )
        for file in StoreFile
    )
    return store(files=tuple(facts))


KDB, STH, IDX = StoreFile.KDB, StoreFile.STH, StoreFile.IDX


@pytest.mark.parametrize(
    ("item", "of_labels", "of_whole"),
    [
        (store(), None, None),
        (mounted(KDB), None, "store-files-mounted"),
        (mounted(STH), None, "store-files-mounted"),
        (mounted(IDX), None, None),
        (mounted(KDB, read_only=True), "store-read-only", "store-read-only"),
        (mounted(STH, read_only=True), None, "store-read-only"),
    ],
    ids=["none", "database", "stash", "absent", "read-only database", "read-only stash"],
)
def test_what_is_refused(item: Store, of_labels: str | None, of_whole: str | None) -> None:
    found = [of_store(item, whole=whole) for whole in (False, True)]
    assert [problem and problem.code for problem in found] == [of_labels, of_whole]


def test_a_mounted_database_is_written_in_place_and_an_index_that_cannot_go_stays() -> None:
    assert Swap.of(store(), keep_index=False) == Swap()
    assert Swap.of(store(), keep_index=True) == Swap(keep_index=True)
    assert Swap.of(mounted(KDB), keep_index=False) == Swap(in_place=True)
    assert Swap.of(mounted(IDX, there=(IDX,)), keep_index=False) == Swap(keep_index=True)
    assert Swap.of(mounted(IDX, read_only=True, there=(IDX,)), keep_index=False) == Swap(keep_index=True)
    assert "in place" in step_text(Swap(in_place=True)) and "in place" not in step_text(Swap())


def test_where_a_file_is_mounted_is_no_part_of_what_it_is() -> None:
    assert FileFact(KDB, True, 1, mounted=True) == FileFact(KDB, True, 1, read_only=True)
