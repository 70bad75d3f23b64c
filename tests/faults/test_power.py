"""Power cuts, a few of each command: `scripts/faults.sh power` tries as many as there is time for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from unittest.mock import patch

import pytest
from tests.faults import traced
from tests.faults.cases import Case
from tests.faults.power import GROUPS
from tests.faults.powered import Powered
from tests.faults.sweeps import POWERED, RENEWAL, cut_off_here, power_cuts, workers
from tests.shown import not_shown

from dsmcertfix.transaction import live

LABEL, WHOLE = Case("fix", "label", "root"), Case("fix", "whole", "alice")
PRUNE = Case("prune", "label", "root")
SOME = (
    *(LABEL, WHOLE, RENEWAL, PRUNE),
    *(Case("trust", "label", "alice"), Case("rollback", "whole", "root")),
    *(Case("recover", "label", "root", "linked"), Case("recover", "whole", "alice", "reconnected")),
)
IN_VAIN = 50


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
    done = list(power_cuts(pool, SOME, 8, seed=1))
    assert [line for one in done for line in one.bad] == []
    assert [one.judged for one in done] == [8] * len(SOME)
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


def _keeping_the_index() -> Powered:
    """As it was before `recover` dropped an index file that the client may not have written whole."""
    with patch.object(live, "drop_new_index"):
        return cut_off_here(WHOLE, 2 * IN_VAIN, seed=1)
