"""What users plant in and on the way to their own stores leads root nowhere, and hinders nobody else.

Every attack is made by a user of its own on one machine, and meets one run of each command.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.answers import Answer
from tests.attack.scene import FILES, Scene, give, links_to, point_to
from tests.shown import not_shown

from dsmbench.endpoint import AS_ROOT, User
from dsmbench.runtime import scratch

REFUSED = {
    *("not-a-regular-file", "file-has-another-name", "file-of-another-owner", "file-too-large"),
    *("store-of-two-owners", "store-unreadable"),
}
"""The problems of exit codes 12 and 14 that say what is wrong."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whose store is attacked, where it is, and the machine it is on."""

    scene: Scene
    user: User
    store: Path

    @property
    def vault(self) -> Path:
        return self.scene.vault


Plant = Callable[[Target], None]


def _link_component(name: str) -> Plant:
    """IBM, SpectrumProtect or certs leads to the same place in the vault."""

    def plant(target: Target) -> None:
        place = next(path for path in (target.store, *target.store.parents) if path.name == name)
        below = {"IBM": "IBM", "SpectrumProtect": "SpectrumProtect", "certs": "."}[name]
        links_to(target.vault / below, place, target.user)

    return plant


def _link_to_bobs(target: Target) -> None:
    links_to(target.scene.bobs, target.store, target.user)


def _chain_of_links(target: Target) -> None:
    middle = target.user.home / "middle"
    point_to(target.vault, middle, target.user)
    links_to(middle, target.store, target.user)


def _in_place_of(name: str, make: Callable[[Target, Path], None], *, owned: bool = True) -> Plant:
    def plant(target: Target) -> None:
        path = target.store / name
        path.unlink(missing_ok=True)
        make(target, path)
        if owned:
            give(target.user, path)

    return plant


def _symlink(target: Target, path: Path) -> None:
    point_to(target.vault / path.name, path, target.user)


def _hard_link(target: Target, path: Path) -> None:
    path.hardlink_to(target.vault / path.name)


def _hard_link_to_carols(target: Target, path: Path) -> None:
    path.hardlink_to(target.scene.carols / "dsmcert.kdb")


def _own_second_name(target: Target, path: Path) -> None:
    path.write_bytes(b"mine")
    (target.user.home / "other-name").hardlink_to(path)


def _fifo(target: Target, path: Path) -> None:
    os.mkfifo(path)


def _directory(target: Target, path: Path) -> None:
    path.mkdir()


def _socket(target: Target, path: Path) -> None:
    place = os.getcwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(place)


def _device(kind: int, major: int, minor: int) -> Callable[[Target, Path], None]:
    return lambda target, path: os.mknod(path, kind | 0o666, os.makedev(major, minor))


