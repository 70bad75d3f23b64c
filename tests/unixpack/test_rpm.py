"""The rpm package: installed, used, upgraded and removed by the real rpm, in a root directory of its own.

There is no rpm system here: the directory is a Debian's, and a stand-in package provides what its C library
provides, so that rpm's own check of dependencies is at work.
"""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.unixpack.chroot import Chroot
from tests.unixpack.conftest import Built

from dsmbench.snapshot import snapshot
from dsmcertfix import __version__

pytestmark = pytest.mark.slow

STATE = "var/lib/dsmcertfix"
LIMIT_S = 300
PAGES = (
    "usr/share/man/man1/dsmcertfix.1.gz",
    "usr/share/bash-completion/completions/dsmcertfix",
    "usr/share/zsh/site-functions/_dsmcertfix",
    "usr/share/fish/vendor_completions.d/dsmcertfix.fish",
    "usr/lib/systemd/system/dsmcertfix-detect.service",
    "usr/lib/systemd/system/dsmcertfix-detect.timer",
    "usr/lib/tmpfiles.d/dsmcertfix.conf",
)
STAND_IN = """\
Name: c-library
Version: 1
Release: 1
Summary: stands in for the C library and the shell
License: none
{provides}
%description
Nothing.
%files
"""


def rpm(debian: Chroot, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """rpm has ended, with its data base and its scripts in that root."""
    argv = ["rpm", "--root", str(debian.root), *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def stand_in(debian: Chroot, directory: Path) -> Path:
    """A package that provides what the C library in the root provides."""
    (library,) = debian.root.glob("usr/lib/*-linux-gnu/libc.so.6")
    versions = sorted(set(re.findall(rb"\0(GLIBC_[\d.]+)(?=\0)", library.read_bytes())))
    provided = [f"libc.so.6({version.decode()})(64bit)" for version in versions] + ["/bin/sh"]
    spec = directory / "c-library.spec"
    spec.write_text(STAND_IN.format(provides="\n".join(f"Provides: {name}" for name in provided)))
    built = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {directory}", str(spec)]
    subprocess.run(built, capture_output=True, timeout=LIMIT_S, check=True)
    (made,) = directory.glob("RPMS/*/*.rpm")
    return made


def test_installed_used_upgraded_and_removed(debian: Chroot, built: Built, tmp_path: Path) -> None:
    if shutil.which("rpm") is None or shutil.which("rpmbuild") is None:
        not_shown("there is no rpm")
    first, second = (built.one(f"*-{revision}.*.rpm") for revision in (1, 2))
    state = debian.root / STATE
    assert rpm(debian, "--initdb").returncode == 0

    refused = rpm(debian, "--install", first)
    assert refused.returncode != 0
    assert re.search(r"libc\.so\.6\(GLIBC_2\.\d+\)\(64bit\) is needed by dsmcertfix", refused.stderr)
    assert not (debian.root / "opt/dsmcertfix").exists()
    assert rpm(debian, "--install", stand_in(debian, tmp_path)).returncode == 0

    installed = rpm(debian, "--install", first)
    # Debian's rpm warns of itself.
    assert [line for line in installed.stderr.splitlines() if not line.startswith("rpm: ")] == []
    assert installed.returncode == 0
    assert rpm(debian, "--verify", "dsmcertfix").stdout == ""
    asked = rpm(
        debian, "--query", "--queryformat", "%{URL} %{PACKAGER} %{CHANGELOGTEXT}", "dsmcertfix"
    ).stdout
    assert re.fullmatch(r"https://\S+ .+ <.+@.+> - Built from .+", asked)
    assert debian.run("/usr/bin/dsmcertfix", "--version").stdout == f"dsmcertfix {__version__}\n"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    debian.require_closed("opt/dsmcertfix")
    for place in PAGES:
        assert (debian.root / place).is_file(), place

    new = debian.machine.renew("TSMA")
    old_store = debian.machine.seen()
    repaired = debian.tool("fix", "--yes", "--trust-on-first-use")
    assert (repaired.code, repaired.report["outcome"]) == (0, "changed")
    debian.machine.require_proved("TSMA", new)

    kept = snapshot(state)
    assert rpm(debian, "--upgrade", second).returncode == 0
    assert rpm(debian, "--query", "dsmcertfix").stdout.startswith(f"dsmcertfix-{__version__}-2.")
    assert snapshot(state) == kept
    assert debian.tool("rollback", "--yes").code == 0
    assert debian.machine.seen() == old_store

    kept = snapshot(state)
    assert rpm(debian, "--erase", "dsmcertfix").returncode == 0
    assert snapshot(state) == kept
    gone = ("opt/dsmcertfix", "usr/bin/dsmcertfix", *PAGES)
    assert [
        place for place in gone if (debian.root / place).exists() or (debian.root / place).is_symlink()
    ] == []
