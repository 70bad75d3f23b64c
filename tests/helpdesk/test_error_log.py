"""What is read out of the client's error logs, and which logs are found."""

from __future__ import annotations

import os
import random
import tempfile
from datetime import datetime
from pathlib import Path

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine
from tests.shown import not_shown

from dsmbench.runtime import runtime
from dsmcertfix.ibm.client import error_logs
from dsmcertfix.ibm.client.error_logs import read

NOW = datetime(2026, 4, 10, 12, 0, 0)
FAILED = "ANS1592E Failed to initialize SSL protocol.\n"
KEEPS_ANY_TIME = Path("/dev/shm")
AS_ROOT = os.geteuid() == 0


def times(text: str | bytes, modified: datetime = NOW, *, cut: bool = False) -> list[str | None]:
    data = text if isinstance(text, bytes) else text.encode("latin-1")
    return [item.at.isoformat() if item.at else None for item in read(data, modified=modified, cut=cut)]


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("04/09/2026 10:11:12", "2026-04-09T10:11:12"),
        ("25/03/2026 10:11:12", "2026-03-25T10:11:12"),
        ("09-04-2026 10:11:12", "2026-04-09T10:11:12"),
        ("2026-04-09 10:11:12", "2026-04-09T10:11:12"),
        ("09.04.2026 10:11:12", "2026-04-09T10:11:12"),
        ("2026.04.09 10.11.12", "2026-04-09T10:11:12"),
        ("2026/04/09 10,11,12", "2026-04-09T10:11:12"),
        ("04/09/26 10:11:12", "2026-04-09T10:11:12"),
        ("04/09/2026 10:11:12PM", "2026-04-09T22:11:12"),
        ("04/09/2026 12:11:12 A", "2026-04-09T00:11:12"),
        ("99/99/2026 10:11:12", None),
        ("", None),
    ],
)
def test_the_time_is_read_in_every_form_of_dateformat_and_timeformat(written: str, at: str | None) -> None:
    assert times(f"{written} {FAILED}") == [at]


def test_the_file_s_own_time_tells_whether_the_day_or_the_month_comes_first() -> None:
    line = f"03/04/2026 10:00:00 {FAILED}"
    assert times(line, datetime(2026, 4, 3, 10, 0, 5)) == ["2026-04-03T10:00:00"]
    assert times(line, datetime(2026, 3, 4, 10, 0, 5)) == ["2026-03-04T10:00:00"]


def test_another_line_of_the_log_tells_whether_the_day_or_the_month_comes_first() -> None:
    text = f"25/02/2026 10:00:00 nothing\n03/04/2026 10:00:00 {FAILED}"
    assert times(text, datetime(2026, 3, 4)) == ["2026-04-03T10:00:00"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "cp932"]
)
def test_a_log_is_read_in_every_encoding(encoding: str) -> None:
    text = "04/09/2026 10:11:12 ANS1592E Échec de l'initialisation du protocole SSL.\n"
    data = (text if encoding != "cp932" else text.replace("É", "初")).encode(encoding)
    (found,) = read(data, modified=NOW)
    assert found.code == "ANS1592E" and found.at == datetime(2026, 4, 9, 10, 11, 12)
    assert encoding == "cp932" or "Échec" in found.line


def test_an_end_that_was_cut_out_of_a_log_loses_only_its_first_line() -> None:
    text = f"026 10:00:00 {FAILED}04/09/2026 10:11:12 {FAILED}"
    assert times(text, cut=True) == ["2026-04-09T10:11:12"]


@pytest.mark.parametrize(
    "noise", [b"", b"\0", b"\xff\xfe", random.Random(1).randbytes(5000), b"9" * 5000, b"\n" * 5000]
)
def test_no_content_is_a_failure(noise: bytes) -> None:
    read(noise, modified=NOW)
    read(noise, modified=NOW, cut=True)


def test_a_password_in_a_line_is_not_shown_and_a_long_line_only_in_part() -> None:
    (found, _) = read(b"ANS1017E dsmc -password=hunter2 x\nANS1017E " + b"y" * 9000, modified=NOW)
    assert "hunter2" not in found.line and "***" in found.line
    assert len(read(b"ANS1017E " + b"y" * 9000, modified=NOW)[0].line) <= 300


@pytest.mark.parametrize("modified", [datetime.min, datetime.max])
def test_no_time_of_the_file_is_a_failure(modified: datetime) -> None:
    assert len(times(f"03/04/2026 10:00:00 {FAILED}", modified)) == 1


