"""Many runs on one machine, and machines that are not as the run that was cut off left them."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine, ended, wait_until

from dsmbench.runtime import scratch

RUNS = 20


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Root's store, and a server that has a new certificate."""
    with scratch() as directory:
        made = Machine(directory)
        made.stanzas("TSMA")
        made.endpoint.store(certificates=made.trusted("TSMA"))
        made.renew("TSMA")
        yield made
        made.stop()


def test_of_twenty_runs_at_once_one_changes_and_the_others_say_busy(machine: Machine) -> None:
    gate = machine.directory / "gate"
    machine.before_dsmc(f"while [ ! -e '{gate}' ]; do sleep 0.05; done")
    runs = [machine.start("fix", "--yes", "--trust-on-first-use") for _ in range(RUNS)]
    wait_until(lambda: sum(run.poll() is not None for run in runs) == RUNS - 1)
    gate.touch()
    answers = [ended(run) for run in runs]
    assert sorted(answer.code for answer in answers) == [0] + [11] * (RUNS - 1)
    assert sum(answer.report["changed"] for answer in answers) == 1
    assert len(machine.reconnects) == 1


def test_of_twenty_runs_that_wait_one_changes_and_the_others_find_nothing_to_do(machine: Machine) -> None:
    runs = [machine.start("fix", "--yes", "--trust-on-first-use", "--wait", "300") for _ in range(RUNS)]
    answers = [ended(run) for run in runs]
    assert [answer.code for answer in answers] == [0] * RUNS
    assert sum(answer.report["changed"] for answer in answers) == 1
    assert len(machine.reconnects) == 1


class TestCutOff:
    """A run was killed while its client was about to connect."""

    @pytest.fixture
    def cut(self, machine: Machine) -> Machine:
        """The machine on which that happened."""
        began, gate = machine.directory / "began", machine.directory / "gate"
        machine.before_dsmc(f"touch '{began}'; while [ ! -e '{gate}' ]; do sleep 0.05; done; exit 12")
        run = machine.start("fix", "--yes", "--trust-on-first-use")
        wait_until(began.exists)
        run.send_signal(signal.SIGKILL)
        run.communicate()
        gate.touch()
        return machine

    def test_it_is_recovered_when_the_device_has_another_number(self, cut: Machine) -> None:
        journal = self._journal(cut)
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        for line in lines:
            if "identity" in line:
                line["identity"][0] += 1
        journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert cut.run("recover").code == 0
        assert cut.left_behind() == []

    def test_without_its_backup_it_stays_open_and_the_message_says_what_to_do(self, cut: Machine) -> None:
        before = cut.seen()
        shutil.rmtree(self._journal(cut).parent / "stores")
        answer = cut.run("recover")
        assert answer.code == 31
        run = self._journal(cut).parent.name
        assert f"dsmcertfix recover --give-up {run}" in " ".join(answer.report["problem"]["context"])
        assert cut.seen() == before
        assert cut.run("fix", "--yes", "--trust-on-first-use").code == 31

    @staticmethod
    def _journal(machine: Machine) -> Path:
        (journal,) = machine.state.glob("runs/*/journal.jsonl")
        return journal


@pytest.mark.parametrize("content", [None, b"", b'{"n": 0, "at'])
def test_a_run_that_was_killed_before_its_first_line_stands_in_no_later_run_s_way(
    machine: Machine, content: bytes | None
) -> None:
    begun = machine.state / "runs" / "20200101T000000Z-abcdef"
    begun.mkdir(parents=True, mode=0o700)
    for directory in (machine.state, begun.parent):
        directory.chmod(0o700)
    if content is not None:
        (begun / "journal.jsonl").write_bytes(content)
    assert machine.run("detect").code == 3
    assert machine.run("fix", "--yes", "--trust-on-first-use").report["changed"]
    assert machine.run("recover").code == 0
