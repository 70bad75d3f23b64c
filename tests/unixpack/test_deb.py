"""The deb package: installed, used, upgraded, removed and purged in a Debian that has no Python."""

from __future__ import annotations

import gzip
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from tests.unixpack.chroot import Chroot
from tests.unixpack.conftest import Built

from dsmbench.snapshot import snapshot
from dsmcertfix import __version__

pytestmark = pytest.mark.slow

STATE = "var/lib/dsmcertfix"


def test_installed_used_upgraded_removed_and_purged(debian: Chroot, built: Built) -> None:
    first, second = (debian.take(built.one(f"*-{revision}_*.deb")) for revision in (1, 2))
    state = debian.root / STATE
    path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    assert not list((debian.root / "usr/bin").glob("python*"))

    assert debian.run("/usr/bin/dpkg", "--install", first, **path).code == 0
    assert debian.run("/usr/bin/dsmcertfix", "--version").stdout == f"dsmcertfix {__version__}\n"
    assert (debian.root / "usr/bin/dsmcertfix").readlink() == Path("/opt/dsmcertfix/dsmcertfix")
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    debian.require_closed("opt/dsmcertfix")
    assert debian.run("/usr/bin/dpkg", "--verify", "dsmcertfix", **path).stdout == ""
    for place in PAGES:
        assert (debian.root / place).is_file(), place
    require_same_directory_by_tmpfiles(debian, state)

    new = debian.machine.renew("TSMA")
    old_store = debian.machine.seen()
    assert debian.tool("detect").code == 3
    repaired = debian.tool("fix", "--yes", "--trust-on-first-use")
    assert (repaired.code, repaired.report["outcome"]) == (0, "changed")
    debian.machine.require_proved("TSMA", new)

    kept = snapshot(state)
    assert any(name.endswith("dsmcert.kdb") for name in map(str, kept))
    assert debian.run("/usr/bin/dpkg", "--install", second, **path).code == 0
    told = debian.run("/usr/bin/dpkg-query", "--show", "dsmcertfix").stdout
    assert told.split() == ["dsmcertfix", f"{__version__}-2"]
    assert snapshot(state) == kept
    assert debian.tool("backups").report["backups"][0]["intact"] is True
    assert debian.tool("rollback", "--yes").code == 0
    assert debian.machine.seen() == old_store

    kept = snapshot(state)
    assert debian.run("/usr/bin/dpkg", "--remove", "dsmcertfix", **path).code == 0
    assert snapshot(state) == kept
    gone = ("opt/dsmcertfix", "usr/bin/dsmcertfix", *PAGES)
    assert [
        place for place in gone if (debian.root / place).exists() or (debian.root / place).is_symlink()
    ] == []

    assert debian.run("/usr/bin/dpkg", "--purge", "dsmcertfix", **path).code == 0
    assert not state.exists()


def require_same_directory_by_tmpfiles(debian: Chroot, state: Path) -> None:
    """systemd's program, where there is one, makes of the entry what the package made without it."""
    program = shutil.which("systemd-tmpfiles")
    if program is None:
        return
    state.rmdir()
    words = [program, f"--root={debian.root}", "--create", "dsmcertfix.conf"]
    subprocess.run(words, capture_output=True, check=True)
    info = state.stat()
    assert (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) == (0o700, 0, 0)


PAGES = (
    "usr/share/man/man1/dsmcertfix.1.gz",
    "usr/share/bash-completion/completions/dsmcertfix",
    "usr/share/zsh/vendor-completions/_dsmcertfix",
    "usr/share/fish/vendor_completions.d/dsmcertfix.fish",
    "usr/lib/systemd/system/dsmcertfix-detect.service",
    "usr/lib/systemd/system/dsmcertfix-detect.timer",
    "usr/lib/tmpfiles.d/dsmcertfix.conf",
)


def test_the_package_asks_for_the_c_library_that_its_libraries_need(built: Built) -> None:
    asked = ["dpkg-deb", "--field", str(built.one("*-1_*.deb")), "Depends"]
    depends = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert depends.startswith("libc6 (>= 2.")


def test_the_package_is_small_and_says_who_built_it_and_what_changed(built: Built, tmp_path: Path) -> None:
    package = built.one("*-1_*.deb")

    def field(name: str) -> str:
        asked = ["dpkg-deb", "--field", str(package), name]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    assert int(field("Installed-Size")) * 1024 <= 36_000_000
    assert field("Maintainer").endswith(">") and field("Homepage").startswith("https://")
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(tmp_path)], check=True)
    sums = (tmp_path / "DEBIAN/md5sums").read_text(encoding="utf-8").splitlines()
    files = [item for item in tmp_path.rglob("*") if item.is_file() and not item.is_symlink()]
    assert len(sums) == sum("DEBIAN" not in item.parts for item in files)
    log = gzip.decompress((tmp_path / "usr/share/doc/dsmcertfix/changelog.Debian.gz").read_bytes()).decode()
    assert log.startswith(f"dsmcertfix ({__version__}-1) ")
    assert (tmp_path / "usr/share/doc/dsmcertfix/changelog.gz").is_file()


def test_without_python_the_one_file_says_what_to_do(debian: Chroot, built: Built) -> None:
    answer = debian.run(debian.take(built.one("*.pyz")), "--version")
    assert answer.code == 127
    assert "no Python 3.10 to 3.14 in /usr/bin, /usr/local/bin or /opt/freeware/bin" in answer.stderr
    assert "Nothing was changed." in answer.stderr
