"""What a site signs with its key is taken by whoever has that key, and refused once a byte is another."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.unixpack.conftest import Built

pytestmark = pytest.mark.slow

LIMIT_S = 120
USER = "Packages of this test <packages@example.com>"
POLICY = """\
<?xml version="1.0"?>
<!DOCTYPE Policy SYSTEM "https://www.debian.org/debsig/1.0/policy.dtd">
<Policy xmlns="https://www.debian.org/debsig/1.0/">
  <Origin Name="test" id="{key}" Description="the key of this test"/>
  <Selection><Required Type="origin" File="key.gpg" id="{key}"/></Selection>
  <Verification MinOptional="0"><Required Type="origin" File="key.gpg" id="{key}"/></Verification>
</Policy>
"""


def _need(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        not_shown(f"signatures: {', '.join(missing)} is not installed")


def _run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def _done(*words: str | Path, **environment: str) -> str:
    done = _run(*words, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _changed(file: Path) -> Path:
    """A copy that differs in one byte near its end."""
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    other = file.with_name(f"changed-{file.name}")
    other.write_bytes(content)
    return other


@dataclass(frozen=True, slots=True)
class Key:
    """An OpenPGP key in a home of its own; `environment` leads programs to it."""

    fingerprint: str
    public: Path
    environment: Mapping[str, str]


@pytest.fixture
def key(tmp_path: Path) -> Iterator[Key]:
    _need("gpg", "gpgconf")
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    # debsigs asks for SHA-1 otherwise, which gpg itself refuses when it verifies.
    (home / "gpg.conf").write_text("digest-algo SHA512\n")
    environment = {"GNUPGHOME": str(home), "HOME": str(tmp_path)}
    try:
        made = ("--batch", "--passphrase", "", "--quick-gen-key", USER, "rsa3072", "sign", "never")
        _done("gpg", *made, **environment)
        listed = _done("gpg", "--with-colons", "--list-keys", **environment)
        (fingerprint,) = re.findall(r"^fpr:+([0-9A-F]{40}):", listed, re.MULTILINE)
        public = tmp_path / "key.asc"
        _done("gpg", "--armor", "--output", public, "--export", fingerprint, **environment)
        yield Key(fingerprint, public, environment)
    finally:
        _run("gpgconf", "--kill", "all", **environment)


def test_rpm_takes_the_signed_package_and_no_other(built: Built, key: Key, tmp_path: Path) -> None:
    _need("rpm", "rpmsign", "rpmkeys")
    package = Path(shutil.copy(built.one("*-1.*.rpm"), tmp_path))
    strict = ("--dbpath", tmp_path / "rpmdb", "--define", "_pkgverify_level all")
    _done("rpm", "--initdb", "--dbpath", tmp_path / "rpmdb")
    assert _run("rpmkeys", *strict, "-K", package).returncode != 0, "a package that nobody signed"
    how = ("--define", f"_gpg_name {key.fingerprint}", "--define", f"__gpg {shutil.which('gpg')}")
    _done("rpmsign", *how, "--addsign", package, **key.environment)
    assert _run("rpmkeys", *strict, "-K", package).returncode != 0, "a key that nobody imported"
    _done("rpmkeys", "--dbpath", tmp_path / "rpmdb", "--import", key.public)
    assert "digests signatures OK" in _done("rpmkeys", *strict, "-K", package)
    assert _run("rpmkeys", *strict, "-K", _changed(package)).returncode != 0


def test_debsig_takes_the_signed_package_and_no_other(built: Built, key: Key, tmp_path: Path) -> None:
    _need("debsigs", "debsig-verify")
    package = Path(shutil.copy(built.one("*-1_*.deb"), tmp_path))
    short = key.fingerprint[-16:]
    policies, keyrings = tmp_path / "policies" / short, tmp_path / "keyrings" / short
    policies.mkdir(parents=True)
    keyrings.mkdir(parents=True)
    (policies / "test.pol").write_text(POLICY.format(key=short))
    _done("gpg", "--output", keyrings / "key.gpg", "--export", key.fingerprint, **key.environment)
    verify = ("debsig-verify", "--policies-dir", policies.parent, "--keyrings-dir", keyrings.parent)
    assert _run(*verify, package).returncode != 0, "a package that nobody signed"
    _done("debsigs", "--sign=origin", f"--default-key={short}", package, **key.environment)
    _done(*verify, package)
    assert _run(*verify, _changed(package)).returncode != 0
    # It is a package all the same.
    assert "dsmcertfix" in _done("dpkg-deb", "--field", package, "Package")


def test_openssh_and_minisign_take_the_signed_sums_and_no_other(built: Built, tmp_path: Path) -> None:
    _need("ssh-keygen", "minisign", "sha256sum")
    sums = Path(shutil.copy(built.one("SHA256SUMS"), tmp_path))
    _done("env", "-C", built.directory, "sha256sum", "--check", "--strict", sums)
    _done("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ssh")
    _done("ssh-keygen", "-Y", "sign", "-f", tmp_path / "ssh", "-n", "file", sums)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"packages@example.com {(tmp_path / 'ssh.pub').read_text()}")
    _done("minisign", "-G", "-W", "-p", tmp_path / "mini.pub", "-s", tmp_path / "mini.key")
    _done("minisign", "-S", "-s", tmp_path / "mini.key", "-m", sums)
    verify = ("ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "packages@example.com", "-n", "file")
    by_ssh = [str(word) for word in (*verify, "-s", f"{sums}.sig")]
    by_minisign = ("minisign", "-V", "-p", tmp_path / "mini.pub", "-x", f"{sums}.minisig", "-m")
    for file, good in ((sums, True), (_changed(sums), False)):
        with file.open("rb") as content:
            done = subprocess.run(by_ssh, stdin=content, capture_output=True, timeout=LIMIT_S, check=False)
        assert (done.returncode == 0) == good, done
        assert (_run(*by_minisign, file).returncode == 0) == good