MADE_UP = (2.0**40, 2.0**62, float(2**63 - 1), 253402300800.0, -1.0, -(2.0**31), -(2.0**40), -(2.0**62))


@pytest.mark.parametrize("modified_s", MADE_UP)
def test_a_time_of_a_file_that_its_owner_made_up_is_the_nearest_that_a_clock_may_show(
    modified_s: float,
) -> None:
    assert error_logs.local_time(modified_s) == error_logs.local_time(4102444800 if modified_s > 0 else 0)


def test_the_time_of_a_file_is_its_own() -> None:
    assert error_logs.local_time(1_775_822_400.5) == datetime.fromtimestamp(1_775_822_400.5)


# --- on a machine


def log(path: Path, *lines: str, uid: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if uid is not None:
        os.chown(path, uid, uid)
    return path


def explained(machine: Machine) -> list[tuple[str, str, str]]:
    told = machine.run("explain").report["explanations"]
    return [(item["code"], item["at"], Path(item["log"]).name) for item in told]


def test_what_the_client_logged_is_explained_newest_first_with_stanza_and_user(machine: Machine) -> None:
    machine.stanzas("TSMB", options={"ERRORLOGName": "/var/log/tsm/b.log"})
    log(machine.ba / "dsmerror.log", "04/01/2026 08:00:00 ANS1017E x", "04/03/2026 08:00:00 ANS1592E x")
    log(
        machine.root / "var/log/tsm/b.log", "04/02/2026 08:00:00 ANS2050E x", "04/02/2026 09:00:00 ANS2050E x"
    )
    answer = machine.run("explain")
    assert explained(machine) == [
        ("ANS1592E", "2026-04-03T08:00:00", "dsmerror.log"),
        ("ANS2050E", "2026-04-02T09:00:00", "b.log"),
        ("ANS1017E", "2026-04-01T08:00:00", "dsmerror.log"),
    ]
    second = answer.report["explanations"][1]
    assert (second["stanzas"], second["count"], second["user"]) == (["TSMB"], 2, "root")
    assert "dsmc query session -se=TSMB" in second["advice"]
    assert "ANS1592E" in answer.report["comment"]
    shown = machine.text("explain").stdout
    assert "last seen: 2026-04-02 09:00:00, 2 times" in shown and "stanza TSMB" in shown


def test_what_the_played_client_really_logs_is_found(machine: Machine) -> None:
    machine.renew("TSMA")
    assert machine.endpoint.dsmc("query", "session", "-se=TSMA").returncode != 0
    assert "ANS1592E" in [code for code, _, _ in explained(machine)]


@pytest.mark.parametrize(
    "name",
    [
        "dsmerror.log.1",
        "dsmerror.log.bak",
        "dsmerror.log.old",
        "dsmerror.pru",
        "dsmerlog.pru",
        "dsierror.log",
    ],
)
def test_earlier_logs_and_the_api_s_log_are_read_too(machine: Machine, name: str) -> None:
    log(machine.ba / name, "04/01/2026 08:00:00 ANS1592E x")
    assert explained(machine) == [("ANS1592E", "2026-04-01T08:00:00", name)]


def test_logs_are_found_by_dsm_log_of_a_service_and_in_homes(machine: Machine) -> None:
    machine.endpoint.add_unit(DSM_LOG="/var/log/unit")
    user = machine.endpoint.user("alice")
    log(machine.root / "var/log/unit/dsmerror.log", "04/02/2026 08:00:00 ANS1592E x")
    log(user.home / "dsmerror.log", "04/01/2026 08:00:00 ANS1353E x", uid=user.uid if AS_ROOT else None)
    assert [code for code, _, _ in explained(machine)] == ["ANS1592E", "ANS1353E"]


def test_a_log_that_wraps_in_itself_is_sorted_by_time(machine: Machine) -> None:
    lines = ("04/05/2026 08:00:00 ANS1592E new", "END OF DATA", "04/01/2026 08:00:00 ANS1592E old")
    log(machine.ba / "dsmerror.log", *lines)
    (told,) = machine.run("explain").report["explanations"]
    assert told["at"] == "2026-04-05T08:00:00" and told["count"] == 2 and "new" in told["line"]


@pytest.mark.parametrize("day", ["0100-01-01", "9999-12-31"])
def test_no_time_in_a_log_keeps_it_from_being_explained(machine: Machine, day: str) -> None:
    log(machine.ba / "dsmerror.log", f"{day} 00:00:00 {FAILED}")
    answer = machine.run("explain")
    assert (answer.code, answer.report["comment"].split(":")[0]) == (0, f"last ({day} 00")


def test_other_codes_are_counted_and_not_explained(machine: Machine) -> None:
    log(
        machine.ba / "dsmerror.log",
        "04/01/2026 08:00:00 ANS4037E x changed",
        "04/02/2026 08:00:00 ANS1592E x",
    )
    answer = machine.run("explain")
    assert len(answer.report["explanations"]) == 1
    assert any("1 other codes" in line for line in answer.report["warnings"])


def test_a_log_without_anything_about_sessions_is_no_failure(machine: Machine) -> None:
    log(machine.ba / "dsmerror.log", "nothing here")
    answer = machine.run("explain")
    assert answer.code == 0 and "nothing about certificates" in answer.report["comment"]


def test_without_a_log_the_answer_says_where_to_look(machine: Machine) -> None:
    answer = machine.run("explain")
    assert answer.code == 10 and answer.problem == "error-log-not-found"


def test_a_log_that_is_a_directory_or_a_fifo_is_passed_over_with_a_word(machine: Machine) -> None:
    (machine.ba / "dsmerror.log").mkdir()
    os.mkfifo(machine.ba / "dsierror.log")
    log(machine.ba / "dsmerlog.pru", "04/02/2026 08:00:00 ANS1592E x")
    answer = machine.run("explain")
    assert len(answer.report["explanations"]) == 1
    assert sum("not a regular file" in line for line in answer.report["warnings"]) == 2


def test_only_the_end_of_a_huge_log_is_read(machine: Machine) -> None:
    path = log(machine.ba / "dsmerror.log", "04/01/2026 08:00:00 ANS1353E x")
    with path.open("r+b") as file:
        file.seek(3 * error_logs.LARGEST)
        file.write(b"\n04/02/2026 08:00:00 ANS1592E x\n")
    assert [code for code, _, _ in explained(machine)] == ["ANS1592E"]


@pytest.mark.parametrize("modified_s", [2**40, -1, -(2**40)])
def test_no_time_that_a_user_gives_a_log_keeps_root_from_reading_all_of_them(
    make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch, modified_s: int
) -> None:
    if not KEEPS_ANY_TIME.is_dir():
        not_shown("a file system that keeps every time of a file: there is no /dev/shm")
    runtime()  # what the bench keeps for all tests is elsewhere
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(KEEPS_ANY_TIME))
        machine = make_machine()
    user = machine.endpoint.user("mallory")
    log(machine.ba / "dsmerror.log", f"04/02/2026 08:00:00 {FAILED}")
    own = log(user.home / "dsmerror.log", "03/04/2026 08:00:00 ANS1353E x", uid=user.uid if AS_ROOT else None)
    os.utime(own, (modified_s, modified_s))
    assert own.stat().st_mtime == modified_s
    assert sorted(code for code, _, _ in explained(machine)) == ["ANS1353E", "ANS1592E"]
    assert machine.run("support-bundle", "--yes", "--output", machine.directory / "b.zip").code == 0


