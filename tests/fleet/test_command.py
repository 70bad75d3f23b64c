"""`report` and `admin-macro` as processes, on results of the bench and on whatever lies beside them."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import stat
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from scripts import made_fleet
from tests.answers import Answer, checked
from tests.endtoend.machine import Machine
from tests.fleet.made import certificate, refused, result

from dsmcertfix import budgets

LIMIT_S = 300.0


def tool(*arguments: str | Path, data: bytes | None = None, cwd: Path | None = None) -> Answer:
    done = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", *map(str, arguments)],
        input=b"" if data is None else data,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
        cwd=cwd,
    )
    answer = Answer(done.returncode, done.stdout.decode(), done.stderr.decode(), {})
    return checked(answer) if "--json" in arguments else answer


def states(answer: Answer) -> dict[str, int]:
    """The states in which there are endpoints."""
    found = answer.report["fleet"]["states"]
    return {item["state"]: item["endpoints"] for item in found if item["endpoints"]}


def write(path: Path, *values: dict[str, Any]) -> Path:
    path.write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    return path


# --- real results


def test_a_refused_node_is_found_in_its_result_and_the_macro_lets_the_repair_through(
    machine: Machine, tmp_path: Path
) -> None:
    machine.renew("TSMA")
    server = machine.servers["TSMA"]
    server.update_node("NODE_TSMA", "STRICT")
    refused_result = machine.fix()
    assert refused_result.code == 21
    (store,) = refused_result.report["stores"]
    address = refused_result.report["servers"][0]["server"]
    assert store["problem"]["session"] == {
        "stanza": "TSMA",
        "server": address,
        "node": "NODE_TSMA",
        "code": "ANS1592E",
    }
    results = tmp_path / "results"
    results.mkdir()
    (results / "first.json").write_text(refused_result.stdout, encoding="utf-8")
    assert states(tool("report", results, "--csv", tmp_path / "x.csv", "--json")) == {"rolled-back": 1}

    without = tool("admin-macro", "--from", results)
    assert without.code == 0 and "UPDATE NODE" not in without.stdout
    assert "left out: node NODE_TSMA" in without.stderr
    inventory = tmp_path / "hosts.txt"
    inventory.write_text(f"{refused_result.report['host']} nodes=NODE_TSMA\n", encoding="utf-8")
    macro = tool("admin-macro", "--from", results, "--inventory", inventory)
    assert macro.code == 0 and f"1 refused node of {address}" in macro.stderr
    (node,) = re.findall(r'^UPDATE NODE "([^"]+)" SESSIONSECURITY=TRANSITIONAL$', macro.stdout, re.MULTILINE)
    server.update_node(node, "TRANSITIONAL")

    repaired = machine.fix()
    assert repaired.code == 0
    (results / "second.json").write_text(repaired.stdout, encoding="utf-8")
    after = tool("report", results, "--csv", tmp_path / "x.csv", "--json")
    assert states(after) == {"repaired": 1} and after.report["fleet"]["results"] == 2
    again = tool("admin-macro", "--from", results)
    assert "no node was refused" in again.stderr and "UPDATE NODE" not in again.stdout


def test_what_detect_prints_in_every_json_format_can_be_collected(machine: Machine, tmp_path: Path) -> None:
    machine.renew("TSMA")
    whole, short = machine.text("detect", "--json"), machine.text("detect", "--format", "summary")
    for number, answer in enumerate((whole, short)):
        path = tmp_path / f"{number}.json"
        path.write_text(answer.stdout, encoding="utf-8")
        found = tool("report", path, "--csv", tmp_path / "x.csv", "--json")
        assert states(found) == {"needed": 1}
        assert [cause["cause"] for cause in found.report["fleet"]["causes"]] == ["certificate-replaced"]


def test_the_server_of_each_certificate_is_in_the_result(machine: Machine) -> None:
    (store,) = machine.run("detect").report["stores"]
    assert store["certificates"][0]["server"] == machine.run("detect").report["servers"][0]["server"]


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"),
        ("0099-02-03T04:05:06Z", "0099-02-03T04:05:06Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
    ],
)
def test_no_time_that_a_result_tells_keeps_the_others_from_being_reported(
    tmp_path: Path, told: str, shown: str
) -> None:
    odd = result("detect", 0, certificate(not_after=told), host="odd", at=told)
    late = (result(host=year, at=f"{year}-12-31T23:59:59-14:00") for year in ("3001", "9999"))
    write(tmp_path / "results", odd, *late, result("detect", 0, certificate(), host="well"))
    page, csv = tmp_path / "fleet.html", tmp_path / "fleet.csv"
    answer = tool("report", tmp_path / "results", "--output", page, "--csv", csv, "--json")
    assert (answer.code, states(answer)) == (0, {"healthy": 2})
    assert f"{shown[:10]} {shown[11:16]} UTC" in page.read_text(encoding="utf-8")
    (line,) = (line for line in csv.read_text(encoding="utf-8-sig").splitlines() if line.startswith("odd,"))
    assert shown in line.split(",") and shown[:10] in line.split(",")


# --- where results come from


def test_files_directories_lines_gzip_and_standard_input_are_read_together(tmp_path: Path) -> None:
    below = tmp_path / "results" / "site" / "more"
    below.mkdir(parents=True)
    write(below / "a.json", result(host="a"))
    write(tmp_path / "results" / "lines", result(host="b"), result(host="c"))
    (tmp_path / "results" / "x.gz").write_bytes(gzip.compress(json.dumps(result(host="d")).encode()))
    (tmp_path / "results" / "windows.json").write_bytes(
        json.dumps(result(host="e"), indent=2).encode("utf-16")
    )
    named = write(tmp_path / "named", result(host="f"))
    page = tmp_path / "report.html"
    data = json.dumps(result(host="g")).encode()
    answer = tool("report", tmp_path / "results", named, "-", "-o", page, "--json", data=data)
    assert answer.report["fleet"]["endpoints"] == 7 and answer.report["fleet"]["foreign"] == []
    assert answer.report["fleet"]["written"] == [str(page)]
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_damaged_and_foreign_files_are_listed_and_never_fatal(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    write(results / "good", result(host="a"))
    (results / "cut").write_text('{"schema": "dsmcert', encoding="utf-8")
    (results / "empty").write_bytes(b"")
    (results / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(4000))
    (results / "broken.gz").write_bytes(gzip.compress(b"x" * 1000)[:-9])
    write(results / "other.json", {"schema": "dsmcertfix.report/9"}, {"a": 1})
    secret = tmp_path / "secret"
    write(secret, result(host="secret"))
    (results / "link").symlink_to(secret)
    (results / "loop").symlink_to(results)
    os.mkfifo(results / "pipe")
    answer = tool("report", results, "--csv", tmp_path / "x.csv", "--json")
    found = {(Path(item["file"]).name, item["reason"]) for item in answer.report["fleet"]["foreign"]}
    assert answer.code == 0 and states(answer) == {"healthy": 1}
    assert ("link", "it is no regular file") in found and ("pipe", "it is no regular file") in found
    assert ("empty", "it is empty") in found
    assert ("other.json", "the schema dsmcertfix.report/9 is not known to this release") in found
    assert {name for name, _ in found} == {
        "cut", "empty", "picture.png", "broken.gz", "other.json", "link", "loop", "pipe",
    }  # fmt: skip
    assert answer.report["fleet"]["foreign_in_all"] >= 9


def test_what_the_command_writes_is_not_read_as_a_result_the_next_time(tmp_path: Path) -> None:
    write(tmp_path / "good", result(host="a"))
    write(tmp_path / "hosts.txt")
    (tmp_path / "hosts.txt").write_text("a\nb\n", encoding="utf-8")
    words = ("report", ".", "--inventory", "hosts.txt", "-o", "report.html", "--csv", "report.csv", "--json")
    for _ in range(2):
        answer = tool(*words, cwd=tmp_path)
        assert answer.report["fleet"]["foreign"] == []
        assert states(answer) == {"healthy": 1, "silent": 1}


# --- errors


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("report", "nowhere", "-o", "x.html"), 10, "input-not-found"),
        (("report", "good"), 2, "no-output"),
        (("report", "foreign", "-o", "x.html"), 10, "no-results"),
        (("report", "good", "-o", "nowhere/x.html"), 12, "output-not-written"),
        (("report", "good", "-o", "x.html", "--inventory", "nowhere"), 10, "input-not-found"),
        (("admin-macro", "--from", "foreign"), 10, "no-results"),
        (("admin-macro", "--from", "many"), 2, "several-servers"),
        (("admin-macro", "--from", "two", "--server", "three"), 10, "no-refused-node"),
    ],
)
def test_an_error_has_its_code_and_leaves_nothing_behind(
    tmp_path: Path, words: tuple[str, ...], code: int, problem: str
) -> None:
    write(tmp_path / "good", result(host="a"))
    (tmp_path / "foreign").write_text("nothing", encoding="utf-8")
    problems = (refused("A", server="one:1500"), refused("B", server="two:1500"))
    both = (
        result("fix", 21, host=name, outcome="rolled-back", trouble=item)
        for name, item in zip("ab", problems, strict=True)
    )
    write(tmp_path / "two", *both)
    servers = (refused(f"N{number}", server=f"s{number}:1500") for number in range(budgets.MACROS.cap + 1))
    write(
        tmp_path / "many",
        *(
            result("fix", 21, host=f"n{number}", outcome="rolled-back", trouble=item)
            for number, item in enumerate(servers)
        ),
    )
    before = sorted(os.listdir(tmp_path))
    answer = tool(*words, "--json", cwd=tmp_path)
    assert (answer.code, answer.problem) == (code, problem)
    assert sorted(os.listdir(tmp_path)) == before


def test_several_servers_have_a_macro_each(tmp_path: Path) -> None:
    servers = ("one.example.com:1500", "ONE_example.com:1500", "../../two:1500", "..")
    values = [
        result("fix", 21, host=name, outcome="rolled-back", trouble=refused(name, server=server))
        for name, server in zip("abcd", servers, strict=True)
    ]
    write(tmp_path / "results", *values)
    answer = tool("admin-macro", "--from", "results", cwd=tmp_path)
    assert answer.code == 0 and answer.stdout == ""
    written = {path.name: path.read_text(encoding="ascii") for path in tmp_path.glob("*.mac")}
    assert len(written) == 4 and len(list(tmp_path.iterdir())) == 5
    assert [sum(f'UPDATE NODE "{name}"' in text for text in written.values()) for name in "ABCD"] == [1] * 4
    assert '"A"' in written["refused-one.example.com-1500.mac"]
    assert '"C"' in written["refused-two-1500.mac"]
    named = tool("admin-macro", "--from", "results", "-o", tmp_path / "mine.txt", cwd=tmp_path)
    assert named.code == 0 and (tmp_path / "mine-one.example.com-1500.txt").exists()
    assert "run it on one.example.com:1500" in named.stderr


def test_one_of_several_servers_is_named_by_its_host_its_address_or_its_short_name(tmp_path: Path) -> None:
    found = [
        result(
            "fix",
            21,
            host=name,
            outcome="rolled-back",
            trouble=refused(name, server=f"{name}.example.com:1500"),
        )
        for name in ("one", "two")
    ]
    path = write(tmp_path / "both", *found)
    for name in ("two", "TWO.example.com", "two.example.com:1500"):
        answer = tool("admin-macro", path, "--from", path, "--server", name)
        assert answer.code == 0 and '"TWO"' in answer.stdout and '"ONE"' not in answer.stdout


def test_a_node_without_a_usable_name_is_told_on_standard_error(tmp_path: Path) -> None:
    values = [
        result("fix", 21, host="a", outcome="rolled-back", trouble=refused("A")),
        result("fix", 21, host="b", outcome="rolled-back", trouble=refused('X" HALT')),
    ]
    answer = tool("admin-macro", "--from", write(tmp_path / "x", *values), "-o", tmp_path / "refused.mac")
    assert answer.code == 0 and answer.stdout == ""
    assert "left out: node X" in answer.stderr
    text = (tmp_path / "refused.mac").read_text(encoding="ascii")
    assert '"A"' in text and "HALT" not in text


# --- a large fleet


def test_the_made_up_fleet_keeps_to_the_schema_and_is_counted_right(tmp_path: Path) -> None:
    for value in list(made_fleet.results(60)):
        checked(Answer(value["exit_code"], json.dumps(value), "", {}))
    made_fleet.write(tmp_path / "fleet", 1500)
    answer = tool(
        "report", tmp_path / "fleet", "--inventory", tmp_path / "fleet" / "inventory.txt",
        "-o", tmp_path / "report.html", "--csv", tmp_path / "report.csv", "--json",
    )  # fmt: skip
    fleet = answer.report["fleet"]
    assert fleet["results"] == 1500 and fleet["inventory"] is True
    in_all = 1500 + len(made_fleet.silent(1500))
    assert fleet["endpoints"] == in_all - len(fleet["unexpected"]) and fleet["unexpected_in_all"] == 3
    assert [item["hosts"] for item in fleet["outliers"]] == [["sin-web-000777"]]
    assert {Path(item["file"]).name for item in fleet["foreign"]} == {
        "cut-off.json",
        "newer.json",
        "notes.txt",
    }
    assert len((tmp_path / "report.csv").read_text(encoding="utf-8").splitlines()) == fleet["endpoints"] + 1


@pytest.mark.parametrize(
    ("hours", "told"),
    [((1, 23), ""), ((25, 1), "; 1 result older than a day"), ((30, 700), "; 2 results older than a day")],
)
def test_a_terminal_is_told_the_picture_in_a_few_lines(
    tmp_path: Path, hours: tuple[int, int], told: str
) -> None:
    first, other = (
        f"{datetime.now(timezone.utc) - timedelta(hours=one):%Y-%m-%dT%H:%M:%SZ}" for one in hours
    )
    needed = result("detect", 3, certificate("B", "replaced"), host="b", at=other)
    path = write(tmp_path / "x", result(host="a", at=first), needed)
    answer = tool("report", path, "-o", tmp_path / "report.html")
    assert answer.code == 0 and answer.stderr == ""
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("2 endpoints, 2 results")
    assert "          1 needed" in lines and lines[-1] == f"report: 1 of 2 endpoints in order{told}"
    assert answer.stdout.isascii()
