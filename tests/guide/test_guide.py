"""The guided repair, on a real terminal (a pseudo-terminal), against the bench."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from tests.shown import shown_only_if

import dsmcertfix
from dsmbench.endpoint import AS_ROOT, Endpoint
from dsmbench.identity import expired
from dsmbench.runtime import runtime, scratch
from dsmbench.server import Server

QUESTION = "[y/N]"
LIMIT_S = 300.0
CTRL_C, CTRL_D = "\x03", "\x04"


@dataclass(frozen=True, slots=True)
class Machine:
    """An endpoint with one store that trusts the old certificate of TSM01, and that server."""

    endpoint: Endpoint
    server: Server

    def talk(self, *answers: str, columns: int = 80, **environment: str) -> tuple[int, str]:
        """The exit code of a guided repair on a terminal of that width, and all that it printed."""
        return talk(self.endpoint.root, answers, columns, environment)

    def words(self, said: str) -> str:
        """That without the machine's paths: any three letters are in one of them some day."""
        return "".join(said.split()).replace("".join(str(self.endpoint.root).split()), "")


@pytest.fixture
def machine() -> Iterator[Machine]:
    with scratch() as directory, Server("TSM01", nodes={"HOST1": "TRANSITIONAL"}) as server:
        server.state.renew(expired())
        endpoint = Endpoint(directory / "root", client_mode="8.2.2")
        endpoint.stanza("TSM01", server, node="HOST1")
        endpoint.store(certificates=[endpoint.trusted("TSM01", server)])
        server.renew()
        yield Machine(endpoint, server)


def talk(
    root: Path,
    answers: tuple[str, ...],
    columns: int,
    environment: dict[str, str],
    words: tuple[str, ...] = (),
    question: str = QUESTION,
) -> tuple[int, str]:
    command = [sys.executable, "-m", "dsmcertfix", "--trust-root", "--root", str(root), *words]
    return run_on_terminal(command, answers, columns, environment, question)


def run_on_terminal(
    command: list[str], answers: tuple[str, ...], columns: int, environment: dict[str, str], question: str
) -> tuple[int, str]:
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        # readline may have put COLUMNS into the environment of this process, behind os.environ.
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        os.execvpe(command[0], command, kept | environment)
    said = b""
    left = list(answers)
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 1.0)
        if not ready:
            continue
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        said += part
        if left and said.decode(errors="replace").count(question) > len(answers) - len(left):
            answer = left.pop(0)
            os.write(terminal, (answer if answer in (CTRL_C, CTRL_D) else answer + "\n").encode())
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said.decode().replace("\r\n", "\n")


def openssl_form(server: Server) -> str:
    """The fingerprint as openssl prints it."""
    return ":".join(server.sha256[at : at + 2] for at in range(0, 64, 2)).upper()


def test_it_says_in_plain_words_what_is_wrong_and_repairs_it(machine: Machine) -> None:
    code, said = machine.talk("y")
    flat = " ".join(said.split())
    assert "still trusts the old certificate of server TSM01. It expired on" in flat
    assert "The server now shows a new one, valid until" in flat
    assert openssl_form(machine.server) in "".join(said.split())
    assert [f"{number} of 5:" in flat for number in range(1, 6)] == [True] * 5
    assert "Done. Backups can run again." in flat
    assert re.search(r"Reference for the ticket: \d{8}T\d{6}Z-[0-9a-f]{6}", flat)
    assert code == 0


def test_nothing_is_done_when_the_answer_is_no(machine: Machine) -> None:
    before = machine.endpoint.snapshot(machine.endpoint.ba_directory)
    code, said = machine.talk("n")
    assert "Nothing was changed." in said
    assert code == 0
    assert machine.endpoint.snapshot(machine.endpoint.ba_directory) == before


@pytest.mark.parametrize("answer", ["", "no", "N", CTRL_D])
def test_whatever_is_no_yes_changes_nothing(machine: Machine, answer: str) -> None:
    before = machine.endpoint.snapshot(machine.endpoint.ba_directory)
    code, said = machine.talk(answer)
    assert "Nothing was changed." in said and "What happened" not in said
    assert (code, machine.endpoint.snapshot(machine.endpoint.ba_directory)) == (0, before)


