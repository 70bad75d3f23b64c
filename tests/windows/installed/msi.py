"""Installs and removes MSI packages, and knows what was built."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

assert sys.platform == "win32"

from tests.windows_package.places import WINDOWS, module

from dsmcertfix.system.win32 import files, security

FOLDER = Path(r"C:\Program Files\dsmcertfix")
PROGRAM = FOLDER / "dsmcertfix.exe"
STATE = Path(r"C:\ProgramData\dsmcertfix")
MSIEXEC = r"C:\windows\system32\msiexec.exe"
LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Package:
    """A directory as build.py and msi.sh leave it; `later` is another one, with a higher version."""

    directory: Path

    @property
    def msi(self) -> Path:
        """The MSI."""
        (found,) = (self.directory / "content").glob("*.msi")
        return found

    @property
    def later(self) -> Package:
        """The same program, packed again as a later version."""
        return Package(self.directory / "later")

    @property
    def sums(self) -> dict[str, str]:
        """SHA-256 of every file of the program, by its path in the folder."""
        lines = (self.directory / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}

    def product(self, name: str) -> str:
        """What product.txt says of `name`."""
        text = (self.directory / "product.txt").read_text(encoding="utf-8")
        found = re.search(rf"^{name} (.+)$", text, re.MULTILINE)
        assert found
        return found[1]


def msiexec(*arguments: str) -> int:
    """What msiexec ended in. Its service outlives it, so nothing of ours is handed to it."""
    return subprocess.run(
        [MSIEXEC, *arguments, "/qn", "/norestart"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=LIMIT_S,
        check=False,
    ).returncode


@contextmanager
def installed(msi: Path) -> Iterator[None]:
    """The package is installed; afterwards it is not."""
    assert msiexec("/i", str(msi)) == 0
    try:
        yield
    finally:
        assert msiexec("/x", str(msi)) == 0


@contextmanager
def fresh_state() -> Iterator[None]:
    """The state directory is empty and closed as the package says; afterwards it is what it was before.

    Wine's installer leaves the package's table with the DACL out, so it is done here.
    """
    before = STATE.with_name("dsmcertfix before the tests")
    if STATE.exists():
        STATE.rename(before)
    with security.descriptor(module(WINDOWS / "msi.py").STATE_ACL) as closed:
        files.make_directory(str(STATE), closed)
    try:
        yield
    finally:
        shutil.rmtree(STATE, ignore_errors=True)
        if before.exists():
            before.rename(STATE)
