"""What was built: the same from another place, with a version and a manifest, and nothing strange in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pefile
import pytest

assert sys.platform == "win32"

from tests.windows.installed.msi import Package

import dsmcertfix

TOP = Path(__file__).parents[3]
ELSEWHERE = Path(r"D:\another place")
NEEDED = ("src", "packaging/windows")
FILES = ("LICENSE", "pyproject.toml", "packaging/requirements.lock", "scripts/locked.py", "scripts/sbom.py")
LIMIT_S = 1200.0


def test_a_second_build_from_another_place_and_drive_has_the_same_hashes(package: Package) -> None:
    shutil.rmtree(ELSEWHERE, ignore_errors=True)
    for name in NEEDED:
        shutil.copytree(TOP / name, ELSEWHERE / name, ignore=shutil.ignore_patterns("__pycache__"))
    (ELSEWHERE / "scripts").mkdir()
    for name in FILES:
        shutil.copy2(TOP / name, ELSEWHERE / name)
    program = [
        sys.executable,
        str(ELSEWHERE / "packaging" / "windows" / "build.py"),
        "--any-python",
        str(ELSEWHERE / "built"),
    ]
    environment = {**os.environ, "TEMP": r"D:\\", "TMP": r"D:\\", "PYTHONHASHSEED": "42", "USERNAME": "other"}
    subprocess.run(program, check=True, env=environment, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
    again = (ELSEWHERE / "built" / "SHA256SUMS").read_bytes()
    shutil.rmtree(ELSEWHERE)
    assert again == (package.directory / "SHA256SUMS").read_bytes()


@pytest.fixture
def program(package: Package) -> pefile.PE:
    """The built program, as the system reads it."""
    return pefile.PE(str(package.directory / "dsmcertfix" / "dsmcertfix.exe"))


def test_the_version_is_in_its_properties(program: pefile.PE) -> None:
    found = {
        key.decode(): value.decode()
        for info in program.FileInfo[0]
        for table in getattr(info, "StringTable", ())
        for key, value in table.entries.items()
    }
    assert found["FileVersion"] == found["ProductVersion"] == dsmcertfix.__version__
    assert found["OriginalFilename"] == "dsmcertfix.exe"
    fixed = program.VS_FIXEDFILEINFO[0]
    major_minor = tuple(map(int, dsmcertfix.__version__.split(".")[:2]))
    assert (fixed.FileVersionMS >> 16, fixed.FileVersionMS & 0xFFFF) == major_minor


def test_it_runs_as_whoever_calls_it_in_a_console_and_knows_long_paths(program: pefile.PE) -> None:
    manifest = manifest_of(program)
    assert 'level="asInvoker"' in manifest
    assert 'uiAccess="false"' in manifest
    assert "longPathAware" in manifest
    assert program.OPTIONAL_HEADER.Subsystem == pefile.SUBSYSTEM_TYPE["IMAGE_SUBSYSTEM_WINDOWS_CUI"]


def test_nothing_of_wine_or_of_the_tests_is_in_it(package: Package) -> None:
    strange = ("bcryptprimitives", "ucrtbase", "pytest", "dsmbench", "hypothesis", "clidriver", "pip")
    assert [name for name in package.sums if any(word in name for word in strange)] == []


def manifest_of(program: pefile.PE) -> str:
    """The text of the manifest resource."""
    kind = pefile.RESOURCE_TYPE["RT_MANIFEST"]
    (entry,) = (found for found in program.DIRECTORY_ENTRY_RESOURCE.entries if found.id == kind)
    data = entry.directory.entries[0].directory.entries[0].data.struct
    return bytes(program.get_data(data.OffsetToData, data.Size)).decode()
