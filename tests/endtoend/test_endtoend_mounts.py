"""Whole commands where stores are mounted as in containers: file by file, read-only, below other layers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import namespaces
from tests.answers import Answer, checked
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine, answer_of
from tests.namespaces import View
from tests.shown import shown_only_if

from dsmbench.places import AIX

pytestmark = shown_only_if(not AIX, "containers of Linux, whose mounts /proc tells")
FIX = ("fix", "--yes", "--trust-on-first-use")
KILLING = Path(__file__).with_name("killing.py")
SWAP_BEGINS = 13
"""The number of that event in the journal of a run on one store."""
BOUND = ("dsmcert.kdb", "dsmcert.sth", "dsmcert.idx")


@pytest.fixture(autouse=True)
def _namespaces() -> Iterator[None]:
    namespaces.require()
    yield


def seen_in(machine: Machine, view: View, *words: str) -> Answer:
    """What the command answers a process that sees the machine so."""
    return checked(answer_of(view.argv(sys.executable, *machine.argv(*words)[1:], "--json")))


def bound(machine: Machine, directory: Path, names: tuple[str, ...] = BOUND) -> tuple[View, Path]:
    """A container to which these files of the store were given one by one, and the volume they are on."""
    volume = machine.directory / "volume"
    volume.mkdir()
    volume.chmod(0o755)
    for name in names:
        os.rename(directory / name, volume / name)
        (directory / name).touch()
    return View(binds={str(directory / name): volume / name for name in names}), volume


def contents(volume: Path) -> dict[str, tuple[int, bytes]]:
    """Inode and content of every file there."""
    return {file.name: (file.stat().st_ino, file.read_bytes()) for file in sorted(volume.iterdir())}


@pytest.mark.parametrize("whose", ["root", "alice"])
def test_files_that_are_bound_one_by_one_are_written_in_place_and_back(
    make_machine: MakeMachine, whose: str
) -> None:
    machine = make_machine()
    if whose == "root":
        machine.stanzas("TSMA")
        store = machine.endpoint.store(certificates=machine.trusted("TSMA"))
    else:
        alice = machine.endpoint.user("alice")
        machine.stanzas("TSMA", passworddir="/home/alice/adsm", owner=alice)
        store = machine.endpoint.store(user=alice, certificates=machine.trusted("TSMA"))
    view, volume = bound(machine, store)
    before, beside = contents(volume), set(os.listdir(store))
    machine.renew("TSMA")

    planned = seen_in(machine, view, "plan")
    assert "write the key database in place (it is a mount of its own)" in [
        step["text"] for step in planned.report["steps"]
    ]
    answer = seen_in(machine, view, *FIX)
    assert (answer.code, answer.store(store)["outcome"]) == (0, "changed"), answer.stderr
    after = contents(volume)
    assert {name: inode for name, (inode, _) in after.items()} == {n: i for n, (i, _) in before.items()}
    assert after["dsmcert.kdb"] != before["dsmcert.kdb"] and after["dsmcert.sth"] == before["dsmcert.sth"]
    assert set(os.listdir(store)) == beside
    assert seen_in(machine, view, "detect").code == 0

    assert seen_in(machine, view, "rollback", "--yes").code == 0
    assert contents(volume) == before and set(os.listdir(store)) == beside


def test_a_run_that_was_cut_off_in_the_midst_of_such_a_file_is_undone(machine: Machine) -> None:
    view, volume = bound(machine, machine.ba)
    before = contents(volume)
    machine.renew("TSMA")
    words = machine.argv(*FIX)[3:]
    request = json.dumps({"arguments": words, "kill": ["after", SWAP_BEGINS]})
    argv = view.argv(sys.executable, *machine.started(KILLING))
    done = subprocess.run(argv, input=request, capture_output=True, encoding="utf-8", check=True, cwd="/")
    assert json.loads(done.stdout)["code"] == -9
    journal = next(machine.state.glob("runs/*/journal.jsonl")).read_text(encoding="utf-8")
    last = json.loads(journal.splitlines()[-1])
    assert (last["event"], last["step"]) == ("step-started", "swap")
    # As a power cut leaves it: a part of the new content, and of the old.
    with (volume / "dsmcert.kdb").open("r+b") as file:
        file.write(b"\0" * 512)
        file.truncate(1000)
    answer = seen_in(machine, view, "recover")
    assert answer.code == 0, answer.stderr
    assert contents(volume) == before


def test_what_would_have_to_be_moved_out_of_its_mount_is_refused_before_anything_is_touched(
    machine: Machine,
) -> None:
    (machine.ba / "dsmcert.idx").unlink()
    machine.renew("TSMA")
    assert machine.fix().code == 0
    view, volume = bound(machine, machine.ba)
    before = contents(volume)
    undone = seen_in(machine, view, "rollback", "--yes")
    assert (undone.code, undone.problem) == (16, "store-files-mounted"), undone.stderr
    machine.renew("TSMA")
    for words in (("plan", "--whole-store"), (*FIX, "--whole-store")):
        answer = seen_in(machine, view, *words)
        assert (answer.code, answer.problem) == (16, "store-files-mounted"), words
        assert "dsmcert.idx" in answer.store(machine.ba)["problem"]["message"]
    assert contents(volume) == before


BIND, READ_ONLY = "mount --bind {0} {0}", "mount -o remount,ro,bind {0}"


@pytest.mark.parametrize("place", ["{ba}", "{ba}/dsmcert.kdb"])
def test_what_is_mounted_for_reading_only_is_told_by_every_command(machine: Machine, place: str) -> None:
    machine.renew("TSMA")
    where = place.format(ba=machine.ba)
    view = View(more=[BIND.format(where), READ_ONLY.format(where)])
    before = machine.everything()
    for words in (("detect",), ("plan",), FIX):
        answer = seen_in(machine, view, *words)
        assert (answer.code, answer.problem) == (12, "store-read-only"), words
    assert machine.everything() == before


LAYERS = (
    "mkdir {layers}; mount -t tmpfs none {layers}; mkdir {layers}/up {layers}/work; "
    "mount -t overlay overlay -o lowerdir={root},upperdir={layers}/up,workdir={layers}/work {root}"
)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(View(more=["mount --bind {ba} {ba}"]), id="the store is a mount"),
        pytest.param(View(more=[LAYERS]), id="overlay"),
        pytest.param(View(empty=("/proc",)), id="no proc"),
        pytest.param(View(users=True), id="user namespace"),
    ],
)
def test_elsewhere_it_is_repaired_as_anywhere(machine: Machine, view: View) -> None:
    machine.renew("TSMA")
    layers = machine.directory / "layers"
    lines = [line.format(ba=machine.ba, root=machine.root, layers=layers) for line in view.more]
    view = View(empty=view.empty, users=view.users, more=lines)
    answer = seen_in(machine, view, *FIX)
    assert (answer.code, answer.store(machine.ba)["outcome"]) == (0, "changed"), answer.stderr


def test_without_proc_such_a_file_shows_when_it_is_to_be_replaced(machine: Machine) -> None:
    view, volume = bound(machine, machine.ba)
    before = contents(volume)
    machine.renew("TSMA")
    answer = seen_in(machine, View(binds=view.binds, more=["mount -t tmpfs none /proc"]), *FIX)
    assert (answer.code, answer.problem) == (20, "store-file-mounted")
    assert contents(volume) == before


def test_who_is_not_in_the_container_is_told_by_number(machine: Machine) -> None:
    machine.renew("TSMA")
    for file in (machine.ba, *machine.ba.glob("dsmcert.*")):
        os.chown(file, 61234, 61234)
    answer = seen_in(machine, View(users=True), *FIX)
    assert (answer.code, answer.problem) == (12, "owner-not-in-reach")


def test_a_state_directory_for_reading_only_is_told(machine: Machine) -> None:
    machine.renew("TSMA")
    machine.state.mkdir(mode=0o700)
    answer = seen_in(machine, View(empty=(str(machine.state),), options="ro,mode=700"), *FIX)
    assert (answer.code, answer.problem) == (14, "state-not-written")
    assert "`--state-dir`, one that outlives a container" in str(answer.report["problem"]["hint"])
