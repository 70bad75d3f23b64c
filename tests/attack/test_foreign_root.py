"""A tree that somebody else made is believed nothing: not its programs, not the state that lies in it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests import namespaces
from tests.answers import Answer, checked
from tests.attack.scene import Canary, Scene
from tests.endtoend.machine import answer_of
from tests.transaction.kit import backed_up, located

from dsmcertfix.ibm import gskit_tls
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.platform import Unix
from dsmcertfix.transaction.runs import store_started_data

PLANTED = b"what the maker of the tree wants to be there"
RUN = "20260101T000000Z-abcdef"

ATTACK = """#!/bin/sh
id -u > '{mark}'
exec sleep 0
"""
"""The attacker's script: it stands where the client's programs stand, and runs as whoever starts it."""


def foreign(scene: Scene, *words: str | Path, state: Path | None = None) -> Answer:
    """The command on the tree that nobody vouches for, where /var/lib of this machine is empty."""
    places = ["--state-dir", str(state)] if state else []
    argv = [sys.executable, "-m", "dsmcertfix", "--root", str(scene.machine.root), *places]
    return checked(answer_of(namespaces.View(empty=("/var/lib",)).argv(*argv, *map(str, words), "--json")))


@pytest.fixture
def mark(scene: Scene) -> Path:
    """What is there once a program of the tree has run."""
    namespaces.require()
    path = scene.machine.directory / "a-program-of-the-tree-ran"
    for program in (scene.endpoint.dsmc_program, scene.endpoint.gsk8capicmd_program):
        program.write_text(ATTACK.format(mark=path))
        program.chmod(0o755)
    return path


@pytest.mark.parametrize("options", [(), ("--whole-store",), ("--engine", "gskit")])
def test_no_program_of_the_tree_is_run(scene: Scene, mark: Path, options: tuple[str, ...]) -> None:
    scene.renew()
    answer = foreign(scene, "fix", "--yes", "--trust-on-first-use", *options)
    assert not mark.exists()
    if options == ("--engine", "gskit"):
        assert (answer.code, answer.problem) == (12, "program-of-foreign-root")
        return
    assert answer.store(scene.machine.ba)["outcome"] == "changed"
    assert not [step for step in answer.report["steps"] if step["step"] == "reconnect"]
    assert "--trust-root" in " ".join(answer.report["warnings"])


def test_no_library_of_the_tree_is_loaded(scene: Scene) -> None:
    """As tests/proof does on a tree that is trusted, where it is found."""
    libraries = scene.endpoint.gsk8capicmd_program.parents[1] / "lib64"
    libraries.mkdir(parents=True, exist_ok=True)
    (libraries / "libgsk8ssl_64.so").touch()
    places = UnixPlaces(scene.machine.root)
    for program in places.gsk8capicmd():
        assert Unix(places, foreign=True).libraries_of(program) == {}
    assert gskit_tls.library(Unix(places, foreign=True)) is None


def test_a_certificate_that_nothing_can_fetch_is_not_expected(scene: Scene, mark: Path) -> None:
    answer = foreign(scene, "fix", "--yes", "--expect-sha256", "00" * 32)
    assert (answer.code, answer.problem) == (2, "expectation-without-reconnect")


def test_a_server_of_the_tree_is_neither_stopped_nor_started(scene: Scene, mark: Path) -> None:
    answer = foreign(scene, "server", "renew", "--yes", "--stop-command", str(scene.endpoint.dsmc_program))
    assert (answer.code, answer.problem) == (12, "root-not-trusted")
    assert not mark.exists()


def test_the_state_lies_outside_the_tree(scene: Scene, mark: Path) -> None:
    scene.renew()
    before = scene.machine.everything()
    answer = foreign(scene, "fix", "--yes", "--trust-on-first-use")
    changed = {name for name, what in scene.machine.everything().items() if before.get(name) != what}
    assert not [name for name in changed if "var/lib" in name]
    assert Path(answer.report["journal"]).is_relative_to("/var/lib/dsmcertfix/roots")
    assert Unix(UnixPlaces(scene.machine.root)).state_directory().is_relative_to(scene.machine.root)


# --- a journal that somebody planted


def _plant(scene: Scene, target: Path, **changed: Any) -> Path:
    """A run that was cut off in the midst of a store, with a backup of the attacker's; where our state is."""
    state = scene.machine.root / "var/lib/dsmcertfix"
    run = state / "runs" / RUN
    run.mkdir(parents=True, mode=0o700)
    store = located(target)
    backed_up(store, run / "stores" / store.id / "backup")
    for path in (state, *state.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    backup = run / "stores" / store.id / "backup"
    manifest = json.loads((backup / "manifest.json").read_text())
    for item in manifest["files"]:
        if item["file"] == "dsmcert.kdb":
            (backup / "dsmcert.kdb").write_bytes(PLANTED)
            digest = sha256(PLANTED).hexdigest()
            item.update({"size": len(PLANTED), "sha256": digest, **changed.pop("saved", {})})
    (backup / "manifest.json").write_text(json.dumps(manifest))
    data = {**store_started_data(store), **changed}
    at = "2026-01-01T00:00:00+00:00"
    events = [
        {"event": "run-started", "run": data.pop("run", RUN), "schema": "dsmcertfix.journal/1"},
        {"event": "store-started", "store": store.id, **data},
        {"event": "step-started", "store": store.id, "step": "swap", "live": True},
    ]
    lines = [json.dumps({"n": number, "at": at, **event}) for number, event in enumerate(events)]
    (run / "journal.jsonl").write_text("\n".join(lines) + "\n")
    (run / "journal.jsonl").chmod(0o600)
    return state


@pytest.fixture
def outside(scene: Scene) -> Path:
    """A store of this machine, outside the tree."""
    target = scene.machine.directory / "outside"
    shutil.copytree(scene.machine.ba, target)
    return target


def test_a_journal_in_the_tree_is_not_followed(scene: Scene, outside: Path) -> None:
    namespaces.require()
    _plant(scene, outside)
    canary = Canary.of(outside / "dsmcert.kdb")
    answer = foreign(scene, "recover")
    canary.require_untouched()
    assert (answer.code, answer.report["comment"]) == (0, "nothing to recover")


def _link_to(outside: Path, scene: Scene) -> Path:
    link = scene.machine.root / "srv/link"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside)
    return link


