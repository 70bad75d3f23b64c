"""What is begun when, with transactions that only wait: no stores, no clients."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsmcertfix.errors import DsmcertfixError, Interrupted, SwapFailed
from dsmcertfix.model import Certificate, LocatedStore, Owner, Server, Stanza, Store
from dsmcertfix.planning.steps import AddCertificate, Reconnect, Step, StorePlan
from dsmcertfix.system.process.run import Waits
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
    watched = Watched({"a": 9, "b": 9, "c": 9})
    carry_out_all([plan("a", [1]), plan("b", [2]), plan("c", [3])], watched.begin, Interrupts(), 3)
    assert watched.together[-1] == ("a", "b", "c")


def test_a_store_whose_certificate_another_one_proves_waits_for_its_end() -> None:
    watched = Watched({"client": 5})
    plans = [plan("client", [1]), plan("api", provider="client"), plan("other", [2])]
    carry_out_all(plans, watched.begin, Interrupts(), 4)
    assert watched.begun == ["client", "other", "api"]
    assert not any({"client", "api"} <= set(names) for names in watched.together)


def test_a_signal_undoes_those_that_wait_and_one_more_is_begun_to_say_so() -> None:
    watched = Watched({"a": 1000, "b": 1000})

    def begin(item: StorePlan) -> Waits[Ended]:
        if item.store.directory.name == "b":
            os.kill(os.getpid(), signal.SIGTERM)
        return watched.begin(item)

    with watching() as interrupts:
        plans = [plan("a", [1]), plan("b", [2]), plan("c", [1]), plan("d", [2])]
        carry_out_all(plans, begin, interrupts, 2)
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
