"""Power cuts, a few of each command: `scripts/faults.sh power` tries as many as there is time for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.faults import blocks, traced
from tests.faults.cases import Case
from tests.faults.power import GROUPS
from tests.faults.powered import Powered
from tests.faults.sweeps import POWERED, RENEWAL, cut_off_here, points_sweep, power_cuts, results, workers
from tests.faults.tree import Tree
from tests.shown import not_shown

from dsmcertfix.transaction import live

LABEL, WHOLE = Case("fix", "label", "root"), Case("fix", "whole", "alice")
PRUNE = Case("prune", "label", "root")
SOME = (
    *(LABEL, WHOLE, RENEWAL, PRUNE),
    *(Case("trust", "label", "alice"), Case("rollback", "whole", "root")),
    *(Case("recover", "label", "root", "linked"), Case("recover", "whole", "alice", "reconnected")),
)
IN_VAIN = 30


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Two workers that can record what a command does."""
    if not traced.can_trace():
        not_shown("what a power cut leaves of a run: strace cannot hold a process here")
    with workers(2) as made:
        yield made


def test_a_power_cut_leaves_the_old_set_the_new_one_or_that_of_a_working_client(
    pool: ProcessPoolExecutor,
) -> None:
    done = list(power_cuts(pool, SOME, 5, seed=1))
    assert [line for one in done for line in one.bad] == []
    assert [one.judged for one in done] == [5] * len(SOME)
    assert {became for one in done for became in one.became} >= {"old", "new"}


def test_every_command_that_changes_something_is_among_them() -> None:
    assert {case.command for case in POWERED} == {
        *("fix", "trust", "rollback", "prune", "recover", "server renew")
    }


@pytest.mark.parametrize("group", sorted(GROUPS.keys() - {"files of the store"}))
def test_without_a_group_of_syncs_something_is_lost(pool: ProcessPoolExecutor, group: str) -> None:
    case = LABEL if group == "new file beside the store" else WHOLE
    (one,) = power_cuts(pool, (case,), IN_VAIN, seed=1, group=group)
    assert one.lost + one.wrong > 0


def test_the_client_s_own_files_are_on_the_disk_before_the_journal_calls_the_store_changed(
    pool: ProcessPoolExecutor,
) -> None:
    (one,) = power_cuts(pool, (WHOLE,), IN_VAIN, seed=1, group="files of the store")
    assert any("the journal says changed" in line for line in one.bad)


def test_a_run_is_announced_as_removed_before_anything_of_it_is_removed(pool: ProcessPoolExecutor) -> None:
    (one,) = power_cuts(pool, (PRUNE,), IN_VAIN, seed=1, group="directories of the run")
    assert any("is damaged" in line for line in one.bad)


def test_a_recovery_keeps_no_index_file_that_may_be_torn(pool: ProcessPoolExecutor) -> None:
    one = pool.submit(_keeping_the_index).result()
    assert any("dsmcert.idx is there, not as before" in line for line in one.bad)


class TestOnExt4:
    """A real file system in a loop device."""

    @pytest.fixture(autouse=True)
    def _mounting(self) -> None:
        if reason := blocks.can_cut():
            not_shown(f"what a power cut leaves on a real ext4: {reason}")

    def test_what_was_synced_is_on_the_disk_that_is_left_and_nothing_else(self, tmp_path: Path) -> None:
        live, image = tmp_path / "live", tmp_path / "disk"
        live.mkdir()
        blocks.make(image, live)
        with blocks.mounted(image, live):
            for name in ("synced", "not-synced"):
                with (live / name).open("wb") as file:
                    file.write(b"content")
                    file.flush()
                    if name == "synced":
                        os.fsync(file.fileno())
            left = blocks.left_of(image)
        with blocks.mounted(left, live):
            assert (live / "synced").read_bytes() == b"content"
            unsynced = live / "not-synced"
            assert not unsynced.exists() or unsynced.read_bytes() == b""

    def test_a_power_cut_leaves_the_old_set_or_the_new_one(self, pool: ProcessPoolExecutor) -> None:
        done = list(results(pool, points_sweep(pool, "ext4", (LABEL, WHOLE), limit=6)))
        assert [line for result in done for line in result.bad] == []
        assert len(done) == 12


def _keeping_the_index() -> Powered:
    """As it was before `recover` dropped an index file that the client may not have written whole."""
    with patch.object(live, "drop_new_index"):
        return cut_off_here(WHOLE, 20 * IN_VAIN, seed=1, only=_with_half_an_index)


def _with_half_an_index(left: Tree) -> bool:
    """Whether it is there for its first sector at most, beside a key database."""
    contents = {path.rpartition("/")[2]: leaf.content for path, leaf in left.items() if "/certs/" in path}
    index = contents.get("dsmcert.idx")
    return index is not None and not index.strip(b"\0") and "dsmcert.kdb" in contents
