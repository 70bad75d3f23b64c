"""Trials: one command, spoilt once, and judged."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults import blocks, disks, signals
from tests.faults.cases import Case, Workshop
from tests.faults.disks import Disk
from tests.faults.judge import Verdict, after_error, recovered
from tests.faults.scene import Scene
from tests.faults.signals import Moment
from tests.faults.traced import Fault, Point, hit

ERRORS = ("ENOSPC", "EIO", "EACCES")
AGAIN_EVERY = 4
"""Of so many points one is repaired once more at its end: that takes longer than all the rest."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How one run of a case is spoilt. `torn` is what a power cut leaves of the journal's last line."""

    sweep: str
    case: Case
    how: Fault | Moment | Disk
    torn: str = ""
    again: bool = False

    def __str__(self) -> str:
        torn = f", last line {self.torn}" if self.torn else ""
        return f"{self.sweep} | {self.case} | {self.how}{torn}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a trial. `hit` is None when the fault did not come, False when it came elsewhere."""

    trial: Trial
    verdict: Verdict
    hit: bool | None
    code: int

    @property
    def bad(self) -> tuple[str, ...]:
        """What must not be, in words."""
        lost = tuple(f"LOST: {self.trial}: {line}" for line in self.verdict.lost)
        return lost + tuple(f"WRONG: {self.trial}: {line}" for line in self.verdict.wrong)


def trials(sweep: str, case: Case, points: tuple[Point, ...]) -> list[Trial]:
    """Every trial of a case in a sweep of points."""
    made: list[Trial] = []
    for number, point in enumerate(points):
        made += _at(sweep, case, point, again=number % AGAIN_EVERY == 0)
    return made


def _at(sweep: str, case: Case, point: Point, *, again: bool) -> list[Trial]:
    kill = Fault(point, "kill")
    match sweep:
        case "error":
            return [Trial(sweep, case, Fault(point, error), again=again) for error in ERRORS]
        case "error-for-good" if point.call not in ("write", "openat"):
            return [Trial(sweep, case, Fault(point, "EIO", for_good=True), again=again)]
        case "torn" if point.call == "fsync" and "journal.jsonl" in point.what:
            return [Trial(sweep, case, kill, torn, again) for torn in ("gone", "half", "zeros")]
        # A kill before a file is created is as good as one before the next call.
        case "kill" | "recovery" | "ext4" if point.call != "openat":
            return [Trial(sweep, case, kill, again=again)]
        case "together" if point.call != "openat":
            child = [] if point.role == "main" else [Trial(sweep, case, Fault(point, "child-dies"))]
            return [Trial(sweep, case, kill, again=again), Trial(sweep, case, Fault(point, "EIO")), *child]
        case "child-dies" if point.call != "openat" and point.role != "main":
            return [Trial(sweep, case, Fault(point, sweep), again=again)]
        case _:
            return []


def carry_out(shop: Workshop, trial: Trial) -> Result:
    """The trial was made, and judged."""
    match trial.how:
        case Moment() as moment:
            verdict, code = signals.signalled(shop, trial.case, moment)
            return Result(trial, verdict, True, code)
        case Disk() as disk:
            verdict, code = disks.spoilt(shop, trial.case, disk)
            return Result(trial, verdict, True, code)
        case fault if trial.sweep == "ext4":
            return Result(trial, blocks.cut(shop, trial.case, fault.point), True, -9)
        case fault:
            return _faulted(shop, trial, fault)


def _faulted(shop: Workshop, trial: Trial, fault: Fault) -> Result:
    case = trial.case
    sets = shop.sets(case)
    scene = shop.ready(case)
    ended = shop.stage.run(scene.arguments(*case.words), fault)
    lost: list[str] = []
    wrong: list[str] = []
    if fault.kind == "kill":
        if ended.code != -9:
            wrong.append(f"it was not killed: exit code {ended.code}")
    elif case == case.change:
        lost, wrong = after_error(scene, sets, ended, hopeless=fault.for_good)
    scene.settle()
    if trial.torn:
        _tear(scene, trial.torn)
    verdict = recovered(scene, sets, shop.stage, again=trial.again)
    verdict = Verdict(verdict.became, (*lost, *verdict.lost), (*wrong, *verdict.wrong))
    return Result(trial, verdict, hit(ended, fault, shop.area(case.whose)), ended.code)


def _tear(scene: Scene, how: str) -> None:
    """The power went before the journal's last line was on the disk."""
    (journal,) = scene.state.glob("runs/*/journal.jsonl")
    content = journal.read_bytes()
    start = content.rstrip(b"\n").rfind(b"\n") + 1
    last = content[start:]
    left = {"gone": b"", "half": last[: len(last) // 2], "zeros": b"\0" * len(last)}[how]
    journal.write_bytes(content[:start] + left)