def _endless(target: Target, path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _roots_file(target: Target, path: Path) -> None:
    path.write_bytes(b"of root")


def _names_of_ours(target: Target) -> None:
    """A hard link to root's file, and further names of it that look like ours."""
    path = target.store / "dsmcert.kdb"
    path.unlink()
    path.hardlink_to(target.vault / "dsmcert.kdb")
    for name in ("aside", "new"):
        (target.store / f"dsmcert.kdb.dsmcertfix-20260101T000000Z-abcdef-{name}").hardlink_to(path)


def _roots_directory(target: Target) -> None:
    """The user's files, in a directory that is another user's."""
    give(target.scene.bob, target.store)


ATTACKS: dict[str, Plant] = {
    **{f"{name} is a link": _link_component(name) for name in ("IBM", "SpectrumProtect", "certs")},
    "certs leads to another user's": _link_to_bobs,
    "certs leads by two links": _chain_of_links,
    **{f"{name} is a link": _in_place_of(name, _symlink) for name in FILES},
    **{f"{name} is root's by another name": _in_place_of(name, _hard_link, owned=False) for name in FILES},
    "dsmcert.kdb is carol's by another name": _in_place_of("dsmcert.kdb", _hard_link_to_carols, owned=False),
    "dsmcert.sth has another name": _in_place_of("dsmcert.sth", _own_second_name),
    **{f"{name} is a fifo": _in_place_of(name, _fifo) for name in FILES},
    "dsmcert.idx is a directory": _in_place_of("dsmcert.idx", _directory),
    "dsmcert.kdb is a directory": _in_place_of("dsmcert.kdb", _directory),
    "dsmcert.rdb is a socket": _in_place_of("dsmcert.rdb", _socket),
    "dsmcert.crl is a character device": _in_place_of("dsmcert.crl", _device(stat.S_IFCHR, 1, 5)),
    "dsmcert.idx is a block device": _in_place_of("dsmcert.idx", _device(stat.S_IFBLK, 7, 77)),
    "dsmcert.crl is as large as a disk": _in_place_of("dsmcert.crl", _endless),
    "dsmcert.idx is a file of root's": _in_place_of("dsmcert.idx", _roots_file, owned=False),
    "names of ours are taken": _names_of_ours,
    "the directory is another user's": _roots_directory,
}
NO_STORE = {"certs leads to another user's", "dsmcert.kdb is carol's by another name"}
"""No store of the attacker's is left; what it leads to is repaired where it is."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The machine after every command met every attack once."""

    scene: Scene
    targets: dict[str, Target]
    answers: dict[str, Answer]


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """Locate, inspect, detect, fix and a second fix in words have met the attacks."""
    if not AS_ROOT:
        not_shown("attacks by other users: it needs root to make them")
    with scratch() as directory:
        scene = Scene(directory)
        try:
            targets = {}
            for number, name in enumerate(ATTACKS):
                user = scene.endpoint.user(f"mallory{number}")
                targets[name] = Target(scene, user, scene.store_of(user))
                ATTACKS[name](targets[name])
            scene.close_vault()
            scene.machine.renew("TSMA")
            answers = {name: scene.machine.run(name) for name in ("locate", "inspect", "detect")}
            answers["fix"] = scene.machine.fix()
            answers["text"] = scene.machine.text(
                "--verbose", "fix", "--yes", "--trust-on-first-use", "--whole-store"
            )
            yield Seen(scene, targets, answers)
        finally:
            scene.machine.stop()


def test_root_and_bob_are_repaired_however_many_attack(seen: Seen) -> None:
    fix = seen.answers["fix"]
    assert fix.store(seen.scene.machine.ba)["outcome"] == "changed"
    assert fix.store(seen.scene.bobs)["outcome"] == "changed"
    # An attacker gave carol's key database another name: hers is refused, too.
    assert fix.store(seen.scene.carols)["problem"]["code"] == "file-has-another-name"
    assert fix.code in (12, 14)


def test_nothing_in_roots_vault_was_read_changed_or_told(seen: Seen) -> None:
    seen.scene.require_untouched(*seen.answers.values())


@pytest.mark.parametrize("name", ATTACKS)
def test_the_attacked_store_is_refused(seen: Seen, name: str) -> None:
    fix, target = seen.answers["fix"], seen.targets[name]
    mine: list[dict[str, Any]] = [
        store for store in fix.report["stores"] if store["directory"] == str(target.store)
    ]
    for store in mine:
        assert store["outcome"] == "unchanged"
        assert store["problem"]["code"] in REFUSED, store["problem"]
    if not mine:
        places = seen.answers["locate"].report["looked_at"]
        (place,) = (item for item in places if item["directory"] == str(target.store))
        assert not place["found"] or name in NO_STORE
        assert name in NO_STORE or place["problem"]


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_of_ours_was_put_beside_the_attackers_files(seen: Seen, name: str) -> None:
    ours = [path.name for path in seen.targets[name].user.home.rglob("*.dsmcertfix-*")]
    assert all("abcdef" in item for item in ours)
