"""The MSI: what it installs, a later version over it, and what its removal leaves."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

assert sys.platform == "win32"
import winreg

from tests.shown import not_shown
from tests.windows.installed.msi import FOLDER, PROGRAM, STATE, Package, installed, msiexec
from tests.windows.tool import ran

SOURCE = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\dsmcertfix"
UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"


@pytest.fixture
def kept() -> Iterator[Path]:
    """Where a backup would be, below the state directory."""
    place = STATE / "runs" / "kept by a test"
    yield place
    place.rmdir()


def test_it_installs_every_file_and_a_later_version_and_leaves_backups_alone(
    package: Package, kept: Path
) -> None:
    with installed(package.msi):
        assert found_files() == package.sums
        assert source_of_events() == {
            "EventMessageFile": (r"%SystemRoot%\System32\EventCreate.exe", winreg.REG_EXPAND_SZ),
            "TypesSupported": (7, winreg.REG_DWORD),
        }
        assert STATE.is_dir()
        assert is_listed(package.product("product-code"))
        kept.mkdir(parents=True)
        with installed(package.later.msi):
            assert found_files() == package.sums
            assert not is_listed(package.product("product-code"))
            assert is_listed(package.later.product("product-code"))
            assert ran([str(PROGRAM), "--version"]).code == 0
            assert msiexec("/i", str(package.msi)) != 0, "an older version went over a later one"
            assert is_listed(package.later.product("product-code"))
        assert msiexec("/i", str(package.msi)) == 0
    assert not FOLDER.exists()
    assert source_of_events() == {}
    assert kept.is_dir()


def test_the_line_in_product_txt_removes_it(package: Package) -> None:
    assert msiexec("/i", str(package.msi)) == 0
    line = package.product("uninstall").split()
    assert line[0] == "msiexec.exe"
    assert msiexec(*line[1:-2]) == 0
    assert not PROGRAM.exists()


def test_the_state_directory_is_closed_by_the_package() -> None:
    not_shown("Wine's installer does not know the table MsiLockPermissionsEx; tests/windows_package reads it")


def test_events_show_their_text_in_the_event_viewer() -> None:
    not_shown("Wine has no EventCreate.exe, whose message table the event source names")


def found_files() -> dict[str, str]:
    """SHA-256 of what is installed, by its path in the folder."""
    files = sorted(path for path in FOLDER.rglob("*") if path.is_file())
    return {
        path.relative_to(FOLDER).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def source_of_events() -> dict[str, tuple[object, int]]:
    """The values of the event source; nothing when there is none."""
    try:
        with winreg.OpenKeyEx(winreg.HKEY_LOCAL_MACHINE, SOURCE) as key:
            rows = [winreg.EnumValue(key, at) for at in range(winreg.QueryInfoKey(key)[1])]
    except FileNotFoundError:
        return {}
    return {name: (value, kind) for name, value, kind in rows}


def is_listed(product: str) -> bool:
    """Whether the list of installed programs has that product code."""
    try:
        winreg.OpenKeyEx(winreg.HKEY_LOCAL_MACHINE, rf"{UNINSTALL}\{product}").Close()
    except FileNotFoundError:
        return False
    return True
