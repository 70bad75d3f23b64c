"""The daily look as a unit of systemd: it is closed in, off until enabled, and systemd understands it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.shown import not_shown

from dsmpack.places import UNIX
from dsmpack.tree import UNITS

PACKAGE = UNIX / "package"
LIMIT_S = 120.0
WORST = 3.5
"""Exposure as `systemd-analyze security` reckons it, of 10; a service without any of it has 9.6."""


def settings(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (PACKAGE / unit).read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        not_shown("systemd-analyze is not here: what it says of the units")
    return subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, check=False, timeout=LIMIT_S
    )


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that is there."""
    for unit in UNITS:
        text = (PACKAGE / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(text.replace("/usr/bin/dsmcertfix", "/bin/true"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ProtectSystem", "strict"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("MemoryMax", "512M"),
        ("RuntimeMaxSec", "600"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", "CAP_DAC_READ_SEARCH CAP_SETUID CAP_SETGID CAP_KILL"),
        ("ExecStart", "/usr/bin/dsmcertfix detect --expires-within 30"),
        ("Type", "exec"),
    ],
)
def test_the_service_is_closed_in_and_only_looks(name: str, value: str) -> None:
    assert settings(UNITS[0])[name] == [value]


def test_systemd_understands_the_units(units: Path) -> None:
    done = analyze("verify", "--man=no", *(units / unit for unit in UNITS))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_finds_the_service_closed(units: Path) -> None:
    done = analyze("security", "--offline=true", units / UNITS[0])
    level = re.search(r"exposure level for .*: ([0-9.]+)", done.stdout)
    assert level is not None and float(level[1]) <= WORST, done.stdout + done.stderr


def test_no_script_of_a_package_enables_it() -> None:
    scripts = [path for path in PACKAGE.iterdir() if not path.name.startswith("dsmcertfix-detect")]
    assert scripts and not any("systemctl" in path.read_text(encoding="utf-8") for path in scripts)
    assert "Install" not in (PACKAGE / UNITS[0]).read_text(encoding="utf-8").partition("[Unit]")[2]
