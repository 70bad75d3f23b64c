"""Rolled back, rolled back again, listed and pruned; and a state directory that is not ours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.answers import Answer
from tests.endtoend.machine import Machine
from tests.shown import not_shown

from dsmbench.endpoint import AS_ROOT


def fixed(machine: Machine, name: str = "TSMA") -> Answer:
    """A certificate was renewed and the store repaired."""
    machine.renew(name)
    machine.servers[name].update_node(f"NODE_{name}", "TRANSITIONAL")
    answer = machine.fix()
    assert answer.code == 0
    return answer


class TestRollback:
    def test_everything_is_as_it_was_before_the_last_fix(self, machine: Machine) -> None:
        before = machine.seen()
        fixed(machine)
        answer = machine.run("rollback", "--yes")
        assert (answer.code, answer.report["changed"], machine.seen()) == (0, True, before)
        assert machine.left_behind() == []

    def test_a_second_rollback_goes_one_fix_further_back_and_then_there_is_nothing(
        self, machine: Machine
    ) -> None:
        first = machine.seen()
        fixed(machine)
        second = machine.seen()
        fixed(machine)
        for expected in (second, first):
            assert machine.run("rollback", "--yes").code == 0
            assert machine.seen() == expected
        answer = machine.run("rollback", "--yes")
        assert (answer.code, answer.problem, machine.seen()) == (10, "nothing-to-roll-back", first)

    def test_a_run_is_rolled_back_by_its_id_and_so_is_that_rollback(self, machine: Machine) -> None:
        first = machine.seen()
        run = fixed(machine).report["run"]
        after = machine.seen()
        undone = machine.run("rollback", run, "--yes")
        assert (undone.code, machine.seen()) == (0, first)
        again = machine.run("rollback", str(undone.report["run"]), "--yes")
        assert (again.code, machine.seen()) == (0, after)

    def test_an_id_that_is_none_is_not_found(self, machine: Machine) -> None:
        for name in ("20200101T000000Z-abcdef", "../../etc", ""):
            answer = machine.run("rollback", name, "--yes")
            assert (answer.code, answer.report["changed"]) == (10, False)

    def test_on_a_machine_without_any_run_there_is_nothing_to_roll_back(self, machine: Machine) -> None:
        answer = machine.run("rollback", "--yes")
        assert (answer.code, answer.problem) == (10, "nothing-to-roll-back")

    def test_a_fix_that_was_put_back_by_itself_is_not_rolled_back(self, machine: Machine) -> None:
        before = machine.seen()
        fixed(machine)
        after = machine.seen()
        machine.renew("TSMA")
        assert machine.fix().code == 21  # the session made the node STRICT
        assert machine.seen() == after
        answer = machine.run("rollback", "--yes")
        assert (answer.code, machine.seen()) == (0, before)
        assert answer.report["comment"].endswith(": 1 of 1 store as before it")

    def test_a_damaged_backup_is_not_put_back(self, machine: Machine) -> None:
        backup = Path(fixed(machine).store(machine.ba)["backup"])
        after = machine.seen()
        (backup / "dsmcert.kdb").write_bytes(b"damaged")
        answer = machine.run("rollback", "--yes")
        assert (answer.code, answer.report["changed"], machine.seen()) == (14, False, after) or (
            answer.code,
            machine.seen(),
        ) == (20, after)
        assert machine.left_behind() == []


class TestBackups:
    def test_each_set_is_listed_as_intact(self, machine: Machine) -> None:
        run = fixed(machine).report["run"]
        answer = machine.run("backups")
        (one,) = answer.report["backups"]
        assert (answer.code, one["run"], one["intact"], one["directory"]) == (0, run, True, str(machine.ba))
        assert answer.report["comment"] == "1 backup set"

    def test_a_damaged_one_is_listed_and_told_by_the_exit_code(self, machine: Machine) -> None:
        damaged, intact = fixed(machine), fixed(machine)
        path = Path(damaged.store(machine.ba)["backup"])
        (path / "dsmcert.sth").unlink()
        answer = machine.run("backups")
        assert (answer.code, answer.problem) == (14, "backup-damaged")
        assert {one["run"]: one["intact"] for one in answer.report["backups"]} == {
            damaged.report["run"]: False,
            intact.report["run"]: True,
        }

    def test_without_any_there_are_none(self, machine: Machine) -> None:
        answer = machine.run("backups")
        assert (answer.code, answer.report["backups"]) == (0, [])
        assert not machine.state.exists()

    def test_they_are_closed_to_everybody_else(self, machine: Machine) -> None:
        fixed(machine)
        modes = {path: path.lstat().st_mode & 0o077 for path in machine.state.rglob("*")}
        assert [path for path, open_to_others in modes.items() if open_to_others] == []


class TestPrune:
    def test_the_newest_sets_stay_and_always_at_least_one(self, machine: Machine) -> None:
        runs = [str(fixed(machine).report["run"]) for _ in range(3)]
        answer = machine.run("prune", "--keep", "2", "--yes")
        assert (answer.code, answer.report["changed"]) == (0, True)
        assert answer.report["comment"] == "removed 1 run, 1 backup set"
        left = machine.run("backups").report
        assert [one["run"] for one in left["backups"]] == runs[1:]
        assert left["comment"] == "2 backup sets"
        assert machine.run("prune", "--keep", "0", "--yes").code == 2
        assert machine.run("prune", "--keep", "1", "--yes").code == 0
        assert [one["run"] for one in machine.run("backups").report["backups"]] == runs[2:]
        again = machine.run("prune", "--keep", "1", "--yes")
        assert (again.code, again.report["changed"]) == (0, False)

    def test_a_run_that_is_named_goes_though_its_set_is_the_newest(self, machine: Machine) -> None:
        older, newest = (str(fixed(machine).report["run"]) for _ in range(2))
        assert machine.run("prune", "20200101T000000Z-abcdef", "--yes").code == 10
        answer = machine.run("prune", newest, "--yes")
        assert (answer.code, answer.report["changed"]) == (0, True)
        assert [one["run"] for one in machine.run("backups").report["backups"]] == [older]
        assert list(machine.state.glob(f"runs/{newest}*")) == []
        assert machine.run("prune", newest, "--yes").code == 10
        # An id is no path.
        assert machine.run("prune", f"../runs/{older}", "--yes").code == 10
        assert [one["run"] for one in machine.run("backups").report["backups"]] == [older]

    def test_after_it_the_last_fix_can_still_be_rolled_back(self, machine: Machine) -> None:
        fixed(machine)
        before = machine.seen()
        fixed(machine)
        assert machine.run("prune", "--keep", "1", "--yes").code == 0
        assert machine.run("rollback", "--yes").code == 0
        assert machine.seen() == before

    def test_a_set_that_cannot_be_removed_is_told_and_goes_with_the_next_prune(
        self, machine: Machine
    ) -> None:
        stays, goes, newest = (fixed(machine) for _ in range(3))
        kept = Path(stays.store(machine.ba)["backup"]) / "dsmcert.kdb"
        if subprocess.run(["chattr", "+i", kept], capture_output=True, check=False).returncode:
            not_shown("files that cannot be removed: chattr +i does not work here")
        try:
            answer = machine.run("prune", "--keep", "1", "--yes")
        finally:
            subprocess.run(["chattr", "-i", kept], check=True)
        assert (answer.code, answer.problem) == (12, "run-not-removed")
        assert (answer.report["outcome"], answer.report["changed"]) == ("changed", True)
        assert [one["run"] for one in answer.report["backups"]] == [stays.report["run"], goes.report["run"]]
        listed = machine.run("backups")
        assert (listed.code, [one["run"] for one in listed.report["backups"]]) == (0, [newest.report["run"]])
        assert machine.run("recover").code == 0
        again = machine.text("prune", "--keep", "1", "--yes")
        assert (again.code, again.stderr, kept.exists()) == (0, "", False)


class TestStateDirectory:
    """What keeps backups and journals must be nobody else's."""

    @pytest.mark.parametrize("how", ["open", "link", "file", "another's"])
    def test_one_that_somebody_else_prepared_is_refused(
        self, machine: Machine, tmp_path: Path, how: str
    ) -> None:
        if how == "open":
            machine.state.mkdir()
            machine.state.chmod(0o777)
        elif how == "link":
            machine.state.symlink_to(tmp_path)
        elif how == "file":
            machine.state.write_text("")
        elif AS_ROOT:
            machine.state.mkdir(0o700)
            os.chown(machine.state, 4711, 4711)
        else:
            not_shown("a state directory of somebody else: only root can make one")
        machine.renew("TSMA")
        before = machine.everything()
        answer = machine.fix()
        assert (answer.code, answer.problem) == (12, "state-directory-not-ours")
        assert machine.everything() == before
        assert machine.reconnects == []

    def test_one_whose_parent_is_missing_is_made(self, machine: Machine) -> None:
        machine.renew("TSMA")
        machine.state = machine.directory / "new" / "deeper" / "state"
        assert machine.fix().code == 0
        assert machine.state.stat().st_mode & 0o777 == 0o700
