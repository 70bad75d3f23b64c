"""Somebody on the network answers in the server's place: what is pinned comes, and nothing besides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine, identity
from tests.endtoend_trust.conftest import issued, root_ca, with_chain

from dsmbench.runtime import scratch
from dsmbench.trouble import STALE


@pytest.fixture
def machine() -> Iterator[Machine]:
    """TSMA and TSMB, and root's store that trusts them; what an attacker slips in is a certificate of his."""
    with built("TSMA", "TSMB") as made:
        yield made


@contextmanager
def built(*names: str) -> Iterator[Machine]:
    with scratch() as directory:
        made = Machine(directory)
        try:
            made.stanzas(*names)
            made.endpoint.store(certificates=made.trusted(*names))
            (made.root / STALE).write_bytes(identity("attacker").der)
            yield made
        finally:
            made.stop()


def arm(machine: Machine, name: str) -> Path:
    file = machine.directory / f"{name}.arm"
    file.write_bytes(machine.servers[name].state.identity.arm)
    return file


class TestBesides:
    @pytest.mark.parametrize("how", ["pin", "first use", "no preflight", "several pins"])
    def test_a_second_certificate_that_comes_along_is_not_kept(self, machine: Machine, how: str) -> None:
        new = machine.renew("TSMA")
        machine.endpoint.misbehave(dsmc="brings-back-stale")
        words = {
            "pin": ("--expect-sha256", new),
            "first use": (),
            "no preflight": ("--no-preflight", "--server", "TSMA", "--expect-sha256", f"TSMA={new}"),
            "several pins": ("--expect-sha256", new, "--expect-sha256", "ab" * 32),
        }[how]
        before = machine.seen()
        answer = machine.fix(*words)
        assert (answer.code, answer.report["outcome"]) == (22, "rolled-back")
        assert answer.problem == "more-than-expected"
        assert machine.seen() == before
        context = " ".join(answer.store(machine.ba)["problem"]["context"])
        assert identity("attacker").sha256 in context and new in context

    @pytest.mark.parametrize("pinned", [False, True])
    def test_nor_in_a_store_that_is_made_anew(self, pinned: bool) -> None:
        with built("TSMA") as machine:
            new = machine.renew("TSMA")
            machine.endpoint.misbehave(dsmc="brings-back-stale")
            before = machine.seen()
            answer = machine.fix("--whole-store", *(("--expect-sha256", new) if pinned else ()))
            assert (answer.code, answer.report["outcome"]) == (22, "rolled-back")
            assert answer.problem == "more-than-expected"
            assert machine.seen() == before

    def test_it_is_kept_where_it_is_pinned_too(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        machine.endpoint.misbehave(dsmc="brings-back-stale")
        answer = machine.fix("--expect-sha256", new, "--expect-sha256", identity("attacker").sha256)
        assert (answer.code, answer.report["outcome"]) == (0, "changed")

    def test_a_certificate_that_is_handed_over_comes_alone(self, machine: Machine) -> None:
        machine.renew("TSMA")
        machine.endpoint.misbehave(dsmc="brings-back-stale")
        before = machine.seen()
        machine.servers["TSMA"].update_node("NODE_TSMA", "TRANSITIONAL")
        answer = machine.run("trust", "--server", "TSMA", "--file", arm(machine, "TSMA"), "--yes")
        # A client that trusts its server fetches nothing: only one that lies stores something.
        assert answer.code in (0, 22)
        assert identity("attacker").sha256 not in machine.held().values()
        assert answer.code == 0 or machine.seen() == before

    def test_the_authority_above_a_pinned_certificate_may_be_what_the_client_keeps(
        self, machine: Machine
    ) -> None:
        machine.servers["TSMA"].state.renew(with_chain(issued()))
        machine.endpoint.misbehave(dsmc="stores-authority")
        answer = machine.fix("--expect-sha256", issued().sha256)
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert root_ca().sha256 in machine.held().values()


class TestWhoIsPinned:
    def test_the_pin_of_one_server_lets_no_other_one_in(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        machine.renew("TSMB")
        before = machine.seen()
        answer = machine.fix("--expect-sha256", f"TSMA={new}")
        assert (answer.code, answer.problem) == (16, "server-not-pinned")
        assert machine.seen() == before and machine.reconnects == []
        answer = machine.fix("--server", "TSMA", "--expect-sha256", f"TSMA={new}")
        assert (answer.code, answer.report["outcome"]) == (0, "changed")

    def test_every_server_may_have_its_own_by_file_or_by_fingerprint(self, machine: Machine) -> None:
        new = {name: machine.renew(name) for name in ("TSMA", "TSMB")}
        answer = machine.fix(
            "--expect-file", f"TSMA={arm(machine, 'TSMA')}", "--expect-sha256", f"TSMB={new['TSMB']}"
        )
        assert (answer.code, answer.report["outcome"], answer.report["warnings"]) == (0, "changed", [])
        assert set(machine.held().values()) == set(new.values())

    def test_pins_that_are_exchanged_fit_nobody(self, machine: Machine) -> None:
        new = {name: machine.renew(name) for name in ("TSMA", "TSMB")}
        before = machine.seen()
        answer = machine.fix(
            "--expect-sha256", f"TSMA={new['TSMB']}", "--expect-sha256", f"TSMB={new['TSMA']}"
        )
        assert (answer.code, answer.problem) == (16, "unexpected-certificate")
        assert machine.seen() == before

    def test_first_use_for_the_others_is_said_in_the_open(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        machine.renew("TSMB")
        answer = machine.fix("--expect-sha256", f"TSMA={new}", "--trust-on-first-use")
        (line,) = answer.report["warnings"]
        assert (answer.code, "TSMB" in line, "TSMA" in line) == (0, True, False)


class TestNothingFits:
    """Nothing is affected, and yet the machine is not as whoever gave the pin thinks."""

    def test_a_server_that_does_not_present_it_yet_is_no_success(self, machine: Machine) -> None:
        for words in (("ab" * 32,), (f"TSMA={'ab' * 32}",)):
            for command in (("plan",), ("fix", "--yes")):
                answer = machine.run(*command, "--expect-sha256", *words)
                assert (answer.code, answer.report["outcome"]) == (16, "unchanged")
                assert any("ab" * 32 in line for line in answer.report["warnings"])
        assert "unexpected-certificate" in answer.stdout

    def test_it_is_a_success_where_the_store_has_it(self, machine: Machine) -> None:
        sha256 = machine.servers["TSMA"].sha256
        for pin in (sha256, f"TSMA={sha256}"):
            answer = machine.fix("--expect-sha256", pin)
            assert (answer.code, answer.report["warnings"]) == (0, [])

    def test_a_server_that_is_not_used_here_is_told_and_does_no_harm(self, machine: Machine) -> None:
        own = f"TSMA={machine.servers['TSMA'].sha256}"
        answer = machine.fix("--expect-sha256", own, "--expect-sha256", f"TSM99={'ab' * 32}")
        (line,) = answer.report["warnings"]
        assert (answer.code, "TSM99" in line) == (0, True)


class TestNobodyIsAsked:
    @pytest.mark.parametrize("renewed", [False, True])
    @pytest.mark.parametrize("more", [(), ("--no-reconnect",), ("--whole-store",), ("--server", "TSMA")])
    def test_without_a_pin_nothing_is_done_whether_there_is_work_or_not(
        self, machine: Machine, renewed: bool, more: tuple[str, ...]
    ) -> None:
        if renewed:
            machine.renew("TSMA")
        before = machine.everything()
        answer = machine.run("fix", "--yes", *more)
        assert (answer.code, answer.problem) == (2, "nothing-expected")
        assert machine.everything() == before

    def test_two_lines_say_what_to_do(self, machine: Machine) -> None:
        said = machine.text("fix", "--yes").stderr.splitlines()
        first, second = (next(line for line in said if line.startswith(word)) for word in ("error", "hint"))
        assert "which certificate to expect" in first
        for option in ("--expect-file", "--expect-sha256", "--trust-on-first-use"):
            assert option in second
