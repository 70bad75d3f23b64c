"""The restart of services in a run: in the journal before it happens, told, and finished by recovery."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from dsmcertfix.errors import Problem, ServiceDown
from dsmcertfix.system.base import ClientService, Platform
from dsmcertfix.transaction.journal import Event, Journal, read_journal
from dsmcertfix.transaction.services import cut_off_restarts, restart_running, start_again

DOWN = ServiceDown("service-not-restarted", "it does not run").problem()


class Machine:
    """Services with their states; those in `broken` stay stopped. `journal` is read when one is touched."""

    def __init__(self, journal: Path, broken: frozenset[str] = frozenset(), **states: str):
        self.states = states
        self.touched: list[tuple[str, str, list[str]]] = []
        self._journal, self._broken = journal, broken

    def services(self) -> tuple[ClientService, ...]:
        return tuple(ClientService(name, name, state) for name, state in self.states.items())

    def restart(self, name: str, limit_s: float) -> Problem | None:
        return self._touch("restart", name)

    def start(self, name: str, limit_s: float) -> Problem | None:
        return self._touch("start", name)

    def _touch(self, how: str, name: str) -> Problem | None:
        self.touched.append((how, name, [event.kind for event in read_journal(self._journal)]))
        self.states[name] = "stopped" if name in self._broken else "running"
        return DOWN if name in self._broken else None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def restarted(path: Path, machine: Machine) -> tuple[dict[str, tuple[str, str]], tuple[Event, ...]]:
    journal = Journal(path, lambda event: None)
    try:
        found = restart_running(cast("Platform", machine), journal, 1.0)
    finally:
        journal.close()
    return {item.name: (item.state, item.action) for item in found}, read_journal(path)


def test_those_that_run_are_restarted_each_after_the_journal_knows_it(path: Path) -> None:
    machine = Machine(path, one="running", two="stopped", three="running")
    told, events = restarted(path, machine)
    assert told == {
        "one": ("running", "restarted"),
        "two": ("stopped", "none"),
        "three": ("running", "restarted"),
    }
    assert machine.touched == [
        ("restart", "one", ["service-restarting"]),
        ("restart", "three", ["service-restarting", "service-restarted", "service-restarting"]),
    ]
    assert cut_off_restarts(events) == ()


def test_one_that_fails_is_told_with_its_state_and_does_not_stop_the_others(path: Path) -> None:
    machine = Machine(path, frozenset(("one",)), one="running", two="running")
    told, events = restarted(path, machine)
    assert told == {"one": ("stopped", "failed"), "two": ("running", "restarted")}
    # Recovery is to try it again.
    assert cut_off_restarts(events) == ("one",)


def test_without_a_journal_no_service_is_touched(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(path, one="running")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "append", full)
    told, _ = restarted(path, machine)
    assert (told, machine.touched) == ({"one": ("running", "failed")}, [])


def test_recovery_starts_what_was_stopped_and_not_started(path: Path) -> None:
    journal = Journal(path, lambda event: None)
    for kind, name in (("restarting", "one"), ("restarted", "one"), ("restarting", "two")):
        journal.append(f"service-{kind}", None, service=name)
    # What another release tells of a service, and what is no name, says nothing of a start.
    journal.append("service-seen", None, service="two")
    journal.append("service-restarting", None, service=7)
    journal.append("service-restarted", None, service="three")
    assert cut_off_restarts(journal.events) == ("two",)
    machine = Machine(path, frozenset(("four",)), two="stopped", four="stopped")
    assert start_again(cast("Platform", machine), journal, ("two", "four"), 1.0) == [DOWN]
    journal.close()
    assert [name for _, name, _ in machine.touched] == ["two", "four"]
    assert cut_off_restarts(read_journal(path)) == ()
