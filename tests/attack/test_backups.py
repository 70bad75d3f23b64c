"""What a user's store may take of root's disk: files of a bounded size, a bounded number of sets, no more."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tests import namespaces
from tests.answers import checked
from tests.attack.scene import Scene, give
from tests.endtoend.machine import answer_of

from dsmcertfix.system.base import SIZE_LIMIT

SIDE_FILES = ("dsmcert.idx", "dsmcert.rdb", "dsmcert.crl")


def fill(scene: Scene, size: int, *names: str) -> None:
    """The attacker's script: files that take none of his own disk, but for a byte."""
    for name in names:
        path = scene.bobs / name
        with path.open("wb") as file:
            file.truncate(size - 1)
            file.seek(0, os.SEEK_END)
            file.write(b"x")
        give(scene.bob, path)


def used(directory: Path) -> int:
    """Bytes of the disk that everything below takes."""
    return sum(path.lstat().st_blocks * 512 for path in directory.rglob("*"))


def test_a_file_over_the_limit_is_part_of_no_store(scene: Scene) -> None:
    fill(scene, SIZE_LIMIT + 1, *SIDE_FILES)
    scene.renew()
    answer = scene.machine.fix()
    assert answer.store(scene.machine.ba)["outcome"] == "changed"
    bobs = answer.store(scene.bobs)
    assert (bobs["outcome"], bobs["problem"]["code"]) == ("unchanged", "file-too-large")
    assert used(scene.machine.state) < 1024 * 1024


def test_what_is_sparse_is_sparse_in_the_backup(scene: Scene) -> None:
    fill(scene, SIZE_LIMIT, "dsmcert.idx")
    scene.renew()
    answer = scene.machine.fix()
    assert answer.store(scene.bobs)["outcome"] == "changed"
    assert used(scene.machine.state) < 1024 * 1024
    (saved,) = scene.machine.state.glob(f"runs/*/stores/{answer.store(scene.bobs)['id']}/backup/dsmcert.idx")
    assert saved.stat().st_size == SIZE_LIMIT
    assert scene.machine.run("backups").code == 0


def test_old_sets_go_by_themselves_and_the_newest_stay(scene: Scene) -> None:
    runs = []
    for _ in range(4):
        scene.renew()
        answer = checked(
            answer_of(
                [*scene.machine.argv("--keep-backups", "2", "fix", "--yes", "--trust-on-first-use"), "--json"]
            )
        )
        assert answer.store(scene.machine.ba)["outcome"] == "changed"
        runs.append(answer.report["run"])
    left = {item["run"] for item in scene.machine.run("backups").report["backups"]}
    assert left == set(runs[-2:])


def test_an_open_run_keeps_its_sets_however_old(scene: Scene) -> None:
    scene.renew()
    first = scene.machine.fix().report["run"]
    journal = scene.machine.state / "runs" / first / "journal.jsonl"
    lines = [line for line in journal.read_text().splitlines() if "run-finished" not in line]
    ended = [line for line in lines if '"store-finished"' in line and "bob" not in line]
    journal.write_text("\n".join(line for line in lines if line not in ended) + "\n")
    os.rename(scene.machine.ba / "dsmcert.kdb", scene.machine.ba / "away")
    (scene.machine.ba / "dsmcert.kdb").mkdir()
    for _ in range(3):
        scene.machine.renew("TSMA")
        scene.machine.servers["TSMA"].update_node("NODE_BOB", "TRANSITIONAL")
        answer_of(
            scene.machine.argv(
                "--keep-backups", "1", "fix", "--yes", "--trust-on-first-use", "--no-preflight"
            )
        )
    assert (scene.machine.state / "runs" / first / "stores").is_dir()


def test_without_room_for_a_backup_nothing_is_begun(scene: Scene) -> None:
    namespaces.require()
    scene.renew()
    state = scene.machine.directory / "state"
    state.mkdir(mode=0o700)
    before = scene.machine.everything()
    view = namespaces.View(empty=(str(state),), options="mode=700,size=3m")
    argv = [sys.executable, *scene.machine.argv("fix", "--yes", "--trust-on-first-use")[1:]]
    answer = checked(answer_of(view.argv(*argv, "--json")))
    assert answer.code == 14
    for directory in (scene.machine.ba, scene.bobs):
        told = answer.store(directory)
        assert (told["outcome"], told["problem"]["code"]) == ("unchanged", "no-room-for-backup")
    assert scene.machine.everything() == before
    assert scene.machine.reconnects == []


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_at_least_one_set_is_kept(scene: Scene, number: str) -> None:
    answer = answer_of(scene.machine.argv("--keep-backups", number, "fix", "--yes", "--trust-on-first-use"))
    assert answer.code == 2
