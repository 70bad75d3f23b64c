"""Looks at every state that the model of the protocol can reach, and says what is wrong with it."""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import NamedTuple

from tests.faults.protocol import MUTANTS, Files, State, crashes, is_open, others, outcome, steps


@cache
def healed(state: State, mutant: str) -> State:
    """After `recover`, undisturbed."""
    state = state._replace(at=("over", "over"), lock=None, faults=0, on=(0, 1))
    for cut_off in (0, 1):
        if is_open(state.records[cut_off]):
            state = state._replace(at=("recover", "over") if cut_off else ("over", "recover"), on=(0, 1))
            run = 0 if cut_off else 1
            while state.at[run] != "over":
                if state.at[run] == "recover" and state.on[run] == cut_off:
                    break
                state = next(steps(state, run, mutant)).state
    return state


def wrong(state: State, mutant: str = "") -> str:
    """What is wrong with a state in which nothing runs, once `recover` has run; empty for nothing."""
    end = healed(state, mutant)
    live = end.live
    if any(map(is_open, end.records)):
        return "no way back: a journal stays open"
    # With the old index file a client is content, too (`--keep-index`); with a torn one nobody knows.
    good = live.kdb == "theirs" or live == Files("old", "old") or (live.kdb == "new" and live.idx != "torn")
    if not good:
        return f"a mixture is called good: {live}"
    saved = {record.saved.kdb for record in end.records if record.backup == "kept"}
    if not end.admins and "theirs" not in {live.kdb, *saved, *end.found}:
        return "what an administrator put there is lost"
    last = end.records[end.latest] if end.latest is not None else None
    if last is None or "swap" not in last.events or not end.admins:
        return ""
    right = {"changed": "new", "rolled-back": last.saved.kdb}.get(outcome(last) or "") == live.kdb
    return "" if right else f"the journal says {outcome(last)} of {live}"


class Checked(NamedTuple):
    """So many states, transitions, and states in which nothing runs; the way to the first that is wrong."""

    states: int
    transitions: int
    left: int
    wrong: str
    way: tuple[str, ...]


def check(mutant: str = "") -> Checked:
    """Every state that can be reached was looked at, or all up to the first that is wrong."""
    first = State()
    came: dict[State, tuple[State, str] | None] = {first: None}
    left: set[State] = set()
    waiting = deque([first])
    transitions = 0
    while waiting:
        state = waiting.popleft()
        ends = list(crashes(state))
        for step in (*steps(state, 0, mutant), *steps(state, 1, mutant), *others(state), *ends):
            transitions += 1
            if step.state not in came:
                came[step.state] = state, step.what
                waiting.append(step.state)
        for what, end in (("", state), *((step.what, step.state) for step in ends)):
            if all(step in ("start", "over") for step in end.at) and end not in left:
                left.add(end)
                said = wrong(end, mutant)
                if said:
                    return Checked(len(came), transitions, len(left), said, (*_way(came, state), what))
    return Checked(len(came), transitions, len(left), "", ())


def _way(came: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    way: list[str] = []
    while (before := came[state]) is not None:
        state, what = before
        way.append(what)
    return tuple(reversed(way))


def all_checked() -> dict[str, Checked]:
    """The protocol, under "", and each of its mutants."""
    return {mutant: check(mutant) for mutant in ("", *MUTANTS)}


def table(done: dict[str, Checked]) -> str:
    """A line each."""
    lines = [f"{'':22}{'states':>9}{'transitions':>13}{'ends':>8}  found"]
    for mutant, one in done.items():
        counts = f"{one.states:>9}{one.transitions:>13}{one.left:>8}"
        lines.append(f"{mutant or 'as it is':22}{counts}  {one.wrong or 'nothing'}")
    return "\n".join(lines)
