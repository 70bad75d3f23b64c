"""What IBM's TLS does not trust is found, repaired, and trusted afterwards: IBM's TLS itself is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine
from tests.judge import made

from dsmbench import formats, gsktls
from dsmbench.server import HOST, Server
from dsmcertfix.ibm.key_database import stash

LABEL = "TSM server TSMA self-signed key"
NOT_TRUSTED = formats.NOT_TRUSTED


def with_server(machine: Machine, *certificates: tuple[str, bytes], own: bool = False) -> Server:
    """The machine has a stanza for the server TSMA, and a store with those certificates, or its own one."""
    if own:
        machine.servers["TSMA"] = Server("TSMA", identity=made.own(1, "past")).start()
    machine.stanzas("TSMA")
    machine.endpoint.store(certificates=certificates or machine.trusted("TSMA"))
    return machine.servers["TSMA"]


def rewrite(machine: Machine, *, flags: bytes = b"", expires: int | None = None) -> None:
    """Every record of the live store has those flags, and its password expires then."""
    password = stash.password((machine.ba / "dsmcert.sth").read_bytes())
    file = machine.ba / "dsmcert.kdb"
    file.write_bytes(formats.rewritten(file.read_bytes(), password, flags=flags, expires=expires))


def trusts(machine: Machine, server: Server) -> bool:
    """Whether IBM's TLS trusts the server with the live store."""
    return gsktls.judge_all([(HOST, server.port, machine.ba / "dsmcert.kdb")])[0].trusted


def status(machine: Machine) -> tuple[int, list[str]]:
    answer = machine.run("detect")
    return answer.code, [one["status"] for one in answer.store(machine.ba)["certificates"]]


@pytest.mark.parametrize("how", [(), ("--server", "TSMA"), ("--expired",), ("--label", LABEL)])
def test_a_servers_certificate_with_a_subject_of_its_own_is_exchanged_like_any_other(
    make_machine: MakeMachine, how: tuple[str, ...]
) -> None:
    machine = make_machine()
    server = with_server(machine, own=True)
    server.state.renew(made.own(2))
    assert status(machine) == (3, ["expired"])
    assert machine.fix(*how).code == 0
    assert machine.held() == {LABEL: made.own(2).sha256}
    machine.require_proved("TSMA", made.own(2).sha256)
    assert trusts(machine, server)
    assert status(machine) == (0, ["ok"])


@pytest.mark.parametrize("engine", ["gskit", "native"])
def test_a_record_that_is_marked_as_not_trusted_is_put_in_once_more_without_a_session(
    make_machine: MakeMachine, engine: str
) -> None:
    machine = make_machine()
    server = with_server(machine)
    rewrite(machine, flags=NOT_TRUSTED)
    assert not trusts(machine, server)
    assert status(machine) == (3, ["untrusted"])
    answer = machine.fix("--engine", engine)
    assert (answer.code, machine.reconnects) == (0, [])
    assert machine.held() == {LABEL: server.sha256}
    assert trusts(machine, server)
    assert status(machine) == (0, ["ok"])


@pytest.mark.parametrize("renewed", [False, True])
def test_a_password_that_ran_out_is_set_anew_with_the_rest_of_the_repair(
    make_machine: MakeMachine, renewed: bool
) -> None:
    machine = make_machine()
    server = with_server(machine)
    rewrite(machine, expires=86400)
    if renewed:
        machine.renew("TSMA")
    assert not trusts(machine, server)
    found = machine.run("detect")
    assert (found.code, found.store(machine.ba)["problem"]["code"]) == (3, "password-expired")
    stashed = (machine.ba / "dsmcert.sth").read_bytes()
    answer = machine.fix()
    assert (answer.code, len(machine.reconnects)) == (0, int(renewed))
    assert trusts(machine, server)
    assert status(machine) == (0, ["ok"])
    assert (machine.ba / "dsmcert.sth").read_bytes() == stashed


def test_a_ca_that_only_a_person_can_bring_is_asked_for_and_nothing_is_touched(
    make_machine: MakeMachine,
) -> None:
    machine = make_machine()
    leaf = made.leaf(made.root())
    machine.servers["TSMA"] = Server("TSMA", identity=leaf).start()
    server = with_server(machine, (LABEL, leaf.der))
    assert not trusts(machine, server)
    assert status(machine) == (3, ["untrusted"])
    before = machine.everything()
    answer = machine.fix()
    assert (answer.code, answer.store(machine.ba)["problem"]["code"]) == (16, "authority-needed")
    assert machine.everything() == before
    root = machine.directory / "root.arm"
    Path(root).write_bytes(made.root().arm)
    assert machine.run("trust", "--server", "TSMA", "--file", root, "--yes").code == 0
    assert trusts(machine, server)
    assert status(machine)[0] == 0
