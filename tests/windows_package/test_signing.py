"""Signing what was built, really, with a certificate that is thrown away afterwards."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.shown import not_shown
from tests.windows_package.places import WINDOWS
from tests.windows_package.places import built as whole

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Signer:
    """A code signing certificate and its key, as files."""

    certificate: Path
    key: Path

    def sign(self, *what: Path) -> str:
        """What sign.sh said."""
        options = ["--", "-certs", str(self.certificate), "-key", str(self.key)]
        program = [str(WINDOWS / "sign.sh"), *map(str, what), *options]
        return subprocess.run(program, check=True, capture_output=True, text=True).stdout.strip()

    def verifies(self, file: Path) -> bool:
        """Whether the file has a signature of ours that holds."""
        command = ["osslsigncode", "verify", "-CAfile", str(self.certificate), "-in", str(file)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        return done.returncode == 0 and "Signature verification: ok" in done.stdout


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    """A certificate that signs itself, for three days."""
    if not shutil.which("osslsigncode"):
        not_shown("osslsigncode is not installed here")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "thrown away")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = Signer(tmp_path / "code.pem", tmp_path / "code.key")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    files.key.write_bytes(private)
    return files


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A copy of what was built."""
    made = whole()
    if not (made / "dsmcertfix" / "dsmcertfix.exe").exists():
        not_shown("no program was built here: packaging/windows/test-wine.sh builds it")
    return shutil.copytree(made, tmp_path / "built")


def test_the_program_and_its_msi_are_signed_once_and_foreign_signatures_stay(
    signer: Signer, built: Path
) -> None:
    folder, foreign = built / "dsmcertfix", built / "dsmcertfix" / "_internal" / "python311.dll"
    (msi,) = (built / "content").glob("*.msi")
    before = foreign.read_bytes()
    assert not signer.verifies(folder / "dsmcertfix.exe")
    assert signer.sign(folder) not in ("", "signed: 0")
    assert signer.sign(msi) == "signed: 1"
    assert signer.verifies(folder / "dsmcertfix.exe")
    assert signer.verifies(msi)
    assert foreign.read_bytes() == before
    assert signer.sign(folder, msi) == "signed: 0"


@pytest.mark.parametrize("place", [0x200, -0x4000])
def test_a_signature_does_not_hold_for_a_changed_program(signer: Signer, built: Path, place: int) -> None:
    program = built / "dsmcertfix" / "dsmcertfix.exe"
    signer.sign(program)
    content = bytearray(program.read_bytes())
    content[place] ^= 1
    program.write_bytes(content)
    assert not signer.verifies(program)


def test_what_windows_says_of_the_signature() -> None:
    not_shown("signtool, SmartScreen and WDAC are Windows'; packaging/windows/sign.ps1 is parsed only")
