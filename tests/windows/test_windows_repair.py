"""Whole commands on Windows, against IBM's GSKit, the played client and played servers: as on Unix."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from dsmbench import gskit
from dsmbench.server import Server

assert sys.platform == "win32"

from tests.windows.command import STATE, fix, no_state, run, seen, slots, text
from tests.windows.played import LABEL, Machine, one_renewed, played

from dsmbench.windows import WindowsEndpoint
from dsmbench.windows_holding import held
from dsmcertfix.system.win32 import files


@pytest.fixture
def machine() -> Iterator[Machine]:
    with played() as made:
        yield made


@pytest.fixture
def one() -> Iterator[Machine]:
    with one_renewed() as made:
        yield made


@pytest.mark.parametrize("version", [3, 4, 6])
def test_of_three_servers_in_one_store_the_renewed_one_is_replaced(
    machine: Machine, version: Literal[3, 4, 6]
) -> None:
    machine.option_files("TSM01", "TSM02", "TSM03")
    store = machine.endpoint.store(
        version=version, certificates=machine.trusted("TSM01", "TSM02", "TSM03"), cas=version == 6
    )
    before, access = slots(store), {name: item[1:3] for name, item in seen(store).items()}
    assert run("detect").code == 0
    machine.server("TSM02").renew()
    assert run("detect").statuses(store)[LABEL.format("TSM02")] == "replaced"
    answer = fix()
    assert (answer.code, answer.report["outcome"], answer.notes("delete-label")) == (
        0,
        "changed",
        ["done by gskit"],
    )
    after = slots(store)
    renewed = LABEL.format("TSM02")
    assert after[renewed] != before[renewed]
    assert {label: slot.rstrip(b"\0") for label, slot in after.items() if label != renewed} == {
        label: slot.rstrip(b"\0") for label, slot in before.items() if label != renewed
    }
    assert gskit.certificates(store / "dsmcert.kdb")[renewed] == machine.server("TSM02").certificate_der
    assert {name: item[1:3] for name, item in seen(store).items()} == access
    assert [machine.sessions(name) for name in ("TSM01", "TSM02", "TSM03")] == [
        [],
        ["fetched", "session"],
        [],
    ]
    again = fix()
    assert (again.code, again.report["changed"], machine.reconnects) == (0, False, 1)
    assert run("detect").code == 0


def test_the_client_is_started_by_its_option_file_with_an_environment_of_windows_own(
    one: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", r"C:\evil")
    monkeypatch.setenv("DSM_CONFIG", r"C:\evil\dsm.opt")
    monkeypatch.setenv("SystemRoot", r"C:\evil")
    monkeypatch.setenv("SECRET", "not for others")
    assert fix().code == 0
    (client,) = one.endpoint.runs
    assert client.arguments == ["query", "session", rf"-optfile={one.ba}\dsm.opt"]
    assert (client.input, Path(client.directory)) == ("null", one.ba)
    assert client.environment["SYSTEMROOT"].lower() == r"c:\windows"
    assert "evil" not in str(client.environment) and "SECRET" not in client.environment


def test_a_rollback_brings_back_what_the_fix_took_away(one: Machine) -> None:
    before = seen(one.ba)
    assert fix().code == 0
    assert run("backups").report["backups"][0]["intact"] is True
    answer = run("rollback", "--yes")
    assert (answer.code, answer.report["outcome"]) == (0, "rolled-back")
    assert seen(one.ba) == before


def test_a_whole_store_is_made_anew_by_the_client(one: Machine) -> None:
    answer = fix("--whole-store")
    assert (answer.code, answer.report["outcome"]) == (0, "changed")
    assert list(slots(one.ba)) == [LABEL.format("TSM01")]
    assert gskit.certificates(one.ba / "dsmcert.kdb") == dict(one.trusted("TSM01"))


def test_a_strict_node_is_as_before_and_the_administrators_command_is_told(one: Machine) -> None:
    one.server("TSM01").update_node("PC1_TSM01", "STRICT")
    before = seen(one.ba)
    answer = fix()
    assert (answer.code, answer.report["outcome"], answer.report["changed"]) == (21, "rolled-back", False)
    assert seen(one.ba) == before
    assert "UPDATE NODE PC1_TSM01 SESSIONSECURITY=TRANSITIONAL" in answer.store(one.ba)["problem"]["hint"]
    assert one.sessions("TSM01") == ["refused"]


def test_nothing_is_touched_when_the_server_is_down(one: Machine) -> None:
    one.server("TSM01").stop()
    before = seen(one.ba)
    answer = fix("--server", "TSM01")
    assert (answer.code, answer.report["outcome"], answer.problem) == (16, "unchanged", "server-refused")
    assert (seen(one.ba), one.reconnects) == (before, 0)


@pytest.mark.parametrize("share", [0, files.SHARE_READ | files.SHARE_WRITE])
def test_a_key_database_that_another_program_holds_is_busy(one: Machine, share: int) -> None:
    before = seen(one.ba)
    with files.holding(str(one.ba / "dsmcert.kdb"), files.READ_DATA, share):
        answer = fix()
    assert (answer.code, answer.report["outcome"], answer.problem) == (11, "unchanged", "file-in-use")
    assert (seen(one.ba), one.reconnects) == (before, 0)


def test_a_file_that_is_let_go_of_in_time_is_waited_for(one: Machine) -> None:
    handle = files.opened(str(one.ba / "dsmcert.kdb"), files.READ_DATA, files.SHARE_READ | files.SHARE_WRITE)
    from dsmcertfix.system.win32.calls import close

    def let_go() -> None:
        deadline = time.monotonic() + 60
        while not list(STATE.glob("runs/*/stores/*/backup/manifest.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        close(handle)

    holder = threading.Thread(target=let_go)
    holder.start()
    answer = fix("--engine", "native")
    holder.join()
    assert (answer.code, answer.report["outcome"]) == (0, "changed")


def test_a_key_program_that_hangs_is_ended_and_the_native_writer_does_its_work(one: Machine) -> None:
    one.endpoint.misbehave(gsk8capicmd="hang")
    answer = fix("--timeout", "30")
    assert (answer.code, answer.report["outcome"]) == (0, "changed")
    (note,) = answer.notes("delete-label")
    assert "did not finish" in note and note.endswith("done by native")
    assert not [name for name in _running() if name.lower() == "gsk8capicmd_64.exe"]


def test_a_client_that_hangs_is_ended_and_everything_is_as_before(one: Machine) -> None:
    one.endpoint.misbehave(dsmc="hang")
    before = seen(one.ba)
    answer = fix("--timeout", "15", "--engine", "native")
    assert (answer.code, answer.report["outcome"], answer.problem) == (21, "rolled-back", "client-timed-out")
    assert seen(one.ba) == before
    assert not [name for name in _running() if name.lower() == "dsmc.exe"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGBREAK, 143)])
def test_ctrl_c_and_ctrl_break_while_the_client_is_waited_for_put_everything_back(
    one: Machine, number: signal.Signals, code: int
) -> None:
    one.endpoint.misbehave(dsmc="hang")
    before = seen(one.ba)

    def interrupt() -> None:
        deadline = time.monotonic() + 60
        while one.reconnects == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        signal.raise_signal(number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    answer = fix("--timeout", "60", "--engine", "native")
    thread.join()
    assert (answer.code, answer.report["outcome"]) == (code, "rolled-back")
    assert seen(one.ba) == before


KILLED = """
import os, sys
from dsmcertfix.cli import main
from dsmcertfix.transaction.journal import Journal
append, kind, step = Journal.append, sys.argv[1], sys.argv[2]
def dying(journal, name, store=None, **data):
    event = append(journal, name, store, **data)
    if (name, data.get("step")) == (kind, step):
        os.kill(os.getpid(), 9)
    return event
