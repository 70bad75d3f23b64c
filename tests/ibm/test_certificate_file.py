"""Fingerprints as people paste them, and certificates in files as they are handed over."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from tests.ibm.key_database.test_spelling import ODD

from dsmbench import certificates
from dsmcertfix.errors import NotFound, UsageError
from dsmcertfix.ibm.certificate_file import certificates_of_file, normalised, of_file
from dsmcertfix.report.catalogue import next_step

BARE = sha256(b"a certificate").hexdigest()
PAIRS = [BARE[at : at + 2] for at in range(0, 64, 2)]
COLONS = ":".join(PAIRS)
ONE, TWO = certificates.make(), certificates.make()


@pytest.mark.parametrize(
    "text",
    [
        BARE,
        BARE.upper(),
        COLONS,
        COLONS.upper(),
        " ".join(PAIRS),
        "-".join(PAIRS),
        f"  {BARE}\n",
        f"sha256 Fingerprint={COLONS.upper()}",
        f"SHA256 Fingerprint={COLONS}",
        f"SHA-256 Fingerprint: {COLONS}",
        f"SHA256:{BARE}",
        f"sha-256 {BARE}",
        f"SHA-256\n{COLONS[:48]}\n{COLONS[48:]}",
        f"Fingerprint (SHA-256): {COLONS}",
        f"Cert Hash(sha256): {' '.join(PAIRS)}",
        # As a certificate dialog hands it out, with an invisible mark before the first digit.
        "\u200e" + " ".join(PAIRS),
        "\ufeff" + BARE,
        "\u00a0".join(PAIRS),
    ],
)
def test_a_pasted_fingerprint_is_understood(text: str) -> None:
    assert normalised(text) == BARE


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        BARE[:-1],
        BARE + "0",
        BARE[:-1] + "g",
        BARE[:40],
        f"SHA1 Fingerprint={':'.join(PAIRS[:20])}",
        f"SHA256:{b64encode(bytes.fromhex(BARE)).decode()}",
        "SHA-256",
        "cert256.arm",
        BARE[:-2] + "\u0661\u0662",
        f"{BARE} {BARE}",
    ],
)
def test_anything_else_is_wrong_usage_and_told(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        normalised(text)
    assert raised.value.code == "not-a-fingerprint"
    assert f"`{text}`" in raised.value.message


def pem(*certificates: bytes, end: str = "\n") -> bytes:
    lines = []
    for der in certificates:
        text = b64encode(der).decode()
        lines += ["-----BEGIN CERTIFICATE-----", *(text[at : at + 64] for at in range(0, len(text), 64))]
        lines += ["-----END CERTIFICATE-----", ""]
    return end.join(lines).encode()


@pytest.mark.parametrize(
    "content",
    [
        pem(ONE),
        pem(ONE, end="\r\n"),
        b"\n\n" + pem(ONE) + b"\n\n",
        b"Bag Attributes\n  friendlyName: x\nsubject=CN = x\n" + pem(ONE),
        pem(ONE, TWO),
        ONE,
    ],
    ids=["PEM", "CRLF", "blank lines", "text before", "two", "DER"],
)
def test_the_first_certificate_of_a_file_counts(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cert256.arm"
    path.write_bytes(content)
    assert of_file(path) == sha256(ONE).hexdigest()


def test_all_certificates_of_a_file_come_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "chain.pem"
    path.write_bytes(pem(TWO, ONE))
    assert certificates_of_file(path) == (TWO, ONE)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("form", [pem, bytes])
def test_a_certificate_that_only_gskit_reads_is_one(
    tmp_path: Path, odd: str, form: Callable[[bytes], bytes]
) -> None:
    path, (certificate, _) = tmp_path / "cert256.arm", ODD[odd]
    path.write_bytes(form(certificate))
    assert certificates_of_file(path) == (certificate,)


def test_a_file_of_nothing_but_beginnings_takes_no_time(tmp_path: Path) -> None:
    path = tmp_path / "cert256.arm"
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\n" * 37_000)
    with pytest.raises(UsageError):
        certificates_of_file(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        ONE[:-1],
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"\0" * 2_000_000,
    ],
    ids=["empty", "text", "cut", "nonsense", "begun", "a key", "large"],
)
def test_a_file_without_a_certificate_is_wrong_usage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cert256.arm"
    path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        of_file(path)
    assert raised.value.code == "not-a-certificate-file"
    assert "cert256.arm" in (next_step(raised.value.code) or "")


@pytest.mark.parametrize("name", ["missing.arm", "."])
def test_a_file_that_cannot_be_read_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound) as raised:
        of_file(tmp_path / name)
    assert raised.value.code == "certificate-file-not-found"
