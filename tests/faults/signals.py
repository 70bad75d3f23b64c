"""Signals at random moments: the old set or the new set, and an exit code that says which."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass

from tests.faults.cases import Case, Workshop
from tests.faults.judge import Verdict, recovered, unfinished
from tests.faults.scene import classify
from tests.faults.traced import call, hold_back, redirect

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 143}
LIMIT_S = 180.0


@dataclass(frozen=True, slots=True)
class Moment:
    """A signal so long after the start, as a part of an undisturbed run's time."""

    number: int
    signal: signal.Signals
    part: float


def moments(runs: int, seed: int) -> list[Moment]:
    """So many random moments, the same for the same seed."""
    chance = random.Random(seed)
    return [Moment(number, chance.choice(tuple(CODES)), chance.uniform(0.0, 1.05)) for number in range(runs)]


def signalled(shop: Workshop, case: Case, moment: Moment) -> tuple[Verdict, int]:
    """The run got the signal, and was judged; its exit code."""
    sets, duration_s = shop.sets(case), shop.duration_s(case)
    scene = shop.ready(case)
    pid = _begun(shop, scene.arguments(*case.words))
    time.sleep(duration_s * moment.part)
    # As the terminal does: Ctrl+C goes to the whole group.
    (os.killpg if moment.signal is signal.SIGINT else os.kill)(pid, moment.signal)
    code = _wait(pid)
    became = classify(scene.states(), sets.before, sets.after)
    lost = [f"a mixture, and exit code {code}"] if became == "mixture" else []
    wrong = [*_answer(moment, became, code), *scene.amiss()]
    wrong += [f"left behind: {path.name}" for path in scene.leftovers()]
    wrong += unfinished(scene)
    verdict = recovered(scene, sets, shop.stage, again=False)
    return Verdict(verdict.became, (*lost, *verdict.lost), (*wrong, *verdict.wrong)), code


def _begun(shop: Workshop, arguments: tuple[str, ...]) -> int:
    """The number of a process that is about to run the command, and that signals can reach already."""
    waits, ready = os.pipe()

    def begin() -> int:
        try:
            return _begin(shop, arguments, ready)
        except KeyboardInterrupt:
            # Before the command has a handler of its own, and after it, Python's answer is what a user sees.
            return CODES[signal.SIGINT]

    pid = hold_back(begin)
    os.close(ready)
    os.read(waits, 1)
    os.close(waits)
    return pid


def _begin(shop: Workshop, arguments: tuple[str, ...], ready: int) -> int:
    os.setpgid(0, 0)
    for number in CODES:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    redirect(shop.stage.directory)
    os.chdir("/")
    os.write(ready, b".")
    os.close(ready)
    return call(arguments)


def _wait(pid: int) -> int:
    """The exit code, -9 for a run that had to be killed because it did not end."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -signal.SIGKILL


def _answer(moment: Moment, became: str, code: int) -> list[str]:
    """What is wrong with the exit code. Before a run begins its work the system's own answer will do."""
    if became == "new":
        return [] if code == 0 else [f"exit code {code} for the new set"]
    if code in (CODES[moment.signal], -moment.signal):
        return []
    return [f"exit code {code} after {moment.signal.name} for the old set"]
