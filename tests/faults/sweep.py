"""Spoils the tool wherever it changes something, and proves that nothing is lost.

    python tests/faults/sweep.py [SWEEP ...] [--case TEXT] [--every K] [--points N] [--jobs N]
                                    [--runs N] [--cuts N] [--seed N]

Prints a table; ends with 1 when anything was lost, or told wrongly.

    kill            the run is killed before every change it makes below the endpoint or the state directory
    child-dies      only the process that works in a user's store is killed
    torn            the power goes while a line of the journal is written
    error           each change fails once: no room, an I/O error, access denied
    error-for-good  and from there on every call of that name
    recovery        kill, inside recover, rollback and prune
    ext4            the power is cut at each point, on a real ext4 in a loop device (root only)
    model           no fault in a real run: every state of a model of the protocol, and of its mutants

Each on stores of clients (`fix`) and on a server's key database (`server renew`). And for clients alone:

    together        kill, child-dies and error, while two stores are worked on at the same time
    disks           disks that are really full or read-only (root only)
    signals         INT, TERM and HUP at random moments
    power           power cuts in every command, by three models of a file system: what was not synced is lost
"""

from __future__ import annotations

import argparse
import math
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults import blocks, disks, powered, protocol_check, traced
from tests.faults.power import GROUPS
from tests.faults.powered import Powered
from tests.faults.sweeps import (
    FIXES,
    ON_EXT4,
    POWERED,
    RECOVERIES,
    RENEWAL,
    SERVER_RECOVERIES,
    SWEEPS,
    TOGETHER,
    disk_trials,
    points_sweep,
    power_cuts,
    results,
    signal_trials,
    workers,
)
from tests.faults.trials import Result, Trial

COLUMNS = ("tried", "old set", "new set", "both set", "lost", "wrong", "missed")
TELL_EVERY = 50
"""Of so many trials one says how far the sweep is."""


def main() -> int:
    """The command line."""
    options = _parser().parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    done: list[Result] = []
    cut: list[Powered] = []
    seen = True
    try:
        with workers(options.jobs) as pool:
            for name in options.sweeps or SWEEPS:
                if name == "model":
                    seen &= _model()
                elif name == "power":
                    _power(pool, options, cut)
                else:
                    _sweep(pool, name, options, done)
    finally:
        # Of a campaign that was stopped, too: it may have run for an hour.
        for told in (table(done) if done else "", powered.table(cut) if cut else ""):
            print(told, flush=True)
    return int(not seen or any(result.bad for result in done) or any(one.bad for one in cut))


def _model() -> bool:
    """The model was checked and told; whether it holds, and each of its mutants was found."""
    checked = protocol_check.all_checked()
    print(protocol_check.table(checked), flush=True)
    return all(bool(one.wrong) == bool(mutant) for mutant, one in checked.items())


def _power(pool: ProcessPoolExecutor, options: argparse.Namespace, cut: list[Powered]) -> None:
    """Every power cut is judged, and told where something was lost or told wrongly."""
    reason = _not_shown("power")
    if reason:
        print(f"power: not shown: {reason}", flush=True)
        return
    began = time.monotonic()
    cases = [case for case in POWERED if options.case in str(case)]
    until = time.time() + options.minutes * 60
    for one in power_cuts(pool, cases, options.cuts, options.seed, options.without, until):
        cut.append(one)
        print(f"power: {one.case}: {one.judged}", file=sys.stderr, flush=True)
        for line in one.bad:
            print(line, flush=True)
    print(f"power: {time.monotonic() - began:.0f} s", flush=True)


def _sweep(pool: ProcessPoolExecutor, name: str, options: argparse.Namespace, done: list[Result]) -> None:
    """Every trial of the sweep is done, and told where it is not as it should be."""
    reason = _not_shown(name)
    if reason:
        print(f"{name}: not shown: {reason}", flush=True)
        return
    began = time.monotonic()
    wanted = _trials(pool, name, options)
    for tried, result in enumerate(results(pool, wanted), 1):
        done.append(result)
        if tried % TELL_EVERY == 0:
            print(f"{name}: {tried} of {len(wanted)}", file=sys.stderr, flush=True)
        for line in result.bad:
            print(line, flush=True)
        if result.hit is not True:
            where = "elsewhere" if result.hit is False else "not at all"
            print(f"MISSED: {result.trial}: the fault came {where}", flush=True)
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


def table(done: Iterable[Result]) -> str:
    """A line for each sweep and case, and the sum."""
    rows: dict[tuple[str, str], Counter[str]] = {}
    for result in done:
        for key in ((result.trial.sweep, str(result.trial.case)), ("all", "")):
            row = rows.setdefault(key, Counter())
            row["tried"] += 1
            row[f"{result.verdict.became} set"] += 1
            row["lost"] += bool(result.verdict.lost)
            row["wrong"] += bool(result.verdict.wrong)
            row["missed"] += result.hit is not True
    rows["all", ""] = rows.pop(("all", ""), Counter())
    head = f"{'sweep':15} {'case':40}" + "".join(f"{column:>9}" for column in COLUMNS)
    lines = [
        f"{sweep:15} {case:40}" + "".join(f"{row[column]:>9}" for column in COLUMNS)
        for (sweep, case), row in rows.items()
    ]
    return "\n".join((head, *lines))


def _trials(pool: ProcessPoolExecutor, name: str, options: argparse.Namespace) -> list[Trial]:
    cases = {
        "recovery": (*RECOVERIES, *SERVER_RECOVERIES),
        "together": (TOGETHER,),
        "disks": FIXES,
        "ext4": ON_EXT4,
        "signals": (*FIXES, TOGETHER, RENEWAL),
    }.get(name, (*FIXES, RENEWAL))
    cases = tuple(case for case in cases if options.case in str(case))
    match name:
        case "signals":
            return signal_trials(options.runs, options.seed, cases)
        case "disks":
            return disk_trials(options.rooms, options.names, cases)[:: options.every]
        case _:
            return points_sweep(pool, name, cases, every=options.every, limit=options.points)


def _not_shown(name: str) -> str:
    if name == "ext4" and (reason := blocks.can_cut()):
        return reason
    if name == "disks":
        return "" if disks.can_mount() else "this process may not mount file systems"
    return "" if name == "signals" or traced.can_trace() else "strace cannot hold a process here"


def _stop(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Spoils the tool, and proves that nothing is lost.")
    parser.add_argument("sweeps", nargs="*", metavar="SWEEP", help=", ".join(SWEEPS))
    parser.add_argument(
        "--case", default="", metavar="TEXT", help="only the cases with that in their names, as in the table"
    )
    parser.add_argument("--every", type=int, default=1, metavar="K", help="only every K-th point")
    parser.add_argument("--points", type=int, default=0, metavar="N", help="at most N points of a case")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="so many workers")
    parser.add_argument("--runs", type=int, default=500, metavar="N", help="so many signals")
    parser.add_argument("--cuts", type=int, default=500, metavar="N", help="at most N power cuts of a case")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, metavar="N", help="no power cut after that"
    )
    parser.add_argument("--without", choices=tuple(GROUPS), help="power cuts as if those were never synced")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of signals and cuts")
    parser.add_argument("--rooms", type=int, default=40, metavar="N", help="disks with up to N pages left")
    parser.add_argument("--names", type=int, default=20, metavar="N", help="disks with up to N inodes left")
    return parser


if __name__ == "__main__":
    sys.exit(main())
