"""What is begun when, with transactions that only wait: no stores, no clients."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsmcertfix import budgets
from dsmcertfix.errors import DsmcertfixError, Interrupted, SwapFailed
from dsmcertfix.model import Certificate, LocatedStore, Owner, Server, Stanza, Store
from dsmcertfix.planning.steps import AddCertificate, Reconnect, Step, StorePlan
from dsmcertfix.system.process.run import Waits
from dsmcertfix.transaction import together
from dsmcertfix.transaction.executor import Ended
from dsmcertfix.transaction.interrupts import Interrupts, watching
from dsmcertfix.transaction.together import carry_out_all

NEW = Certificate("", "ab" * 32, "", "", "", None, None, "server")


def store(name: str) -> Store:
    return Store(LocatedStore(Path("/") / name, (0, 0), (), Owner(0, 0, "root")))


def plan(name: str, servers: Sequence[int] = (), provider: str | None = None) -> StorePlan:
    """A plan that reconnects to those servers, after the store named `provider` was proved."""
    steps: list[Step] = [
        Reconnect(Stanza(f"S{number}", Path("/dsm.sys"), 1, Server(f"server{number}", 1500)))
        for number in servers
    ]
    if provider is not None:
        steps.append(AddCertificate(Server("server", 1500), "label", NEW, store(provider).id))
    return StorePlan(store(name), "label", (), tuple(steps))


@dataclass
class Watched:
    """Begins transactions that only wait, and notes what happens to them."""

    waits: dict[str, int] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    together: list[tuple[str, ...]] = field(default_factory=list)
    undone: dict[str, str] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)

    def begin(self, item: StorePlan) -> Waits[Ended]:
        name = item.store.directory.name
        self.begun.append(name)
        self.running.append(name)
        self.together.append(tuple(self.running))
        return self._work(name)

    def _work(self, name: str) -> Waits[Ended]:
        try:
            for _ in range(self.waits.get(name, 1)):
                yield 0.0
        except DsmcertfixError as error:
            self.undone[name] = error.code
            return Ended("rolled-back", error.problem())
        except GeneratorExit:
            self.closed.append(name)
            raise
        finally:
            self.running.remove(name)
        return Ended("changed", None)


PLANS = st.lists(st.lists(st.integers(0, 3), max_size=2, unique=True), min_size=1, max_size=8)


@settings(deadline=None)
@given(servers=PLANS, jobs=st.integers(1, 4), data=st.data())
def test_servers_are_never_shared_never_overtaken_and_the_jobs_are_kept(
    servers: list[list[int]], jobs: int, data: st.DataObject
) -> None:
    plans = []
    for number, wanted in enumerate(servers):
        earlier = st.one_of(st.none(), st.integers(0, number - 1)) if number else st.none()
        proved_by = data.draw(earlier)
        plans.append(plan(f"p{number}", wanted, None if proved_by is None else f"p{proved_by}"))
    watched = Watched({f"p{n}": data.draw(st.integers(0, 4)) for n in range(len(plans))})
    ended = carry_out_all(plans, watched.begin, Interrupts(), jobs)
    assert len(ended) == len(plans) == len(watched.begun)
    of = {f"p{number}": set(wanted) for number, wanted in enumerate(servers)}
    for names in watched.together:
        assert len(names) <= jobs
        assert len({server for name in names for server in of[name]}) == sum(len(of[name]) for name in names)
    for server in range(4):
        assert [n for n in watched.begun if server in of[n]] == [n for n in of if server in of[n]]
    if jobs == 1:
        assert watched.begun == list(of)


def test_as_many_run_at_once_as_there_are_servers_and_jobs() -> None:
    names = ("a", "b", "c", "d")
    plans = [plan(name, [number]) for number, name in enumerate(names)]
    for jobs in (1, 2, 3, 4, 5):
        watched = Watched(dict.fromkeys(names, 9))
        carry_out_all(plans, watched.begin, Interrupts(), jobs)
        assert max(map(len, watched.together)) == min(jobs, 4)
        assert watched.together[min(jobs, 4) - 1] == names[:jobs]


def test_one_that_ends_makes_room_for_one() -> None:
    watched = Watched({"a": 9, "b": 1, "c": 9, "d": 9})
    plans = [plan(name, [number]) for number, name in enumerate("abcd")]
    carry_out_all(plans, watched.begin, Interrupts(), 2)
    assert [len(names) for names in watched.together] == [1, 2, 2, 2]


# --- clients that hang


def test_others_wait_for_a_client_as_long_as_their_patience_and_then_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(together, "time", SimpleNamespace(monotonic=lambda: now[0]))
    nothing: Any = None
    working = together._Working(plan("a"), nothing, since=100.0)
    told = []
    for now[0] in (100.0, 109.9, 110.0, 111.0):
        told.append((working.gives_way(), working.holds_up))
    assert budgets.PATIENCE_S.cap == 10
    # It gives way once: whoever waited has heard of it.
    assert told == [(False, True), (False, True), (True, False), (False, False)]


def hanging(monkeypatch: pytest.MonkeyPatch, jobs: int, sessions: int, count: int) -> Watched:
    """So many stores, each with a server of its own, and all of their clients hang."""
    monkeypatch.setattr(budgets, "PATIENCE_S", budgets.PATIENCE_S._replace(cap=0))
    monkeypatch.setattr(budgets, "SESSIONS", budgets.SESSIONS._replace(cap=sessions))
    names = [f"p{number}" for number in range(count)]
    watched = Watched(dict.fromkeys(names, 50))
    carry_out_all(
        [plan(name, [number]) for number, name in enumerate(names)], watched.begin, Interrupts(), jobs
    )
    assert watched.begun == names
    return watched


@pytest.mark.parametrize(
    ("jobs", "sessions", "most"), [(1, 3, 3), (2, 3, 3), (3, 3, 3), (4, 3, 4), (1, 9, 5), (1, 1, 1)]
)
def test_clients_that_hang_hold_up_no_other_until_the_sessions_are_as_many_as_may_be(
    monkeypatch: pytest.MonkeyPatch, jobs: int, sessions: int, most: int
) -> None:
    watched = hanging(monkeypatch, jobs, sessions, 5)
    assert max(map(len, watched.together)) == most


def test_a_store_whose_certificate_another_one_proves_waits_for_its_end() -> None:
    watched = Watched({"client": 5})
    plans = [plan("client", [1]), plan("api", provider="client"), plan("other", [2])]
    carry_out_all(plans, watched.begin, Interrupts(), 4)
    assert watched.begun == ["client", "other", "api"]
    assert not any({"client", "api"} <= set(names) for names in watched.together)


@pytest.mark.parametrize("jobs", [2, 4])
def test_a_signal_undoes_those_that_wait_and_one_more_is_begun_to_say_so(jobs: int) -> None:
    watched = Watched({"a": 1000, "b": 1000})

    def begin(item: StorePlan) -> Waits[Ended]:
        if item.store.directory.name == "b":
            os.kill(os.getpid(), signal.SIGTERM)
        return watched.begin(item)

    with watching() as interrupts:
        plans = [plan("a", [1]), plan("b", [2]), plan("c", [3]), plan("d", [2])]
        carry_out_all(plans, begin, interrupts, jobs)
    assert watched.undone == {"a": "terminated", "b": "terminated"}
    assert watched.begun == ["a", "b"]


def test_a_second_signal_does_not_cut_the_undo_of_the_first_short() -> None:
    undone: list[str] = []

    def begin(item: StorePlan) -> Waits[Ended]:
        name = item.store.directory.name
        try:
            while True:
                if name == "b":
                    os.kill(os.getpid(), signal.SIGINT)
                yield 0.0
        except Interrupted as error:
            os.kill(os.getpid(), signal.SIGTERM)
            undone.append(name)
            return Ended("rolled-back", error.problem())

    with watching() as interrupts:
        carry_out_all([plan("a", [1]), plan("b", [2])], begin, interrupts, 2)
    assert sorted(undone) == ["a", "b"]


def test_an_error_of_the_run_itself_undoes_what_waits() -> None:
    watched = Watched({"a": 1000})

    def begin(item: StorePlan) -> Waits[Ended]:
        if watched.begun:
            raise SwapFailed("store-damaged", "an error between two transactions")
        return watched.begin(item)

    with pytest.raises(SwapFailed):
        carry_out_all([plan("a", [1]), plan("b", [2])], begin, Interrupts(), 2)
    assert watched.undone == {"a": "store-damaged"}


def test_a_store_that_may_not_be_touched_is_passed_over_and_the_rest_goes_on() -> None:
    watched = Watched()

    def begin(item: StorePlan) -> Waits[Ended] | None:
        return None if item.store.directory.name in ("a", "c") else watched.begin(item)

    for jobs in (1, 2, 9):
        plans = [plan("a", [1]), plan("b", [1]), plan("c", [2]), plan("d", [2])]
        assert len(carry_out_all(plans, begin, Interrupts(), jobs)) == 2
    assert watched.begun == ["b", "d"] * 3


def test_what_is_no_error_leaves_the_stores_to_recover_and_no_client_behind() -> None:
    watched = Watched({"a": 1000})

    def begin(item: StorePlan) -> Waits[Ended]:
        if watched.begun:
            raise KeyboardInterrupt
        return watched.begin(item)

    with pytest.raises(KeyboardInterrupt):
        carry_out_all([plan("a", [1]), plan("b", [2])], begin, Interrupts(), 2)
    assert (watched.undone, watched.closed) == ({}, ["a"])
