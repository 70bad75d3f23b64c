"""The help of every command: one sentence, three examples that work, its exit codes."""

from __future__ import annotations

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
from dsmcertfix.cli.examples import EXAMPLES, EXIT_CODES
from dsmcertfix.errors import MEANINGS

LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A repairable endpoint with a server on it, and a directory with a server's cert256.arm in it."""

    root: Path
    directory: Path

    def run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """The command as typed there, on this endpoint, with nobody at the keyboard."""
        here = [] if "--root" in arguments else ["--root", str(self.root)]
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
        assert f"    dsmcertfix {example}\n" in shown
    for code in EXIT_CODES[command]:
        assert f"{code:3}  {MEANINGS[code]}" in shown
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


def test_the_general_help_names_every_command() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", "--help"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    ).stdout
    listed = [line.split()[0] for line in shown.partition("Commands:")[2].splitlines() if line.strip()]
    assert sorted(listed) == sorted({command.partition(" ")[0] for command in EXAMPLES})


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
