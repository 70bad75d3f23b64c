"""Somebody with root for a moment, or a faulty disk, changes what a run left behind: `verify` says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine

from dsmbench.runtime import scratch


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine with one store, repaired."""
    with scratch() as directory:
        made = Machine(directory)
        made.stanzas("TSMA")
        made.endpoint.store(certificates=made.trusted("TSMA"))
        made.renew("TSMA")
        assert made.fix().code == 0
        yield made
        made.stop()


def run_of(machine: Machine) -> Path:
    (found,) = (machine.state / "runs").iterdir()
    return found


def _forged(run: Path) -> None:
    journal = run / "journal.jsonl"
    text = journal.read_text(encoding="utf-8")
    journal.write_text(text.replace('"uid": ', '"uid": 1', 1), encoding="utf-8")


def _shortened(run: Path) -> None:
    journal = run / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    journal.write_text("".join(lines[:3] + lines[4:]), encoding="utf-8")


def _without_end(run: Path) -> None:
    journal = run / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]), encoding="utf-8")


def _other_backup(run: Path) -> None:
    (database,) = run.glob("stores/*/backup/dsmcert.kdb")
    database.write_bytes(database.read_bytes()[:-1] + b"x")


def _other_manifest(run: Path) -> None:
    """A backup that is whole in itself, but not the one that the run made."""
    (manifest,) = run.glob("stores/*/backup/manifest.json")
    manifest.write_text(manifest.read_text(encoding="utf-8") + " ", encoding="utf-8")


def _no_backup(run: Path) -> None:
    (manifest,) = run.glob("stores/*/backup/manifest.json")
    manifest.unlink()


@pytest.mark.parametrize(
    "attack", [_forged, _shortened, _without_end, _other_backup, _other_manifest, _no_backup]
)
def test_a_run_that_was_touched_is_not_proved(machine: Machine, attack: Callable[[Path], None]) -> None:
    assert machine.run("verify").code == 0
    attack(run_of(machine))
    answer = machine.run("verify")
    assert (answer.code, answer.problem) == (14, "run-not-proven")
    assert answer.report["evidence"]["proved"] is False and answer.report["evidence"]["troubles"]


def test_a_journal_that_was_written_anew_as_a_whole_does_not_end_in_the_head_of_the_log(
    machine: Machine,
) -> None:
    log = (machine.state / "log" / "dsmcertfix.log").read_text(encoding="utf-8")
    (head,) = re.findall(r" head=([0-9a-f]{64})", log)
    assert machine.run("verify", "--head", head).code == 0
    answer = machine.run("verify", "--head", "0" * 64)
    assert (answer.code, answer.problem) == (14, "run-not-proven")


def test_the_page_says_who_did_what_when_and_why(machine: Machine) -> None:
    run = run_of(machine).name
    evidence = machine.run("verify", run).report["evidence"]
    assert (evidence["run"], evidence["command"], evidence["proved"]) == (run, "fix", True)
    assert "fix" in evidence["arguments"] and len(evidence["program_sha256"]) == 64
    (store,) = evidence["before"]
    old, new = dict(store["certificates_before"]), dict(store["certificates_after"])
    now = machine.servers["TSMA"].sha256
    assert now in new.values() and now not in old.values()
    assert any("replaced" in line for line in evidence["why"])
    page = machine.text("verify", run)
    assert page.code == 0
    for word in (run, evidence["head"], now, "who:", "when:", "why:", "proved:"):
        assert word in page.stdout


def test_no_run_of_that_name_is_looked_for_outside(machine: Machine) -> None:
    for name in ("nothing", "..", "../..", "/etc"):
        assert machine.run("verify", name).code == 10


def test_a_run_of_an_earlier_release_is_told_but_not_proved(machine: Machine) -> None:
    journal = run_of(machine) / "journal.jsonl"
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        del line["prev"]
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    answer = machine.run("verify")
    assert answer.code == 14 and "an earlier release" in answer.report["problem"]["message"]
    assert answer.report["evidence"]["before"]
    assert machine.run("rollback", "--yes").code == 0
