"""`forecast` as a process: its files, its exit codes, and what it does not read."""

from __future__ import annotations

import csv
import json
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.authorities import Made, may_sign
from tests.fleet.made import certificate, result
from tests.fleet.test_command import tool, write

from dsmbench.identity import Identity

NOW = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
NEW = Identity.make()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Three endpoints: one staged, one not, one silent; and the new certificate."""
    (tmp_path / "new.arm").write_bytes(NEW.arm)
    staged = result("detect", 0, certificate("A"), certificate(NEW.sha256, "superseded"), host="web1", at=NOW)
    write(tmp_path / "results", staged, result("detect", 0, certificate("A"), host="web2", at=NOW))
    (tmp_path / "hosts.txt").write_text("web1\nweb2\nweb3\n", encoding="utf-8")
    (tmp_path / "nodes.csv").write_bytes("WEB1,Strict,web1\nWEB2,Strict,web2\n".encode("utf-16"))
    return tmp_path


def _pem(made: Made) -> bytes:
    return ssl.DER_cert_to_PEM_cert(made.stored().der).encode("ascii")


def forecast(site: Path, *words: str, code: int = 0) -> dict[str, Any]:
    given = ("results", "--server", "TSM01", "--certificate", "new.arm")
    answer = tool("forecast", *given, *words, "--json", cwd=site)
    assert answer.code == code, answer.report["comment"]
    return dict(answer.report)


def test_the_verdict_stands_last_and_the_json_has_the_numbers(site: Path) -> None:
    words = ("results", "--server", "TSM01", "--certificate", "new.arm", "--inventory", "hosts.txt")
    answer = tool("forecast", *words, "--nodes", "nodes.csv", cwd=site)
    verdict = "Switching TSM01 today would refuse 2 of 3 endpoints (1 silent, 1 STRICT)."
    assert answer.code == 0 and answer.stdout.splitlines()[-1] == f"forecast: {verdict}"
    told = forecast(site, "--inventory", "hosts.txt", "--nodes", "nodes.csv")["forecast"]
    assert (told["verdict"], told["sha256"], told["stores"], told["stores_ready"]) == (
        verdict,
        NEW.sha256,
        2,
        1,
    )
    assert {
        item["standing"]: item["hosts"] for item in told["standings"] if item["refused"] and item["hosts"]
    } == {
        "silent": ["web3"],
        "strict": ["web2"],
    }
    assert (told["nodes"]["listed"], told["nodes"]["ready"], told["nodes"]["to_open"]) == (2, 1, ["WEB2"])


@pytest.mark.parametrize(("gate", "code"), [("50", 0), ("50.0", 0), ("50.1", 3), ("0", 0), ("100", 3)])
def test_the_gate_ends_in_go_or_no_go(site: Path, gate: str, code: int) -> None:
    told = forecast(site, "--gate", gate, code=code)
    assert told["forecast"]["go"] is (code == 0)
    assert told["comment"].startswith("go: " if code == 0 else "no-go: ")


def test_the_csv_has_every_endpoint_and_the_list_those_to_be_opened(site: Path) -> None:
    words = ("--inventory", "hosts.txt", "--nodes", "nodes.csv", "--csv", "f.csv", "--to-open", "open.txt")
    assert forecast(site, *words, "-o", "f.html")["fleet"]["written"] == ["f.html", "f.csv", "open.txt"]
    with (site / "f.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["host"]: row for row in csv.DictReader(file)}
    assert {host: (row["standing"], row["refused"], row["nodes"]) for host, row in rows.items()} == {
        "web1": ("ready", "", "WEB1"),
        "web2": ("strict", "yes", "WEB2"),
        "web3": ("silent", "yes", ""),
    }
    assert (site / "open.txt").read_text(encoding="utf-8") == "WEB2\n"
    made = tool(
        "server", "macro", "transitional", "--nodes", "nodes.csv", "--from", "open.txt", "--json", cwd=site
    )
    assert made.code == 0 and made.report["macro"].count("UPDATE") == 1


def test_the_page_is_text_whatever_a_result_says(site: Path) -> None:
    hostile = "<script>alert(1)</script>"
    write(site / "more", result("detect", 0, certificate("A"), host=hostile, at=NOW))
    words = ("results", "more", "--server", "TSM01", "--certificate", "new.arm", "-o", "f.html")
    assert tool("forecast", *words, cwd=site).code == 0
    page = (site / "f.html").read_text(encoding="utf-8")
    assert "Switching TSM01 today would refuse 2 of 3 endpoints" in page
    assert "<script" not in page and "&lt;script&gt;" in page and "default-src" in page


def test_what_a_ca_signed_is_trusted_by_its_root_alone(site: Path) -> None:
    root = Made("A CA", extensions=(may_sign(),))
    signed = Made("tsm01", issuer=root)
    (site / "new.arm").write_bytes(_pem(signed) + _pem(root))
    held = certificate(root.stored().sha256, "ca", kind="ca", server=None)
    write(site / "results", result("detect", 0, certificate("A"), held, at=NOW))
    assert forecast(site)["forecast"]["refused"] == 0
    (site / "new.arm").write_bytes(_pem(signed))
    assert forecast(site, code=2)["problem"]["code"] == "certificate-not-usable"


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("--server", "TSM99"), 10, "server-not-in-results"),
        (("--certificate", "both.arm"), 2, "several-certificates"),
        (("--certificate", "over.arm"), 2, "certificate-not-usable"),
        (("--certificate", "hosts.txt"), 2, "not-a-certificate-file"),
        (("--certificate", "nowhere"), 10, "certificate-file-not-found"),
        (("--nodes", "hosts.txt"), 2, "nodes-not-readable"),
        (("--nodes", "nowhere"), 10, "input-not-found"),
        (("--csv", "results/x/y"), 12, "output-not-written"),
        (("--csv", "hosts.txt", "--inventory", "hosts.txt"), 2, "same-file-twice"),
        (("--csv", "new.arm"), 2, "same-file-twice"),
    ],
)
def test_what_cannot_be_used_is_an_error_and_nothing_is_lost(
    site: Path, words: tuple[str, ...], code: int, problem: str
) -> None:
    (site / "both.arm").write_bytes(NEW.arm + Identity.make().arm)
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    (site / "over.arm").write_bytes(Identity.make(past, past + timedelta(days=30)).arm)
    before = {path: path.read_bytes() for path in site.iterdir()}
    assert forecast(site, *words, code=code)["problem"]["code"] == problem
    assert {path: path.read_bytes() for path in site.iterdir()} == before


def test_results_of_other_versions_are_told_and_the_others_counted(site: Path) -> None:
    with (site / "results").open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps({"schema": "dsmcertfix.report/9", "host": "web9"}))
    told = forecast(site)
    assert (
        told["fleet"]["foreign"][0]["reason"] == "the schema dsmcertfix.report/9 is not known to this release"
    )
    assert told["forecast"]["endpoints"] == 2


def test_an_old_result_counts_no_longer(site: Path) -> None:
    long_ago = f"{datetime.now(timezone.utc) - timedelta(days=40):%Y-%m-%dT%H:%M:%SZ}"
    held = (certificate("A"), certificate(NEW.sha256, "superseded"))
    write(site / "results", result("detect", 0, *held, at=long_ago))
    assert forecast(site)["forecast"]["verdict"].endswith("(1 too old).")
    assert forecast(site, "--max-age", "60")["forecast"]["refused"] == 0


def test_what_misses_the_gate_does_not_look_as_if_it_met_it(site: Path) -> None:
    held = (certificate("A"), certificate(NEW.sha256, "superseded"))
    ready = [result("detect", 0, *held, host=f"h{number}", at=NOW) for number in range(30_001)]
    write(site / "results", *ready, result("detect", 0, certificate("A"), host="web2", at=NOW))
    given = ("results", "--server", "TSM01", "--certificate", "new.arm", "--gate", "100")
    answer = tool("forecast", *given, cwd=site)
    assert answer.code == 3 and "gate: 100 % must go on, 99.99 % would" in answer.stdout.splitlines()
