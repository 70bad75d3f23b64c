"""What people and files get to see: plain text, and no secret anywhere."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine

from dsmbench import passwords
from dsmcertfix.ibm.key_database import stash

LABEL = "TSM server {} self-signed key"


class TestText:
    def test_on_a_pipe_it_is_plain_ascii_and_the_result_alone_is_on_stdout(self, machine: Machine) -> None:
        machine.renew("TSMA")
        for words, code in (
            (("detect",), 3),
            (("plan",), 0),
            (("fix", "--yes", "--trust-on-first-use"), 0),
            (("backups",), 0),
        ):
            answer = machine.text(*words)
            assert answer.code == code
            assert (answer.stdout + answer.stderr).isascii()
            assert "\x1b" not in answer.stdout + answer.stderr
            assert answer.stdout.strip()
            if words[0] != "fix":
                assert answer.stderr == ""

    def test_progress_is_told_on_stderr_a_line_a_step(self, machine: Machine) -> None:
        machine.renew("TSMA")
        answer = machine.text("fix", "--yes", "--trust-on-first-use")
        for line in (
            "back up all files",
            "delete the certificate",
            "swap the key database",
            "reconnect once",
        ):
            assert line in answer.stderr
        assert "changed" in answer.stdout

    @pytest.mark.parametrize("command", ["locate", "inspect", "detect", "plan", "backups", "recover"])
    def test_with_json_there_is_one_object_on_stdout_and_nothing_else(
        self, machine: Machine, command: str
    ) -> None:
        answer = machine.run(command)
        assert isinstance(json.loads(answer.stdout), dict)
        assert answer.stderr == ""

    @pytest.mark.parametrize("words", [("--json",), ()], ids=["json", "text"])
    def test_when_nobody_takes_the_result_the_code_tells_the_state(
        self, machine: Machine, words: tuple[str, ...]
    ) -> None:
        machine.renew("TSMA")
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run(
                machine.argv("fix", "--yes", "--trust-on-first-use", *words),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 0
        told = "the result cannot be written to standard output: No space left on device"
        assert told in done.stderr.splitlines()
        assert "Traceback" not in done.stderr and "Exception" not in done.stderr
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, "w", encoding="utf-8") as closed:
            done = subprocess.run(
                machine.argv("detect", *words), stdout=closed, stderr=subprocess.PIPE, text=True, check=False
            )
        assert (done.returncode, done.stderr) == (0, "")

    def test_progress_that_nobody_reads_stops_nothing(self, machine: Machine) -> None:
        machine.renew("TSMA")
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run(
                machine.argv("fix", "--yes", "--trust-on-first-use"),
                stdout=subprocess.PIPE,
                stderr=full,
                text=True,
                check=False,
            )
        assert done.returncode == 0
        assert "Done: 1 store changed." in done.stdout

    def test_an_error_says_the_state_of_the_machine_and_the_next_step(self, machine: Machine) -> None:
        machine.servers["TSMA"].stop()
        answer = machine.text("fix", "--yes", "--trust-on-first-use", "--server", "TSMA")
        assert answer.code == 16
        assert "error: " in answer.stderr
        assert "state: Nothing was changed." in answer.stderr
        assert "backup: " not in answer.stdout + answer.stderr

    def test_a_root_that_is_no_directory_is_not_found(self, machine: Machine) -> None:
        (machine.directory / "root").rename(machine.directory / "moved")
        try:
            answer = machine.run("locate")
            assert (answer.code, answer.problem) == (10, "root-not-found")
        finally:
            (machine.directory / "moved").rename(machine.directory / "root")


class TestSecrets:
    SECRET = "S3cret-of-the-option-file"

    def test_none_reaches_output_json_or_journal(self, machine: Machine) -> None:
        machine.endpoint.system_options(
            f"SErvername WITHPW\n  TCPServeraddress 127.0.0.1\n  PASSWORD {self.SECRET}\n\n"
        )
        machine.renew("TSMA")
        said = []
        commands: tuple[tuple[str, ...], ...] = (
            ("locate",),
            ("inspect",),
            ("detect",),
            ("plan",),
            ("fix", "--yes", "--trust-on-first-use"),
            ("rollback", "--yes"),
            ("backups",),
        )
        for words in commands:
            said.append(machine.run(*words))
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        for words in (
            ("--verbose", "fix", "--yes", "--trust-on-first-use"),
            ("-v", "fix", "--yes", "--trust-on-first-use", "--whole-store"),
        ):
            said.append(machine.text(*words))
        texts = [answer.stdout + answer.stderr for answer in said]
        texts += [path.read_text(encoding="latin-1") for path in files(machine.state)]
        for secret in secrets(machine, self.SECRET):
            assert [text for text in texts if secret in text] == []

    def test_what_the_client_prints_of_passwords_is_masked(self, machine: Machine) -> None:
        machine.renew("TSMA")
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        machine.before_dsmc(f"echo 'bad option -password={self.SECRET}' >&2")
        answer = machine.fix()
        assert answer.code == 21
        assert self.SECRET not in answer.stdout + answer.stderr
        assert [path for path in files(machine.state) if self.SECRET in path.read_text("latin-1")] == []


def files(directory: Path) -> list[Path]:
    """All files below the state directory but the backups' own stash files."""
    return [path for path in directory.rglob("*") if path.is_file() and path.suffix != ".sth"]


def secrets(machine: Machine, *more: str) -> list[str]:
    """The password of the key database, the stash as Latin-1 and hex, stored passwords and their proofs."""
    content = (machine.ba / "dsmcert.sth").read_bytes()
    node = "NODE_TSMA"
    default = passwords.default_password(node)
    return [
        stash.password(content).decode("latin-1"),
        content.decode("latin-1"),
        content.hex(),
        default,
        passwords.token(node, default),
        *more,
    ]
