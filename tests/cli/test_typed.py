"""The command line as people type it: the same command in other words, and options where they put them."""

from __future__ import annotations

import json
import os
import re
import shlex
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.guide.test_guide import run_on_terminal

from dsmbench.endpoint import Endpoint
from dsmbench.runtime import scratch
from dsmbench.server import Server
from dsmcertfix.cli.output import typed_words
from dsmcertfix.cli.words import understood

LIMIT_S = 300.0


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", ""),
        ("help", "--help"),
        ("help fix", "fix --help"),
        ("help server renew", "server renew --help"),
        ("status", "detect"),
        ("undo 2026 --yes", "rollback 2026 --yes"),
        ("restore", "rollback"),
        ("help undo", "rollback --help"),
        ("detect -v --root /r", "-v --root /r detect"),
        ("detect --root=/r -q", "--root=/r -q detect"),
        ("--json detect", "detect --json"),
        ("--json --root /r detect --json", "--root /r detect --json"),
        ("server --json inspect --state-dir s", "--state-dir s server inspect --json"),
        ("fix --label=--json", "fix --label=--json"),
        ("explain -- --json -v", "explain -- --json -v"),
        ("fix --root", "--root fix"),
        ("--root undo undo", "--root undo rollback"),
        ("explain status", "explain status"),
        ("--version", "--version"),
    ],
)
def test_the_words_are_put_where_they_are_declared(typed: str, meant: str) -> None:
    assert understood(typed.split(), ("server",)) == meant.split()


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with scratch() as directory, Server("TSM01", nodes={"HOST1": "TRANSITIONAL"}) as server:
        endpoint = Endpoint(directory / "root")
        endpoint.stanza("TSM01", server, node="HOST1")
        endpoint.store(certificates=[endpoint.trusted("TSM01", server)])
        server.renew()
        yield endpoint.root


def _typed(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dsmcertfix", "--trust-root", *words, "--root", str(root)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_a_dry_run_is_the_plan_and_asks_nobody(root: Path) -> None:
    planned, dry = _typed(root, "plan", "--json"), _typed(root, "--json", "fix", "--dry-run")
    assert (planned.returncode, dry.returncode) == (0, 0)
    told, dry_told = json.loads(planned.stdout), json.loads(dry.stdout)
    assert dry_told["command"] == "plan" and dry_told["steps"]
    assert dry_told["steps"] == told["steps"]
    assert not (root / "var/lib/dsmcertfix/runs").exists()


def test_quiet_leaves_the_exit_code_and_the_errors(root: Path) -> None:
    loud, quiet = _typed(root, "status"), _typed(root, "status", "--quiet")
    assert (loud.returncode, quiet.returncode) == (3, 3)
    assert loud.stdout and not quiet.stdout and not quiet.stderr
    wrong = _typed(root, "detect", "-q", "--label", "none")
    assert wrong.returncode == 10 and "[label-not-found]" in wrong.stderr


def test_a_server_that_is_not_known_is_answered_with_those_that_are(root: Path) -> None:
    for words in (("detect", "--server", "TSM09"), ("plan", "--server", "TSM09")):
        done = _typed(root, *words)
        assert done.returncode == 10
        assert "there is TSM01 (" in done.stderr


def test_probe_takes_an_address_as_a_browser_has_it(root: Path) -> None:
    port = json.loads(_typed(root, "detect", "--json").stdout)["servers"][0]["server"].rpartition(":")[2]
    for written in (f"https://127.0.0.1:{port}", f"HTTPS://127.0.0.1:{port}/", f"127.0.0.1:{port}"):
        done = _typed(root, "probe", written, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["servers"][0]["server"] == f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    "words",
    [("fix",), ("trust", "--server", "TSM01", "--file"), ("support-bundle",)],
    ids=lambda words: words[0],
)
def test_no_is_an_answer_and_no_failure(root: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    if words[0] == "trust":
        presented = json.loads(_typed(root, "detect", "--json").stdout)["servers"][0]
        host, _, port = presented["server"].rpartition(":")
        (tmp_path / "cert256.arm").write_text(ssl.get_server_certificate((host, int(port))), encoding="ascii")
        words = (*words, str(tmp_path / "cert256.arm"))
    command = [sys.executable, "-m", "dsmcertfix", "--trust-root", "--root", str(root), *words]
    code, said = run_on_terminal(command, ("n",), 80, {}, "[y/N]")
    assert code == 0 and "othing was done: the answer was no" in said
    assert not list((root / "var/lib/dsmcertfix").glob("runs/*"))


def test_json_without_a_command_is_told_that_it_needs_one() -> None:
    command = [sys.executable, "-m", "dsmcertfix", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    problem = json.loads(done.stdout)["problem"]
    assert (done.returncode, problem["code"]) == (2, "usage")
    assert "needs a command" in problem["message"] and "detect --json" in problem["hint"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("detect", ""),
        ("detect --server TSM01 --prove --timeout 5", "--server TSM01"),
        ("--root /r status --timeout=5 --policy p.toml --format text -v", "--policy p.toml"),
        ("detect --label 'a b' --expires-within 30", "--label 'a b' --expires-within 30"),
    ],
)
def test_the_repair_that_detect_names_is_about_the_same(typed: str, kept: str) -> None:
    assert typed_words(shlex.split(typed)).for_repair == kept


@pytest.mark.parametrize(("locale", "told"), [("C.UTF-8", "caf\u00e9"), ("C", "caf\\xe9")])
def test_a_pipe_has_utf_8_where_the_locale_has_it(locale: str, told: str, root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", "--root", str(root), "inspect", "--store", "/caf\u00e9"],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("LC_", "PYTHON"))},
            "LC_ALL": locale,
        },
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 10
    assert f"/{told}`" in done.stderr


def test_progress_is_no_wider_than_the_terminal(root: Path) -> None:
    words = ["--trust-root", "--root", str(root), "fix", "--yes", "--trust-on-first-use"]
    code, said = run_on_terminal([sys.executable, "-m", "dsmcertfix", *words], (), 40, {}, "[y/N]")
    shown = re.sub(r"\x1b\[[\d;]*m", "", said).splitlines()
    assert code == 0
    assert "  swap the key database and take the" in shown and "    index file away ..." in shown
    assert [line for line in shown if len(line) > 40] == []


def test_who_writes_a_macro_into_a_file_is_told_how_it_is_run(tmp_path: Path) -> None:
    file = tmp_path / "a.mac"
    words = ["server", "macro", "transitional", "--node", "A", "--output", str(file)]
    code, said = run_on_terminal([sys.executable, "-m", "dsmcertfix", *words], (), 400, {}, "[y/N]")
    assert (code, said.strip()) == (0, f"written: {file}: run it with `dsmadmc macro {file}`")


def test_a_word_that_is_no_command_leads_to_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", "frob"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert "hint: `dsmcertfix help` lists commands" in done.stderr
