"""Whoever writes results: they count for their host and its nodes, never early, and cost what they weigh.

The attacker can write files into the directory where results are collected. Root's tools read them.
"""

from __future__ import annotations

import csv
import gzip
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.answers import Answer, checked
from tests.fleet.made import certificate, refused, result

LIMIT_S = 600.0
BOUND_S = 15.0
"""Processor time for one hostile file; reading takes a second, and the machine may be slow."""

ATTACKER = """
import gzip, json, pathlib, sys
directory, kind, times = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
head = {"schema": "dsmcertfix.report/1", "host": "mallory", "command": "detect", "exit_code": 3}
text = {
    "objects": lambda: "{}\\n" * times,
    "broken": lambda: "\\n{x" * times,
    "deep": lambda: "{\\"a\\":" * times,
    "stores": lambda: json.dumps(head | {"stores": [{"problem": {"code": "x", "message": "m"}}] * times}),
    "certificates": lambda: json.dumps(head | {"stores": [{"certificates": [{"status": "ok"}] * times}]}),
    "hosts": lambda: json.dumps(head) * times,
}[kind]()
(directory / "mallory.json.gz").write_bytes(gzip.compress(text.encode(), 9))
"""


def tool(*arguments: str | Path) -> Answer:
    done = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", *map(str, arguments), "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    return checked(Answer(done.returncode, done.stdout.decode(), done.stderr.decode(), {}))


def macro_of(*arguments: str | Path) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", "admin-macro", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    return done.stdout, done.stderr


def opened(macro: str) -> list[str]:
    """The nodes that the macro makes TRANSITIONAL."""
    return [line.split('"')[1] for line in macro.splitlines() if line.startswith("UPDATE NODE")]


def asks_for(host: str, *nodes: str) -> dict[str, Any]:
    """The result of a repair on that host that those nodes were refused in."""
    value = result("fix", 21, host=host, outcome="rolled-back")
    value["stores"] = [{**value["stores"][0], "problem": refused(node)} for node in nodes]
    return value


@pytest.fixture
def results(tmp_path: Path) -> Path:
    made = tmp_path / "results"
    made.mkdir()
    return made


def put(results: Path, *values: dict[str, Any]) -> None:
    for number, value in enumerate(values):
        (results / f"{value['host']}-{number}.json").write_text(json.dumps(value), encoding="utf-8")


# --- foreign nodes


def test_one_result_opens_no_node_of_others(results: Path) -> None:
    put(results, asks_for("mallory", "MALLORY", "DB01", "MAIL01", "FILE01", "DC01"), asks_for("db02", "DB02"))
    macro, told = macro_of("--from", results)
    assert opened(macro) == ["DB02", "MALLORY"]
    assert "LOOK FIRST: no inventory was given" in macro
    assert "/* asked for by the result of mallory */" in macro
    for node in ("DB01", "MAIL01", "FILE01", "DC01"):
        assert f"left out: node {node} of tsm01.example.com:1500 on mallory" in told


@pytest.mark.parametrize("host", ["PROD", "prod.example.com", "*", "PROD-DB", "prod-db*"])
def test_no_name_of_a_host_stands_for_many_nodes(results: Path, host: str) -> None:
    put(results, {**asks_for("x", "PROD-DB1", "PROD_DB2", "PROD.DB3", "PROD-DB"), "host": host})
    macro, _ = macro_of("--from", results)
    assert opened(macro) == (["PROD-DB"] if host == "PROD-DB" else [])


