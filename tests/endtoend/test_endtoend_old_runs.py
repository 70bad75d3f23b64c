"""Runs of an earlier release, whose journals are no chain: they are read, told as such, and undone."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine
from tests.shown import shown_only_if

from dsmbench.places import AIX

OLD = Path(__file__).parents[1] / "data" / "before-the-chain"
CALLED = "/endpoint"

pytestmark = [
    shown_only_if(os.geteuid() == 0, "the owner of the old runs was root"),
    shown_only_if(not AIX, "the old runs were a Linux's: their journals name its directories"),
]


def as_after(make_machine: MakeMachine, name: str) -> Machine:
    """A machine as that run left it: the texts of its state name this machine's directory, and its inode."""
    machine = make_machine()
    machine.stanzas("TSMA")
    machine.endpoint.store()
    for path in machine.ba.glob("dsmcert.*"):
        path.unlink()
    for path in (OLD / name / "store").iterdir():
        shutil.copyfile(path, machine.ba / path.name)
        (machine.ba / path.name).chmod(0o600)
    inode = machine.ba.stat().st_ino
    shutil.copytree(OLD / name / "state", machine.state, copy_function=shutil.copyfile)
    for path in (machine.state, *machine.state.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
        if path.suffix in (".json", ".jsonl"):
            text = path.read_text().replace(CALLED, str(machine.directory))
            path.write_text(re.sub(r'"identity": \[\d+, \d+\]', f'"identity": [0, {inode}]', text))
    return machine


def held(machine: Machine) -> dict[str, bytes]:
    """The contents of the store."""
    return {path.name: path.read_bytes() for path in machine.ba.glob("dsmcert.*")}


def backup(machine: Machine) -> dict[str, bytes]:
    """The contents of the one backup set."""
    found = machine.state.glob("runs/*/stores/*/backup/dsmcert.*")
    return {path.name: path.read_bytes() for path in found}


def test_a_finished_run_is_listed_and_rolled_back(make_machine: MakeMachine) -> None:
    machine = as_after(make_machine, "finished")
    before = backup(machine)
    listed = machine.run("backups")
    assert listed.code == 0
    assert [item["intact"] for item in listed.report["backups"]] == [True]
    assert held(machine) != before
    done = machine.run("rollback", "--yes")
    assert (done.code, done.report["outcome"]) == (0, "rolled-back")
    assert held(machine) == before
    assert machine.left_behind() == []


def test_it_is_told_that_an_old_journal_is_not_proved(make_machine: MakeMachine) -> None:
    machine = as_after(make_machine, "finished")
    told = machine.run("verify")
    assert told.code == 14
    assert told.report["problem"]["code"] == "run-not-proven"
    assert "are in no chain: an earlier release wrote them" in told.report["comment"]
    assert told.report["evidence"]["command"] == "fix"


def test_a_run_that_was_cut_off_before_the_session_is_undone(make_machine: MakeMachine) -> None:
    machine = as_after(make_machine, "swapped")
    before = backup(machine)
    told = machine.run("backups")
    assert told.code == 31 and held(machine) != before
    done = machine.run("recover")
    assert (done.code, done.report["outcome"]) == (0, "rolled-back")
    assert held(machine) == before
    assert machine.left_behind() == []
    assert machine.run("recover").report["comment"] == "nothing to recover"


def test_a_run_that_had_its_certificate_when_it_was_cut_off_is_finished(make_machine: MakeMachine) -> None:
    machine = as_after(make_machine, "fetched")
    there = (machine.ba / "dsmcert.kdb").read_bytes()
    done = machine.run("recover")
    assert (done.code, done.report["outcome"]) == (0, "changed")
    assert (machine.ba / "dsmcert.kdb").read_bytes() == there
    assert machine.left_behind() == []


@pytest.mark.parametrize("name", ["swapped", "fetched"])
def test_a_fix_goes_on_where_a_run_was_cut_off(make_machine: MakeMachine, name: str) -> None:
    machine = as_after(make_machine, name)
    done = machine.fix()
    assert (done.code, done.report["outcome"]) == (0, "changed")
    assert machine.left_behind() == []


def test_old_results_are_those_of_one_machine_that_was_repaired(make_machine: MakeMachine) -> None:
    machine = make_machine()
    page = machine.directory / "page.html"
    told = machine.run("report", OLD / "detect.json", OLD / "plan.json", OLD / "fix.json", "--output", page)
    fleet = told.report["fleet"]
    assert (told.code, fleet["results"], fleet["endpoints"]) == (0, 3, 1)
    states = {item["state"]: item["endpoints"] for item in fleet["states"]}
    assert states["repaired"] == 1
