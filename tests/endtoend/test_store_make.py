"""`store make`: IBM's TLS trusts the server with what it made, and nothing that is there is written over."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine, identity

from dsmbench.endpoint import AS_ROOT
from dsmbench.identity import Identity, authority

LABEL = "TSM server TSMA self-signed key"


@pytest.fixture
def bare(make_machine: MakeMachine) -> Machine:
    """A client that is installed, configured, and has no store."""
    machine = make_machine()
    machine.stanzas("TSMA")
    (machine.directory / "cert256.arm").write_bytes(machine.servers["TSMA"].state.identity.arm)
    return machine


def made(machine: Machine, directory: Path, *more: str) -> dict[str, object]:
    file = machine.directory / "cert256.arm"
    words = ("--server", "TSMA", "--file", file, "--output", directory)
    return dict(machine.run("store", "make", *words, *more).report)


@pytest.mark.parametrize("version", ["3", "4"])
def test_the_client_signs_on_with_it_and_fetches_nothing(bare: Machine, version: str) -> None:
    report = made(bare, bare.ba, "--key-database", version)
    assert (report["exit_code"], report["command"]) == (0, "store make")
    assert bare.held() == {LABEL: bare.servers["TSMA"].sha256}
    assert {file.stat().st_mode & 0o777 for file in bare.ba.glob("dsmcert.*")} == {0o600}
    assert bare.endpoint.dsmc("query", "session", "-se=TSMA").returncode == 0
    assert bare.sign_ons("TSMA") == ["session"]
    assert bare.run("detect").code == 0


def test_a_store_that_is_there_stays(machine: Machine) -> None:
    (machine.directory / "cert256.arm").write_bytes(machine.servers["TSMA"].state.identity.arm)
    before = machine.seen()
    assert made(machine, machine.ba)["exit_code"] == 12
    assert machine.seen() == before


def test_what_cannot_be_made_leaves_nothing(bare: Machine) -> None:
    output, file = bare.directory / "made", bare.directory / "cert256.arm"
    leaf = Identity.make(issuer=authority("Company CA"))
    file.write_bytes(leaf.arm)
    assert made(bare, output)["exit_code"] == 2
    file.write_bytes(identity("TSMB").arm)
    assert made(bare, bare.directory / "not" / "there")["exit_code"] == 12
    file.unlink()
    assert made(bare, output)["exit_code"] == 10
    assert not output.exists()
    if AS_ROOT:
        output.mkdir()
        os.chown(output, 61234, 61234)
        file.write_bytes(identity("TSMB").arm)
        assert made(bare, output)["exit_code"] == 12
        assert os.listdir(output) == []


def test_nobody_is_told_its_password(bare: Machine) -> None:
    argv = bare.argv("store", "make", "--server", "TSMA", "--file", bare.directory / "cert256.arm")
    done = subprocess.run([*argv, "--output", bare.ba, "--verbose"], capture_output=True, check=True, cwd="/")
    from dsmcertfix.ibm.key_database import stash

    secret = stash.password((bare.ba / "dsmcert.sth").read_bytes())
    assert secret not in done.stdout + done.stderr
