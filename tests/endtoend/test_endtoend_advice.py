"""The commands that messages advise, typed as they stand there, do what is meant and no more."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine

from dsmcertfix.ibm.client.dsmc import Session, failure
from dsmcertfix.ibm.client.messages import advice
from dsmcertfix.model import Stanza
from dsmcertfix.wording import whole_store_command

COMMAND = re.compile(r"`dsmcertfix (fix [^`]*)`")


@pytest.fixture
def machine(make_machine: MakeMachine) -> Machine:
    """Two servers, both renewed, and a store for each of them: root's, and one of a user's own."""
    made = make_machine()
    made.stanzas("TSMA")
    made.endpoint.store(certificates=made.trusted("TSMA"))
    alice = made.endpoint.user("alice")
    made.stanzas("TSMB", passworddir="/home/alice/adsm", owner=alice)
    made.endpoint.store(user=alice, certificates=made.trusted("TSMB"), version=6)
    made.renew("TSMA")
    made.renew("TSMB")
    return made


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda at: (at / "dsmcert.sth").unlink(), "stash-missing"),
        (lambda at: (at / "dsmcert.sth").write_bytes(b""), "stash-empty"),
        (lambda at: (at / "dsmcert.sth").write_bytes(bytes(193)), "stash-damaged"),
        (lambda at: cut(at / "dsmcert.sth"), "stash-size"),
        (lambda at: cut(at / "dsmcert.kdb"), "file-cut-off"),
        (lambda at: (at / "dsmcert.kdb").write_bytes(b""), "file-empty"),
    ],
    ids=["missing", "empty", "damaged", "cut off", "key database cut off", "key database empty"],
)
def test_what_is_advised_for_a_damaged_store_makes_that_one_anew_and_leaves_the_others(
    machine: Machine, spoil: Callable[[Path], object], code: str
) -> None:
    bad, good = machine.ba, machine.endpoint.home_store(machine.endpoint.user("alice"))
    spoil(bad)
    other = machine.seen(good)
    problem = machine.run("inspect").store(bad)["problem"]
    assert problem["code"] == code
    (command,) = COMMAND.findall(problem["hint"])
    words = shlex.split(command)
    assert words == ["fix", "--whole-store", "--store", str(bad)]
    answer = machine.fix(*words[1:])
    assert (answer.code, answer.store(bad)["outcome"]) == (0, "changed")
    assert machine.seen(good) == other


def test_a_client_that_cannot_open_its_store_is_told_of_by_its_directory(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="needs-index")
    hint = machine.fix("--server", "TSMA").store(machine.ba)["problem"]["hint"]
    assert f"fix --whole-store --store {machine.ba}`" in hint
    assert "<" not in hint


@pytest.mark.parametrize("code", ["ANS1593E", "GSKIT-102", "GSKIT-202"])
def test_what_was_just_run_is_not_advised(code: str) -> None:
    stanza = Stanza("TSM01", Path("/x/dsm.sys"), 1)
    session = Session(12, False, False, (code,))
    first, second = (failure(session, stanza, store=Path("/opt/x"), anew=anew) for anew in (False, True))
    assert first is not None and "--whole-store --store /opt/x`" in str(first.hint)
    assert second is not None and "--whole-store" not in str(second.hint)
    assert "/opt/x" in str(second.hint) and "<" not in str(second.hint)


def test_a_client_that_hangs_on_a_new_store_is_not_to_make_another() -> None:
    stanza = Stanza("TSM01", Path("/x/dsm.sys"), 1)
    first, second = (
        failure(Session(None, False, True), stanza, store=Path("/opt/x"), anew=anew) for anew in (False, True)
    )
    assert first is not None and "`dsmcertfix fix --whole-store --store /opt/x`" in str(first.hint)
    assert second is not None and "--whole-store" not in str(second.hint) and "--timeout" in str(second.hint)


def test_a_transaction_says_which_of_the_two_it_was(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="hang")
    limit = ("--timeout", "2", "--no-preflight", "--server", "TSMA")
    part = machine.fix(*limit).store(machine.ba)["problem"]["hint"]
    whole = machine.fix(*limit, "--whole-store").store(machine.ba)["problem"]["hint"]
    assert f"fix --whole-store --store {machine.ba}`" in part
    assert "--whole-store" not in whole


def test_a_directory_is_quoted_as_its_system_wants_it() -> None:
    for path, told in (
        (PurePosixPath("/opt/a b"), "'/opt/a b'"),
        (PurePosixPath("/opt/$x"), "'/opt/$x'"),
        (PureWindowsPath(r"C:\Tivoli\baclient"), r"C:\Tivoli\baclient"),
        (PureWindowsPath(r"C:\Program Files\baclient"), r'"C:\Program Files\baclient"'),
    ):
        assert whole_store_command(path) == f"`dsmcertfix fix --whole-store --store {told}`"
    assert "<directory of the store>" in advice(["ANS1593E"]).text