Journal.append = dying
sys.argv[1:] = ["fix", "--yes", "--trust-on-first-use", "--engine", "native"]
main()
"""


def killed_at(kind: str, step: str) -> None:
    script = KILLED if step != "move-out" else KILLED.replace('"native"]', '"native", "--whole-store"]')
    killed = subprocess.run(
        [sys.executable, "-c", script, kind, step], capture_output=True, text=True, check=False
    )
    assert killed.returncode == 9, killed.stderr
    assert run("detect").code == 31


@pytest.mark.parametrize(
    ("kind", "step"), [("step-started", "swap"), ("step-done", "swap"), ("step-done", "move-out")]
)
def test_a_killed_run_is_recovered_to_what_was_before(one: Machine, kind: str, step: str) -> None:
    before = seen(one.ba)
    killed_at(kind, step)
    answer = run("recover")
    assert (answer.code, answer.report["outcome"]) == (0, "rolled-back")
    assert seen(one.ba) == before
    if step == "swap":
        assert fix("--no-reconnect").code == 0


def test_a_run_that_is_killed_after_its_session_is_finished(one: Machine) -> None:
    killed_at("step-done", "reconnect")
    answer = run("recover")
    assert (answer.code, answer.report["outcome"]) == (0, "changed")
    assert gskit.certificates(one.ba / "dsmcert.kdb") == dict(one.trusted("TSM01"))
    assert run("detect").code == 0
    # The node is STRICT now: with the old set back it would have been locked out.
    assert run("fix", "--yes", "--trust-on-first-use").report["changed"] is False


def test_another_run_makes_it_busy(one: Machine) -> None:
    from dsmcertfix.system.host import Limits, open_host

    with open_host().alone(Limits()):
        assert (fix().code, fix().problem) == (11, "another-run")


def test_api_applications_get_the_certificate_that_the_client_has_proved(one: Machine) -> None:
    api = one.endpoint.add_api()
    one.endpoint.option_file(one.server("TSM01"), node="PC1_SQL", directory=api)
    stale = one.endpoint.store(api, certificates=[(LABEL.format("TSM01"), _certificate(one.ba))])
    answer = fix()
    assert (answer.code, answer.store(stale)["outcome"]) == (0, "changed")
    assert gskit.certificates(stale / "dsmcert.kdb") == dict(one.trusted("TSM01"))
    assert one.reconnects == 1


def test_a_certificate_that_was_handed_over_is_trusted_without_a_fetch(one: Machine, tmp_path: Path) -> None:
    arm = tmp_path / "cert256.arm"
    pem = one.server("TSM01").state.identity.pem.decode()
    arm.write_text(pem[pem.index("-----BEGIN CERTIFICATE") :])
    one.server("TSM01").update_node("PC1_TSM01", "STRICT")
    answer = run("trust", "--server", "TSM01", "--file", arm, "--yes")
    assert (answer.code, answer.report["outcome"], one.sessions("TSM01")) == (0, "changed", ["session"])
    assert slots(one.ba).keys() == {LABEL.format("TSM01")}


class TestOtherUsers:
    """Nobody can sign on as another user on Windows."""

    def test_the_certificate_goes_and_is_pending_until_the_users_next_session(self, machine: Machine) -> None:
        machine.option_files("TSM01")
        alice = machine.endpoint.user("alice")
        store = machine.endpoint.store(user=alice, certificates=machine.trusted("TSM01")).resolve()
        machine.server("TSM01").renew()
        assert run("detect").code == 3
        answer = fix()
        assert (answer.code, answer.store(store)["outcome"]) == (0, "changed")
        assert any("next session of alice" in note for note in answer.store(store)["notes"])
        assert (slots(store), machine.reconnects) == ({}, 0)
        pending = run("detect")
        assert (pending.code, pending.statuses(store)) == (0, {"": "pending"})
        assert machine.endpoint.dsmc("query", "session", user=alice).returncode == 0
        assert run("detect").statuses(store) == {LABEL.format("TSM01"): "ok"}

    def test_where_the_same_node_has_signed_on_the_proved_certificate_is_put_in(
        self, machine: Machine
    ) -> None:
        # The session made the node STRICT: nothing would be handed out to the user's client.
        machine.option_files("TSM01")
        alice = machine.endpoint.user("alice")
        machine.endpoint.store(certificates=machine.trusted("TSM01"))
        store = machine.endpoint.store(user=alice, certificates=machine.trusted("TSM01")).resolve()
        machine.server("TSM01").renew()
        answer = fix()
        assert (answer.code, answer.store(store)["outcome"]) == (0, "changed")
        assert gskit.certificates(store / "dsmcert.kdb") == dict(machine.trusted("TSM01"))
        assert machine.endpoint.dsmc("query", "session", user=alice).returncode == 0

    def test_while_the_machines_store_is_held_the_users_keeps_its_certificate_and_both_follow_later(
        self, machine: Machine
    ) -> None:
        # Pending would be for ever: the machine's session, once it comes, makes their node STRICT.
        machine.option_files("TSM01")
        alice = machine.endpoint.user("alice")
        machine.endpoint.store(certificates=machine.trusted("TSM01"))
        store = machine.endpoint.store(user=alice, certificates=machine.trusted("TSM01")).resolve()
        before = seen(store)
        machine.server("TSM01").renew()
        with held(machine.ba / "dsmcert.kdb"):
            assert run("detect").statuses(machine.ba) == {}, "a store that is held has nothing pending"
            answer = fix()
        assert (answer.code, answer.report["changed"]) == (11, False)
        assert answer.store(store)["problem"]["code"] == "certificate-not-proved"
        assert (seen(store), machine.reconnects) == (before, 0)
        assert fix().code == 0
        assert machine.endpoint.dsmc("query", "session", user=alice).returncode == 0

    def test_a_stanza_that_accepts_no_certificate_keeps_the_users_store_as_it_is(
        self, machine: Machine
    ) -> None:
        server = machine.server("TSM01")
        machine.endpoint.option_file(server, node="PC1", options={"SSLACCEPTCERTFROMSERV": "No"})
        alice = machine.endpoint.user("alice")
        store = machine.endpoint.store(user=alice, certificates=machine.trusted("TSM01")).resolve()
        before = seen(store)
        server.renew()
        answer = fix()
        assert (answer.code, answer.problem) == (16, "acceptance-switched-off")
        assert seen(store) == before


class TestNames:
    """Blanks, umlauts, more than 260 characters, other drives; option files in every encoding."""

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
    def test_an_option_file_in_that_encoding_leads_to_its_server(
        self, machine: Machine, encoding: str
    ) -> None:
        directory = machine.ba / "Außenstelle Süd"
        file = machine.endpoint.option_file(
            machine.server("TSM01"), node="PC1", name="büro.opt", directory=directory, encoding=encoding
        )
        machine.endpoint.add_service("TSM Scheduler Büro", option_file=file)
        machine.endpoint.store(certificates=machine.trusted("TSM01"))
        machine.server("TSM01").renew()
        answer = fix("--engine", "native")
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert machine.endpoint.runs[-1].arguments[-1] == f"-optfile={file}"

    def test_a_client_on_another_drive_in_a_directory_with_blanks_and_umlauts(self) -> None:
        place = Path(r"D:\Prögramme (x64)\Tivoli Größe\baclient")
        with WindowsEndpoint(ba_directory=place) as endpoint, no_state(), Server("TSM01") as server:
            endpoint.option_file(server, node="PC1")
            store = endpoint.store(certificates=[endpoint.trusted("TSM01", server)])
            server.renew()
            answer = fix()
            assert (answer.code, answer.store(store)["outcome"]) == (0, "changed")
            assert gskit.certificates(store / "dsmcert.kdb") == dict([endpoint.trusted("TSM01", server)])

    def test_a_store_below_more_than_260_characters(self, machine: Machine) -> None:
        machine.option_files("TSM01")
        long = machine.ba
        for number in range(6):
            long = long / f"{number} ein langer Name mit Ümlauten und Leerzeichen, fünfzig"
        assert len(str(long)) > 300
        Path(files.extended(str(long))).mkdir(parents=True)
        made = machine.endpoint.store(machine.ba / "short", certificates=machine.trusted("TSM01"))
        for file in made.iterdir():
            file.replace(files.extended(str(long / file.name)))
        machine.server("TSM01").renew()
        assert run("inspect", "--store", long).code == 0
        answer = fix("--store", long, "--label", LABEL.format("TSM01"), "--no-reconnect")
        assert (answer.code, answer.store(long)["outcome"], slots(long)) == (0, "changed", {})
        assert (run("rollback", "--yes").code, list(slots(long))) == (0, [LABEL.format("TSM01")])


def test_text_for_people_names_paths_as_windows_writes_them(one: Machine) -> None:
    answer = text("detect")
    assert answer.code == 3
    assert str(one.ba) in answer.stdout and "\\\\?\\" not in answer.stdout


def test_explain_reads_the_clients_error_log(one: Machine) -> None:
    assert one.endpoint.dsmc("query", "session", DSM_LOG=str(one.ba)).returncode == 12
    answer = run("explain")
    assert answer.code == 0
    assert [item["code"] for item in answer.report["explanations"]] == ["ANS1592E"]


def _certificate(store: Path) -> bytes:
    (found,) = gskit.certificates(store / "dsmcert.kdb").values()
    return found


def _running() -> list[str]:
    from dsmcertfix.system.win32 import processes

    return [name for _, name in processes.running()]
