"""One store that cannot be put back is one store that cannot be put back: every command works for the others.

Mallory renames the directory of the store while root's `fix` is at work in it; from then on there is nothing
that the backup could be put back into.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.attack.scene import Scene
from tests.transaction.kit import backed_up, located

from dsmcertfix.model import Owner
from dsmcertfix.transaction.journal import Journal, read_journal
from dsmcertfix.transaction.runs import store_started_data

RUN = "20260101T000000Z-abcdef"


class Broken:
    """A machine on which a run was cut off in carol's store, whose directory is renamed since."""

    def __init__(self, scene: Scene):
        self.scene, self.machine = scene, scene.machine
        self.run = scene.machine.state / "runs" / RUN
        carol = scene.carols.stat()
        self.store = located(scene.carols, Owner(carol.st_uid, carol.st_gid, "carol"))
        set_ = self.run / "stores" / self.store.id / "backup"
        backed_up(self.store, set_)
        for path in (scene.machine.state, *scene.machine.state.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
        journal = Journal(self.run / "journal.jsonl", lambda event: None)
        journal.append("run-started", None, schema="dsmcertfix.journal/1", run=RUN)
        journal.append("store-started", self.store.id, **store_started_data(self.store))
        journal.append("step-started", self.store.id, step="swap", live=True)
        journal.close()
        self.away = scene.carols.with_name("renamed")
        os.rename(scene.carols, self.away)


@pytest.fixture
def broken(scene: Scene) -> Broken:
    return Broken(scene)


def test_detect_and_plan_judge_all_others_and_tell_of_it(broken: Broken) -> None:
    broken.scene.renew()
    for command in ("detect", "plan"):
        answer = broken.machine.run(command)
        assert answer.code == 31
        assert set(answer.statuses(broken.machine.ba).values()) == {"replaced"}
        problem = answer.store(broken.scene.carols)["problem"]
        assert problem["code"] == "run-cut-off"
        assert any(str(broken.run) in line for line in problem["context"])
    assert {step["store"] for step in broken.machine.run("plan").report["steps"]}


@pytest.mark.parametrize("command", ["locate", "inspect", "backups"])
def test_what_only_lists_tells_of_it_too(broken: Broken, command: str) -> None:
    answer = broken.machine.run(command)
    assert (answer.code, answer.problem) == (31, "run-cut-off")
    told = broken.machine.text(command)
    assert f"run {RUN} was cut off" in told.stdout + told.stderr
    if command == "backups":
        assert [item["intact"] for item in answer.report["backups"]] == [True]
    else:
        others = {item["directory"]: item["problem"] for item in answer.report["stores"]}
        assert others[str(broken.machine.ba)] is None and others[str(broken.scene.bobs)] is None
    if command == "inspect":
        assert answer.store(broken.scene.carols)["problem"]["code"] == "run-cut-off"


def test_stores_are_listed_where_a_journal_cannot_be_understood(broken: Broken) -> None:
    journal = broken.run / "journal.jsonl"
    journal.write_text(journal.read_text().replace(str(broken.scene.carols), "no directory"))
    for command in ("locate", "inspect"):
        answer = broken.machine.run(command)
        assert (answer.code, answer.problem) == (31, "journal-damaged")
        assert str(broken.machine.ba) in {item["directory"] for item in answer.report["stores"]}


def test_fix_repairs_all_others_with_and_without_a_question(broken: Broken) -> None:
    broken.scene.renew()
    answer = broken.machine.fix()
    assert answer.code == 31
    assert answer.store(broken.machine.ba)["outcome"] == "changed"
    assert answer.store(broken.scene.bobs)["outcome"] == "changed"
    assert answer.store(broken.scene.carols)["problem"]["code"] == "not-recovered"


def test_rollback_puts_the_others_back(broken: Broken) -> None:
    broken.scene.renew()
    before = broken.machine.held()
    broken.machine.fix()
    answer = broken.machine.run("rollback", "--yes")
    assert answer.code == 31
    assert answer.store(broken.machine.ba)["outcome"] == "rolled-back"
    assert broken.machine.held() == before


def test_prune_removes_the_sets_of_others(broken: Broken) -> None:
    for _ in range(3):
        broken.scene.renew()
        broken.machine.fix()
    answer = broken.machine.run("prune", "--yes", "--keep", "1")
    assert (answer.code, answer.problem) == (31, "not-recovered")
    assert len(answer.report["backups"]) >= 2
    assert broken.run.is_dir()


def test_recover_tells_which_store_and_does_not_say_that_nothing_was_changed(broken: Broken) -> None:
    answer = broken.machine.run("recover")
    assert (answer.code, answer.problem) == (31, "not-recovered")
    assert answer.store(broken.scene.carols)["outcome"] == "broken"
    assert f"dsmcertfix recover --give-up {RUN}" in str(answer.report["problem"]["context"])
    assert "Nothing was changed" not in broken.machine.text("recover").stderr


def test_it_is_put_back_as_soon_as_it_can_be(broken: Broken) -> None:
    assert broken.machine.run("recover").code == 31
    os.rename(broken.away, broken.scene.carols)
    answer = broken.machine.run("recover", "--give-up", RUN)
    assert answer.code == 0
    assert answer.store(broken.scene.carols)["outcome"] == "rolled-back"


def test_a_run_that_is_given_up_is_in_nobody_s_way_and_its_backup_stays(broken: Broken) -> None:
    answer = broken.machine.run("recover", "--give-up", RUN)
    assert (answer.code, answer.report["comment"]) == (0, f"given up: {RUN}")
    assert broken.machine.run("detect").code == 0
    assert broken.machine.run("recover").report["comment"] == "nothing to recover"
    assert [item["intact"] for item in broken.machine.run("backups").report["backups"]] == [True]
    # The directory comes back, and the old set with it.
    os.rename(broken.away, broken.scene.carols)
    (broken.scene.carols / "dsmcert.kdb").write_bytes(b"what mallory left there")
    answer = broken.machine.run("rollback", "--yes", RUN)
    assert answer.store(broken.scene.carols)["outcome"] == "rolled-back"


def test_only_a_run_that_is_there_is_given_up(broken: Broken) -> None:
    for name in ("20260101T000000Z-000000", f"../runs/{RUN}", "."):
        answer = broken.machine.run("recover", "--give-up", name)
        assert (answer.code, answer.problem) == (10, "run-not-found")
    assert not any(event.kind == "run-finished" for event in read_journal(broken.run / "journal.jsonl"))


def test_a_journal_that_cannot_be_understood_is_given_up_too(broken: Broken) -> None:
    journal = broken.run / "journal.jsonl"
    journal.write_text(journal.read_text().replace(str(broken.scene.carols), "no directory"))
    assert broken.machine.run("detect").problem == "journal-damaged"
    assert broken.machine.run("recover", "--give-up", RUN).code == 0
    assert broken.machine.run("detect").code == 0
    assert (broken.run / "stores").is_dir()


def test_where_it_is_the_only_store_it_is_told(broken: Broken, tmp_path: Path) -> None:
    for path in (broken.machine.ba, broken.scene.bobs, broken.scene.vault, broken.away):
        shutil.move(path, tmp_path / path.parent.name / path.name)
    for command in (("detect",), ("plan",), ("fix", "--yes", "--trust-on-first-use")):
        assert broken.machine.run(*command).code == 31
