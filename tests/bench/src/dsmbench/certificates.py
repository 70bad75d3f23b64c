"""Certificates of every kind that a store may hold; fast to make, each with a key of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

SERVER = {"C": "US", "O": "TSM", "OU": "TSM Network", "CN": "TSM Self-Signed Certificate"}
START = datetime(2020, 1, 1, tzinfo=timezone.utc)
END = datetime(2040, 1, 1, tzinfo=timezone.utc)

_NAMES = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
}
_PADDING = x509.ObjectIdentifier("1.3.6.1.4.1.2.6.999")


def name(parts: Mapping[str, str]) -> x509.Name:
    """A distinguished name with those parts, in that order."""
    return x509.Name([x509.NameAttribute(_NAMES[key], value) for key, value in parts.items()])


def make(
    subject: Mapping[str, str] | str = SERVER,
    *,
    issuer: Mapping[str, str] | None = None,
    serial: int | None = None,
    ca: bool | None = None,
    start: datetime = START,
    end: datetime = END,
    padding: int = 0,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The DER of a certificate, self-signed unless `issuer` names another.

    A text as `subject` is its common name. `ca` adds basic constraints, `padding` an extension of that size.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    parts = {"CN": subject} if isinstance(subject, str) else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(parts))
        .issuer_name(name(parts if issuer is None else issuer))
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    if padding:
        builder = builder.add_extension(x509.UnrecognizedExtension(_PADDING, bytes(padding)), critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def of_many_names(count: int, serial: int) -> bytes:
    """A certificate whose subject has so many names: each takes who reads it 2 KB of memory, and its time."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")] * count)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(serial)
    builder = builder.not_valid_before(START).not_valid_after(END)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def with_key(subject: str, password: bytes) -> tuple[bytes, bytes]:
    """A self-signed certificate and its key in PKCS #8, encrypted: what a personal record holds."""
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    return make(subject, key=key), secret
