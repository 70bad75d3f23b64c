"""`history`: what was done on a machine, by whom, and what of it can be undone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.endtoend.machine import Machine
from tests.endtoend.test_endtoend_undo import fixed
from tests.shown import shown_only_if

from dsmbench.endpoint import AS_ROOT
from dsmcertfix.report.details import BeforeReport, CallerReport, RunReport
from dsmcertfix.report.render.text import render
from dsmcertfix.report.result import Report


def runs(machine: Machine) -> list[dict[str, Any]]:
    answer = machine.run("history")
    assert answer.code == 0
    found: list[dict[str, Any]] = answer.report["runs"]
    return found


def test_a_machine_on_which_nothing_was_run_has_no_history(machine: Machine) -> None:
    assert runs(machine) == []
    answer = machine.text("history")
    assert (answer.code, answer.stdout.strip()) == (0, "history: nothing was run here")


def test_each_run_says_what_went_what_came_and_whether_it_can_be_undone(machine: Machine) -> None:
    old = machine.servers["TSMA"].sha256
    first = fixed(machine).report["run"]
    new = machine.servers["TSMA"].sha256
    (told,) = runs(machine)
    assert (told["run"], told["command"], told["finished"], told["undo"]) == (first, "fix", True, True)
    (store,) = told["stores"]
    assert [sha256 for _, sha256 in store["certificates_before"]] == [old]
    assert [sha256 for _, sha256 in store["certificates_after"]] == [new]
    assert told["by"]["user"]

    back = machine.run("rollback", "--yes").report["run"]
    undoing, undone = runs(machine)
    assert (undoing["run"], undoing["undoes"], undoing["undo"]) == (back, first, True)
    assert (undone["undone_by"], undone["undo"]) == (back, False)

    forth = machine.run("rollback", back, "--yes").report["run"]
    again, undoing, undone = runs(machine)
    assert (again["undoes"], again["undo"]) == (back, True)
    assert (undoing["undone_by"], undoing["undo"]) == (forth, False)
    assert (undone["undone_by"], undone["undo"]) == (None, True)


def test_what_it_says_can_be_undone_is_what_rollback_undoes(machine: Machine) -> None:
    for _ in range(2):
        fixed(machine)
    while ready := [run["run"] for run in runs(machine) if run["undo"] and not run["undoes"]]:
        assert machine.run("rollback", "--yes").code == 0
        assert [run["run"] for run in runs(machine) if run["undo"] and not run["undoes"]] == ready[1:]
    assert machine.run("rollback", "--yes").problem == "nothing-to-roll-back"


def test_a_run_whose_backup_is_gone_cannot_be_undone_and_the_text_says_so(machine: Machine) -> None:
    answer = fixed(machine)
    shutil.rmtree(Path(answer.report["backup"]))
    (told,) = runs(machine)
    assert told["undo"] is False
    assert "it cannot be undone any more: its backup is gone" in machine.text("history").stdout


def test_the_text_has_the_ids_of_backups_and_fits_a_terminal(machine: Machine) -> None:
    made = {fixed(machine).report["run"] for _ in range(6)}
    listed = {item["run"] for item in machine.run("backups").report["backups"]}
    text = machine.text("history").stdout
    assert listed == made and all(run in text for run in made)
    assert len(text.splitlines()) <= 26
    newest = max(made)
    one = machine.text("history", newest).stdout
    options = f"--root {machine.directory / 'root'} --state-dir {machine.state}"
    assert f"{options} rollback {newest}" in " ".join(one.split()) and "changed" in one
    other = machine.run("history", "20200101T000000Z-abcdef")
    assert (other.code, other.problem) == (10, "run-not-found")


def test_one_run_says_why_it_did_not_do_more_with_the_command_for_each_refused_node(machine: Machine) -> None:
    machine.renew("TSMA")
    machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
    run = machine.fix().report["run"]
    text = machine.text("history", run).stdout
    assert "refused 1 node: it is STRICT" in text
    assert "\n  UPDATE NODE NODE_TSMA SESSIONSECURITY=TRANSITIONAL\n" in text
    (told,) = runs(machine)
    assert told["stores"][0]["problem"]["session"]["node"] == "NODE_TSMA"


def test_a_certificate_under_several_labels_is_not_told_under_one_alone() -> None:
    old, new = "ab" * 32, "cd" * 32
    changed = [
        BeforeReport(f"/s{label}", "root", "changed", (), ((label, old),), ((label, new),)) for label in "AB"
    ]
    at = "2026-11-30T06:16:47Z"
    told = RunReport("R2", "fix", at, at, True, CallerReport("root"), None, None, True, tuple(changed))
    shown = render(Report("history", "here", runs=(told, told._replace(run="R1"))))
    assert shown.count("out abababababababab  A and others (2 stores)") == 2


@shown_only_if(AS_ROOT, "what an ordinary user sees: it takes root to be another user")
def test_an_ordinary_user_is_not_told_that_nothing_was_run(machine: Machine) -> None:
    fixed(machine)
    user = machine.endpoint.user("alice")
    assert machine.run_as(user, "history").report["comment"].startswith("you ran nothing here; ")
