"""The sweeps: every trial of every case, by several workers that each have machines of their own."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from tests.faults.cases import CUTS, RENEW, SERVER_CUTS, Case, Workshop
from tests.faults.disks import disks
from tests.faults.powered import Powered, cut_off
from tests.faults.scene import Mode, Whose, start_servers
from tests.faults.server_scene import stop_left
from tests.faults.signals import moments
from tests.faults.traced import Point
from tests.faults.tree import Tree
from tests.faults.trials import Result, Trial, carry_out, trials

from dsmbench import console
from dsmbench.runtime import runtime, scratch

Came = TypeVar("Came")
MODES: tuple[Mode, ...] = ("label", "whole")
OWNERS: tuple[Whose, ...] = ("root", "alice")
FIXES = tuple(Case("fix", mode, whose) for mode in MODES for whose in OWNERS)
RECOVERIES = (
    *(Case("recover", mode, whose, cut) for mode in MODES for whose in OWNERS for cut in CUTS),
    *(Case("rollback", mode, whose) for mode in MODES for whose in OWNERS),
    Case("prune", "label", "root"),
)
RENEWAL = Case(RENEW, "label", "server")
"""A server's certificate is renewed; the server runs."""
SERVER_RECOVERIES = (
    *(Case("recover", "label", "server", cut) for cut in SERVER_CUTS),
    Case("rollback", "label", "server"),
)
TRUSTS = tuple(Case("trust", "label", whose) for whose in OWNERS)
POWERED = (*FIXES, *TRUSTS, RENEWAL, *RECOVERIES, *SERVER_RECOVERIES)
"""What the power is cut in."""
ON_EXT4 = (*FIXES, *TRUSTS, *(Case("rollback", mode, whose) for mode in MODES for whose in OWNERS))
"""What the power is cut in on a real disk."""
TOGETHER = Case("fix", "label", "both")
"""Two stores of two servers, whose clients are waited for at the same time."""
SWEEPS = (
    "kill",
    "child-dies",
    "torn",
    "error",
    "error-for-good",
    "recovery",
    "together",
    "disks",
    "signals",
    "power",
    "ext4",
    "model",
)


def points_sweep(
    pool: ProcessPoolExecutor, name: str, cases: Iterable[Case], *, every: int = 1, limit: int = 0
) -> list[Trial]:
    """The trials of a sweep of points: one of so `many`, and no more of a case than `limit`."""
    recorded = [(case, pool.submit(_record, case)) for case in cases]
    wanted: list[Trial] = []
    for case, future in recorded:
        made = trials(name, case, future.result())[::every]
        wanted += _spread(made, limit) if limit else made
    return wanted


def disk_trials(rooms: int, names: int, cases: Sequence[Case] = FIXES) -> list[Trial]:
    """A trial for each disk, in every case."""
    return [Trial("disks", case, disk) for case in cases for disk in disks(rooms, names)]


def signal_trials(runs: int, seed: int, cases: Sequence[Case] = (*FIXES, TOGETHER, RENEWAL)) -> list[Trial]:
    """So many trials, the cases in turn; none without a case."""
    return [Trial("signals", cases[m.number % len(cases)], m) for m in moments(runs, seed) if cases]


def power_cuts(
    pool: ProcessPoolExecutor,
    cases: Iterable[Case],
    count: int,
    seed: int,
    group: str | None = None,
    until: float = math.inf,
) -> Iterator[Powered]:
    """Each case with so many power cuts, as it is done; a worker does one after the other."""
    return _as_they_come(pool.submit(cut_off_here, case, count, seed, group, until=until) for case in cases)


def results(pool: ProcessPoolExecutor, wanted: Iterable[Trial]) -> Iterator[Result]:
    """The results, as they come."""
    return _as_they_come(pool.submit(_try, trial) for trial in wanted)


def _as_they_come(wanted: Iterable[Future[Came]]) -> Iterator[Came]:
    futures = list(wanted)
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _spread(made: list[Trial], limit: int) -> list[Trial]:
    step = max(1.0, len(made) / limit)
    return [made[int(number * step)] for number in range(min(limit, len(made)))]


@contextmanager
def workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """So many workers with two played servers, gone afterwards."""
    runtime()
    with scratch() as directory:
        servers = directory / "servers"
        servers.mkdir()
        start_servers(servers)
        try:
            given = (directory, servers)
            with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin, initargs=given) as pool:
                yield pool
        finally:
            console.stop(servers)
            for file in directory.glob("*/server/programs/pid"):
                stop_left(file)


_WARM = (
    "dsmcertfix.cli.choices",
    "dsmcertfix.cli.repair",
    "dsmcertfix.commands.backups",
    "dsmcertfix.commands.fix",
    "dsmcertfix.commands.log",
    "dsmcertfix.report.render.json",
    "dsmcertfix.system.log_file",
    "dsmcertfix.system.unix.platform",
    "dsmcertfix.system.unix.services",
    "dsmcertfix.system.unix.system_log",
    "filelock",
)
"""What each run would load anew."""
_shop: Workshop | None = None


def _begin(directory: Path, servers: Path) -> None:
    """A worker has machines of its own, and all of the tool's modules."""
    global _shop  # noqa: PLW0603
    os.umask(0o022)
    # A module that is compiled only in the recorded run would shift the numbers of all later calls.
    sys.dont_write_bytecode = True
    own = Path(mkdtemp(dir=directory))
    own.chmod(0o755)
    _shop = Workshop(own, servers)
    _warm()


def _warm() -> None:
    for name in _WARM:
        import_module(name)


def _record(case: Case) -> tuple[Point, ...]:
    assert _shop is not None
    return _shop.points(case)


def cut_off_here(
    case: Case,
    count: int,
    seed: int,
    group: str | None = None,
    only: Callable[[Tree], bool] = lambda left: True,
    until: float = math.inf,
) -> Powered:
    """In a worker: see `cut_off`."""
    assert _shop is not None
    return cut_off(_shop, case, count, seed, group, only, until)


def _try(trial: Trial) -> Result:
    assert _shop is not None
    return carry_out(_shop, trial)
