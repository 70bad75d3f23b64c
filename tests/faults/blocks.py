"""Power cuts of a real ext4: the run is killed, and its disk is taken as it was at that moment.

The tree lies on ext4 in a loop device. What that file system did not write out before the run was killed is
not in the device's file; a copy of the file, mounted, is what a power cut leaves.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.cases import Case, Workshop
from tests.faults.judge import Verdict
from tests.faults.powered import judged
from tests.faults.traced import Fault, Point

SIZE = 48 << 20


def can_cut() -> str:
    """Why this machine cannot show it; empty when it can."""
    if os.geteuid() != 0:
        return "this process may not mount file systems"
    if shutil.which("mkfs.ext4") is None or shutil.which("losetup") is None:
        return "there is no mkfs.ext4 or losetup"
    found = subprocess.run(["losetup", "-f"], check=False, capture_output=True)
    return "" if found.returncode == 0 else "there is no loop device"


def cut(shop: Workshop, case: Case, point: Point) -> Verdict:
    """The power went just before that call; what `recover` made of it."""
    shop.sets(case)
    scene = shop.ready(case)
    live, image = scene.directory / "live", scene.directory / "disk"
    make(image, live)
    with mounted(image, live):
        scene.tell_journals()
        subprocess.run(["sync", "-f", str(live)], check=True)
        ended = shop.stage.run(scene.arguments(*case.words), Fault(point, "kill"))
        left = left_of(image)
        scene.settle()
    if ended.code != -9:
        return Verdict("mixture", wrong=(f"it was not killed: exit code {ended.code}",))
    with mounted(left, live):
        return judged(shop, case, look=False)


def left_of(image: Path) -> Path:
    """A copy of the device as it is now: without what the file system has not written out."""
    return Path(shutil.copy(image, image.with_name("left")))


def make(image: Path, live: Path) -> None:
    """The image holds what is in the directory."""
    with image.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", str(live), str(image)], check=True)


@contextmanager
def mounted(image: Path, live: Path) -> Iterator[None]:
    """The directory is that file system, which is gone afterwards."""
    subprocess.run(["mount", "-o", "loop", str(image), str(live)], check=True)
    try:
        yield
    finally:
        # Whoever looks at it from outside may still have it open.
        subprocess.run(["umount", "-l", str(live)], check=True)
        image.unlink()
