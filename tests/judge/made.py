"""Certificates for the judge: each made once in a process, with the dates counted from now."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from dsmbench.identity import SUBJECT, Identity

Dates = Literal["valid", "past", "future"]
NOW = datetime.now(timezone.utc)
DATES: dict[Dates, tuple[timedelta, timedelta]] = {
    "valid": (timedelta(days=-400), timedelta(days=3000)),
    "past": (timedelta(days=-4000), timedelta(days=-30)),
    "future": (timedelta(days=30), timedelta(days=3000)),
}


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """The key of that name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def tsm(number: int, dates: Dates = "valid") -> Identity:
    """A server's self-signed certificate with the subject that all servers share."""
    return _made(SUBJECT, f"tsm {number} {dates}", None, dates)


@cache
def own(number: int, dates: Dates = "valid") -> Identity:
    """A server's self-signed certificate with a subject of its own."""
    return _made(_named("tsm1.example.com"), f"own {number} {dates}", None, dates)


@cache
def root(number: int = 1, dates: Dates = "valid") -> Identity:
    """A CA's root; all have one name, each number and each date has its own key."""
    return _made(_named("Example Root CA"), f"root {number} {dates}", None, dates, ca=True)


@cache
def intermediate(number: int = 1, dates: Dates = "valid") -> Identity:
    """A CA that root 1 vouches for; all have one name."""
    return _made(_named("Example Issuing CA"), f"intermediate {number} {dates}", root(), dates, ca=True)


@cache
def leaf(issuer: Identity, number: int = 1, dates: Dates = "valid") -> Identity:
    """A server's certificate that the CA has issued."""
    return _made(_named("tsm1.example.com"), f"leaf {number} {dates}", issuer, dates)


def chain(*parts: Identity) -> Identity:
    """What a server presents with the key of the first: all of these certificates."""
    return Identity(parts[0].pem + b"".join(part.arm for part in parts[1:]))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _made(
    subject: x509.Name, name: str, issuer: Identity | None, dates: Dates, *, ca: bool = False
) -> Identity:
    start, end = DATES[dates]
    own_key = key(name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + start)
        .not_valid_after(NOW + end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), critical=False)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(issuer.key if issuer else own_key, hashes.SHA256())
    private = own_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identity(private + certificate.public_bytes(Encoding.PEM))
