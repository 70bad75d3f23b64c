"""The test bench on Windows: programs, option files, stores, profiles, services, and nothing left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dsmbench import gskit
from dsmbench.made import Version
from dsmbench.server import Server

assert sys.platform == "win32"

from dsmbench.windows import TIVOLI, WindowsEndpoint


@pytest.mark.parametrize("version", [3, 4, 6])
def test_the_client_has_a_session_with_a_server_it_trusts(
    endpoint: WindowsEndpoint, tsm01: Server, version: Version
) -> None:
    endpoint.option_file(tsm01, node="PC1")
    endpoint.store(certificates=[endpoint.trusted("TSM01", tsm01)], version=version)
    answer = endpoint.dsmc("query", "session")
    assert (answer.returncode, "Session established with server TSM01" in answer.stdout) == (0, True)
    assert [event.what for event in tsm01.sessions] == ["session"]
    assert (endpoint.runs[-1].program, endpoint.runs[-1].input) == ("dsmc.exe", "null")


def test_a_renewed_certificate_is_refused_and_fetched_after_the_store_is_gone(
    endpoint: WindowsEndpoint, tsm01: Server
) -> None:
    endpoint.option_file(tsm01, node="PC1")
    store = endpoint.store(certificates=[endpoint.trusted("TSM01", tsm01)])
    tsm01.renew()
    refused = endpoint.dsmc("query", "session")
    assert (refused.returncode, "ANS1592E" in refused.stdout) == (12, True)
    for file in store.glob("dsmcert.*"):
        file.unlink()
    assert endpoint.dsmc("query", "session").returncode == 0
    assert gskit.certificates(store / "dsmcert.kdb") == dict([endpoint.trusted("TSM01", tsm01)])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_option_files_are_read_in_each_encoding(
    endpoint: WindowsEndpoint, tsm01: Server, encoding: str
) -> None:
    directory = endpoint.ba_directory / "Außenstelle"
    file = endpoint.option_file(
        tsm01,
        node="PC1",
        name="büro.opt",
        directory=directory,
        encoding=encoding,
        options={"ERRORLOGNAME": f'"{directory}\\fehler.log"'},
    )
    tsm01.update_node("PC1", "STRICT")
    assert endpoint.dsmc("q", "se", f"-optfile={file}").returncode == 12
    assert b"ANS1592E" in (directory / "fehler.log").read_bytes()


def test_a_user_without_the_right_to_write_has_a_store_in_the_profile(
    endpoint: WindowsEndpoint, tsm01: Server
) -> None:
    endpoint.option_file(tsm01, node="PC1")
    alice = endpoint.user("alice")
    assert endpoint.dsmc("q", "se", user=alice).returncode == 0
    assert (endpoint.home_store(alice) / "dsmcert.kdb").exists()
    assert not (endpoint.ba_directory / "dsmcert.kdb").exists()


def test_gsk8capicmd_runs_only_with_its_libraries_on_path(endpoint: WindowsEndpoint, tsm01: Server) -> None:
    store = endpoint.store(certificates=[endpoint.trusted("TSM01", tsm01)])
    program = endpoint.gsk8capicmd_program
    command = [str(program), "-cert", "-list", "-db", str(store / "dsmcert.kdb"), "-stashed"]
    libraries = {"PATH": str(program.parent.parent / "lib64"), "SYSTEMROOT": os.environ["SYSTEMROOT"]}
    without = subprocess.run(command, capture_output=True, text=True, check=False)
    with_them = subprocess.run(command, capture_output=True, text=True, check=False, env=libraries)
    assert without.returncode == 0xC0000135
    assert (with_them.returncode, '!\t"TSM server TSM01 self-signed key"' in with_them.stdout) == (0, True)


def test_services_start_and_stop_and_a_deaf_one_goes_in_the_end(tsm01: Server) -> None:
    with WindowsEndpoint() as endpoint:
        file = endpoint.option_file(tsm01, node="PC1")
        endpoint.add_service("TSM Client Acceptor", option_file=file, running=True)
        endpoint.add_service("TSM deaf", deaf=True, running=True)
        found = psutil.win_service_get("TSM Client Acceptor")
        deadline = time.monotonic() + 60
        while found.status() != "running" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (found.status(), Path(found.binpath().strip('"')).name) == ("running", "dsmcsvc.exe")
    assert "TSM deaf" not in [service.name() for service in psutil.win_service_iter()]


def test_what_a_killed_run_left_goes_with_the_next_one() -> None:
    left = WindowsEndpoint()
    left.user("alice")
    assert TIVOLI.exists()
    with WindowsEndpoint():
        assert not Path(r"C:\Users\alice").exists()
    assert not TIVOLI.exists()


def test_a_client_that_the_bench_did_not_make_is_left_alone() -> None:
    TIVOLI.mkdir()
    try:
        with pytest.raises(RuntimeError, match="did not make it"):
            WindowsEndpoint()
    finally:
        TIVOLI.rmdir()