def test_with_an_inventory_its_nodes_are_opened_and_no_others(results: Path, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.csv"
    inventory.write_text("host,site,nodes\ndb02,ber,DB02 DB02_SQL\nweb01,ber,\n", encoding="utf-8")
    put(
        results,
        asks_for("db02", "DB02", "DB02_SQL", "DC01"),
        asks_for("web01", "WEB01", "FILE01"),
        asks_for("dc01", "DC01"),
    )
    macro, told = macro_of("--from", results, "--inventory", inventory)
    assert opened(macro) == ["DB02", "DB02_SQL", "WEB01"] and "LOOK FIRST" not in macro
    assert told.count("left out: node DC01") == 2 and "left out: node FILE01" in told
    assert "the inventory does not have this host" in told
    assert "not in the inventory, not counted: dc01" in told


def test_hosts_that_were_made_up_outvote_nobody(results: Path, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.txt"
    real = [f"host{number}" for number in range(30)]
    inventory.write_text("\n".join(real), encoding="utf-8")
    put(results, *(result("detect", 0, certificate("A"), host=host, presented=["A"]) for host in real[1:]))
    put(results, result("detect", 0, certificate("B"), host=real[0], presented=["B"]))
    crowd = (result("detect", 0, certificate("B"), host=f"x{n}", presented=["B"]) for n in range(300))
    (results / "crowd").write_text("\n".join(map(json.dumps, crowd)), encoding="utf-8")
    answer = tool("report", results, "--inventory", inventory, "--csv", tmp_path / "x.csv")
    fleet = answer.report["fleet"]
    assert fleet["endpoints"] == 30 and fleet["unexpected_in_all"] == 300
    assert [(item["standing"], item["hosts"]) for item in fleet["outliers"]] == [("only-here", ["host0"])]


# --- the future


def test_a_result_from_the_future_repairs_nothing(results: Path, tmp_path: Path) -> None:
    put(results, result("fix", 30, host="db01", outcome="broken"))
    put(results, result("fix", 0, host="DB01", outcome="changed", at="2099-01-01T00:00:00Z"))
    run: Any = {"at": None, "run": "20990101T000000Z-abcdef"}
    (results / "run").write_text(json.dumps(result("detect", 0, host="db01", **run)), encoding="utf-8")
    answer = tool("report", results, "--csv", tmp_path / "x.csv")
    states = {item["state"]: item["endpoints"] for item in answer.report["fleet"]["states"]}
    assert (states["broken"], states["repaired"], states["healthy"]) == (1, 0, 0)
    told = [item["reason"] for item in answer.report["fleet"]["foreign"]]
    assert len(told) == 2 and all("made in the future" in reason for reason in told)


# --- work


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        ("objects", 12_000_000),
        ("broken", 8_000_000),
        ("deep", 7_000_000),
        ("stores", 400_000),
        ("certificates", 2_000_000),
        ("hosts", 400_000),
    ],
)
def test_a_small_file_makes_little_work_and_hides_nobody(
    results: Path, tmp_path: Path, kind: str, times: int
) -> None:
    put(results, result("detect", 0, certificate(), host="honest"), result("detect", 0, host="zoe"))
    subprocess.run([sys.executable, "-c", ATTACKER, results, kind, str(times)], check=True)
    assert (results / "mallory.json.gz").stat().st_size < 150_000
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = tool("report", results, "--csv", tmp_path / "x.csv", "-o", tmp_path / "x.html")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < BOUND_S
    assert any(Path(item["file"]).name == "mallory.json.gz" for item in answer.report["fleet"]["foreign"])
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        assert {"honest", "zoe"} <= {row["host"] for row in csv.DictReader(file)}


def test_files_that_compress_well_because_they_are_honest_are_read(results: Path, tmp_path: Path) -> None:
    many = "\n".join(json.dumps(result(host=f"h{number}", indent=2)) for number in range(3000))
    (results / "all.gz").write_bytes(gzip.compress(many.encode(), 9))
    answer = tool("report", results, "--csv", tmp_path / "x.csv")
    assert answer.report["fleet"]["endpoints"] == 3000 and answer.report["fleet"]["foreign"] == []


# --- where it is read


@pytest.mark.parametrize("between", [";", ",", "\t", '";"', "; ", ";'", "|", "\r\n", ";\u202e"])
@pytest.mark.parametrize("formula", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "\uff1d1"])
def test_no_cell_of_a_spreadsheet_is_a_formula_whatever_separates_its_cells(
    results: Path, tmp_path: Path, between: str, formula: str
) -> None:
    put(results, result(host="a", comment=f"x{between}{formula}"))
    tool("report", results, "--csv", tmp_path / "x.csv")
    text = (tmp_path / "x.csv").read_text(encoding="utf-8-sig")
    for separator in ",;\t|:":
        for row in csv.reader(text.splitlines(), delimiter=separator):
            for cell in row:
                assert not cell.strip(" \"'").startswith(formula) or "'" in cell[: cell.index(formula)], cell


def test_nothing_in_a_result_reaches_a_terminal_as_a_command(results: Path, tmp_path: Path) -> None:
    evil = "\x1b]0;x\x07\x9b2J\u202e\u2066\u200b"
    value = result("fix", 21, host=f"a{evil}", outcome="rolled-back", comment=evil)
    value["problem"] = {"code": f"x{evil}", "message": evil, "session": None}
    put(results, {**value, "host": "plain"})
    (results / "second").write_text(json.dumps(value), encoding="utf-8")
    (results / f"third{evil}").write_text("damaged", encoding="utf-8")
    words = ("report", results, "--csv", tmp_path / "x.csv", "-o", tmp_path / "x.html")
    done = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", *map(str, words)], capture_output=True, check=True, text=True
    )
    files = [(tmp_path / name).read_text(encoding="utf-8-sig") for name in ("x.csv", "x.html")]
    for text in (done.stdout, done.stderr, *files):
        assert not [char for char in text if not char.isprintable() and char not in "\n\t"]