def test_a_user_s_link_leads_root_to_nobody_else_s_file(make_machine: MakeMachine) -> None:
    if not AS_ROOT:
        not_shown("whether root follows a user's link: this is not root")
    machine = make_machine()
    user = machine.endpoint.user("mallory")
    secret = log(machine.root / "etc/secret", "04/02/2026 08:00:00 ANS1592E root's")
    (user.home / "dsmerror.log").symlink_to("/etc/secret")
    os.lchown(user.home / "dsmerror.log", user.uid, user.gid)
    answer = machine.run("explain")
    assert answer.code == 10 and "root's" not in answer.stdout and secret.exists()
    assert "/etc/secret" in str(answer.report["problem"]["context"])


def test_a_user_s_option_file_names_no_log_of_somebody_else(make_machine: MakeMachine) -> None:
    if not AS_ROOT:
        not_shown("whether root follows a user's option file: this is not root")
    machine = make_machine()
    user = machine.endpoint.user("mallory")
    log(machine.root / "etc/secret.log", "04/02/2026 08:00:00 ANS1592E root's")
    own = machine.endpoint.system_options("servername X\nerrorlogname /etc/secret.log\n", user.home / "tsm")
    for path in (own, own.parent):
        os.chown(path, user.uid, user.gid)
    machine.endpoint.add_unit(DSM_DIR=f"/{own.parent.relative_to(machine.root)}")
    answer = machine.run("explain")
    assert answer.code == 10 and "root's" not in answer.stdout
