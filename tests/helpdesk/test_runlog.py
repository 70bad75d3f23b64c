"""The log of what was changed: what stands in it, where it goes, and that it is in nobody's way."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine
from tests.shown import not_shown

from dsmcertfix.cli import context
from dsmcertfix.commands.log import CHANGING
from dsmcertfix.system.log_file import KEPT, LogFile, log_files
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.system_log import SystemLog

LINE = re.compile(
    r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING|ERROR) +"
    r"run=(\S+) command=(\S+) event=(\S+).* \"(.*)\"\Z"
)


def log_of(machine: Machine) -> Path:
    return machine.state / "log" / "dsmcertfix.log"


def lines_of(machine: Machine) -> list[str]:
    return log_of(machine).read_text(encoding="ascii").splitlines()


def events_of(lines: list[str]) -> list[str]:
    matches = [LINE.match(line) for line in lines]
    assert all(matches), lines
    return [match[4] for match in matches if match]


def test_the_commands_that_log_are_known_alike_to_the_door_and_to_the_log() -> None:
    assert set(context._CHANGING) == CHANGING


def test_a_fix_logs_one_line_a_step_each_with_the_run(machine: Machine) -> None:
    machine.renew("TSMA")
    answer = machine.fix()
    lines = lines_of(machine)
    done = [step for step in answer.report["steps"] if step["state"] == "done"]
    assert [event for event in events_of(lines) if event == "step-done"] == ["step-done"] * len(done)
    assert {match[2] for line in lines if (match := LINE.match(line))} == {answer.report["run"]}
    assert events_of(lines)[0] == "run-started" and events_of(lines)[-1] == "ended"
    assert "outcome=changed exit_code=0" in lines[-1]
    assert answer.report["log"] == str(log_of(machine))
    assert all(f"directory={machine.ba}" in line for line in lines if "event=step-done" in line)


def test_a_failed_fix_logs_the_error_the_undo_and_the_advice(machine: Machine) -> None:
    machine.renew("TSMA")
    machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
    machine.fix()
    lines = lines_of(machine)
    assert {"step-failed", "undo-started", "undo-done"} <= set(events_of(lines))
    (failed,) = (line for line in lines if "event=step-failed" in line)
    assert " ERROR " in failed and "code=client-not-connected" in failed
    assert "SESSIONSECURITY=TRANSITIONAL" in failed
    assert "exit_code=21" in lines[-1] and " ERROR " in lines[-1]


def test_rollback_and_prune_log_too_and_every_run_has_its_own_id(machine: Machine) -> None:
    machine.renew("TSMA")
    machine.fix()
    machine.run("rollback", "--yes")
    machine.renew("TSMA")
    machine.fix()
    machine.run("prune", "--keep", "1", "--yes")
    lines = lines_of(machine)
    assert {match[3] for line in lines if (match := LINE.match(line))} == {"fix", "rollback", "prune"}
    assert len({match[2] for line in lines if (match := LINE.match(line))} - {"-"}) == 3


def test_with_verbose_the_same_lines_are_on_standard_error(machine: Machine) -> None:
    machine.renew("TSMA")
    shown = machine.text("--verbose", "fix", "--yes", "--trust-on-first-use")
    for line in lines_of(machine):
        assert line in shown.stderr.splitlines()
    assert "event=" not in machine.text("--verbose", "detect").stderr


def test_the_log_is_closed_to_others(machine: Machine) -> None:
    machine.renew("TSMA")
    machine.fix()
    assert log_of(machine).stat().st_mode & 0o777 == 0o600
    assert log_of(machine).parent.stat().st_mode & 0o777 == 0o700


def test_commands_that_only_read_neither_make_nor_need_a_log(machine: Machine) -> None:
    for command in (["detect"], ["inspect"], ["locate"], ["inspect", "--store", "/nowhere"], ["explain"]):
        machine.run(*command)
    assert not machine.state.exists()


def test_errors_of_commands_that_only_read_are_logged_where_a_log_is_kept(machine: Machine) -> None:
    machine.renew("TSMA")
    machine.fix()
    before = len(lines_of(machine))
    machine.run("detect")
    assert len(lines_of(machine)) == before
    assert machine.run("inspect", "--store", "/nowhere").code == 10
    (line,) = lines_of(machine)[before:]
    assert "command=inspect" in line and "code=store-not-found" in line


def test_no_secret_reaches_the_log(machine: Machine) -> None:
    secret = b"played password"
    stash = (machine.ba / "dsmcert.sth").read_bytes()
    machine.renew("TSMA")
    machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
    machine.text("--verbose", "fix", "--yes", "--trust-on-first-use")
    machine.servers["TSMA"].update_node("NODE_TSMA", "TRANSITIONAL")
    machine.text("--verbose", "fix", "--yes", "--trust-on-first-use")
    content = log_of(machine).read_bytes()
    assert secret not in content and stash not in content and stash.hex().encode() not in content
    assert b"password of" not in content


def test_a_line_cannot_be_forged_by_what_a_store_says(machine: Machine) -> None:
    name = "TSMA\n2026-01-01T00:00:00.000Z INFO    run=forged command=fix event=ended"
    machine.run("fix", "--yes", "--trust-on-first-use", "--label", name)
    machine.renew("TSMA")
    machine.run("fix", "--yes", "--trust-on-first-use", "--server", "TSMA")
    assert not any(line.startswith("2026-01-01") for line in lines_of(machine))


@pytest.mark.parametrize("hindrance", ["directory", "link", "fifo", "file"])
def test_what_stands_in_the_way_of_the_log_does_not_disturb_a_repair(
    machine: Machine, hindrance: str
) -> None:
    path = log_of(machine)
    machine.state.mkdir(mode=0o700)
    if hindrance == "file":
        path.parent.write_text("not a directory")
    else:
        path.parent.mkdir(mode=0o700)
        victim = machine.directory / "victim"
        victim.write_text("untouched")
        {
            "directory": path.mkdir,
            "link": lambda: path.symlink_to(victim),
            "fifo": lambda: os.mkfifo(path),
        }[hindrance]()  # type: ignore[no-untyped-call]
    new = machine.renew("TSMA")
    answer = machine.fix()
    assert answer.code == 0 and answer.report["log"] is None
    machine.require_proved("TSMA", new)
    assert hindrance == "file" or (machine.directory / "victim").read_text() == "untouched"


def test_a_full_disk_costs_a_line_and_nothing_else(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        not_shown("a full disk: there is no /dev/full")
    log = LogFile(tmp_path / "log")
    assert log.write("one")
    handle = os.open(full, os.O_WRONLY)
    os.dup2(handle, log._handle or -1)
    os.close(handle)
    assert not log.write("lost")
    assert log.write("two")
    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_the_log_is_bounded_in_size_and_number(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = LogFile(path, largest=1000)
    for number in range(1000):
        assert log.write(f"{number:06} {'x' * 50}")
    files = log_files(path)
    assert len(files) == KEPT + 1 and files[-1] == path
    assert all(file.stat().st_size <= 1000 for file in files)
    kept = [int(line[:6]) for file in files for line in file.read_text().splitlines()]
    assert kept == list(range(kept[0], 1000))


def test_two_writers_lose_no_line_of_each_other(tmp_path: Path) -> None:
    one, other = LogFile(tmp_path / "log"), LogFile(tmp_path / "log")
    for number in range(100):
        assert one.write(f"one {number}") and other.write(f"other {number}")
    assert len((tmp_path / "log").read_text().splitlines()) == 200


# --- the system's log


class Daemon:
    """Takes what is sent to the socket at `path`, as the system's log does, while it is open."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.bind(str(path))
        except OSError as error:
            self._socket.close()
            not_shown(f"the system's log: {path} cannot be a socket ({error})")
        self._path = path
        self._thread = threading.Thread(target=self._take)
        self.entries: list[bytes] = []

    def _take(self) -> None:
        while (entry := self._socket.recv(65536)) != b"end":
            self.entries.append(entry)

    def __enter__(self) -> Daemon:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", str(self._path))
        self._thread.join()
        self._socket.close()


