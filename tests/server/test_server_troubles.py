"""`server renew` on a server that does not do what it should: everything as before, and the server runs."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tests.endtoend.machine import ended, wait_until
from tests.server.host import ServerHost, identity

from dsmbench.dsmserv import Trouble, wait_until_gone
from dsmbench.identity import Identity, fingerprint
from dsmcertfix.system.host import open_host
from dsmcertfix.transaction.recovery import recover_run
from dsmcertfix.transaction.runs import cut_off

SHORT = ("--timeout", "10")
"""For a server that does not come up; one that does has come up by then, again too."""
LONG = ("--timeout", "60")
"""For one that comes up, however it does: nobody waits for longer than that takes."""


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def require_as_before(host: ServerHost, before: object, old: str) -> None:
    """Every file is as it was, nothing of ours is left, and the server runs with its old certificate."""
    assert host.of_server() == before
    assert host.left_behind() == []
    wait_until(lambda: host.instance.running)
    assert fingerprint(host.instance.presented) == old == host.instance.sha256


@pytest.mark.parametrize(
    ("trouble", "code", "problem"),
    [
        ("no-start", 21, "server-not-up"),
        ("ends", 21, "server-not-up"),
        ("makes-none", 21, "server-not-up"),
        ("no-arm", 21, "server-not-up"),
        ("other-arm", 21, "server-not-up"),
        ("touches-others", 20, "server-entries-changed"),
        ("drops-others", 20, "server-entries-changed"),
        ("not-default", 22, "server-presents-another"),
    ],
)
def test_a_server_that_does_it_wrongly_has_its_old_certificate_again_and_runs(
    host: ServerHost, trouble: Trouble, code: int, problem: str
) -> None:
    before, old = host.of_server(), host.instance.sha256
    host.instance.behave(trouble, once=True)
    answer = host.server_renew(*(SHORT if problem == "server-not-up" else LONG))
    assert (answer.code, answer.problem) == (code, problem)
    assert (answer.report["outcome"], answer.report["changed"]) == ("rolled-back", False)
    require_as_before(host, before, old)
    # The same again works: the way on that the advice names.
    host.instance.behave()
    assert host.server_renew().code == 0


@pytest.mark.parametrize(
    ("makes", "problem"),
    [
        (identity("own"), "server-key-not-new"),
        (identity("own").again(), "server-key-not-new"),
        (identity("expired", -3), "server-certificate-not-in-date"),
    ],
)
def test_a_certificate_that_is_of_no_use_is_not_kept(host: ServerHost, makes: Identity, problem: str) -> None:
    before, old = host.of_server(), host.instance.sha256
    host.instance.behave(makes=makes, once=True)
    answer = host.server_renew(*LONG)
    assert (answer.code, answer.problem) == (22, problem)
    require_as_before(host, before, old)


def test_what_the_server_said_and_how_to_go_on_is_told(host: ServerHost) -> None:
    rc, failed = host.instance.rc, host.directory / "failed"
    start = script(
        host.directory / "start",
        f"[ -e {failed} ] || {{ touch {failed}; echo ANR9999E no database; exit 3; }}\nexec {rc} start",
    )
    before, old = host.of_server(), host.instance.sha256
    words = ("--stop-command", f"{rc} stop", "--start-command", str(start))
    answer = host.text("server", "renew", "--yes", *LONG, *words)
    assert answer.code == 21
    for told in (
        "the start command ended with 3, and the server does not run [server-not-started]",
        "it said: ANR9999E no database",
        "dsmserv.err",
        "`dsmcertfix server renew`",
        "Every file is as it was before, proved by its hash.",
    ):
        assert told in answer.stderr
    assert "start the server again ..." in answer.stderr and "the server runs again" in answer.stderr
    require_as_before(host, before, old)


def test_a_server_that_does_not_even_come_up_with_its_old_files_is_told_of(host: ServerHost) -> None:
    before = host.of_server()
    host.instance.behave("no-start")
    answer = host.server_renew(*SHORT)
    assert (answer.code, answer.problem) == (30, "server-not-started-again")
    assert (host.of_server(), host.instance.running) == (before, False)
    (problem,) = (store["problem"] for store in answer.report["stores"])
    for told in (
        "Start it by hand, as tsminst1 (tried: the command of --start-command, tsm01.rc).",
        str(host.instance.directory / "dsmserv.err"),
        "start.log`. It has its old certificate: clients need nothing. Renew again when it runs.",
    ):
        assert told in problem["hint"]
    assert any(line.startswith("undone because: ") for line in problem["context"])
    # Nothing is open: the next run begins anew.
    host.instance.behave()
    host.instance.start()
    assert host.run("recover").report["comment"] == "nothing to recover"
    assert host.server_renew().code == 0


def test_a_start_command_that_goes_on_without_a_server_is_ended_before_files_are_put_back(
    host: ServerHost,
) -> None:
    hanging = host.directory / "hanging"
    start = script(
        host.directory / "start",
        f"[ -e {hanging} ] || {{ echo $$ > {hanging}; exec sleep 300; }}\nexec {host.instance.rc} start",
    )
    before, old = host.of_server(), host.instance.sha256
    words = ("--stop-command", f"{host.instance.rc} stop", "--start-command", str(start))
    answer = host.run("server", "renew", "--yes", *SHORT, *words)
    assert (answer.code, answer.problem) == (21, "server-not-up")
    assert wait_until_gone(int(hanging.read_text()))
    require_as_before(host, before, old)


class TestStopping:
    """Before the server is down nothing of it is touched."""

    def test_a_server_that_does_not_end_is_left_as_it_is(self, host: ServerHost) -> None:
        host.instance.stop()
        host.instance.behave("deaf")
        host.instance.start()
        before, pid = host.of_server(), host.instance.pid
        answer = host.server_renew("--timeout", "2")
        assert (answer.code, answer.problem) == (11, "server-not-stopped")
        assert (host.of_server(), host.instance.pid) == (before, pid)

    def test_a_stop_command_that_hangs_is_not_waited_for_longer_than_asked(self, host: ServerHost) -> None:
        before, pid = host.of_server(), host.instance.pid
        start = f"{host.instance.rc} start"
        words = ("--stop-command", "/bin/sleep 60", "--start-command", start)
        answer = host.run("server", "renew", "--yes", "--timeout", "2", *words)
        assert (answer.code, answer.problem) == (11, "server-not-stopped")
        assert (host.of_server(), host.instance.pid) == (before, pid)

    def test_a_stop_command_that_fails_after_it_stopped_the_server_is_good_enough(
        self, host: ServerHost
    ) -> None:
        rc = host.instance.rc
        stop = script(host.directory / "stop", f"{rc} stop; sleep 1; exit 7")
        words = ("--stop-command", str(stop), "--start-command", f"{rc} start")
        assert host.run("server", "renew", "--yes", *LONG, *words).code == 0

    def test_a_stop_command_that_fails_and_stops_nothing_is_told_with_its_words(
        self, host: ServerHost
    ) -> None:
        stop = script(host.directory / "stop", "echo ANS1051I wrong password; exit 137")
        words = ("--stop-command", str(stop), "--start-command", f"{host.instance.rc} start")
        answer = host.run("server", "renew", "--yes", "--timeout", "6", *words)
        assert (answer.code, answer.problem) == (11, "server-not-stopped")
        (problem,) = (store["problem"] for store in answer.report["stores"])
        assert "it said: ANS1051I wrong password" in problem["context"]

    def test_a_run_that_is_ended_while_the_server_is_stopped_starts_it_again(self, host: ServerHost) -> None:
        before, old = host.of_server(), host.instance.sha256
        stop = script(host.directory / "stop", f"{host.instance.rc} stop; sleep 30")
        words = ("--stop-command", str(stop), "--start-command", f"{host.instance.rc} start")
        run = host.start("server", "renew", "--yes", "--timeout", "40", *words)
        wait_until(lambda: not host.instance.running)
        answer = ended(run, signal.SIGTERM)
        assert answer.code == 143
        require_as_before(host, before, old)

    def test_a_server_that_goes_down_only_after_the_run_was_ended_is_started_again(
        self, host: ServerHost
    ) -> None:
        before, old, pid = host.of_server(), host.instance.sha256, host.instance.pid
        asked, told = host.directory / "asked", host.directory / "told"
        stop = script(
            host.directory / "stop",
            f"touch {asked}; while [ ! -e {told} ]; do sleep 0.1; done; exec {host.instance.rc} stop",
        )
        words = ("--stop-command", str(stop), "--start-command", f"{host.instance.rc} start")
        run = host.start("server", "renew", "--yes", "--timeout", "60", *words)
        wait_until(asked.exists)
        run.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        told.touch()
        assert ended(run).code == 143
        assert pid is not None and wait_until_gone(pid)
        require_as_before(host, before, old)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_ended_while_it_waits_brings_everything_back(
    host: ServerHost, number: signal.Signals, code: int
) -> None:
    before, old = host.of_server(), host.instance.sha256
    host.instance.behave(slow_s=60.0, once=True)
    run = host.start("server", "renew", "--yes", "--timeout", "60", *host.commands)
    wait_until(lambda: not host.instance.arm.exists() and host.instance.running)
    answer = ended(run, number)
    assert (answer.code, answer.report["outcome"]) == (code, "rolled-back")
    require_as_before(host, before, old)


class TestKilled:
    """The run was killed, and the server knows nothing of it."""

    @pytest.fixture
    def killed(self, host: ServerHost) -> ServerHost:
        """While the new server has not made its certificate: it does when it may."""
        host.instance.behave(until=self.gate(host), once=True)
        run = host.start("server", "renew", "--yes", "--timeout", "60", *host.commands)
        wait_until(lambda: not host.instance.arm.exists() and host.instance.running)
        with run:
            run.kill()
        return host

    def gate(self, host: ServerHost) -> Path:
        """The new server waits for this file."""
        return host.directory / "the new server may go on"

    def let_it_finish(self, host: ServerHost) -> None:
        """The new server has made its certificate, exported it, and presents it."""
        self.gate(host).touch()
        wait_until(lambda: host.instance.ready)

    def test_when_the_server_made_it_all_the_renewal_is_finished(self, killed: ServerHost) -> None:
        self.let_it_finish(killed)
        others = killed.others()
        answer = killed.run("recover")
        assert (answer.code, answer.report["warnings"]) == (0, [])
        assert killed.instance.sha256 != identity("own").sha256
        assert fingerprint(killed.instance.presented) == killed.instance.sha256
        assert killed.others() == others
        assert killed.left_behind() == []
        # It can be taken back like any other.
        killed.instance.stop()
        assert killed.run("rollback", "--yes").code == 0
        assert killed.instance.sha256 == identity("own").sha256

    def test_while_it_is_at_work_nothing_is_put_under_it(self, killed: ServerHost) -> None:
        answer = killed.run("recover")
        assert (answer.code, answer.problem) == (31, "not-recovered")
        self.let_it_finish(killed)
        assert killed.run("recover").code == 0

    def test_until_it_is_recovered_every_command_about_the_server_says_so(self, killed: ServerHost) -> None:
        before = killed.of_server()
        look = [killed.inspect(), killed.run("server", "renew", "--dry-run")]
        assert [(answer.code, answer.problem) for answer in look] == [(31, "run-cut-off")] * 2
        answer = killed.server_renew()
        assert (answer.code, answer.problem) == (31, "not-recovered")
        hint = answer.report["problem"]["hint"]
        assert "wait until it has" in hint and "Otherwise stop it, run that" in hint
        assert killed.of_server() == before

    def test_whoever_started_the_server_the_renewal_is_finished(self, killed: ServerHost) -> None:
        (journal,) = killed.state.glob("runs/*/journal.jsonl")
        lines = journal.read_text().splitlines(keepends=True)
        # As if the run had been killed before it started the server.
        swapped = next(n for n, line in enumerate(lines) if '"step-done"' in line and '"server-swap"' in line)
        journal.write_text("".join(lines[: swapped + 1]))
        self.let_it_finish(killed)
        assert killed.run("recover").code == 0
        assert killed.instance.sha256 != identity("own").sha256

    def test_when_it_is_down_the_old_files_come_back_and_the_start_is_asked_for(
        self, killed: ServerHost
    ) -> None:
        killed.instance.stop()
        answer = killed.run("recover")
        assert answer.code == 0
        assert [line for line in answer.report["warnings"] if "start it, as tsminst1" in line]
        assert killed.instance.sha256 == identity("own").sha256
        assert killed.left_behind() == []
        assert killed.instance.start().running

    def test_a_server_that_comes_up_while_its_files_are_put_back_is_told_of(
        self, killed: ServerHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        instance = killed.instance
        instance.stop()
        machine = open_host(killed.root, killed.state, trust_root=True)
        (run,) = cut_off(killed.state)
        put_back = type(machine.platform).in_store

        def disturbed(*given: Any) -> None:
            put_back(*given)
            if not instance.running:
                instance.start()
                instance.arm.write_bytes(identity("made in between").arm)

        monkeypatch.setattr(type(machine.platform), "in_store", disturbed)
        ((problem, _),) = recover_run(machine.platform, run, lambda event: None)
        assert problem.code == "server-at-work"
        assert "came up while its old files were put back" in problem.message
        # As the advice says.
        monkeypatch.undo()
        instance.stop()
        assert killed.run("recover").code == 0
        assert instance.arm.read_bytes() == identity("own").arm
        assert instance.sha256 == identity("own").sha256

    def test_the_next_renewal_recovers_it_first(self, killed: ServerHost) -> None:
        self.let_it_finish(killed)
        answer = killed.server_renew()
        assert (answer.code, answer.report["steps"]) == (0, [])
        assert killed.run("recover").report["comment"] == "nothing to recover"


def test_a_run_that_was_killed_when_its_server_ran_again_as_before_needs_no_stop(host: ServerHost) -> None:
    failed = host.directory / "failed"
    start = script(
        host.directory / "start",
        f"[ -e {failed} ] || {{ touch {failed}; exit 3; }}\nexec {host.instance.rc} start",
    )
    before, pid = host.of_server(), host.instance.pid
    # The second start is waited for, since the server presents nothing yet.
    host.instance.behave(until=host.directory / "never")
    words = ("--stop-command", f"{host.instance.rc} stop", "--start-command", str(start))
    run = host.start("server", "renew", "--yes", "--timeout", "60", *words)
    wait_until(lambda: failed.exists() and host.instance.pid not in (None, pid))
    with run:
        run.kill()
    again = host.instance.pid
    answer = host.run("recover")
    assert (answer.code, answer.report["warnings"]) == (0, [])
    assert (host.of_server(), host.instance.pid) == (before, again)
    assert host.left_behind() == []
    assert host.run("recover").report["comment"] == "nothing to recover"


def test_a_key_database_that_changed_meanwhile_is_not_overwritten(host: ServerHost) -> None:
    rc, database = host.instance.rc, host.instance.database
    arm = host.directory / "somebody.arm"
    arm.write_bytes(identity("somebody new").arm)
    add = (
        f"'{host.endpoint.gsk8capicmd_program}' -cert -add -db '{database}' -stashed -label new -file '{arm}'"
    )
    owned = f"chown --reference='{host.instance.arm}' '{database}'"
    stop = script(host.directory / "stop", f"{rc} stop; sleep 1; {add}; {owned}")
    words = ("--stop-command", str(stop), "--start-command", f"{rc} start")
    old, exported = host.instance.sha256, host.instance.arm.read_bytes()
    answer = host.run("server", "renew", "--yes", *LONG, *words)
    assert (answer.code, answer.report["outcome"]) == (13, "unchanged")
    assert host.instance.held["new"] == identity("somebody new").sha256
    assert (host.instance.sha256, host.instance.arm.read_bytes()) == (old, exported)
    assert host.instance.running
