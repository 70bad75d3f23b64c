"""Disks that are really full, and file systems that are really read-only: small tmpfs, bind mounts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.faults.cases import Case, Workshop
from tests.faults.judge import Verdict, after_error, recovered

Where = Literal["state", "store"]
Kind = Literal["room", "names", "read-only"]
PAGE = 4096


@dataclass(frozen=True, slots=True)
class Disk:
    """What the state directory or the store lies on, with so many pages or inodes `left`."""

    where: Where
    kind: Kind
    left: int = 0

    def __str__(self) -> str:
        return f"{self.where}: {'read-only' if self.kind == 'read-only' else f'{self.left} {self.kind} left'}"


def disks(rooms: int, names: int) -> list[Disk]:
    """All of them, with so much room and so many names at most."""
    made: list[Disk] = []
    places: tuple[Where, ...] = ("state", "store")
    for where in places:
        made += [Disk(where, "room", left) for left in range(rooms + 1)]
        made += [Disk(where, "names", left) for left in range(names + 1)]
        made.append(Disk(where, "read-only"))
    return made


def can_mount() -> bool:
    """Whether this process may mount file systems."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    probe = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "none", str(probe)], check=False, capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", str(probe)], check=True)
        return done.returncode == 0
    finally:
        probe.rmdir()


def spoilt(shop: Workshop, case: Case, disk: Disk) -> tuple[Verdict, int]:
    """The command was run on that disk, and judged, before and after there was room again; its exit code."""
    sets = shop.sets(case)
    scene = shop.ready(case)
    target = scene.state if disk.where == "state" else scene.store
    with _mounted(target, disk) as relieve:
        ended = shop.stage.run(scene.arguments(*case.words))
        lost, wrong = after_error(scene, sets, ended, hopeless=False)
        relieve()
        verdict = recovered(scene, sets, shop.stage, again=True)
    return Verdict(verdict.became, (*lost, *verdict.lost), (*wrong, *verdict.wrong)), ended.code


class _Relief:
    """What makes the disk large and writable."""

    def __init__(self, target: Path, disk: Disk):
        self._target = target
        self._disk = disk

    def __call__(self) -> None:
        if self._disk.kind == "read-only":
            _mount("-o", "remount,rw,bind", str(self._target))
        else:
            _mount("-o", "remount,size=64m,nr_inodes=9999", str(self._target))


@contextmanager
def _mounted(target: Path, disk: Disk) -> Iterator[_Relief]:
    """The disk is there, with what `target` held, and gone at the end."""
    made = not target.exists()
    if made:
        target.mkdir(mode=0o700)
    if disk.kind == "read-only":
        _mount("--bind", str(target), str(target))
        _mount("-o", "remount,ro,bind", str(target))
    else:
        _fill(target, disk)
    try:
        yield _Relief(target, disk)
    finally:
        subprocess.run(["umount", str(target)], check=True)


def _fill(target: Path, disk: Disk) -> None:
    held = target.with_name(target.name + "-held")
    subprocess.run(["cp", "-a", str(target), str(held)], check=True)
    mode = target.stat().st_mode & 0o7777
    _mount("-t", "tmpfs", "-o", f"size=64m,mode={mode:o}", "none", str(target))
    subprocess.run(["cp", "-a", f"{held}/.", str(target)], check=True)
    shutil.rmtree(held)
    used = os.statvfs(target)
    if disk.kind == "room":
        pages = used.f_blocks - used.f_bfree + disk.left
        # A size of 0 would be no limit.
        _mount("-o", f"remount,size={max(1, pages) * PAGE}", str(target))
    else:
        names = used.f_files - used.f_ffree + disk.left
        _mount("-o", f"remount,nr_inodes={names}", str(target))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)
