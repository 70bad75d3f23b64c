"""The help of every command: one sentence, three examples that work, its exit codes."""

from __future__ import annotations

import re
import shlex
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dsmbench.endpoint import Endpoint
from dsmbench.instance import Instance
from dsmbench.runtime import scratch
from dsmbench.server import Server
from dsmcertfix.cli.examples import EXAMPLES, EXIT_CODES, meaning

LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A repairable endpoint with a server on it, and a directory with a server's cert256.arm in it."""

    root: Path
    directory: Path

    def run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """The command as typed there, on this endpoint, with nobody at the keyboard."""
        here = [] if "--root" in arguments else ["--trust-root", "--root", str(self.root)]
        return subprocess.run(
            [sys.executable, "-m", "dsmcertfix", *here, *arguments],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with (
        scratch() as directory,
        Server("TSM01", nodes={"HOST1": "TRANSITIONAL"}) as server,
        Instance(Endpoint(directory / "root"), "TSM02") as instance,
    ):
        instance.add_unit()
        instance.start()
        endpoint = instance.endpoint
        endpoint.stanza("TSM01", server, node="HOST1")
        endpoint.store(certificates=[endpoint.trusted("TSM01", server)])
        server.renew()
        arm = ssl.DER_cert_to_PEM_cert(server.certificate_der)
        (directory / "cert256.arm").write_text(arm, encoding="ascii")
        (directory / "hosts.txt").write_text("host1\nhost2\n", encoding="ascii")
        policy = 'schema = "dsmcertfix.policy/1"\n[[server]]\nname = "TSM01"\ntrust_on_first_use = true\n'
        (directory / "policy.toml").write_text(policy, encoding="ascii")
        (directory / "results").mkdir()
        made = Machine(endpoint.root, directory).run(["detect", "--json"]).stdout
        (directory / "results" / "host1.json").write_text(made, encoding="ascii")
        yield Machine(endpoint.root, directory)


@pytest.mark.parametrize("command", sorted(EXAMPLES))
def test_the_help_has_one_sentence_three_examples_and_the_exit_codes(command: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", *command.split(), "--help"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    ).stdout
    assert len(EXAMPLES[command]) == 3
    for example in EXAMPLES[command]:
        assert f"    dsmcertfix {example}\n" in shown.replace(" \\\n       ", "")
    for code in EXIT_CODES[command]:
        assert f" {code:3}  {meaning(command, code)}" in re.sub(r"\n {9}(?=\S)", " ", shown)
    sentence = " ".join(shown.split("\n\n")[1].split())
    assert sentence.endswith(".")


@pytest.mark.parametrize("command", sorted(EXAMPLES))
def test_the_examples_work_and_end_in_an_exit_code_of_the_help(command: str, machine: Machine) -> None:
    for example in EXAMPLES[command]:
        words = shlex.split(example.replace("/srv/container", str(machine.root)))
        if "--state-dir" in words:
            words[words.index("--state-dir") + 1] = str(machine.directory / "state")
        for option in {"--store", "--instance"} & {*words}:
            at = words.index(option) + 1
            words[at] = str(machine.root) + words[at]
        done = machine.run(words)
        usage = {2} if command == "guide" else set()
        assert done.returncode in set(EXIT_CODES[command]) - {1, 2, 30} | usage, (example, done.stderr)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["", "server", *sorted(EXAMPLES)])
def test_no_help_is_cut_or_wider_than_eighty_columns(command: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", *command.split(), "--help"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    ).stdout
    assert "..." not in shown.replace("[CODE]...", "").replace("RESULTS...", "").replace("]...", "").replace(
        "COMMAND] ...", ""
    ).replace("not-renewed ...", "").replace("automounted ...", "").replace("[ARGS]...", "")
    assert max(map(len, shown.splitlines())) <= 80


def test_the_general_help_names_every_command_with_its_whole_sentence(machine: Machine) -> None:
    shown = machine.run(["help"]).stdout
    words = " ".join(shown.split())
    for command in EXAMPLES:
        sentence = " ".join(machine.run(["help", *command.split()]).stdout.split("\n\n")[1].split())
        assert f" {command} {sentence} " in words


def test_the_help_of_the_group_names_every_command_about_a_server() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", "server", "--help"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    ).stdout
    listed = [
        line.split()[0] for line in shown.partition("Commands:")[2].splitlines() if line.startswith("  ")
    ]
    named = [command.partition(" ")[2] for command in EXAMPLES if command.startswith("server ")]
    assert sorted(name for name in listed if name in named) == sorted(named)
