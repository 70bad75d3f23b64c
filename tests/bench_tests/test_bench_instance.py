"""The played server: it starts and stops, makes its certificate, and its key is only where it belongs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest
from tests.shown import shown_only_if

from dsmbench import gskit
from dsmbench.dsmserv import LABEL, Trouble, wait_until_gone
from dsmbench.endpoint import AS_ROOT, Endpoint
from dsmbench.formats import personal_keys
from dsmbench.identity import Identity, fingerprint
from dsmbench.instance import Instance, Version

PEER, OTHER, NEW = (Identity.make() for _ in range(3))


@pytest.fixture
def made(directory: Path) -> Iterator[Instance]:
    with Instance(
        Endpoint(directory / "root"), trusted=[("a peer", PEER.der)], personal=[("from our CA", OTHER)]
    ) as instance:
        yield instance


def emptied(instance: Instance) -> Instance:
    """Without its label and cert256.arm, as IT42905 leaves it."""
    gskit.delete(instance.database, LABEL)
    instance.arm.unlink()
    if AS_ROOT:
        os.chown(instance.database, instance.owner.uid, instance.owner.gid)
    return instance


def ended(instance: Instance) -> int:
    """How a start in the foreground ends."""
    program = instance.endpoint.root / "opt/tivoli/tsm/server/bin/dsmserv"
    return subprocess.run([program, "-i", instance.directory], timeout=60, check=False).returncode


def test_it_presents_what_its_key_database_has_until_it_is_stopped(made: Instance) -> None:
    made.start()
    assert made.running and fingerprint(made.presented) == made.sha256
    made.stop()
    assert not made.running
    with pytest.raises(OSError, match=r".+"):
        _ = made.presented
    assert "ANR0993I" in made.console and "ANR0991I" in made.console


@pytest.mark.parametrize("version", [3, 4, 6])
def test_a_missing_certificate_is_made_with_a_new_key_and_exported(directory: Path, version: Version) -> None:
    with Instance(Endpoint(directory / "root"), version=version, trusted=[("a peer", PEER.der)]) as made:
        old, keys = made.sha256, made.keys
        emptied(made).start()
        assert made.sha256 == fingerprint(made.presented) != old
        assert made.held["a peer"] == PEER.sha256
        assert not set(keys) & set(made.keys)
        arm = made.arm.read_bytes()
        assert fingerprint(gskit.certificates(made.database)[LABEL]) == made.sha256
        assert arm.startswith(b"-----BEGIN CERTIFICATE-----")
        assert made.database.read_bytes()[2] == version


def test_a_missing_export_is_written_and_the_certificate_stays(made: Instance) -> None:
    arm, sha256 = made.arm.read_bytes(), made.sha256
    made.arm.unlink()
    made.start()
    assert (made.arm.read_bytes(), made.sha256) == (arm, sha256)


def test_it_can_be_told_what_to_make(made: Instance) -> None:
    made.behave(makes=NEW)
    emptied(made).start()
    assert made.sha256 == NEW.sha256


def test_no_key_is_in_anything_else_that_it_writes(made: Instance) -> None:
    emptied(made).start()
    made.stop()
    content = made.database.read_bytes()
    assert len(personal_keys(content)) == 2
    for path in made.endpoint.root.rglob("*"):
        if path.is_file() and path != made.database:
            for _, key in personal_keys(content):
                assert key not in path.read_bytes(), path


@shown_only_if(AS_ROOT, "another user's process")
def test_it_runs_as_the_instance_s_user_in_its_directory(made: Instance) -> None:
    made.start()
    status = Path(f"/proc/{made.pid}/status").read_text(encoding="ascii")
    assert f"Uid:\t{made.owner.uid}\t" in status and status.startswith("Name:\tdsmserv\n")
    assert Path(f"/proc/{made.pid}/cwd").resolve() == made.directory
    emptied_owner = made.database.stat().st_uid
    assert emptied_owner == made.owner.uid


@pytest.mark.parametrize("trouble", ["no-start", "ends"])
def test_it_can_fail_to_come_up(made: Instance, trouble: Trouble) -> None:
    made.behave(trouble)
    assert ended(emptied(made)) == 1
    assert (LABEL in made.held) == (trouble == "ends")


def test_it_can_misbehave_once(made: Instance) -> None:
    made.behave("no-start", once=True)
    assert ended(made) == 1
    assert made.start().running


@pytest.mark.parametrize(
    ("trouble", "labels", "exports"),
    [
        ("no-arm", {LABEL, "from our CA", "a peer"}, False),
        ("other-arm", {LABEL, "from our CA", "a peer"}, True),
        ("touches-others", {LABEL, "from our CA", "a peer", "somebody new"}, True),
        ("not-default", {LABEL, "from our CA", "a peer"}, True),
    ],
)
def test_it_can_make_it_wrongly(made: Instance, trouble: Trouble, labels: set[str], exports: bool) -> None:
    made.behave(trouble)
    emptied(made).start()
    assert set(made.held) == labels
    assert made.arm.exists() == exports
    if exports:
        exported = fingerprint(PEM_cert_to_DER_cert(made.arm.read_text(encoding="ascii")))
        assert (exported == made.sha256) == (trouble != "other-arm")
    assert (fingerprint(made.presented) == made.sha256) == (trouble != "not-default")


def test_it_can_forget_another(made: Instance) -> None:
    made.behave("drops-others")
    emptied(made).start()
    assert len(made.held) == 2


def test_it_can_be_deaf(made: Instance) -> None:
    made.behave("deaf")
    pid = made.start().pid
    assert pid is not None
    subprocess.run([made.rc, "stop"], check=True)
    assert not wait_until_gone(pid, 0.5)
    made.stop()
    assert not made.running


def test_its_unit_starts_and_stops_it(made: Instance) -> None:
    unit = made.add_unit()
    systemctl = made.endpoint.root / "usr/bin/systemctl"

    def shown() -> dict[str, str]:
        told = subprocess.run(
            [systemctl, "show", "--property=FragmentPath,ActiveState", unit.name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        return dict(line.split("=", 1) for line in told.splitlines())

    assert (shown()["FragmentPath"], shown()["ActiveState"]) == (str(unit), "inactive")
    pid = made.start().pid
    assert pid is not None and shown()["ActiveState"] == "active"
    subprocess.run([systemctl, "stop", unit.name], check=True)
    assert wait_until_gone(pid) and shown()["ActiveState"] == "inactive"


def test_a_node_signs_on_and_its_security_changes(made: Instance) -> None:
    made.endpoint.stanza("TSM01", made.server, node="HOST1")
    made.register("HOST1")
    made.start()
    assert made.endpoint.dsmc("query", "session").returncode == 0
    assert gskit.certificates(made.endpoint.ba_directory / "dsmcert.kdb") == {
        "TSM server TSM01 self-signed key": made.presented
    }
    states = [made.state.nodes["HOST1"].session_security]
    made.update_node("HOST1", "TRANSITIONAL")
    states.append(made.state.nodes["HOST1"].session_security)
    assert states == ["STRICT", "TRANSITIONAL"]


def test_its_database_is_backed_up_through_its_own_stanza(made: Instance) -> None:
    name = made.add_database_backup()
    made.start()
    place = made.endpoint.dbbkapi_directory
    answer = made.endpoint.dsmc(
        "query",
        "session",
        user=made.owner,
        DSM_DIR=str(place),
        DSM_CONFIG=str(made.directory / "tsmdbmgr.opt"),
    )
    assert name == "TSMDBMGR_tsminst1"
    assert "Node Name: $$_TSMDBMGR_$$" in answer.stdout, answer.stdout
