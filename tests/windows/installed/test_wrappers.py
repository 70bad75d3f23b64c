"""What the consoles run, as far as Wine can: install.cmd, repair.cmd, and the twins of the detections."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsmbench.identity import fingerprint
from dsmbench.server import Server

assert sys.platform == "win32"

from tests.answers import Answer
from tests.shown import not_shown
from tests.windows.installed.msi import PROGRAM, Package, msiexec
from tests.windows.test_windows_logs import CCM, consoles
from tests.windows.tool import ran

from dsmbench.windows import WindowsEndpoint

PACKAGING = Path(__file__).parents[3] / "packaging"
SCCM_DETECT = PACKAGING / "sccm" / "application" / "detect.cmd"
INTUNE_DETECT = PACKAGING / "intune" / "app" / "detect.cmd"


@pytest.fixture
def content(package: Package) -> Iterator[Path]:
    """The content source; nothing is installed before and after."""
    assert not PROGRAM.exists()
    yield package.directory / "content"
    if PROGRAM.exists():
        assert msiexec("/x", str(package.msi)) == 0


def cmd(file: Path, *arguments: str) -> Answer:
    """The batch file has ended."""
    return ran([r"C:\windows\system32\cmd.exe", "/c", str(file), *arguments])


def said(file: Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a detection."""
    answer = cmd(file)
    return answer.code, answer.stdout.strip(), answer.stderr.strip()


def test_from_not_installed_to_repaired_as_the_consoles_see_it(
    content: Path, endpoint: WindowsEndpoint, tsm01: Server
) -> None:
    endpoint.option_file(tsm01, node="PC1")
    endpoint.store(certificates=[endpoint.trusted("TSM01", tsm01)])
    new = fingerprint(tsm01.renew())
    assert said(SCCM_DETECT) == (0, "", "")
    assert said(INTUNE_DETECT) == (1, "", "")
    assert cmd(content / "repair.cmd").code == 1605

    assert cmd(content / "install.cmd", "--expect-sha256", new).code == 0

    assert said(SCCM_DETECT) == (0, "Compliant", "")
    code, out, err = said(INTUNE_DETECT)
    assert (code, bool(out), err) == (0, True, "")
    newer = fingerprint(tsm01.renew())
    assert said(SCCM_DETECT) == (0, "", "")
    code, out, err = said(INTUNE_DETECT)
    assert (code, bool(out), err) == (1, True, "")
    assert cmd(content / "repair.cmd").code == 2, "nobody said which certificate to expect"
    repair = (content / "repair.cmd", "--expect-sha256", newer)
    assert cmd(*repair).code == 21, "the node is STRICT since the first session"
    tsm01.update_node("PC1", "TRANSITIONAL")
    assert cmd(*repair).code == 0
    tsm01.stop()
    code, out, err = said(SCCM_DETECT)
    assert (code, out, bool(err)) == (16, "", True)


def test_without_the_package_beside_it_install_says_so(
    tmp_path: Path, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tmp_path / "install.cmd"
    alone.write_bytes((package.directory / "content" / "install.cmd").read_bytes())
    monkeypatch.setenv("package", "a variable of the caller")
    assert cmd(alone).code == 1619


def test_under_configmgr_its_log_folder_has_what_the_installer_and_the_program_did(
    content: Path, endpoint: WindowsEndpoint, tsm01: Server, tmp_path: Path
) -> None:
    endpoint.option_file(tsm01, node="PC1")
    endpoint.store(certificates=[endpoint.trusted("TSM01", tsm01)])
    new = fingerprint(tsm01.renew())
    with consoles():
        source = shutil.copytree(content, tmp_path / "ccmcache" / "a folder with blanks")
        assert cmd(source / "install.cmd", "--expect-sha256", new).code == 0
        assert (CCM / "dsmcertfix-msi.log").stat().st_size > 0
        told = (CCM / "dsmcertfix.log").read_text(encoding="utf-8")
    assert "1 store changed" in told


def test_a_machine_without_a_client_counts_as_repaired(content: Path) -> None:
    assert cmd(content / "install.cmd", "--trust-on-first-use").code == 0
    assert said(SCCM_DETECT) == (0, "Compliant", "")


def test_the_powershell_scripts_run() -> None:
    not_shown("Wine has no PowerShell; tests/windows_package parses the scripts, their twins in cmd run here")
