"""The child in which IBM's TLS is asked: whose it is, and that it ends."""

from __future__ import annotations

import contextlib
import os
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine
from tests.shown import shown_only_if

from dsmbench.endpoint import AS_ROOT
from dsmcertfix.ibm import gskit_tls
from dsmcertfix.model import Owner, Proof, Server
from dsmcertfix.system import ibm_libraries
from dsmcertfix.system.base import Platform
from dsmcertfix.system.seen import NoAnswer, OwnerLimits, Task
from dsmcertfix.system.this import this_platform

LIMITS = OwnerLimits()


def platform_of(machine: Machine) -> Platform:
    """The played machine's."""
    return this_platform(machine.root, network_homes=False, trust_root=True)


def prove(machine: Machine, platform: Platform, limit_s: float) -> Proof:
    """What IBM's TLS says of root's store."""
    server = Server("127.0.0.1", machine.servers["TSMA"].port)
    library = gskit_tls.library(platform)
    assert library is not None
    return gskit_tls.prove(platform, library, None, machine.ba / "dsmcert.kdb", server, limit_s)


class Lends:
    """A platform whose child can open the files themselves."""

    @contextlib.contextmanager
    def lent(self, databases: tuple[Path, ...]) -> Iterator[tuple[Path, ...]]:
        """The paths as they are."""
        yield databases


@shown_only_if(AS_ROOT, "becoming another user needs root")
def test_it_is_the_owner_of_the_store(machine: Machine) -> None:
    platform = platform_of(machine)
    alice = machine.endpoint.user("alice")
    owner = Owner(alice.uid, alice.gid, "alice", alice.home)
    assert platform.apart(owner, Task(lambda: [os.geteuid(), os.getgroups()]), LIMITS) == [alice.uid, []]


def test_it_is_never_this_process(machine: Machine) -> None:
    platform = platform_of(machine)
    for owner in (None, Owner(0, 0, "root")):
        assert platform.apart(owner, Task(os.getpid), LIMITS) != os.getpid()


@shown_only_if(AS_ROOT, "becoming another user needs root")
def test_a_store_in_a_home_is_proved(machine: Machine) -> None:
    alice = machine.endpoint.user("alice")
    machine.endpoint.stanza(
        "HERS", machine.servers["TSMA"], node="ALICE", passworddir="/home/alice", owner=alice
    )
    place = machine.endpoint.store("/home/alice", owner=alice, certificates=machine.trusted("TSMA"))
    answer = machine.run("detect", "--prove")
    assert [proof["answer"] for proof in answer.store(place)["proofs"]] == ["accepted"]


@pytest.mark.parametrize("only", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_is_judged_alike_over_either_version_of_tls(machine: Machine, only: ssl.TLSVersion) -> None:
    machine.servers["TSMA"].only = only
    platform = platform_of(machine)
    assert prove(machine, platform, 10.0).answer == "accepted"
    machine.renew("TSMA")
    proof = prove(machine, platform, 10.0)
    assert (proof.answer, proof.code) == ("refused", 414)


def test_a_server_that_says_nothing_is_given_up(machine: Machine) -> None:
    machine.servers["TSMA"].behave("hang")
    begun = time.monotonic()
    proof = prove(machine, platform_of(machine), 1.0)
    assert (proof.answer, proof.code) == ("not-made", None)
    assert time.monotonic() - begun < gskit_tls.longest_s(1.0) + 5


def test_a_library_that_hangs_is_ended(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ibm_libraries, "loaded", lambda *_: time.sleep(600))
    monkeypatch.setattr(gskit_tls, "_SPARE_S", 0.5)
    proof = prove(machine, platform_of(machine), 0.2)
    assert (proof.answer, "more time than is allowed" in proof.reason) == ("not-made", True)


def test_a_server_that_is_down_is_told(machine: Machine) -> None:
    machine.servers["TSMA"].stop()
    assert "does not answer" in prove(machine, platform_of(machine), 5.0).reason


def test_a_child_for_all_that_gives_no_answer_leaves_one_for_each(machine: Machine) -> None:
    class Once(Lends):
        """Only a child with one question answers."""

        asked = 0

        def apart(self, owner: object, work: Callable[[], object], limits: OwnerLimits) -> object:
            self.asked += 1
            if self.asked == 1:
                raise NoAnswer("it ended")
            return [{"step": "handshake", "code": 0}]

    platform: Platform = Once()  # type: ignore[assignment]
    asked = ((Path("/a"), Server("a", 1)), (Path("/b"), Server("b", 1)))
    proofs = gskit_tls.prove_all(platform, Path("/lib"), None, asked, 1.0)
    assert [(proof.server.address, proof.answer) for proof in proofs] == [
        ("a", "accepted"),
        ("b", "accepted"),
    ]


@pytest.mark.parametrize("answer", [None, [], [None], 7, [{"step": "handshake", "code": 0}] * 3])
def test_answers_of_another_number_prove_nothing(answer: object) -> None:
    class Says(Lends):
        def apart(self, owner: object, work: object, limits: object) -> object:
            return answer

    platform: Platform = Says()  # type: ignore[assignment]
    asked = ((Path("/a"), Server("a", 1)), (Path("/b"), Server("b", 1)))
    proofs = gskit_tls.prove_all(platform, Path("/lib"), None, asked, 1.0)
    assert {proof.answer for proof in proofs} == {"not-made"}


class Answering(Lends):
    """A platform whose child answers so."""

    def __init__(self, answer: Callable[[], object]):
        self._answer = answer

    def apart(self, owner: object, work: object, limits: object) -> object:
        """The answer to the one question."""
        return [self._answer()]


def fails() -> object:
    raise NoAnswer("it ended")


@pytest.mark.parametrize(
    "answer",
    [
        lambda: None,
        lambda: [0],
        lambda: {"step": "handshake"},
        lambda: {"step": "handshake", "code": "0"},
        lambda: {"step": "handshake", "code": True},
        lambda: {"step": "elsewhere", "code": 0},
        lambda: {"step": "handshake", "code": 420},
        lambda: {"step": "handshake", "code": -1},
        lambda: {"step": "environment", "code": 102},
        lambda: {"step": "load", "code": 0},
        lambda: {"step": "connect", "code": 0},
        fails,
    ],
)
def test_what_is_no_answer_proves_nothing(answer: Callable[[], object]) -> None:
    platform: Platform = Answering(answer)  # type: ignore[assignment]
    proof = gskit_tls.prove(platform, Path("/lib"), None, Path("/kdb"), Server("a", 1), 1.0)
    assert (proof.answer, proof.code) == ("not-made", None)
    assert proof.reason.startswith("not proved by IBM's TLS: ")


@pytest.mark.parametrize(
    ("step", "code", "answer"),
    [
        ("handshake", 0, "accepted"),
        ("environment", 0, "not-made"),
        ("handshake", 414, "refused"),
        ("handshake", 8, "refused"),
        ("environment", 107, "refused"),
        ("environment", 408, "refused"),
        ("handshake", 107, "not-made"),
    ],
)
def test_a_code_means_what_it_means_at_that_step(step: str, code: int, answer: str) -> None:
    platform: Platform = Answering(lambda: {"step": step, "code": code})  # type: ignore[assignment]
    proof = gskit_tls.prove(platform, Path("/lib"), None, Path("/kdb"), Server("a", 1), 1.0)
    assert proof.answer == answer


def test_a_library_of_a_foreign_tree_is_not_loaded(machine: Machine) -> None:
    assert gskit_tls.library(this_platform(machine.root, network_homes=False)) is None
