"""Stanzas whose PASSWORDDIR holds a store, or is another user's: each signs on for its own store only."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine
from tests.shown import shown_only_if

from dsmbench.endpoint import AS_ROOT

SECOND = "/opt/second/adsm"
LABEL = "TSM server {} self-signed key"


@pytest.fixture
def machine(make_machine: MakeMachine) -> Machine:
    """Root's store with two servers; for one of them a second stanza with its own store, and alice's."""
    made = make_machine(client_mode="8.2.2")
    alice = made.endpoint.user("alice")
    made.stanzas("TSMA", "TSMB", node="ROOT")
    server = made.servers["TSMB"]
    made.endpoint.stanza("TSMB_ALICE", server, node="ALICE", passworddir="/home/alice/adsm", owner=alice)
    made.endpoint.stanza("TSMB_SECOND", server, node="SECOND", passworddir=SECOND)
    made.endpoint.store(certificates=made.trusted("TSMA", "TSMB"))
    made.endpoint.store(user=alice, certificates=[(LABEL.format("TSMB_ALICE"), server.certificate_der)])
    made.endpoint.store(SECOND, certificates=[(LABEL.format("TSMB_SECOND"), server.certificate_der)])
    return made


def planned(machine: Machine, *arguments: str | Path) -> list[str]:
    """The sessions that the plan lists, in its order."""
    steps = machine.run("plan", *arguments).report["steps"]
    return [step["text"].split()[3] for step in steps if step["step"] == "reconnect"]


def session_security(machine: Machine, name: str, node: str) -> str:
    return str(machine.servers[name].state.nodes[node].session_security)


class TestWholeStores:
    @shown_only_if(AS_ROOT, "a store of another user")
    def test_each_is_filled_by_the_stanzas_that_keep_theirs_in_it(self, machine: Machine) -> None:
        new = machine.renew("TSMB")
        assert sorted(planned(machine, "--whole-store")) == [
            "TSMA",
            "TSMB",
            "TSMB_ALICE",
            "TSMB_SECOND",
        ]
        answer = machine.fix("--whole-store")
        alice = machine.endpoint.home_store(machine.endpoint.user("alice"))
        assert [answer.store(place)["outcome"] for place in (machine.ba, alice)] == ["changed"] * 2
        assert sorted(run.arguments[-1] for run in machine.reconnects) == [
            "-se=TSMA",
            "-se=TSMB",
            "-se=TSMB_ALICE",
            "-se=TSMB_SECOND",
        ]
        held = machine.held()
        assert held == {LABEL.format("TSMA"): machine.servers["TSMA"].sha256, LABEL.format("TSMB"): new}
        assert machine.held(alice) == {LABEL.format("TSMB_ALICE"): new}

    @shown_only_if(AS_ROOT, "a store of another user")
    def test_the_same_sessions_are_planned_for_a_store_that_is_named(self, machine: Machine) -> None:
        machine.renew("TSMB")
        arguments = ("--whole-store", "--store", machine.ba)
        assert planned(machine, *arguments) == ["TSMA", "TSMB"]
        assert machine.fix(*arguments).code == 0
        assert [run.arguments[-1] for run in machine.reconnects] == ["-se=TSMA", "-se=TSMB"]
        # Her own store can still fetch: nobody signed on as her node.
        assert session_security(machine, "TSMB", "ALICE") == "TRANSITIONAL"
        assert session_security(machine, "TSMB", "SECOND") == "TRANSITIONAL"
        assert machine.fix().code == 0

    @shown_only_if(AS_ROOT, "a directory of another user")
    def test_nobody_signs_on_as_a_user_who_has_no_store_yet(self, machine: Machine) -> None:
        alice = machine.endpoint.home_store(machine.endpoint.user("alice"))
        for file in alice.iterdir():
            file.unlink()
        machine.renew("TSMB")
        assert machine.fix("--whole-store", "--store", machine.ba).code == 0
        assert "-se=TSMB_ALICE" not in [run.arguments[-1] for run in machine.reconnects]
        assert session_security(machine, "TSMB", "ALICE") == "TRANSITIONAL"


class TestOneLabel:
    def test_what_no_session_brings_is_taken_over_from_the_store_of_the_stanza(
        self, make_machine: MakeMachine
    ) -> None:
        machine = make_machine(client_mode="8.2.2")
        machine.stanzas("TSMA")
        machine.stanzas("TSMB", passworddir=SECOND)
        # From before the client kept this stanza's certificates in its PASSWORDDIR.
        machine.endpoint.store(certificates=machine.trusted("TSMA", "TSMB"))
        place = machine.endpoint.store(SECOND, certificates=machine.trusted("TSMB"))
        new = machine.renew("TSMB")
        answer = machine.fix()
        assert (answer.code, answer.report["outcome"]) == (0, "changed"), answer.stderr
        assert (machine.held()[LABEL.format("TSMB")], machine.held(place)[LABEL.format("TSMB")]) == (new, new)
        assert [run.arguments[-1] for run in machine.reconnects] == ["-se=TSMB"]
        assert machine.run("detect").code == 0

    def test_a_strict_node_leaves_both_as_they_were(self, make_machine: MakeMachine) -> None:
        machine = make_machine(client_mode="8.2.2")
        machine.stanzas("TSMA")
        machine.stanzas("TSMB", passworddir=SECOND)
        machine.endpoint.store(certificates=machine.trusted("TSMA", "TSMB"))
        place = machine.endpoint.store(SECOND, certificates=machine.trusted("TSMB"))
        machine.renew("TSMB")
        machine.servers["TSMB"].update_node("NODE_TSMB", "STRICT")
        before = machine.seen(), machine.seen(place)
        answer = machine.fix()
        assert (answer.code, answer.store(machine.ba)["outcome"]) == (21, "unchanged")
        assert answer.store(machine.ba)["problem"]["code"] == "certificate-not-proved"
        assert "UPDATE NODE NODE_TSMB" in answer.store(place)["problem"]["hint"]
        assert (machine.seen(), machine.seen(place)) == before
        assert len(machine.reconnects) == 1


class TestADiskThatIsOnAnotherNode:
    """A cluster's node without the disk on which stanza and service name the store."""

    def test_a_passive_node_is_no_error_and_is_told(self, make_machine: MakeMachine) -> None:
        machine = make_machine(client_mode="8.2.2")
        machine.stanzas("TSMA", passworddir="/ha/pw")
        machine.endpoint.store("/ha/pw", certificates=machine.trusted("TSMA"))
        machine.renew("TSMA")
        assert machine.run("detect").code == 3
        disk = machine.directory / "disk"
        (machine.root / "ha").rename(disk)
        (machine.root / "ha").mkdir()
        for words in (("detect",), ("plan",), ("inspect",), ("fix", "--yes", "--trust-on-first-use")):
            answer = machine.run(*words)
            assert (answer.code, answer.report["stores"]) == (0, []), words
            (told,) = answer.report["warnings"]
            assert told.startswith(f"PASSWORDDIR of stanza TSMA, {machine.root}/ha/pw, is not here"), words
        assert machine.run("fix", "--yes", "--server", "TSMA", "--trust-on-first-use").code == 0
        # Who was to put a certificate in is told that it is not.
        file = machine.directory / "cert256.arm"
        file.write_bytes(machine.servers["TSMA"].state.identity.arm)
        assert machine.run("trust", "--server", "TSMA", "--file", file, "--yes").code == 10
        (machine.root / "ha").rmdir()
        disk.rename(machine.root / "ha")
        assert machine.fix().report["outcome"] == "changed"

    def test_what_is_here_is_repaired_all_the_same(self, machine: Machine) -> None:
        machine.stanzas("TSMB", passworddir="/ha/pw")
        shutil.rmtree(machine.root / "ha")
        machine.renew("TSMA")
        answer = machine.fix()
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert any("PASSWORDDIR of stanza TSMB" in line for line in answer.report["warnings"])
