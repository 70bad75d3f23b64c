"""Runs one target as the campaign does, and holds every input to its time, in the child and out of it."""

from __future__ import annotations

import os
import resource
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from tests.fuzz.targets import Target

from dsmcertfix.model import Owner
from dsmcertfix.system.seen import OwnerLimits
from dsmcertfix.system.unix import child

LIMIT_S = 1.0
"""Of processor time, for an input of any length that is tried."""

LONG = 64 << 10
"""Bytes that an input is repeated to: what is not linear in them does not end within the limit."""

_CHILD_EVERY, _LONG_EVERY = 128, 256
_NOBODY = Owner(65534, 65534, "nobody", None, (65534,))


class TooSlow(Exception):
    """An input took more processor time than it may."""


@dataclass(slots=True)
class Counts:
    """What was run so far; `slowest_s` is processor time of one input, `findings` where what went wrong."""

    executions: int = 0
    in_child: int = 0
    long: int = 0
    slowest_s: float = 0.0
    findings: dict[str, int] = field(default_factory=dict)


class Measured:
    """The target, an input at a time, and the counts of what it was given."""

    def __init__(self, target: Target):
        self._target = target
        self.counts = Counts()

    def timed(self, data: bytes) -> None:
        """The target took it within its time. Raises TooSlow, and whatever the target lets through."""
        took = self._took_s(data)
        if took > LIMIT_S:
            # A neighbour on the same processor slows it down once; what is not linear is slow each time.
            took = min(took, self._took_s(data), self._took_s(data))
        self.counts.slowest_s = max(self.counts.slowest_s, took)
        if took > LIMIT_S:
            raise TooSlow(f"{len(data)} bytes took {took:.1f} s")

    def _took_s(self, data: bytes) -> float:
        began = time.process_time()
        self._target.read(data)
        return time.process_time() - began

    def tried(self, data: bytes, findings: Path) -> None:
        """It was read alone, now and then repeated, and now and then in the child.

        What an input does wrong is written into `findings`, once for each place in the code.
        """
        counts = self.counts
        counts.executions += 1
        self._without_end(self.timed, data, findings)
        if counts.executions % _LONG_EVERY == 0 and data and not self._target.drawn:
            counts.long += 1
            self._without_end(self.timed, data * (LONG // len(data)), findings)
        if counts.executions % _CHILD_EVERY == 0 and self._target.is_a_users:
            counts.in_child += 1
            self._without_end(lambda data: in_child(self._target, data), data, findings)

    def _without_end(self, read: Callable[[bytes], None], data: bytes, findings: Path) -> None:
        try:
            read(data)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of a library is no Exception
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} {Path(frame.filename).name}:{frame.lineno}"
            if place not in self.counts.findings:
                name = f"{self._target.name}-{sha256(data).hexdigest()[:12]}"
                (findings / name).write_bytes(data)
                (findings / f"{name}.txt").write_text("".join(traceback.format_exception(error)))
            self.counts.findings[place] = self.counts.findings.get(place, 0) + 1


def in_child(target: Target, data: bytes) -> None:
    """The target took it in the child that reads for a user, within that child's limits.

    Raises what it raised, LimitReached, and ChildDied.
    """
    limits = OwnerLimits(wall_s=600.0)  # A busy machine is no fault of the input; CPU seconds are limited.
    child.run(lambda: target.read(data), limits, owner=_NOBODY if os.geteuid() == 0 else None)


def spent_s() -> float:
    """The processor time of this process and its children."""
    ours, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime


def peak_mb() -> int:
    """The most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
