"""The faults, a few of each sweep: `scripts/faults.sh` tries every one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from tests.faults import disks, traced
from tests.faults.cases import Case
from tests.faults.disks import Disk
from tests.faults.sweeps import (
    FIXES,
    RENEWAL,
    SERVER_RECOVERIES,
    TOGETHER,
    points_sweep,
    results,
    signal_trials,
    workers,
)
from tests.faults.trials import Result, Trial
from tests.shown import not_shown

ROLLBACKS = (Case("rollback", "label", "alice"), Case("rollback", "whole", "root"))
RECOVERIES = (Case("recover", "label", "root", "linked"), Case("recover", "whole", "alice", "reconnected"))
ROOMS = (0, 1, 3, 8)


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Two workers."""
    with workers(2) as made:
        yield made


@pytest.fixture
def tracing(pool: ProcessPoolExecutor) -> ProcessPoolExecutor:
    """Two workers that can spoil single calls."""
    if not traced.can_trace():
        not_shown("what a kill or an error at a single system call does: strace cannot hold a process here")
    return pool


def prove(pool: ProcessPoolExecutor, wanted: Iterable[Trial]) -> list[Result]:
    """Every trial lost nothing and told the truth."""
    done = list(results(pool, wanted))
    assert done
    assert [line for result in done for line in result.bad] == []
    return done


class TestSinglePoints:
    """One system call is spoilt."""

    def test_a_run_killed_before_a_change_leaves_the_old_set_or_the_new(
        self, tracing: ProcessPoolExecutor
    ) -> None:
        done = prove(tracing, points_sweep(tracing, "kill", FIXES, limit=6))
        assert [str(result.trial) for result in done if result.hit is not True] == []
        assert {result.verdict.became for result in done} == {"old", "new"}

    def test_when_only_the_child_in_a_user_s_store_dies_the_run_undoes_or_goes_on(
        self, tracing: ProcessPoolExecutor
    ) -> None:
        prove(tracing, points_sweep(tracing, "child-dies", FIXES[1::2], limit=3))

    def test_a_power_cut_in_a_line_of_the_journal_is_no_obstacle(self, tracing: ProcessPoolExecutor) -> None:
        prove(tracing, points_sweep(tracing, "torn", FIXES, limit=2))

    def test_a_change_that_fails_is_undone_and_told(self, tracing: ProcessPoolExecutor) -> None:
        prove(tracing, points_sweep(tracing, "error", FIXES, limit=6))

    def test_changes_that_fail_for_good_leave_the_old_set_or_say_where_it_is(
        self, tracing: ProcessPoolExecutor
    ) -> None:
        prove(tracing, points_sweep(tracing, "error-for-good", FIXES[:2], limit=4))

    def test_of_two_stores_that_are_worked_on_at_the_same_time_each_is_the_old_set_or_the_new(
        self, tracing: ProcessPoolExecutor
    ) -> None:
        done = prove(tracing, points_sweep(tracing, "together", (TOGETHER,), limit=12))
        assert len({result.verdict.became for result in done}) > 1

    def test_a_server_s_renewal_that_is_killed_or_fails_leaves_the_old_set_or_the_new_and_the_server_up(
        self, tracing: ProcessPoolExecutor
    ) -> None:
        done = [
            result
            for sweep, limit in (("kill", 12), ("error", 9), ("error-for-good", 3), ("child-dies", 3))
            for result in prove(tracing, points_sweep(tracing, sweep, (RENEWAL,), limit=limit))
        ]
        assert [str(result.trial) for result in done if result.hit is not True] == []
        assert {result.verdict.became for result in done} == {"old", "new"}

    def test_a_recovery_of_a_server_that_is_killed_is_recovered(self, tracing: ProcessPoolExecutor) -> None:
        prove(tracing, points_sweep(tracing, "recovery", SERVER_RECOVERIES, limit=3))

    def test_a_recovery_that_is_killed_is_recovered(self, tracing: ProcessPoolExecutor) -> None:
        prove(tracing, points_sweep(tracing, "recovery", RECOVERIES, limit=3))

    def test_a_rollback_or_a_removal_that_is_killed_is_recovered(self, tracing: ProcessPoolExecutor) -> None:
        prune = Case("prune", "label", "root")
        prove(tracing, points_sweep(tracing, "recovery", (*ROLLBACKS, prune), limit=3))


class TestDisks:
    """The disk itself."""

    @pytest.fixture(autouse=True)
    def _mounting(self) -> None:
        if not disks.can_mount():
            not_shown("full disks and read-only file systems: this process may not mount file systems")

    def test_a_full_disk_leaves_the_old_set_or_the_new(self, pool: ProcessPoolExecutor) -> None:
        full = [
            *(Disk("state", "room", left) for left in ROOMS),
            *(Disk("store", "room", left) for left in ROOMS),
            Disk("store", "names", 0),
            Disk("state", "names", 5),
        ]
        prove(pool, [Trial("disks", FIXES[n % len(FIXES)], disk) for n, disk in enumerate(full)])

    def test_on_a_read_only_file_system_nothing_is_touched(self, pool: ProcessPoolExecutor) -> None:
        places = (Disk("state", "read-only"), Disk("store", "read-only"))
        done = prove(pool, [Trial("disks", FIXES[n], disk) for n, disk in enumerate(places)])
        assert all(result.verdict.became == "old" for result in done)


def test_a_call_is_known_again_whatever_numbers_its_handles_have() -> None:
    lines = (
        f'renameat({one}</root/certs>, "dsmcert.kdb", {other}</root/certs>, "dsmcert.kdb.aside") = 0'
        for one, other in ((18, 19), (7, 104))
    )
    assert {traced.told(line, Path("/root")) for line in lines} == {
        'renameat(</certs>, "dsmcert.kdb", </certs>, "dsmcert.kdb.aside"'
    }


def test_a_signal_at_any_moment_leaves_the_old_set_or_the_new(pool: ProcessPoolExecutor) -> None:
    prove(pool, signal_trials(20, seed=9))