def _detour_to(outside: Path, scene: Scene) -> Path:
    return scene.machine.root / "etc/.." / ".." / outside.name


@pytest.mark.parametrize("way", [lambda outside, _: outside, _link_to, _detour_to])
def test_no_journal_leads_out_of_the_root_even_of_a_trusted_tree(
    scene: Scene, outside: Path, way: Callable[[Path, Scene], Path]
) -> None:
    named = way(outside, scene)
    scene.machine.state = _plant(scene, outside, directory=str(named))
    for command in ("recover", "rollback --yes", "prune --yes", "fix --yes --trust-on-first-use"):
        canary = Canary.of(outside / "dsmcert.kdb")
        answer = scene.machine.run(*command.split())
        canary.require_untouched()
        assert answer.code == 31, command
    assert not list(outside.glob("*dsmcertfix*"))


def test_a_journal_names_no_other_file_by_the_name_of_its_run(scene: Scene, outside: Path) -> None:
    """The run's name is a part of the names of our own files beside a store."""
    victim = scene.machine.ba / "x-aside"
    (scene.machine.ba / "dsmcert.kdb.dsmcertfix-").mkdir()
    victim.write_bytes(b"precious")
    scene.machine.state = _plant(scene, scene.machine.ba, run="/../x")
    scene.machine.run("recover")
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "saved",
    [{"mode": 0o4755}, {"mode": 0o2755}, {"xattrs": {"security.capability": "AQAAAgAgAAAAAAAAAAAAAAAAAAA="}}],
)
def test_no_backup_brings_back_a_file_that_gives_rights(scene: Scene, saved: dict[str, Any]) -> None:
    scene.machine.state = _plant(scene, scene.machine.ba, saved=saved)
    before = (scene.machine.ba / "dsmcert.kdb").read_bytes()
    answer = scene.machine.run("recover")
    assert answer.code == 31
    assert (scene.machine.ba / "dsmcert.kdb").read_bytes() == before


def test_a_journal_gives_no_store_to_another_owner(scene: Scene) -> None:
    """Who works in a user's directory is that user, whatever a journal says: here it says root."""
    owner = {"uid": 0, "gid": 0, "name": "root", "home": None, "groups": [0]}
    scene.machine.state = _plant(scene, scene.bobs, owner=owner)
    before = (scene.bobs / "dsmcert.kdb").read_bytes()
    answer = scene.machine.run("recover")
    assert (answer.code, (scene.bobs / "dsmcert.kdb").read_bytes()) == (31, before)


def test_recover_does_not_say_that_nothing_was_changed_where_it_put_a_store_back(scene: Scene) -> None:
    """One store comes back, and another one can not: both are told."""
    machine = scene.machine
    machine.state = _plant(scene, machine.ba)
    journal = machine.state / "runs" / RUN / "journal.jsonl"
    lines = journal.read_text().splitlines()
    gone = located(scene.bobs)
    os.rename(scene.bobs, scene.bobs.with_name("renamed"))
    backup = machine.state / "runs" / RUN / "stores"
    shutil.copytree(backup / located(machine.ba).id, backup / gone.id)
    at = {"n": 3, "at": "2026-01-01T00:00:00+00:00", "store": gone.id}
    lines.append(json.dumps({**at, "event": "store-started", **store_started_data(gone)}))
    lines.append(json.dumps({**at, "event": "step-started", "step": "swap", "live": True}))
    journal.write_text("\n".join(lines) + "\n")
    answer = machine.run("recover")
    assert (machine.ba / "dsmcert.kdb").read_bytes() == PLANTED
    assert answer.code in (30, 31)
    assert answer.report["changed"]
    assert answer.store(machine.ba)["outcome"] == "rolled-back"
    assert answer.store(scene.bobs)["outcome"] == "broken"
    assert "Nothing was changed" not in answer.stdout + machine.text("recover").stderr
