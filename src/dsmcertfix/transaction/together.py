"""Several transactions in one run: while one waits for its client, others go on.

Only the waiting overlaps. There is one thread and one journal; a transaction has the machine to itself from
one wait to the next, so each keeps the protocol of the package as if it were alone, and its own events stand
in the journal in its own order. A server has one session at a time, in the plan's order, but for
clients that hang; a store that gets a
certificate which another one proves waits for that one's end.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from dsmcertfix import budgets
from dsmcertfix.errors import Interrupted, Terminated
from dsmcertfix.model import Server
from dsmcertfix.planning.steps import AddCertificate, Reconnect, StorePlan
from dsmcertfix.system.process.run import Waits
from dsmcertfix.transaction.executor import Ended
from dsmcertfix.transaction.interrupts import Interrupts

Begin = Callable[[StorePlan], Waits[Ended] | None]
"""Begins the transaction of a plan; None when its store may not be touched."""


@dataclass(slots=True)
class _Working:
    """A transaction that has begun and is not at its end."""

    plan: StorePlan
    waits: Waits[Ended]
    since: float = field(default_factory=time.monotonic)
    holds_up: bool = True

    def gives_way(self) -> bool:
        """Whether others wait for its end no more, from now on: it took longer than their patience."""
        over = time.monotonic() - self.since >= budgets.PATIENCE_S.cap
        changed, self.holds_up = self.holds_up and over, not over
        return changed


def carry_out_all(
    plans: Sequence[StorePlan], begin: Begin, interrupts: Interrupts, jobs: int = 1
) -> tuple[Ended, ...]:
    """Every transaction has come to its end, at most `jobs` at the same time; how they ended.

    One whose client takes longer than the others' patience does not count among the `jobs` any more: silent
    servers are waited for at the same time.

    Once a signal came, those that wait are ended by it, and of the others one is begun, to say why it and the
    rest were not carried out.
    """
    left, working, ended = list(plans), list[_Working](), list[Ended]()
    try:
        while left or working:
            for plan in _ready(left, working, jobs):
                left.remove(plan)
                waits = begin(plan)
                if waits is not None:
                    working.append(_Working(plan, waits))
                    _go_on(working[-1], working, ended)
                if interrupts.came:
                    left.clear()
                    break
            _wait_for_room(working, ended, interrupts)
    except Exception as error:
        _end(working, ended, error)
        raise
    finally:
        # Whatever else comes, no client outlives us.
        for item in working:
            item.waits.close()
    return tuple(ended)


def _ready(left: Sequence[StorePlan], working: Sequence[_Working], jobs: int) -> Iterator[StorePlan]:
    """The plans that may begin now."""
    busy = _busy(working)
    room = jobs - sum(item.holds_up for item in working)
    room = min(room, max(jobs, budgets.SESSIONS.cap) - len(working))
    for plan in tuple(left):
        if room <= 0:
            return
        servers, providers = _servers(plan), _providers(plan)
        if not servers & busy and not (providers and providers & _open_stores(left, working)):
            room -= 1
            yield plan
        # Even where it has to wait: no later one comes to its server before it.
        busy |= servers


def _busy(working: Sequence[_Working]) -> set[Server | None]:
    """The servers that have a session; not by few clients that hang, which their users can make them do."""
    hanging = Counter(server for item in working if not item.holds_up for server in _servers(item.plan))
    full = {server for server, count in hanging.items() if count >= budgets.SESSIONS_OF_A_SERVER.cap}
    return full | {server for item in working if item.holds_up for server in _servers(item.plan)}


def _open_stores(left: Sequence[StorePlan], working: Sequence[_Working]) -> set[str]:
    return {item.plan.store.id for item in working} | {plan.store.id for plan in left}


def _servers(plan: StorePlan) -> set[Server | None]:
    return {step.stanza.server for step in plan.steps if isinstance(step, Reconnect)}


def _providers(plan: StorePlan) -> set[str]:
    return {step.provider for step in plan.steps if isinstance(step, AddCertificate) and step.provider}


def _wait_for_room(working: list[_Working], ended: list[Ended], interrupts: Interrupts) -> None:
    """One of those that work has come to its end, or holds up the others no more: then another may begin."""
    count = len(working)
    while working and len(working) == count:
        pauses = [_go_on(item, working, ended) for item in tuple(working)]
        if len(working) == count:
            if any(item.gives_way() for item in working):
                return
            _pause(min(pauses), working, ended, interrupts)


def _go_on(item: _Working, working: list[_Working], ended: list[Ended]) -> float:
    """It has come to its next wait, or to its end; for how many seconds it may be left alone."""
    try:
        return next(item.waits)
    except StopIteration as end:
        working.remove(item)
        ended.append(end.value)
        return 0.0


def _pause(pause_s: float, working: list[_Working], ended: list[Ended], interrupts: Interrupts) -> None:
    """That time has passed; or a signal came, and everything that waited has been undone."""
    try:
        with interrupts.interruptible():
            time.sleep(pause_s)
    except (Interrupted, Terminated) as error:
        _end(working, ended, error)


def _end(working: list[_Working], ended: list[Ended], error: Exception) -> None:
    """Everything that waited has been undone because of that error."""
    while working:
        item = working.pop()
        try:
            item.waits.throw(error)
        except StopIteration as end:
            ended.append(end.value)
