"""IBM's programs misbehave: gsk8capicmd on the private copy, dsmc on the live store."""

from __future__ import annotations

import os
import signal

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine, ended, wait_until

from dsmbench.places import PASSWORD_DIRECTORY

LABEL = "TSM server TSMA self-signed key"


class TestGsk8capicmd:
    """Whatever IBM's program does to the private copy, the store is repaired natively, and that is said."""

    @pytest.mark.parametrize(
        ("trouble", "said"),
        [
            ("hang", "did not finish -delete within 8 seconds"),
            ("crash", "refused -delete"),
            ("half-write", "refused -delete"),
            ("wrong-label", "the edit changed other records than the ones it should have"),
            ("exit-0-but-fails", "reported success for -delete and did nothing"),
        ],
    )
    def test_what_it_fails_to_do_is_done_natively_and_said(
        self, three: Machine, trouble: str, said: str
    ) -> None:
        new = three.renew("TSMB")
        others = {label: slot for label, slot in three.slots().items() if "TSMB" not in label}
        three.endpoint.misbehave(gsk8capicmd=trouble)
        answer = three.fix("--server", "TSMB", *limits(trouble))
        assert (answer.code, answer.report["changed"]) == (0, True)
        (note,) = answer.notes("delete-label")
        assert said in note
        assert note.endswith("; done by native")
        assert {label: slot for label, slot in three.slots().items() if "TSMB" not in label} == others
        three.endpoint.misbehave()
        three.require_proved("TSMB", new)

    @pytest.mark.parametrize("trouble", ["stderr-1mb", "french", "spawns-lingering-child"])
    def test_what_it_does_in_its_own_way_is_done(self, machine: Machine, trouble: str) -> None:
        new = machine.renew("TSMA")
        machine.endpoint.misbehave(gsk8capicmd=trouble)
        answer = machine.fix()
        assert (answer.code, answer.notes("delete-label")) == (0, ["done by gskit"])
        machine.endpoint.misbehave()
        machine.require_proved("TSMA", new)

    def test_where_it_is_missing_the_store_is_repaired_natively(self, make_machine: MakeMachine) -> None:
        made = make_machine(programs=("dsmc",))
        made.stanzas("TSMA")
        made.endpoint.store(certificates=made.trusted("TSMA"))
        new = made.renew("TSMA")
        answer = made.fix()
        assert (answer.code, answer.notes("delete-label")) == (0, ["done by native"])
        made.require_proved("TSMA", new)

    def test_asked_for_where_it_is_missing_nothing_is_touched(self, make_machine: MakeMachine) -> None:
        made = make_machine(programs=("dsmc",))
        made.stanzas("TSMA")
        made.endpoint.store(certificates=made.trusted("TSMA"))
        made.renew("TSMA")
        before = made.everything()
        answer = made.fix("--engine", "gskit")
        assert (answer.code, answer.problem, answer.report["outcome"]) == (15, "gskit-not-found", "unchanged")
        assert made.everything() == before

    @pytest.mark.parametrize("trouble", ["crash", "half-write", "wrong-label", "exit-0-but-fails"])
    def test_asked_for_by_name_its_failure_leaves_the_store_alone(self, three: Machine, trouble: str) -> None:
        three.renew("TSMB")
        before = three.everything()
        three.endpoint.misbehave(gsk8capicmd=trouble)
        answer = three.fix("--engine", "gskit")
        assert (answer.code, answer.report["outcome"]) == (15, "unchanged")
        assert three.everything() == before
        assert three.reconnects == []

    def test_one_that_others_can_change_is_not_run(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        machine.endpoint.gsk8capicmd_program.chmod(0o777)
        answer = machine.fix()
        assert (answer.code, answer.notes("delete-label")) == (0, ["done by native"])
        machine.require_proved("TSMA", new)


ROLLED_BACK = {
    "hang": 21,
    "hang-hard": 21,
    "crash": 21,
    "half-write": 21,
    "dies-half-way": 21,
    "deletes-store": 21,
    "exit-0-but-fails": 21,
    "prompts": 21,
    "wrong-certificate": 22,
    "claims-success": 22,
    "writes-elsewhere": 22,
}
REPAIRED = (
    "french",
    "french-no-codes",
    "stderr-1mb",
    "stdout-1mb",
    "opens-modes",
    "spawns-lingering-child",
)


def limits(trouble: str) -> tuple[str, ...]:
    """What hangs is given up early; what does its work has done it by then."""
    return ("--timeout", "8") if trouble.startswith("hang") else ()


class TestDsmc:
    @pytest.mark.parametrize("whole", [False, True], ids=["label", "whole-store"])
    @pytest.mark.parametrize("trouble", ROLLED_BACK)
    def test_where_it_fails_every_file_is_as_before_and_it_was_run_once(
        self, machine: Machine, trouble: str, whole: bool
    ) -> None:
        machine.renew("TSMA")
        before = machine.seen()
        machine.endpoint.misbehave(dsmc=trouble)
        answer = machine.fix(*limits(trouble), *(["--whole-store"] if whole else []))
        assert (answer.code, answer.report["outcome"]) == (ROLLED_BACK[trouble], "rolled-back")
        assert answer.report["changed"] is False
        assert machine.seen() == before
        assert machine.left_behind() == []
        assert len(machine.reconnects) == 1

    @pytest.mark.parametrize("trouble", REPAIRED)
    def test_where_it_works_in_its_own_way_the_store_is_repaired(
        self, machine: Machine, trouble: str
    ) -> None:
        new = machine.renew("TSMA")
        modes = {name: seen.mode for name, seen in machine.seen().items()}
        machine.endpoint.misbehave(dsmc=trouble)
        answer = machine.fix()
        assert (answer.code, answer.report["changed"]) == (0, True)
        assert {name: seen.mode for name, seen in machine.seen().items()} == modes
        assert len(machine.reconnects) == 1
        assert machine.sign_ons("TSMA") == ["fetched", "session"]
        machine.endpoint.misbehave()
        machine.require_proved("TSMA", new)

    @pytest.mark.parametrize("whole", [False, True], ids=["label", "whole-store"])
    def test_where_another_session_of_it_fetched_at_the_same_time_it_signs_on_once_more(
        self, machine: Machine, whole: bool
    ) -> None:
        new = machine.renew("TSMA")
        machine.endpoint.misbehave(dsmc="meets-another")
        answer = machine.fix(*(["--whole-store"] if whole else []))
        assert (answer.code, answer.report["changed"]) == (0, True)
        assert len(machine.reconnects) == 2
        machine.endpoint.misbehave()
        machine.require_proved("TSMA", new)

    @pytest.mark.parametrize("trouble", ["french", "french-no-codes"])
    def test_a_refusal_in_another_language_is_a_refusal(self, machine: Machine, trouble: str) -> None:
        machine.renew("TSMA")
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        before = machine.seen()
        machine.endpoint.misbehave(dsmc=trouble)
        answer = machine.fix()
        assert (answer.code, machine.seen()) == (21, before)
        hint = answer.store(machine.ba)["problem"]["hint"]
        assert hint
        if trouble == "french":
            assert "UPDATE NODE NODE_TSMA SESSIONSECURITY=TRANSITIONAL" in hint

    def test_a_wrong_password_is_tried_once(self, machine: Machine) -> None:
        machine.renew("TSMA")
        machine.endpoint.stored_password(PASSWORD_DIRECTORY, "NODE_TSMA", "TSMA", "not the password")
        before = machine.seen()
        answer = machine.fix()
        assert (answer.code, machine.seen()) == (21, before)
        assert "Do not try again" in answer.store(machine.ba)["problem"]["hint"]
        assert machine.sign_ons("TSMA") == ["refused"]

    def test_one_that_others_can_change_is_not_run(self, machine: Machine) -> None:
        machine.renew("TSMA")
        before = machine.seen()
        machine.endpoint.dsmc_program.chmod(0o777)
        answer = machine.fix()
        assert answer.code in (12, 20, 21)
        assert machine.seen() == before
        assert machine.reconnects == []


class TestSignals:
    @pytest.mark.parametrize(
        ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
    )
    @pytest.mark.parametrize("mode", [(), ("--whole-store",)], ids=["label", "whole-store"])
    def test_a_signal_while_dsmc_hangs_puts_everything_back(
        self, machine: Machine, number: signal.Signals, code: int, mode: tuple[str, ...]
    ) -> None:
        machine.renew("TSMA")
        before = machine.seen()
        machine.endpoint.misbehave(dsmc="hang")
        process = machine.start("fix", "--yes", "--trust-on-first-use", *mode)
        wait_until(lambda: bool(machine.reconnects))
        answer = ended(process, number)
        assert (answer.code, answer.report["outcome"]) == (code, "rolled-back")
        assert machine.seen() == before
        assert machine.left_behind() == []
        assert machine.run("detect").code == 3

    def test_a_signal_while_gsk8capicmd_hangs_leaves_everything_alone(self, machine: Machine) -> None:
        machine.renew("TSMA")
        before = machine.everything()
        machine.endpoint.misbehave(gsk8capicmd="hang")
        process = machine.start("fix", "--yes", "--trust-on-first-use")
        wait_until(lambda: any(machine.state.rglob("stage/dsmcert.kdb")) and _runs_gskit(machine))
        answer = ended(process, signal.SIGTERM)
        assert (answer.code, answer.report["outcome"]) == (143, "unchanged")
        assert machine.everything() == before

    def test_the_stores_that_are_still_to_come_are_left_alone(self, machine: Machine) -> None:
        machine.stanzas("TSMB", passworddir="/opt/other/adsm")
        other = machine.endpoint.store("/opt/other/adsm", certificates=machine.trusted("TSMB"))
        machine.renew("TSMA")
        machine.renew("TSMB")
        before, others = machine.seen(), machine.seen(other)
        machine.endpoint.misbehave(dsmc="hang")
        process = machine.start("fix", "--yes", "--trust-on-first-use")
        wait_until(lambda: bool(machine.reconnects))
        answer = ended(process, signal.SIGINT)
        assert (answer.code, machine.seen(), machine.seen(other)) == (130, before, others)
        assert len(machine.reconnects) == 1


def _runs_gskit(machine: Machine) -> bool:
    """Whether the journal shows that the edit has begun."""
    return any("delete-label" in path.read_text() for path in machine.state.rglob("journal.jsonl"))


class TestTwoAtOnce:
    def test_the_second_is_told_at_once_that_the_first_is_at_work(self, machine: Machine) -> None:
        machine.renew("TSMA")
        machine.endpoint.misbehave(dsmc="hang")
        first = machine.start("fix", "--yes", "--trust-on-first-use")
        try:
            wait_until(lambda: bool(machine.reconnects))
            second = machine.fix()
            assert (second.code, second.problem, second.report["changed"]) == (11, "another-run", False)
            for command in ("rollback", "prune", "recover"):
                words = [command, *([] if command == "recover" else ["--yes"])]
                assert machine.run(*words).code == 11
        finally:
            ended(first, signal.SIGTERM)
        assert len(machine.reconnects) == 1

    def test_one_that_waits_finds_nothing_left_to_do(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        gate = machine.directory / "gate"
        os.mkfifo(gate)
        machine.before_dsmc(f"read line < '{gate}'")
        first = machine.start("fix", "--yes", "--trust-on-first-use")
        wait_until(lambda: any(machine.state.rglob("journal.jsonl")))
        second = machine.start("fix", "--yes", "--trust-on-first-use", "--wait", "60")
        with gate.open("w") as opened:
            opened.write("go\n")
        answers = [ended(first), ended(second)]
        assert [(answer.code, answer.report["changed"]) for answer in answers] == [(0, True), (0, False)]
        assert len(machine.reconnects) == 1
        assert machine.held() == {LABEL: new}
