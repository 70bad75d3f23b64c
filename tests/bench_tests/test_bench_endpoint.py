"""The endpoint builder, the played client's reader of option files, the servers' process and the demo."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.shown import shown_only_if

from dsmbench import console, demo, gskit, runtime
from dsmbench.endpoint import AS_ROOT, Endpoint
from dsmbench.made import Version
from dsmbench.optionfile import full_name, system_options
from dsmbench.server import Server
from dsmbench.state import ServerState


@pytest.mark.parametrize("version", [3, 4, 6])
def test_a_store_has_the_version_asked_for_and_is_opened_by_its_stash(
    endpoint: Endpoint, server: Server, version: Version
) -> None:
    place = endpoint.store("/elsewhere", version=version, certificates=[("a label", server.certificate_der)])
    assert (place / "dsmcert.kdb").read_bytes()[2] == version
    assert gskit.certificates(place / "dsmcert.kdb") == {"a label": server.certificate_der}
    assert set(endpoint.snapshot(place)) == {
        f"dsmcert.{kind}" for kind in ("kdb", "sth", "rdb", "crl", "idx")
    }


def test_a_store_can_have_ca_roots_and_no_index(endpoint: Endpoint) -> None:
    place = endpoint.store("/elsewhere", cas=True, idx=False)
    assert len(gskit.certificates(place / "dsmcert.kdb")) > 10
    assert not (place / "dsmcert.idx").exists()


@shown_only_if(AS_ROOT, "giving files away needs root")
def test_files_belong_to_their_users_and_programs_run_as_them(endpoint: Endpoint, server: Server) -> None:
    alice, bob = endpoint.user("alice"), endpoint.user("bob")
    assert alice.uid != bob.uid
    place = endpoint.store(user=alice, certificates=[endpoint.trusted("TSM01", server)])
    parents = [part for part in place.parents if part.is_relative_to(alice.home)]
    assert {part.stat().st_uid for part in [place, *parents, *place.iterdir()]} == {alice.uid}
    who = {"user": bob.uid, "group": bob.gid, "extra_groups": []}
    refused = subprocess.run([str(endpoint.dsmc_program), "query", "session"], **who, check=False)  # type: ignore[call-overload]
    assert refused.returncode == 12


@shown_only_if(AS_ROOT, "others need to enter only what root builds")
def test_a_root_that_others_cannot_enter_is_refused(directory: Path) -> None:
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(RuntimeError, match="cannot enter"):
        Endpoint(closed / "root").user("alice")


def test_the_runtime_is_open_to_all_whom_it_concerns() -> None:
    found = runtime.runtime()
    assert not AS_ROOT or (runtime.open_to_all(found.python) and runtime.open_to_all(found.libraries))


def test_programs_can_be_left_out(directory: Path) -> None:
    made = Endpoint(directory / "root", programs=["dsmcert"])
    assert not made.dsmc_program.exists()
    assert not made.gsk8capicmd_program.exists()


def test_a_server_host_has_the_client_of_its_database(endpoint: Endpoint, server: Server) -> None:
    instance = endpoint.user("tsminst1")
    place = endpoint.add_database_backup(instance, server, store=[endpoint.trusted("TSM01", server)])
    assert (place / "dsmcert.kdb").exists()
    assert system_options(place / "dsm.sys").stanzas[0].options["tcpserveraddress"] == "localhost"
    answer = endpoint.dsmc(
        "query", "session", DSM_DIR=str(place), DSM_CONFIG="/home/tsminst1/instance/tsmdbmgr.opt"
    )
    assert "Node Name: $$_TSMDBMGR_$$" in answer.stdout, answer.stdout


def test_services_name_their_option_files(endpoint: Endpoint) -> None:
    unit = endpoint.add_unit(optfile="/etc/x.opt", DSM_DIR="/opt/x")
    script = endpoint.add_init_script(optfile="/etc/y.opt", DSM_LOG="/var/log/y")
    assert 'Environment="DSM_DIR=/opt/x"' in unit.read_text()
    assert "dsmcad -optfile=/etc/y.opt" in script.read_text()


def test_a_password_directory_can_have_the_store(directory: Path, server: Server) -> None:
    made = Endpoint(directory / "root", client_mode="passworddir", store_version=6)
    made.stanza("TSM01", server, node="HOST1", passworddir="/var/my adsm")
    assert made.dsmc("query", "session").returncode == 0
    kdb = made.path("/var/my adsm/dsmcert.kdb")
    assert (kdb.read_bytes()[2], list(gskit.certificates(kdb))) == (6, [made.label("TSM01")])


@pytest.mark.parametrize(("form", "name"), [("address", "127.0.0.1"), ("server", "TSM01")])
def test_labels_can_have_other_names(directory: Path, server: Server, form: str, name: str) -> None:
    made = Endpoint(directory / "root", label_form=form)  # type: ignore[arg-type]
    made.stanza("ALIAS", server, node="HOST1")
    assert made.dsmc("query", "session").returncode == 0
    assert list(gskit.certificates(made.ba_directory / "dsmcert.kdb")) == [made.label(name)]


def test_a_snapshot_sees_content_owner_mode_and_attributes(endpoint: Endpoint) -> None:
    before = endpoint.snapshot(endpoint.ba_directory)
    file = endpoint.ba_directory / "dsmcert.kdb"
    os.utime(file, (0, 0))
    assert endpoint.snapshot(endpoint.ba_directory) == before
    file.chmod(0o640)
    changed = endpoint.snapshot(endpoint.ba_directory)
    assert [name for name in before if before[name] != changed[name]] == ["dsmcert.kdb"]


def test_option_files_are_read_as_the_client_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "dsm.sys"
    file.write_bytes(
        b"* a comment\r\n   * another\r\nDEFAULTServer two\r\n\r\nSE one\r\n"
        b"  tcps a.example\r\n\ttcpp\t1501\r\n"
        b'servername TWO\r\n passworddir "/var/my adsm/"\r\n NODENAME caf\xe9\r\n unknownoption x\r\n'
        b"REPLSERVERNAME one\r\n tcpserveraddress b.example\r\n"
    )
    found = system_options(file)
    one, two = found.stanza("ONE"), found.stanza("")
    assert one is not None
    assert two is not None
    assert one.options == {"tcpserveraddress": "a.example", "tcpport": "1501"}
    assert (two.name, two.get("passworddir"), two.get("nodename")) == ("TWO", "/var/my adsm/", "café")
    assert found.stanza("three") is None


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("SE", "servername"),
        ("tcpp", "tcpport"),
        ("passw", "password"),
        ("PASSWORDA", "passwordaccess"),
        ("x", "x"),
    ],
)
def test_keywords_can_be_abbreviated(word: str, name: str) -> None:
    assert full_name(word) == name


def test_servers_in_a_process_of_their_own_can_be_told_from_a_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path)]
    console.main([*state, "--server", "TSM01", "--server", "TSM02", "--detach"])
    try:
        before = ServerState(tmp_path / "TSM02").identity.sha256
        console.main(["register-node", *state, "TSM02", "host1", "STRICT"])
        console.main(["renew", *state, "TSM02"])
        console.main(["update-node", *state, "TSM02", "HOST1", "transitional"])
        capsys.readouterr()
        console.main(["status", *state])
        said = capsys.readouterr().out
        assert "running\nTSM01 127.0.0.1 " in said
        assert "HOST1 TRANSITIONAL" in said
        assert before not in said
    finally:
        console.main(["stop", *state])
    assert not console.running(tmp_path)


def test_the_demo_has_four_stores_that_work(directory: Path) -> None:
    made = demo.build(directory / "root", directory / "state", frozenset({"SECOND"}))
    try:
        assert len(list(made.root.rglob("dsmcert.kdb"))) == 4
        alice = made.user("alice")
        assert made.dsmc("query", "session", "-se=TSM02_ALICE", user=alice).returncode == 0
        for stanza in ("TSM01", "TSM02", "TSM02_SECOND"):
            assert made.dsmc("query", "session", f"-se={stanza}").returncode == 0
        console.main(["renew", "--state", str(directory / "state"), "TSM02"])
        assert made.dsmc("query", "session", "-se=TSM02").returncode == 12
        assert made.dsmc("query", "session", "-se=TSM01").returncode == 0
    finally:
        console.stop(directory / "state")
