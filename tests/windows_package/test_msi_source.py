"""What the MSI is made from: identities that must never change, and the lock on the state directory."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.windows_package.places import WINDOWS, built, module

WIX = "{http://schemas.microsoft.com/wix/2006/wi}"
FILES = ("dsmcertfix.exe", "_internal/a & b.dll", "_internal/sub/c.pyd")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Something that looks like a built program."""
    for name in FILES:
        file = tmp_path / "dsmcertfix" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"content")
    return tmp_path / "dsmcertfix"


def source(folder: Path, target: Path, version: str) -> ET.Element:
    module(WINDOWS / "msi.py").main(folder, target, version)
    return ET.fromstring((target / "dsmcertfix.wxs").read_text(encoding="utf-8"))


def guids(root: ET.Element) -> list[str]:
    return [found.attrib["Guid"] for found in root.iter(f"{WIX}Component")]


def test_the_same_version_is_the_same_product_and_another_one_is_an_upgrade(
    folder: Path, tmp_path: Path
) -> None:
    first, again, later = (
        source(folder, tmp_path / str(at), version) for at, version in enumerate(("1.2.3", "1.2.3", "1.2.4"))
    )
    (product,), (same,), (other,) = (list(root.iter(f"{WIX}Product")) for root in (first, again, later))
    assert product.attrib == same.attrib
    assert product.attrib["Id"] != other.attrib["Id"]
    # Machines have this code on record: with another one, no version would replace what is installed.
    assert (
        product.attrib["UpgradeCode"] == other.attrib["UpgradeCode"] == "7D3B2C55-9E0B-4C0E-8A7C-52B9C8E4F0A1"
    )
    assert guids(first) == guids(later)
    assert len(set(guids(first))) == len(guids(first)) == len(FILES) + 2


def test_every_file_of_the_folder_is_in_the_package_as_64_bit(folder: Path, tmp_path: Path) -> None:
    root = source(folder, tmp_path, "1.2.3")
    assert sorted(found.attrib["Source"] for found in root.iter(f"{WIX}File")) == sorted(FILES)
    components = list(root.iter(f"{WIX}Component"))
    assert {found.attrib["Win64"] for found in components} == {"yes"}
    featured = [found.attrib["Id"] for found in root.iter(f"{WIX}ComponentRef")]
    assert sorted(featured) == sorted(found.attrib["Id"] for found in components)


def test_the_state_directory_is_closed_to_all_but_system_and_administrators() -> None:
    """A protected DACL: nothing is inherited from ProgramData, where users may make files."""
    acl = module(WINDOWS / "msi.py").STATE_ACL
    assert re.fullmatch(r"D:P(\(A;OICI;FA;;;(SY|BA)\)){2}", acl)


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("0.1.0", (0, 1, 0, 0)),
        ("1.10", (1, 10, 0, 0)),
        ("2.0.0rc1", (2, 0, 0, 1)),
        ("1.2.3.4.5", (1, 2, 3, 4)),
    ],
)
def test_a_version_has_the_four_numbers_that_windows_compares(version: str, numbers: tuple[int, ...]) -> None:
    assert module(WINDOWS / "build.py").numbers(version) == numbers


def test_nothing_is_shipped_with_a_python_that_gets_no_fixes() -> None:
    build = module(WINDOWS / "build.py")
    build.require_fixes(build.OLDEST)
    for python in ((3, 11, 9), (3, 13, 11)):
        with pytest.raises(SystemExit, match="gets no fixes any more: take the newest 3"):
            build.require_fixes(python)


@pytest.mark.slow
def test_the_built_msi_closes_the_state_directory_and_expands_the_event_source() -> None:
    import subprocess

    (msi,) = built_msi()
    tables = {
        name: subprocess.run(
            ["msiinfo", "export", str(msi), name], check=True, capture_output=True, text=True
        ).stdout
        for name in ("MsiLockPermissionsEx", "Registry", "CreateFolder", "Property")
    }
    acl = module(WINDOWS / "msi.py").STATE_ACL
    assert f"State\tStateDirectory\tCreateFolder\t{acl}" in tables["MsiLockPermissionsEx"]
    assert "StateDirectory\tState" in tables["CreateFolder"]
    assert "EventMessageFile\t#%%SystemRoot%\\System32\\EventCreate.exe" in tables["Registry"]
    assert "REINSTALLMODE\tamus" in tables["Property"]


def built_msi() -> list[Path]:
    """The MSI that was built last."""
    found = sorted((built() / "content").glob("*.msi"))
    if not found:
        not_shown("no MSI was built here: packaging/windows/test-wine.sh builds it")
    return found


def test_every_event_has_a_number_and_a_source_that_the_package_registers() -> None:
    """EventCreate.exe has a text for the numbers from 1 to 1000 alone."""
    from dsmcertfix.report.catalogue.exits import EXITS
    from dsmcertfix.system.windows.event_log import FIRST_NUMBER, SOURCE

    assert FIRST_NUMBER >= 1
    assert FIRST_NUMBER + max(EXITS) <= 1000
    assert module(WINDOWS / "msi.py").EVENT_LOG.endswith(f"\\Application\\{SOURCE}")
