"""Who reads certificates: the library where one is there that can, else we ourselves."""

from __future__ import annotations

import sys
from datetime import datetime

import cryptography
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from tests.authorities import common_name

from dsmbench import certificates
from dsmcertfix.ibm import key_database
from dsmcertfix.ibm.key_database import reading
from dsmcertfix.ibm.key_database.certificate import describe, prepare

# Of a signature of a kind that nobody knows the library reads the rest, and we refuse it.
_ECDSA, _NONE = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d04037f")


def no_library() -> None:
    """What `library` says where there is none."""


def of_no_known_kind() -> bytes:
    return certificates.make("odd").replace(_ECDSA, _NONE)


@pytest.mark.parametrize(
    ("version", "reads"),
    [("35.0.0", False), ("9.9", False), ("36.0.0", True), ("36.0.2", True), ("37.0.0", True), ("100", True)],
)
def test_the_library_reads_from_version_36_on(
    version: str, reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cryptography, "__version__", version)
    assert reading.library.__wrapped__() == (version if reads else None)


def test_a_library_that_does_not_say_its_version_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cryptography, "__version__", "unknown")
    assert reading.library.__wrapped__() is None


@pytest.mark.parametrize("end", [MemoryError, KeyboardInterrupt, SystemExit])
def test_the_end_of_the_process_is_no_missing_library(
    end: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ending:
        def partition(self, sign: str) -> None:
            raise end

    monkeypatch.setattr(cryptography, "__version__", Ending())
    with pytest.raises(end):
        reading.library.__wrapped__()


def test_the_library_reads_where_it_can_and_we_read_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert describe(of_no_known_kind(), "").kind == "ca"
    monkeypatch.setattr(reading, "library", no_library)
    found = describe(of_no_known_kind(), "")
    assert (found.kind, found.problem) == (
        "unreadable",
        "certificate: an algorithm that is not known here (1.2.840.10045.4.3.127)",
    )
    assert describe(certificates.make("usual"), "").kind == "ca"


def test_no_signature_is_checked_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    der = certificates.make("self-signed")
    monkeypatch.setattr(reading, "library", no_library)
    assert reading.signed.__wrapped__(der, der) is None


def test_who_is_prepared_describes_without_loading_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process with an ordinary user's rights may not be able to load what root can."""
    monkeypatch.setattr(reading, "library", no_library)
    monkeypatch.delitem(sys.modules, "dsmcertfix.ibm.key_database.by_hand", raising=False)
    monkeypatch.delattr(key_database, "by_hand", raising=False)
    prepare()
    monkeypatch.setattr(sys, "meta_path", [])
    assert describe(certificates.make("prepared"), "").subject == "CN=prepared"


def by_pss(salt: int) -> bytes:
    """A self-signed certificate whose signature is of RSASSA-PSS."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = common_name("pss")
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(datetime(2020, 1, 1)).not_valid_after(datetime(2040, 1, 1))
    how = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
    return (
        builder.public_key(key.public_key())
        .sign(key, hashes.SHA256(), rsa_padding=how)
        .public_bytes(Encoding.DER)
    )


@pytest.mark.parametrize("salt", [20, 32])
def test_a_signature_of_rsassa_pss_is_checked_with_its_own_parameters(salt: int) -> None:
    der = by_pss(salt)
    assert reading.signed(der, der) is True
    assert reading.signed(der, der[:-1] + bytes((der[-1] ^ 1,))) is False
