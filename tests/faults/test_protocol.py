"""The model of the protocol: it holds, each fault put into it is found, and real journals are its paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine
from tests.faults import protocol
from tests.faults.protocol import MUTANTS, State, crashes, steps
from tests.faults.protocol_check import check
from tests.transaction.kit import machine as small_machine
from tests.transaction.test_runs import LAST, killed_at, recover, recovery_killed_at

from dsmbench.runtime import scratch
from dsmcertfix.errors import ReconnectFailed
from dsmcertfix.model import Owner, Stanza
from dsmcertfix.transaction.journal import Event, read_journal
from dsmcertfix.transaction.runs import cut_off

SWAPS, SESSIONS = frozenset(("swap", "move-out")), frozenset(("reconnect",))


def told(events: tuple[Event, ...]) -> list[str]:
    """What the model knows of a journal."""
    known: list[str] = []
    for event in events:
        step = event.data.get("step")
        if event.kind == "step-started" and event.data.get("live"):
            known += ["swap"] * (step in SWAPS) + ["reconnect"] * (step in SESSIONS)
        elif event.kind == "store-finished":
            known.append(f"{event.kind} {event.data['outcome']}")
        elif event.kind in {name for name, _ in protocol.JOURNALED.values()}:
            known.append(event.kind)
    return known


def is_path(events: list[str], admins: int = 0) -> bool:
    """Whether the first run's journal may hold that, with any number of recoveries that are killed, too."""
    now = _silently({State(sessions=0, admins=admins)})
    for event in events:
        now = _silently({step.state for state in now for step in _next(state) if step.event == (0, event)})
    return bool(now)


def _next(state: State) -> Iterator[protocol.Step]:
    yield from protocol.others(state)
    for run in (0, 1):
        yield from steps(state, run)
    for crash in crashes(state):
        if crash.what.startswith("kill"):
            # Whoever was killed is run again.
            yield crash._replace(state=crash.state._replace(at=("over", "start"), on=(0, 1)))


def _silently(states: set[State]) -> set[State]:
    """With all that may happen before the first run's journal grows."""
    reached, waiting = set(states), list(states)
    while waiting:
        for step in _next(waiting.pop()):
            if (step.event is None or step.event[0] != 0) and step.state not in reached:
                reached.add(step.state)
                waiting.append(step.state)
    return reached


class TestModel:
    """All states that can be reached."""

    def test_every_state_has_a_way_back_and_no_mixture_is_called_good(self) -> None:
        checked = check()
        assert checked.wrong == "", checked.way
        assert checked.states > 50_000

    @pytest.mark.parametrize("mutant", MUTANTS)
    def test_a_protocol_that_leaves_something_out_is_found(self, mutant: str) -> None:
        checked = check(mutant)
        assert checked.wrong
        assert checked.way


class TestJournals:
    """What real runs wrote."""

    def test_a_journal_that_no_run_writes_is_no_path(self) -> None:
        good = ["run-started", "store-started", "backed-up", "swap", "reconnect"]
        assert is_path([*good, "store-finished changed", "run-finished"])
        assert not is_path(["run-started", "store-started", "swap"])
        assert not is_path([*good, "run-finished"])
        assert not is_path([*good, "store-finished changed", "store-finished rolled-back"])

    @pytest.mark.parametrize("number", range(LAST + 1))
    def test_a_run_that_is_killed_and_recovered_is_a_path(self, tmp_path: Path, number: int) -> None:
        mine = small_machine(tmp_path)
        killed_at(mine, number)
        (run,) = cut_off(mine.state)
        recovery_killed_at(run, len(read_journal(run.journal_path)))
        for left in cut_off(mine.state):
            recover(left)
        events = told(read_journal(run.journal_path))
        assert events[-1] == "run-finished"
        assert is_path(events)

    def test_a_run_whose_client_is_refused_is_a_path(self, tmp_path: Path) -> None:
        def refused(stanza: Stanza, owner: Owner) -> None:
            raise ReconnectFailed("refused", "the server refused")

        _, journal = small_machine(tmp_path).fix(reconnect=refused)
        events = told(journal.events)
        assert "store-finished rolled-back" in events
        assert is_path(events)

    def test_a_run_into_whose_swap_somebody_writes_is_a_path(self, tmp_path: Path) -> None:
        mine = small_machine(tmp_path)

        def theirs(event: Event) -> None:
            if (event.kind, event.data.get("step")) == ("step-started", "swap"):
                (mine.directory / "dsmcert.kdb").write_bytes(b"theirs")

        _, journal = mine.fix(observe=theirs)
        events = told(read_journal(journal.path))
        assert events[-3:] == ["swap", "store-finished unchanged", "run-finished"]
        assert is_path(events, admins=1)
        assert not is_path(events)

    @pytest.mark.parametrize("more", [(), ("--whole-store",)])
    def test_a_command_s_journal_is_a_path(self, more: tuple[str, ...]) -> None:
        with scratch() as directory:
            machine = Machine(directory)
            machine.stanzas("TSMA")
            machine.endpoint.store(certificates=machine.trusted("TSMA"))
            machine.renew("TSMA")
            try:
                assert machine.run("fix", "--yes", "--trust-on-first-use", *more).report["changed"]
            finally:
                machine.stop()
            (journal,) = machine.state.glob("runs/*/journal.jsonl")
            events = told(read_journal(journal))
        assert events[-2:] == ["store-finished changed", "run-finished"]
        assert is_path(events)