def test_the_journal_gets_every_line_with_its_fields(machine: Machine) -> None:
    machine.renew("TSMA")
    with (
        Daemon(machine.root / "run/systemd/journal/socket") as journal,
        Daemon(machine.root / "dev/log") as log,
    ):
        answer = machine.fix()
    entries = [dict(line.split(b"=", 1) for line in entry.splitlines()) for entry in journal.entries]
    assert log.entries == []
    assert len(entries) == len(lines_of(machine))
    assert {entry[b"DSMCERTFIX_RUN"].decode() for entry in entries} == {answer.report["run"]}
    assert {entry[b"SYSLOG_IDENTIFIER"] for entry in entries} == {b"dsmcertfix"}
    assert entries[-1][b"DSMCERTFIX_EXIT_CODE"] == b"0" and entries[-1][b"PRIORITY"] == b"6"
    assert any(entry.get(b"DSMCERTFIX_STEP") == b"reconnect" for entry in entries)


def test_without_a_journal_syslog_gets_the_lines(machine: Machine) -> None:
    machine.renew("TSMA")
    with Daemon(machine.root / "dev/log") as log:
        machine.fix()
    entries = log.entries
    assert len(entries) == len(lines_of(machine))
    assert all(re.match(rb"<30>dsmcertfix\[\d+\]: run=\S+ command=fix event=", entry) for entry in entries)


def test_a_system_log_that_takes_nothing_does_not_disturb_a_repair(machine: Machine) -> None:
    new = machine.renew("TSMA")
    with Daemon(machine.root / "dev/log"):
        pass  # it ended, its socket stayed
    assert machine.fix().code == 0
    machine.require_proved("TSMA", new)


def test_a_system_log_that_hangs_holds_a_run_up_for_a_moment_only(tmp_path: Path) -> None:
    root = Path(os.path.realpath(tmp_path))
    (root / "dev").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hanging:
        hanging.bind(str(root / "dev/log"))
        log, began = SystemLog(UnixPlaces(root)), time.monotonic()
        assert [log.write(6, "x" * 500, {}) for _ in range(2000)][-1] is False
        assert time.monotonic() - began < 20
        log.close()


def test_without_any_system_log_nothing_is_sent(tmp_path: Path) -> None:
    assert SystemLog(UnixPlaces(tmp_path)).write(6, "lost", {}) is False


def test_a_value_of_several_lines_stays_one_value_in_the_journal(tmp_path: Path) -> None:
    root = Path(os.path.realpath(tmp_path))
    with Daemon(root / "run/systemd/journal/socket") as journal:
        log = SystemLog(UnixPlaces(root))
        assert log.write(3, "a\nPRIORITY=0", {"run": "x"})
        log.close()
    assert journal.entries[0].startswith(b"MESSAGE\n" + (12).to_bytes(8, "little") + b"a\nPRIORITY=0\n")
