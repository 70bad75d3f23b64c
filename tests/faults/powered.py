"""Power cuts in a command: every state that they may leave is recovered, and judged."""

from __future__ import annotations

import gc
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from tests.faults import power, tree
from tests.faults.cases import Case, Workshop
from tests.faults.judge import Verdict, after_power_cut
from tests.faults.power import MODELS, Model, State, States
from tests.faults.recorded import Recording

from dsmcertfix.transaction import recovery

LOOK_EVERY = 25
"""After so many cuts one is looked at with `detect`, too, which asks the server."""
COLUMNS = ("calls", *MODELS, "distinct", "judged", "old", "new", "client", "lost", "wrong")


@dataclass(frozen=True, slots=True)
class Powered:
    """What became of a case: so many operations, states by model, distinct ones, and those that were judged.

    `client` are those in which the state of a working client was kept. `bad` says what must not be.
    """

    case: Case
    operations: int
    derived: Counter[Model]
    distinct: int
    became: Counter[str]
    lost: int
    wrong: int
    bad: tuple[str, ...]

    @property
    def judged(self) -> int:
        """So many states."""
        return sum(self.became.values())


def cut_off(
    shop: Workshop,
    case: Case,
    count: int,
    seed: int,
    group: str | None = None,
    only: Callable[[tree.Tree], bool] = lambda left: True,
    until: float = math.inf,
) -> Powered:
    """So many of the states that power cuts leave of a case were judged, `only` of these, until that time.

    With a `group` it is as if what is in there had never been synced.
    """
    recording = shop.recording(case)
    if group is not None:
        recording = power.without(recording, group)
    found = power.states(recording, seed)
    became: Counter[str] = Counter()
    lost = wrong = 0
    bad: list[str] = []
    for number, (state, models, left) in enumerate(_chosen(recording, found, count, seed, only)):
        if time.time() > until:
            break
        leave(shop, case, left)
        verdict = judged(shop, case, look=number % LOOK_EVERY == 0)
        became[verdict.became] += 1
        lost += bool(verdict.lost)
        wrong += bool(verdict.wrong)
        bad += _told(case, state, models, verdict)
    sizes = len(recording.operations), found.derived, len(found.distinct)
    return Powered(case, *sizes, became, lost, wrong, tuple(bad))


def _chosen(
    recording: Recording, found: States, count: int, seed: int, only: Callable[[tree.Tree], bool]
) -> Iterator[tuple[State, frozenset[Model], tree.Tree]]:
    for state, models in found.chosen(count, seed):
        left = power.tree(recording, state)
        if only(left):
            yield state, models, left


def leave(shop: Workshop, case: Case, left: tree.Tree) -> None:
    """The case's machine is started again, and has this."""
    scene = shop.scene(case.whose)
    scene.rest()
    scene.forgive()
    tree.put(shop.area(case.whose), left)
    scene.tell_journals()


def judged(shop: Workshop, case: Case, *, look: bool) -> Verdict:
    """What becomes of what the power cut left of the case's machine."""
    with _started_again():
        return after_power_cut(shop.scene(case.whose), shop.sets(case), shop.stage, look=look)


@contextmanager
def _started_again() -> Iterator[None]:
    """The machine was started a moment ago, and no server comes up any more."""
    gc.freeze()
    with patch("psutil.boot_time", return_value=time.time()), patch.object(recovery, "APPEARS_AFTER_S", 0.0):
        yield


def _told(case: Case, state: State, models: frozenset[Model], verdict: Verdict) -> Iterator[str]:
    left = ", ".join(f"{part} of a file" for _, part in state.left)
    where = f"{case}, power cut after {state.cut} calls, {'/'.join(sorted(models))}, {left or 'all contents'}"
    for kind, lines in (("LOST", verdict.lost), ("WRONG", verdict.wrong)):
        for line in lines:
            yield f"{kind}: {where}: {line}"


def table(done: Iterable[Powered]) -> str:
    """A line for each case, and the sum."""
    rows = []
    for one in done:
        counts = (one.operations, *(one.derived[model] for model in MODELS), one.distinct, one.judged)
        became = tuple(one.became[name] for name in ("old", "new", "client"))
        rows.append((str(one.case), (*counts, *became, one.lost, one.wrong)))
    rows.append(("all", tuple(map(sum, zip(*(numbers for _, numbers in rows), strict=True)))))
    lines = [f"{'case':42}" + "".join(f"{column:>9}" for column in COLUMNS)]
    lines += [f"{name:42}" + "".join(f"{number:>9}" for number in numbers) for name, numbers in rows]
    return "\n".join(lines)