def test_what_is_no_answer_is_asked_again(machine: Machine) -> None:
    code, said = machine.talk("maybe", "yes")
    assert "Please answer y for yes, or n for no." in said
    assert "Done. Backups can run again." in said
    assert code == 0


def test_ctrl_c_at_the_question_stops_it_and_is_no_bug(machine: Machine) -> None:
    before = machine.endpoint.snapshot(machine.endpoint.ba_directory)
    code, said = machine.talk(CTRL_C)
    assert "It was stopped. Everything is as it was before." in " ".join(said.split())
    assert "bug" not in machine.words(said) and "support-bundle" not in said
    assert (code, machine.endpoint.snapshot(machine.endpoint.ba_directory)) == (130, before)


def test_ctrl_c_at_the_question_of_fix_is_no_bug_either(machine: Machine) -> None:
    code, said = talk(machine.endpoint.root, (CTRL_C,), 80, {}, ("fix",), "Carry this out?")
    assert code == 130
    assert "interrupted by Ctrl+C" in said and "bug" not in machine.words(said)


def test_a_healthy_computer_is_told_so_without_a_question(machine: Machine) -> None:
    machine.talk("y")
    code, said = machine.talk()
    assert QUESTION not in said
    flat = " ".join(said.split())
    assert "Server TSM01: all is well. This computer trusts its certificate, valid until" in flat
    assert "Nothing is wrong with the certificates on this computer." in flat
    assert "`dsmcertfix explain`" in flat
    assert code == 0


def test_a_server_that_was_not_renewed_is_told_so_and_no_fingerprint_is_read_out(machine: Machine) -> None:
    machine.server.state.renew(expired())
    store = machine.endpoint.store(certificates=[machine.endpoint.trusted("TSM01", machine.server)])
    before = machine.endpoint.snapshot(store)
    code, said = machine.talk()
    flat = " ".join(said.split())
    assert "The server still shows the same one: it has to be renewed there first" in flat
    assert "new one, valid until" not in flat
    assert openssl_form(machine.server)[:12] not in "".join(said.split()) and QUESTION not in said
    assert (code, machine.endpoint.snapshot(store)) == (16, before)


def test_a_refusal_names_the_command_for_the_administrator_on_one_line(machine: Machine) -> None:
    machine.server.update_node("HOST1", "STRICT")
    before = machine.endpoint.snapshot(machine.endpoint.ba_directory)
    code, said = machine.talk("y")
    assert "  UPDATE NODE HOST1 SESSIONSECURITY=TRANSITIONAL\n" in said
    assert "everything is exactly as it was before" in " ".join(said.split())
    assert machine.endpoint.snapshot(machine.endpoint.ba_directory) == before
    assert code == 21


def test_a_server_that_does_not_answer_is_named_and_nothing_is_asked(machine: Machine) -> None:
    machine.server.stop()
    code, said = machine.talk()
    flat = " ".join(said.split())
    assert "TSM01" in flat and "does not answer" in flat
    assert flat.count("Why:") == 1
    assert QUESTION not in said
    assert "`dsmcertfix support-bundle`" in flat
    assert code == 16


@shown_only_if(hasattr(signal, "setitimer"), "that silence is broken: the system has no alarm")
def test_a_server_that_hangs_does_not_make_it_fall_silent(machine: Machine) -> None:
    machine.server.behave("hang")
    code, said = machine.talk()
    assert re.search(r"still asking TSM01, \d+ s \.\.\.\n", said)
    assert said.index("Looking.") < said.index("still asking") < said.index("does not answer")
    assert code == 16


@pytest.fixture
def two(machine: Machine) -> Iterator[tuple[Machine, Server]]:
    """A second server, TSM0, whose old certificate a store of its own holds; its name is in the other's."""
    with Server("TSM0", nodes={"HOST0": "TRANSITIONAL"}) as other:
        other.state.renew(expired())
        machine.endpoint.stanza("TSM0", other, node="HOST0", passworddir="/opt/second/adsm")
        machine.endpoint.store("/opt/second/adsm", certificates=[machine.endpoint.trusted("TSM0", other)])
        other.renew()
        yield machine, other


