"""What the tool keeps is closed from the moment it is made, and nothing that others prepared is used."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest
from tests.attack.scene import Scene, give, traced, whole_calls
from tests.endtoend.machine import Machine
from tests.shown import not_shown

from dsmbench.runtime import scratch

WATCH = """
import os, signal, sys
state = sys.argv[1]
seen, opened = 0, []
def end(*_):
    print(seen, *opened, flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print("watching", flush=True)
while True:
    stack = [state]
    while stack:
        directory = stack.pop()
        try:
            names = os.listdir(directory)
            opened.append(directory)
        except OSError:
            seen += 1
            continue
        stack += [os.path.join(directory, name) for name in names]
"""


@pytest.fixture
def state(scene: Scene) -> Path:
    """Where the state directory will be; it is not there yet."""
    return scene.machine.state


def refused(scene: Scene, *commands: str) -> None:
    """Every command says 12, and touched nothing."""
    before = scene.machine.everything()
    for command in commands or ("fix", "rollback", "prune"):
        yes = [] if command in ("detect", "backups", "recover") else ["--yes"]
        yes += ["--trust-on-first-use"] if command == "fix" else []
        answer = scene.machine.run(command, *yes)
        assert (answer.code, answer.problem) == (12, "state-directory-not-ours"), command
    assert scene.machine.everything() == before


def test_a_state_directory_of_another_user_is_refused(scene: Scene, state: Path) -> None:
    state.mkdir(mode=0o700)
    give(scene.bob, state)
    scene.renew()
    refused(scene)
    assert list(state.iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777, 0o755, 0o701])
def test_a_state_directory_that_is_open_to_others_is_refused(scene: Scene, state: Path, mode: int) -> None:
    state.mkdir()
    state.chmod(mode)
    scene.renew()
    refused(scene)
    assert list(state.iterdir()) == []


def test_a_link_in_place_of_the_state_directory_is_refused(scene: Scene, state: Path) -> None:
    target = scene.machine.directory / "elsewhere"
    target.mkdir(mode=0o700)
    state.symlink_to(target)
    scene.renew()
    refused(scene)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(("mode", "is_refused"), [(0o777, True), (0o1777, False), (0o775, True)])
def test_a_parent_in_which_others_can_exchange_it_is_refused_and_a_sticky_one_is_not(
    scene: Scene, state: Path, mode: int, is_refused: bool
) -> None:
    parent = scene.machine.directory / "parent"
    parent.mkdir()
    os.chown(parent, 0, scene.bob.gid)
    parent.chmod(mode)
    scene.machine.state = parent / "state"
    scene.renew()
    if is_refused:
        refused(scene, "fix")
        assert list(parent.iterdir()) == []
    else:
        assert scene.machine.fix().report["changed"]


def test_a_parent_of_another_user_is_refused_before_anything_is_made_there(scene: Scene) -> None:
    scene.machine.state = scene.bob.home / "a/b/state"
    scene.renew()
    refused(scene, "fix")
    assert not (scene.bob.home / "a").exists()


def seen(path: Path) -> tuple[object, ...]:
    """What would show that somebody changed it, or made another name for it."""
    info = path.stat()
    return path.read_bytes(), info.st_mode, info.st_nlink, info.st_mtime_ns, info.st_ctime_ns


Plant = Callable[[Scene, Path], None]


def _lock_link(scene: Scene, state: Path) -> None:
    (state / "lock").symlink_to(scene.vault / "shadow")


def _lock_hard_link(scene: Scene, state: Path) -> None:
    (state / "lock").hardlink_to(scene.vault / "shadow")


def _lock_fifo(scene: Scene, state: Path) -> None:
    os.mkfifo(state / "lock")


def _lock_of_bob(scene: Scene, state: Path) -> None:
    (state / "lock").touch()
    give(scene.bob, state / "lock")


def _runs_link(scene: Scene, state: Path) -> None:
    (scene.bob.home / "runs").mkdir(mode=0o700)
    (state / "runs").symlink_to(scene.bob.home / "runs")


def _runs_of_bob(scene: Scene, state: Path) -> None:
    (state / "runs").mkdir(mode=0o700)
    give(scene.bob, state / "runs")


def _runs_open(scene: Scene, state: Path) -> None:
    (state / "runs").mkdir()
    (state / "runs").chmod(0o777)


def _forged_run(scene: Scene, state: Path) -> None:
    """A journal of bob's that says that the vault's store was touched and must be put back."""
    run = state / "runs/20260101T000000Z-abcdef"
    run.mkdir(parents=True, mode=0o700)
    (state / "runs").chmod(0o700)
    (run / "journal.jsonl").write_text(
        '{"n": 0, "at": "2026-01-01T00:00:00+00:00", "event": "run-started"}\n'
    )
    give(scene.bob, run, run / "journal.jsonl")


def _journal_fifo(scene: Scene, state: Path) -> None:
    run = state / "runs/20260101T000000Z-abcdef"
    run.mkdir(parents=True, mode=0o700)
    (state / "runs").chmod(0o700)
    os.mkfifo(run / "journal.jsonl")


@pytest.mark.parametrize(
    "plant",
    [
        *(_lock_link, _lock_hard_link, _lock_fifo, _lock_of_bob),
        *(_runs_link, _runs_of_bob, _runs_open, _forged_run, _journal_fifo),
    ],
)
def test_what_was_planted_in_the_state_directory_is_refused(scene: Scene, state: Path, plant: Plant) -> None:
    state.mkdir(mode=0o700)
    plant(scene, state)
    scene.renew()
    before = seen(scene.vault / "shadow")
    reading = ("detect", "backups") if (state / "runs").exists() else ()
    refused(scene, "fix", "recover", *reading)
    assert seen(scene.vault / "shadow") == before
    assert not (state / "log").exists()


def test_nobody_else_can_open_anything_at_any_moment_even_with_no_umask(scene: Scene, state: Path) -> None:
    scene.renew()
    answers = []
    watcher = scene.as_user(scene.bob, WATCH, state)
    try:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "watching\n"
        answers.append(scene.machine.run("fix", "--yes", "--trust-on-first-use", umask=0))
        answers.append(scene.machine.run("rollback", "--yes", umask=0))
        watcher.terminate()
        out, _ = watcher.communicate(timeout=30)
    finally:
        watcher.kill()
        watcher.communicate()
    assert [answer.store(scene.machine.ba)["outcome"] for answer in answers] == ["changed", "rolled-back"]
    tried, *opened = out.split()
    assert int(tried) > 1000
    assert opened == []
    for path in (state, *state.rglob("*")):
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path
        assert path.lstat().st_uid == 0


def test_every_file_is_made_closed_and_not_closed_later(scene: Scene, state: Path) -> None:
    if which("strace") is None:
        not_shown("the modes that files are made with: strace is missing")
    scene.renew()
    trace = scene.machine.directory / "trace"
    calls = "umask,open,openat,creat,mkdir,mkdirat,mknod,mknodat,chmod,fchmod,fchmodat"
    found = traced(scene.machine.argv("fix", "--yes", "--trust-on-first-use"), trace, calls, umask=0)
    lines = [line for line in found if str(state) in line and " = -1 " not in line]
    made = [line for line in lines if "O_CREAT" in line or "mkdir" in line]
    umask = next(number for number, line in enumerate(found) if " umask(077)" in line)
    assert umask < found.index(made[0])
    assert len(made) > 10
    for line in made:
        mode = re.search(r", (0[0-7]*)\) +=", line)
        assert mode is not None, line
        # A directory is closed by itself, whoever makes it.
        assert "O_CREAT" in line or int(mode[1], 8) & 0o077 == 0, line
    assert not [line for line in lines if re.search(r" f?chmod", line) and re.search(r"0[0-7]*[1-7]\)", line)]


def test_a_call_in_which_another_process_comes_in_between_is_one_line() -> None:
    lines = (
        '7 openat(3, "a", O_CREAT, 0600 <unfinished ...>',
        "8 umask(077) = 022",
        "7 <... openat resumed>) = 4",
        "9 +++ exited with 0 +++",
    )
    assert whole_calls(lines) == [
        '7 openat(3, "a", O_CREAT, 0600) = 4',
        "8 umask(077) = 022",
        "9 +++ exited with 0 +++",
    ]


def test_the_state_directory_of_a_user_is_closed_too() -> None:
    with scratch() as directory:
        machine = Machine(directory)
        try:
            machine.stanzas("TSMA")
            alice = machine.endpoint.user("alice")
            machine.endpoint.store(user=alice, certificates=machine.trusted("TSMA"))
            machine.run_as(
                alice,
                "fix",
                "--yes",
                "--trust-on-first-use",
                "--no-reconnect",
                "--no-preflight",
                "--label",
                "nothing",
            )
            for path in (alice.home / "state", *(alice.home / "state").rglob("*")):
                if path.exists():
                    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        finally:
            machine.stop()
