"""What is raised for what is no certificate, where memory is short, and for keys that sign nothing."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding

from dsmbench import certificates
from dsmcertfix.ibm.key_database import by_hand, reading


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "library", lambda: None)


def no_memory(*given: object) -> None:
    raise MemoryError


def test_what_is_no_certificate_raises_without_the_library_too(no_library: None) -> None:
    with pytest.raises(ValueError) as raised:
        reading.load(b"no certificate")
    with pytest.raises(type(raised.value), match=str(raised.value)):
        by_hand.read(b"no certificate")


def test_where_memory_is_short_no_other_spelling_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cryptography.x509.load_der_x509_certificate", no_memory)
    monkeypatch.setattr(reading, "respelled", lambda der: pytest.fail("it was spelled anew"))
    with pytest.raises(MemoryError):
        reading.load(certificates.make("read where memory is short"))


def test_where_memory_is_short_extensions_are_not_called_unreadable() -> None:
    class Given:
        @property
        def extensions(self) -> None:
            raise MemoryError

    with pytest.raises(MemoryError):
        reading._extensions(Given())  # type: ignore[arg-type]


def test_a_key_that_signs_nothing_signed_nothing() -> None:
    """One for the exchange of keys: the library verifies nothing with it."""
    name, day = x509.Name([]), datetime(2026, 1, 1, tzinfo=timezone.utc)
    built = x509.CertificateBuilder(name, name, x25519.X25519PrivateKey.generate().public_key(), 1, day, day)
    made = built.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)
    assert reading.signed(made, made) is False