def test_of_several_servers_each_has_its_own_fingerprint_and_there_is_one_question(
    two: tuple[Machine, Server],
) -> None:
    machine, other = two
    code, said = machine.talk("y")
    flat = " ".join(said.split())
    for server in (machine.server, other):
        assert "".join(said.split()).count(openssl_form(server)) == 1
    assert said.count("Shall I replace them now?") == 1
    assert "This computer now trusts the new certificate of TSM01 and TSM0." in flat
    assert code == 0


def test_what_is_done_and_what_is_not_are_told_apart(two: tuple[Machine, Server]) -> None:
    machine, other = two
    other.update_node("HOST0", "STRICT")
    code, said = machine.talk("y")
    flat = " ".join(said.split())
    assert "Some of it is done, some could not be done." in flat
    assert "everything is exactly as it was" not in flat
    assert "This computer now trusts the new certificate of TSM01." in flat
    assert "UPDATE NODE HOST0 SESSIONSECURITY=TRANSITIONAL" in flat
    assert code == 21


def test_what_cannot_be_done_does_not_keep_from_the_rest(two: tuple[Machine, Server]) -> None:
    machine, other = two
    other.stop()
    code, said = machine.talk("y")
    flat = " ".join(said.split())
    assert "server TSM0." in flat and "does not answer" in flat
    assert "This computer now trusts the new certificate of TSM01." in flat
    assert code == 16


def test_what_the_terminal_cannot_show_is_escaped(machine: Machine) -> None:
    der = Server("X").certificate_der
    machine.endpoint.stanza("TSM\u0416".encode("utf-8").decode("latin-1"), machine.server, node="HOST2")
    machine.endpoint.store("/opt/\u0416/adsm", certificates=[("x", der)])
    machine.endpoint.system_options("SErvername B\nTCPServeraddress 127.0.0.1\n")
    code, said = machine.talk("y", PYTHONIOENCODING="ascii")
    assert (code in (0, 16, 21), "Traceback" in said) == (True, False)


@shown_only_if(AS_ROOT, "a store of root's that somebody else looks at: only root can make one")
def test_who_is_not_the_administrator_is_told_so(machine: Machine) -> None:
    alice = machine.endpoint.user("alice")
    python = runtime()
    packages = (Path(dsmcertfix.__file__).parents[1], Path(typer.__file__).parents[1])
    environment = {"PYTHONPATH": os.pathsep.join(map(str, packages)), "HOME": str(alice.home)}
    identity = ["setpriv", f"--reuid={alice.uid}", f"--regid={alice.gid}", "--clear-groups"]
    words = [
        *identity,
        str(python.python),
        "-m",
        "dsmcertfix",
        "--trust-root",
        "--root",
        str(machine.endpoint.root),
    ]
    environment["LD_LIBRARY_PATH"] = str(python.libraries)
    command = [*words, "--state-dir", str(alice.home / "state")]
    code, said = run_on_terminal(command, (), 80, environment, QUESTION)
    flat = " ".join(said.split())
    assert "You are not the administrator here" in flat and "sudo dsmcertfix" in flat
    assert "all is well" not in flat
    assert code == 12


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_is_wider_than_the_window_but_what_must_stay_whole(machine: Machine, columns: int) -> None:
    _, said = machine.talk("y", columns=columns)
    wide = [line for line in said.splitlines() if len(line) > columns and "UPDATE NODE" not in line]
    assert wide == []


def test_without_colour_and_without_a_cursor_it_says_the_same(machine: Machine) -> None:
    _, said = machine.talk("n", NO_COLOR="1", TERM="dumb")
    assert "\x1b" not in said
    _, coloured = machine.talk("n")
    assert "\x1b" not in coloured, "no information is in colour or in a spinner: there are none"


def test_without_a_terminal_it_explains_itself(machine: Machine) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", "--trust-root", "--root", str(machine.endpoint.root)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert (
        "dsmcertfix detect" in done.stderr and "dsmcertfix fix --yes --expect-file cert256.arm" in done.stderr
    )
