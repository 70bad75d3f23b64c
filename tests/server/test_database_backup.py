"""The stores with which a server's own database is backed up: whose word fills them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.server.conftest import MakeHost
from tests.server.host import ServerHost, identity
from tests.shown import shown_only_if

from dsmbench.endpoint import AS_ROOT
from dsmcertfix.ibm.server.reading import exports_for
from dsmcertfix.model import Server, Stanza
from dsmcertfix.system.servers import Running
from dsmcertfix.system.unix.places import UnixPlaces


@pytest.fixture
def host(make_host: MakeHost) -> ServerHost:
    """A running server; root's store in dbbkapi, for the backup of its database, has an old certificate."""
    made = make_host(identity=identity("long", 3000))
    made.instance.start()
    name = made.instance.add_database_backup()
    label = made.endpoint.label(name)
    made.endpoint.store(made.endpoint.dbbkapi_directory, certificates=[(label, identity("gone").der)])
    return made


def test_root_s_store_is_filled_from_the_file_of_the_user_as_whom_the_server_runs(host: ServerHost) -> None:
    place = host.endpoint.dbbkapi_directory
    (line,) = host.inspect().report["instances"][0]["action"]
    assert line.endswith(f"`dsmcertfix fix --store {place}`")
    answer = host.fix("--store", place)
    assert (answer.code, answer.store(place)["outcome"]) == (0, "changed"), answer.stderr
    assert list(host.held(place).values()) == [host.instance.sha256]
    assert host.inspect().code == 0
    assert host.reconnects == []


@shown_only_if(AS_ROOT, "a file of another user")
def test_no_other_user_s_file_vouches_and_inspect_names_what_works(host: ServerHost) -> None:
    place, mallory = host.endpoint.dbbkapi_directory, host.endpoint.user("mallory")
    os.chown(host.instance.arm, mallory.uid, mallory.gid)
    before = host.seen(place)
    for arguments in ((), ("--store", place)):
        answer = host.fix(*arguments)
        assert (answer.code, answer.problem, host.seen(place)) == (16, "database-backup-stanza", before)
    assert host.inspect().code == 12
    os.chown(host.instance.arm, host.instance.owner.uid, host.instance.owner.gid)
    host.instance.arm.chmod(0o666)
    assert host.fix().problem == "database-backup-stanza"
    (line,) = host.inspect().report["instances"][0]["action"]
    assert "would be refused" in line and "--no-reconnect" in line
    assert host.fix("--store", place, "--no-reconnect").code == 0


@pytest.mark.parametrize("process", ["its own", "another user", "another directory", "none"])
def test_a_user_s_file_is_the_server_s_only_where_it_runs_as_that_user(process: str, tmp_path: Path) -> None:
    place = tmp_path / "instance"
    place.mkdir()
    (place / "cert256.arm").write_bytes(identity("long", 3000).arm)
    info = place.stat()
    seen = (info.st_dev, info.st_ino)
    running = {
        "its own": (Running(7, info.st_uid, seen),),
        "another user": (Running(7, info.st_uid + 1, seen),),
        "another directory": (Running(7, info.st_uid, (info.st_dev, info.st_ino + 1)),),
        "none": (),
    }[process]
    stanza = Stanza(
        "TSMDBMGR_X", tmp_path / "dsm.sys", 1, Server("localhost", 1500), "$$_TSMDBMGR_$$", "/instance"
    )
    (export,) = exports_for(UnixPlaces(tmp_path), stanza, running)
    assert (export.uid, export.of_server) == (info.st_uid, process == "its own")
