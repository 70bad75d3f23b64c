"""`server renew` on a server that does what it should: a new certificate, and nothing else."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest
from tests.endtoend.machine import wait_until
from tests.server.conftest import MakeHost
from tests.server.host import LIMIT, OTHER_S, PEER, ServerHost, identity
from tests.shown import shown_only_if

from dsmbench.dsmserv import LABEL
from dsmbench.endpoint import AS_ROOT
from dsmbench.identity import fingerprint
from dsmbench.instance import Version

STEPS = [
    "back-up",
    "stage",
    "delete-label",
    "check-staged",
    "stop-server",
    "server-swap",
    "start-server",
    "await-certificate",
    "check-renewed",
]


def require_renewed(host: ServerHost, old: str, others: dict[str, bytes]) -> None:
    """The server runs and presents a new certificate, which it exported; every other entry is as it was."""
    instance = host.instance
    assert instance.running
    assert fingerprint(instance.presented) == instance.sha256 != old
    assert fingerprint(PEM_cert_to_DER_cert(instance.arm.read_text())) == instance.sha256
    assert set(instance.held) == {LABEL, PEER, OTHER_S}
    assert host.others() == others
    assert host.left_behind() == []


class TestByCommands:
    """With `--stop-command` and `--start-command`."""

    def test_the_server_has_a_new_certificate_and_everything_else_as_it_was(self, host: ServerHost) -> None:
        instance = host.instance
        old, others, keys = instance.sha256, host.others(), instance.keys
        modes = {name: (seen.mode, seen.uid, seen.gid) for name, seen in host.of_server().items()}
        pid = instance.pid
        answer = host.server_renew()
        assert (answer.code, answer.report["changed"]) == (0, True)
        require_renewed(host, old, others)
        assert instance.pid != pid
        # The key of the old one is gone, the other's is byte for byte what it was.
        assert len({*keys} & {*instance.keys}) == 1
        assert {name: (seen.mode, seen.uid, seen.gid) for name, seen in host.of_server().items()} == modes
        assert [step["step"] for step in answer.report["steps"]] == STEPS
        assert answer.notes("delete-label") == ["done by gskit"]

    def test_the_fingerprint_for_the_clients_is_in_every_form_of_the_answer(self, host: ServerHost) -> None:
        answer = host.text("server", "renew", "--yes", *LIMIT, *host.commands)
        assert f"dsmcertfix fix --expect-sha256 {host.instance.sha256}" in answer.stdout
        report = host.inspect().report
        assert report["instances"][0]["sha256"] == host.instance.sha256

    def test_the_same_again_does_nothing(self, host: ServerHost) -> None:
        assert host.server_renew().code == 0
        before, pid = host.of_server(), host.instance.pid
        answer = host.server_renew()
        assert (answer.code, answer.report["changed"], answer.report["steps"]) == (0, False, [])
        assert "nothing to do" in answer.report["comment"]
        assert (host.of_server(), host.instance.pid) == (before, pid)

    def test_one_that_is_valid_for_long_is_renewed_when_it_is_asked_for(self, make_host: MakeHost) -> None:
        host = make_host(identity=identity("long", 3000))
        host.instance.start()
        assert host.server_renew().report["steps"] == []
        old = host.instance.sha256
        assert host.server_renew("--expires-within", "4000").report["changed"]
        assert host.instance.sha256 != old

    def test_one_that_ran_out_is_renewed(self, make_host: MakeHost) -> None:
        host = make_host(identity=identity("expired", -3))
        host.instance.start()
        assert host.server_renew().report["changed"]

    @pytest.mark.parametrize("version", [3, 6])
    @pytest.mark.parametrize("engine", ["gskit", "native"])
    def test_every_version_and_engine_does_it(
        self, make_host: MakeHost, version: Version, engine: str
    ) -> None:
        host = make_host(version=version)
        host.instance.start()
        old, others = host.instance.sha256, host.others()
        answer = host.server_renew("--engine", engine)
        assert (answer.code, answer.notes("delete-label")) == (0, [f"done by {engine}"])
        require_renewed(host, old, others)
        assert host.instance.database.read_bytes()[2] == version

    def test_without_ibm_s_program_the_label_is_taken_out_natively(self, host: ServerHost) -> None:
        host.endpoint.misbehave(gsk8capicmd="crash")
        answer = host.server_renew()
        assert answer.code == 0
        assert answer.notes("delete-label")[0].endswith("done by native")

    @shown_only_if(AS_ROOT, "another user's run")
    def test_the_instance_s_own_user_can_do_it(self, host: ServerHost) -> None:
        old, others = host.instance.sha256, host.others()
        words = ("server", "renew", "--yes", *LIMIT, *host.commands)
        answer = host.run_as(host.instance.owner, *words)
        assert answer.code == 0, (answer.stderr, answer.report["problem"])
        require_renewed(host, old, others)

    def test_a_renewal_leaves_the_client_s_store_in_the_same_directory_alone(self, host: ServerHost) -> None:
        instance = host.instance
        name = instance.add_database_backup()
        label = host.endpoint.label(name)
        host.endpoint.store(
            instance.directory, certificates=[(label, instance.presented)], owner=instance.owner
        )
        before = host.seen(instance.directory)
        assert host.server_renew().code == 0
        assert host.seen(instance.directory) == before


class TestByItsUnit:
    """With the systemd unit that was found."""

    @pytest.fixture
    def host(self, make_host: MakeHost) -> ServerHost:
        made = make_host()
        made.instance.add_unit()
        made.instance.start()
        return made

    def test_the_unit_that_started_it_stops_and_starts_it(self, host: ServerHost) -> None:
        old, others = host.instance.sha256, host.others()
        answer = host.run("server", "renew", "--yes", *LIMIT)
        assert answer.code == 0
        require_renewed(host, old, others)
        told = [step["text"] for step in answer.report["steps"]]
        assert "stop the server (`systemctl stop tsminst1.service`)" in told

    def test_nothing_is_done_without_a_yes(self, host: ServerHost) -> None:
        before = host.of_server()
        answer = host.run("server", "renew", *LIMIT)
        assert (answer.code, answer.problem) == (2, "nobody-to-ask")
        assert (host.of_server(), host.instance.running) == (before, True)

    def test_a_server_that_somebody_else_started_is_not_stopped_by_it(self, host: ServerHost) -> None:
        host.instance.stop()
        subprocess.run([host.instance.rc, "start"], check=True, stdin=subprocess.DEVNULL)
        (host.root / "run/dsmbench-active/tsminst1.service").unlink()
        wait_until(lambda: host.instance.running)
        answer = host.run("server", "renew", "--yes", *LIMIT)
        assert (answer.code, answer.problem) == (11, "server-not-by-service")
        assert host.instance.running

    def test_two_units_for_it_are_no_answer(self, host: ServerHost) -> None:
        unit = host.root / "etc/systemd/system/another.service"
        place = host.instance.directory.relative_to(host.root)
        unit.write_text(f"[Service]\nExecStart=/opt/tivoli/tsm/server/bin/dsmserv -i /{place}\n")
        answer = host.run("server", "renew", "--yes", *LIMIT)
        assert (answer.code, answer.problem) == (2, "several-services")
        # Before the day it is seen all the same what would be done.
        shown = host.run("server", "renew", "--dry-run")
        assert (shown.code, len(shown.report["steps"])) == (0, len(STEPS))
        assert any("2 services start the server" in line for line in shown.report["warnings"])

    def test_a_script_that_the_unit_may_call_is_no_second_answer(self, host: ServerHost) -> None:
        copy_of_dsmserv_rc(host)
        report = host.inspect().report
        assert report["instances"][0]["services"] == ["tsminst1.service", "tsminst1"]
        answer = host.run("server", "renew", "--dry-run")
        assert "stop the server (`systemctl stop tsminst1.service`)" in str(answer.report["steps"])

    @shown_only_if(AS_ROOT, "a program that others may change")
    def test_a_service_manager_that_others_may_change_is_not_run(self, host: ServerHost) -> None:
        (host.root / "usr/bin/systemctl").chmod(0o777)
        before = host.of_server()
        answer = host.run("server", "renew", "--yes", *LIMIT)
        assert (answer.code, answer.report["changed"], host.of_server()) == (12, False, before)

    def test_the_plan_shows_the_steps_and_changes_nothing(self, host: ServerHost) -> None:
        before, pid = host.of_server(), host.instance.pid
        answer = host.run("server", "renew", "--dry-run")
        assert answer.code == 0
        assert [(step["step"], step["state"]) for step in answer.report["steps"]] == [
            (step, "planned") for step in STEPS
        ]
        assert any("server macro certificate" in line for line in answer.report["warnings"])
        assert (host.of_server(), host.instance.pid) == (before, pid)
        assert not (host.state / "runs").exists()


def copy_of_dsmserv_rc(host: ServerHost) -> Path:
    """IBM's script under the name of the instance's owner, as its manual wants it."""
    script = host.root / "opt/tivoli/tsm/server/bin/tsminst1"
    script.write_text(
        f'#!/bin/sh\n# dsmserv.rc\ninstance_dir="/home/tsminst1/tsminst1"\nexec {host.instance.rc} "$1"\n'
    )
    script.chmod(0o755)
    return script


class TestByItsScript:
    """With the start script that was found."""

    def test_ibm_s_script_stops_and_starts_it(self, host: ServerHost) -> None:
        script = copy_of_dsmserv_rc(host)
        old, others = host.instance.sha256, host.others()
        answer = host.run("server", "renew", "--yes", *LIMIT)
        assert answer.code == 0
        require_renewed(host, old, others)
        assert f"stop the server (`{script} stop`)" in [step["text"] for step in answer.report["steps"]]

    @shown_only_if(AS_ROOT, "a program that others may change")
    def test_one_that_others_may_change_is_not_run(self, host: ServerHost) -> None:
        copy_of_dsmserv_rc(host).chmod(0o777)
        before = host.of_server()
        answer = host.run("server", "renew", "--yes", *LIMIT)
        assert (answer.code, host.of_server(), host.instance.running) == (12, before, True)


class TestBySomebodyElse:
    """Without commands: the server is down, and somebody starts it."""

    def test_the_run_waits_for_whoever_starts_it(self, make_host: MakeHost) -> None:
        host = make_host()
        old, others = host.instance.sha256, host.others()

        def start() -> None:
            wait_until(lambda: not host.instance.arm.exists())
            host.instance.start()

        somebody = threading.Thread(target=start)
        somebody.start()
        answer = host.run("server", "renew", "--yes", *LIMIT)
        somebody.join()
        assert answer.code == 0
        require_renewed(host, old, others)

    def test_when_nobody_does_everything_is_as_it_was(self, make_host: MakeHost) -> None:
        host = make_host()
        before = host.of_server()
        answer = host.run("server", "renew", "--yes", "--timeout", "2")
        assert (answer.code, answer.problem) == (21, "server-not-up")
        assert (host.of_server(), host.instance.running) == (before, False)

    def test_a_running_server_without_commands_is_left_alone(self, host: ServerHost) -> None:
        before = host.of_server()
        answer = host.run("server", "renew", "--yes", *LIMIT)
        assert (answer.code, answer.problem) == (11, "server-runs")
        assert (host.of_server(), host.instance.running) == (before, True)
        assert "--stop-command" in answer.report["problem"]["hint"]

    def test_its_plan_shows_every_step_and_which_are_yours(self, host: ServerHost) -> None:
        before, pid = host.of_server(), host.instance.pid
        answer = host.run("server", "renew", "--dry-run")
        assert (answer.code, answer.report["changed"]) == (0, False)
        steps = [(step["step"], step["text"]) for step in answer.report["steps"]]
        assert [name for name, _ in steps] == [
            "stop-server",
            *(name for name in STEPS if name != "stop-server"),
        ]
        assert ("stop-server", "you stop the server, and run this again") in steps
        assert ("start-server", "wait for somebody to start the server") in steps
        (told,) = [line for line in answer.report["warnings"] if "--stop-command" in line]
        assert told.startswith(f"the server of `{host.instance.directory}` runs")
        assert (host.of_server(), host.instance.pid) == (before, pid)


class TestWhatIsKept:
    """The backup, the journal, and what is in neither."""

    def test_the_backup_is_closed_and_whole(self, host: ServerHost) -> None:
        before = {path.name: path.read_bytes() for path in host.instance.directory.glob("cert*")}
        answer = host.server_renew()
        (backup,) = Path(answer.report["backup"]).glob("*/backup")
        assert {path.name: path.read_bytes() for path in backup.glob("cert*")} == before
        for path in (host.state, *host.state.rglob("*")):
            assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path
        assert not list(host.state.rglob("stage"))

    def test_no_key_and_no_password_is_told_or_logged(self, host: ServerHost) -> None:
        secrets = host.secrets()
        before = host.server_renew("--engine", "gskit")
        secrets |= {f"new {what}": value for what, value in host.secrets().items()}
        said = [before.stdout, before.stderr, host.inspect().stdout, host.run("backups").stdout]
        assert [what for what, value in secrets.items() if value.decode("latin-1") in "".join(said)] == []
        assert host.where_secrets_are(secrets) == []

    def test_a_command_s_own_password_is_nowhere(self, host: ServerHost) -> None:
        script = host.directory / "halt"
        script.write_text(f"#!/bin/sh\nexec '{host.instance.rc}' stop\n")
        script.chmod(0o755)
        stop = f"{script} -id=admin -password=Zs3cret"
        words = ("--stop-command", stop, "--start-command", f"{host.instance.rc} start")
        answer = host.run("--verbose", "server", "renew", "--yes", *LIMIT, *words)
        assert answer.code == 0
        assert "Zs3cret" not in answer.stdout + answer.stderr
        assert host.where_secrets_are({"the password": b"Zs3cret"}) == []

    def test_it_can_be_taken_back_when_the_server_is_down(self, host: ServerHost) -> None:
        before = host.of_server()
        assert host.server_renew().code == 0
        refused = host.run("rollback", "--yes")
        assert (refused.code, refused.problem) == (11, "server-runs")
        host.instance.stop()
        answer = host.run("rollback", "--yes")
        assert answer.code == 0
        assert host.of_server() == before
        assert host.instance.start().sha256 == identity("own").sha256

    def test_its_backup_is_listed_and_removed_like_any(self, host: ServerHost) -> None:
        assert host.server_renew().code == 0
        listed = host.run("backups").report["backups"]
        assert [(item["directory"], item["intact"]) for item in listed] == [
            (str(host.instance.directory), True)
        ]
        assert host.server_renew("--expires-within", "5000").code == 0
        assert host.run("prune", "--keep", "1", "--yes").code == 0
        assert len(host.run("backups").report["backups"]) == 1

    def test_the_command_that_the_renewal_names_removes_the_old_private_key(self, host: ServerHost) -> None:
        renewed = host.server_renew()
        (note,) = (line for line in renewed.report["stores"][0]["notes"] if "old private key" in line)
        _, words, _ = note.split("`")
        assert host.run(*words.split()[1:], "--yes").code == 0
        assert host.run("backups").report["backups"] == []
        assert list(host.state.glob("runs/*/stores/*/backup")) == []


def test_a_stop_command_is_never_given_to_a_shell(host: ServerHost) -> None:
    proof = host.directory / "proof"
    stop = f"{host.instance.rc} stop ; touch {proof}"
    words = ("--stop-command", stop, "--start-command", f"{host.instance.rc} start")
    assert host.run("server", "renew", "--yes", *LIMIT, *words).code == 0
    assert not proof.exists()


def test_the_commands_run_with_a_clean_environment(host: ServerHost) -> None:
    note = host.directory / "environment"
    script = host.directory / "start"
    script.write_text(f"#!/bin/sh\nenv > '{note}'\nexec '{host.instance.rc}' start\n")
    script.chmod(0o755)
    words = ("--stop-command", f"{host.instance.rc} stop", "--start-command", str(script))
    environment = {**os.environ, "LD_PRELOAD": "", "DSM_DIR": "/evil", "SECRET": "x"}
    assert host.run("server", "renew", "--yes", *LIMIT, *words, env=environment).code == 0
    names = {line.partition("=")[0] for line in note.read_text().splitlines()}
    assert not names & {"DSM_DIR", "SECRET", "LD_PRELOAD", "PYTHONPATH"}


def test_two_runs_at_once_are_one_run(host: ServerHost) -> None:
    gate = host.directory / "the new server may go on"
    host.instance.behave(until=gate)
    first = host.start("server", "renew", "--yes", *LIMIT, *host.commands)
    wait_until(lambda: bool(list(host.state.glob("runs/*/journal.jsonl"))))
    second = host.server_renew()
    gate.touch()
    with first:
        first.communicate(timeout=300)
    assert (first.returncode, second.code, second.problem) == (0, 11, "another-run")


@pytest.mark.parametrize(
    ("stop", "code", "problem"),
    [
        ("no-such-program x", 10, "command-not-found"),
        ("'", 2, "command-not-readable"),
        ("", 2, "command-not-readable"),
        ("./stop", 10, "command-not-found"),
    ],
)
def test_a_command_that_cannot_be_run_is_told_before_anything_is_touched(
    host: ServerHost, stop: str, code: int, problem: str
) -> None:
    before = host.of_server()
    answer = host.run("server", "renew", "--yes", "--stop-command", stop, "--start-command", "/bin/true")
    assert (answer.code, answer.problem) == (code, problem)
    assert (host.of_server(), host.instance.running) == (before, True)
