"""What is shipped to Unix nodes: built once for all tests here, twice where that is the question."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from tests.endtoend.machine import Machine
from tests.shown import not_shown
from tests.unixpack import ansible, chroot, pythons
from tests.unixpack.ansible import Controller
from tests.unixpack.chroot import Chroot
from tests.unixpack.places import alone

from dsmbench.runtime import scratch
from dsmpack import pages
from dsmpack.pages import Texts
from dsmpack.places import TOP, epoch

BUILD_LIMIT_S = 900
SOURCES = (
    *("packaging/unix", "packaging/requirements.lock", "src", "scripts/environment.sh", "scripts/locked.py"),
    "scripts/sbom.py",
    *("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"),
)


@dataclass(frozen=True, slots=True)
class Built:
    """What one call of build.sh made."""

    directory: Path

    def one(self, pattern: str) -> Path:
        """The only file of that pattern."""
        (found,) = self.directory.glob(pattern)
        return found


@pytest.fixture(scope="session")
def texts() -> Texts:
    """Man page and completion."""
    return pages.texts()


@pytest.fixture(scope="session")
def environment_of_the_build(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The environment in which everything is built is there: made once, whatever worker needs it first."""
    with alone("packaging"):
        _made(_build(TOP, tmp_path_factory.mktemp("environment"), "pages"))


@pytest.fixture(scope="session")
def pyz(
    environment_of_the_build: None, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The one file, built once for all workers, for whoever needs nothing else of what is shipped."""
    base = tmp_path_factory.getbasetemp()
    # Workers have a directory each, below that of the run.
    directory = (base.parent if hasattr(pytestconfig, "workerinput") else base) / "pyz"
    with FileLock(f"{directory}.lock"):
        if not directory.exists():
            aside = tmp_path_factory.mktemp("pyz-aside")
            _made(_build(TOP, aside, "pyz"))
            aside.rename(directory)
    return Built(directory).one("*.pyz")


@pytest.fixture(scope="session")
def built_twice(
    environment_of_the_build: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Built, Built]:
    """Everything built from this tree and, at the same time, from a copy of it.

    The copy lies elsewhere, and its builder has another home, language, time zone and umask.
    """
    directory = tmp_path_factory.mktemp("built")
    copy = directory / "elsewhere/with a long name/dsmcertfix"
    for name in SOURCES:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (TOP / name).is_dir():
            shutil.copytree(
                TOP / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
            )
        else:
            shutil.copy(TOP / name, copy / name)
    (copy / ".cache").mkdir()
    (copy / ".cache/packaging-environment").symlink_to(TOP / ".cache/packaging-environment")
    other = {"HOME": str(directory), "LANG": "C", "TZ": "Pacific/Chatham", "PYTHONHASHSEED": "12345"}
    what = ("pyz", "tarball", "deb", "rpm")
    here = _build(TOP, directory / "here", *what, "--revision", "1", "--revision", "2")
    there = _build(copy, directory / "there", *what, umask=0o077, **other)
    _made(here)
    _made(there)
    return Built(directory / "here"), Built(directory / "there")


def _build(top: Path, output: Path, *what: str, umask: int = -1, **other: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch()), **other}
    return subprocess.Popen(
        [str(top / "packaging/unix/build.sh"), *what, "--output", str(output)],
        env=environment,
        umask=umask,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def _made(process: subprocess.Popen[str]) -> None:
    said, _ = process.communicate(timeout=BUILD_LIMIT_S)
    assert process.returncode == 0, said


@pytest.fixture(scope="session")
def built(built_twice: tuple[Built, Built]) -> Built:
    """What is shipped."""
    return built_twice[0]


@pytest.fixture(scope="session")
def oldest_controller() -> Iterator[Controller]:
    """The oldest Ansible that the collection serves, with the collection."""
    found = pythons.find("3.10")
    if found is None:
        not_shown("Ansible 2.16, the oldest that the collection serves: there is no Python 3.10")
    with scratch() as home:
        yield ansible.controller(home, oldest=found)


@pytest.fixture
def debian() -> Iterator[Chroot]:
    """A Debian with a client that trusts one server."""
    with scratch() as directory:
        machine = Machine(directory / "endpoint")
        try:
            machine.stanzas("TSMA")
            machine.endpoint.store(certificates=machine.trusted("TSMA"))
            yield chroot.make(directory / "debian", machine)
        finally:
            machine.stop()
