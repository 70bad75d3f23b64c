"""A small Debian in a directory, without Python, and a bench endpoint that looks from inside like its own.

Made by debootstrap from the mirror that apt of this machine uses, once; kept below .cache/.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.answers import Answer, checked
from tests.endtoend.machine import Machine
from tests.namespaces import View, require
from tests.shown import not_shown

from dsmbench.runtime import runtime
from dsmpack.places import CACHE

LIMIT_S = 300.0
DEBOOTSTRAP_LIMIT_S = 900.0
# Where the endpoint's own directories stand on a real machine.
PLACES = ("opt/tivoli", "usr/local/ibm", "etc/adsm")


@dataclass(frozen=True, slots=True)
class Chroot:
    """The directory, and the machine whose client is seen in it."""

    root: Path
    machine: Machine

    def run(self, *words: str | Path, **environment: str) -> Answer:
        """The program has ended, in there, with that environment and nothing else in it."""
        binds = {"/tmp": Path("/tmp"), **{f"/{place}": self.machine.root / place for place in PLACES}}
        for place in binds:
            (self.root / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
        argv = View(binds, root=self.root, host_name="chroot").argv(*words, **environment)
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        return Answer(done.returncode, done.stdout, done.stderr, {})

    def tool(self, *words: str) -> Answer:
        """The installed program has ended; its JSON keeps to the schema."""
        return checked(self.run("/usr/bin/dsmcertfix", *words, "--json"))

    def take(self, file: Path) -> Path:
        """A copy of the file is in root's home in there; returns its path from inside."""
        shutil.copy(file, self.root / "root")
        return Path("/root", file.name)

    def require_closed(self, place: str) -> None:
        """Everything below that place is root's, and nobody else can write it."""
        top = self.root / place
        for path in (top, *top.rglob("*")):
            info = path.lstat()
            assert (info.st_uid, info.st_gid) == (0, 0), path
            assert path.is_symlink() or not info.st_mode & 0o022, path


def make(directory: Path, machine: Machine) -> Chroot:
    """A fresh copy of the small Debian; the test is listed as not shown where there can be none."""
    require()
    if shutil.which("debootstrap") is None:
        not_shown("there is no debootstrap")
    if not runtime().python.is_relative_to("/tmp"):
        not_shown("the played client runs on a Python that the chroot cannot see")
    subprocess.run(["cp", "-a", "--reflink=auto", str(_base()), str(directory)], check=True)
    return Chroot(directory, machine)


@cache
def _base() -> Path:
    site, codename = _mirror()
    base = CACHE / f"debian-{codename}"
    if not base.exists():
        CACHE.mkdir(exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix="debian-", dir=CACHE))
        wanted = ",".join(_packages())
        argv = ["debootstrap", "--variant=minbase", f"--include={wanted}", codename, str(aside), site]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=DEBOOTSTRAP_LIMIT_S, check=False)
        if done.returncode:
            shutil.rmtree(aside)
            raise RuntimeError(
                f"debootstrap ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr}"
            )
        for package in (aside / "var/cache/apt/archives").glob("*.deb"):
            package.unlink()
        aside.chmod(0o755)
        aside.rename(base)
    return base


def _mirror() -> tuple[str, str]:
    """The mirror of this very Debian in apt's configuration, and the release's name."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    codename = re.search(r"^VERSION_CODENAME=(\S+)$", release, re.MULTILINE)
    if codename is None or "\nID=debian\n" not in f"\n{release}":
        not_shown("this is no Debian, so apt names no mirror for debootstrap")
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", "Identifier: Packages"]
    found = subprocess.run(
        [*asked, f"Codename: {codename[1]}", "Component: main", "Origin: Debian"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    if not found:
        not_shown("apt names no mirror for debootstrap")
    return found[0], codename[1]


def _packages() -> list[str]:
    """The packages of this system whose libraries the played client's Python needs."""
    found = runtime()
    modules = [found.python.resolve(), *found.python.resolve().parents[1].rglob("lib-dynload/_*.so")]
    wanted = [
        path
        for path in modules
        if not path.name.startswith("_") or path.name.startswith(("_ssl", "_ctypes."))
    ]
    told = ""
    for path in wanted:
        environment = {**os.environ, "LD_LIBRARY_PATH": str(found.libraries)}
        told += subprocess.run(
            ["ldd", str(path)], capture_output=True, text=True, env=environment, check=True
        ).stdout
    files = {Path(name).resolve() for name in re.findall(r"=> (/(?:usr/)?lib/\S+)", told)}
    owners = subprocess.run(
        ["dpkg-query", "--search", *map(str, files)], capture_output=True, text=True, check=False
    ).stdout
    return sorted({line.partition(":")[0] for line in owners.splitlines()})
