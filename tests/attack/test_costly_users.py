"""What a user's files cost: the user's own store is left out, and every other one is repaired."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.attack.scene import Scene, give, traced

from dsmbench.endpoint import User
from dsmcertfix.system.base import SIZE_LIMIT

MINUTE_S = 60.0

STOPS = """
import os, signal, sys, time
print("up", flush=True)
mine = os.getpid()
while True:
    for name in os.listdir("/proc"):
        with __import__("contextlib").suppress(OSError, ValueError):
            number = int(name)
            if number != mine and os.stat(f"/proc/{number}").st_uid in (os.getuid(), 0):
                os.kill(number, getattr(signal, sys.argv[1]))
"""
"""Sends the signal to whatever runs as this user, and tries it with everything else."""


@contextmanager
def attacking(scene: Scene, user: User, code: str, *arguments: str) -> Iterator[None]:
    """Meanwhile the user runs that program."""
    process = scene.as_user(user, code, *arguments)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n", process.stderr and process.stderr.read()
        yield
    finally:
        process.kill()
        process.communicate()


def sparse(user: User, path: Path, size: int) -> None:
    """The user's file has that many bytes and takes up none."""
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    give(user, path)


def require_only_mallory_left_out(scene: Scene, mallory: Path, code: str) -> None:
    """`fix` repaired bob's and root's stores, and tells of mallory's what is wrong with it."""
    answer = scene.machine.fix("--no-reconnect")
    for store in (scene.bobs, scene.carols, scene.machine.ba):
        assert answer.store(store)["outcome"] == "changed", answer.store(store)
    told = answer.store(mallory)
    assert (told["outcome"], told["problem"]["code"]) == ("unchanged", code)
    assert answer.code == 14


@pytest.fixture
def mallory(scene: Scene) -> User:
    return scene.user_alone("mallory")


@pytest.fixture
def theirs(scene: Scene, mallory: User) -> Path:
    """A store of mallory's that takes a while to read."""
    made = scene.store_of(mallory)
    for name in ("dsmcert.rdb", "dsmcert.crl"):
        sparse(mallory, made / name, SIZE_LIMIT - 1)
    scene.renew()
    return made


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGSTOP"])
def test_a_user_who_ends_or_stops_what_reads_their_store_is_left_out_alone(
    scene: Scene, mallory: User, theirs: Path, signal: str
) -> None:
    begun = time.monotonic()
    with attacking(scene, mallory, STOPS, signal):
        require_only_mallory_left_out(scene, theirs, "reading-was-ended")
    assert time.monotonic() - begun < 2 * MINUTE_S


def test_a_user_without_a_store_who_ends_what_reads_their_files_is_the_run_s_problem(
    scene: Scene, mallory: User
) -> None:
    profile = mallory.home / "sqllib/userprofile"
    profile.parent.mkdir()
    # As much as is read of one: that takes a while.
    profile.write_text("V=$W\n" * (1 << 17))
    give(mallory, profile.parent, profile)
    scene.renew()
    with attacking(scene, mallory, STOPS, "SIGKILL"):
        answer = scene.machine.fix("--no-reconnect")
        after = scene.machine.run("detect")
    for store in (scene.bobs, scene.carols, scene.machine.ba):
        assert answer.store(store)["outcome"] == "changed"
    for one in (answer, after):
        assert one.problem == "reading-was-ended"
        assert "mallory" in one.report["problem"]["message"]
        assert one.code == 14


def test_ibm_s_program_edits_a_user_s_key_database_as_that_user(scene: Scene, tmp_path: Path) -> None:
    scene.renew()
    argv = scene.machine.argv(
        *("fix", "--yes", "--trust-on-first-use", "--no-reconnect", "--engine", "gskit"),
        *("--store", scene.bobs),
    )
    calls = traced(argv, tmp_path / "calls", "execve,setuid,setgid,setgroups")
    edits = [line for line in calls if "gsk8capicmd" in line and "execve" in line and line.endswith("= 0")]
    assert edits, calls
    became = [line.split()[0] for line in calls if f"setuid({scene.bob.uid})" in line]
    assert became
    assert not [line for line in calls if "gsk8capicmd" in line and "/home/" in line]


def test_a_user_s_files_are_backed_up_by_that_user(scene: Scene, tmp_path: Path) -> None:
    scene.renew()
    argv = scene.machine.argv(
        *("fix", "--yes", "--trust-on-first-use", "--no-reconnect", "--engine", "native"),
        *("--store", scene.bobs),
    )
    calls = traced(["-y", *argv], tmp_path / "calls", "read,pread64,setuid")
    became = {line.split()[0] for line in calls if f"setuid({scene.bob.uid})" in line}
    reads = [line.split()[0] for line in calls if re.search(rf" p?read(64)?\(\d+<{scene.bobs}/dsmcert", line)]
    assert reads
    assert became.issuperset(reads)
    assert [item["intact"] for item in scene.machine.run("backups").report["backups"]] == [True]
