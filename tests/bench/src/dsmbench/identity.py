"""A server's key and certificate, with the subject that all real servers share."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=3650)
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----\n"
SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COMMON_NAME, "TSM Self-Signed Certificate"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "TSM Network"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TSM"),
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
    ]
)

_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
"""What a certificate authority's own certificate is for."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key and its certificate, both PEM in one piece."""

    pem: bytes

    @classmethod
    def make(
        cls,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        *,
        issuer: Identity | None = None,
    ) -> Identity:
        """A new RSA 2048 key with its certificate; unless told otherwise from yesterday, for ten years.

        With an `issuer` (`authority`) that one signs it, and it names a host; without, it signs itself.
        """
        start = not_before or min(
            datetime.now(timezone.utc) - timedelta(days=1),
            (not_after or datetime.max.replace(tzinfo=timezone.utc)) - timedelta(days=1),
        )
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_named("tsm.example.com") if issuer else SUBJECT)
            .issuer_name(issuer.certificate.subject if issuer else SUBJECT)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(not_after or start + LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(issuer.key if issuer else key, hashes.SHA256())
        )
        return cls(_pem(key, certificate))

    def again(self) -> Identity:
        """Another certificate for the same key."""
        certificate = self.certificate
        again = (
            x509.CertificateBuilder()
            .subject_name(certificate.subject)
            .issuer_name(certificate.issuer)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(certificate.not_valid_before_utc)
            .not_valid_after(certificate.not_valid_after_utc)
            .sign(self.key, hashes.SHA256())
        )
        return Identity(_pem(self.key, again))

    @property
    def key(self) -> rsa.RSAPrivateKey:
        """The private key."""
        key = serialization.load_pem_private_key(self.pem, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate."""
        return x509.load_pem_x509_certificate(self.pem)

    @property
    def der(self) -> bytes:
        """The certificate's DER, as it is spelled."""
        return ssl.PEM_cert_to_DER_cert(self.arm.decode("ascii"))

    @property
    def sha256(self) -> str:
        """The certificate's fingerprint, lower-case hexadecimal."""
        return fingerprint(self.der)

    @property
    def arm(self) -> bytes:
        """The certificate as the server's cert256.arm has it."""
        before, end, _ = self.pem.partition(_END)
        return before[before.index(_BEGIN) :] + end


def authority(name: str = "Example Root CA") -> Identity:
    """A certificate authority that can issue servers' certificates."""
    start = datetime.now(timezone.utc) - timedelta(days=1)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + 2 * LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_SIGNS, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Identity(_pem(key, certificate))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> bytes:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate, lower-case hexadecimal."""
    return hashlib.sha256(der).hexdigest()


def expired(now: datetime | None = None) -> Identity:
    """An identity whose ten years ended a month ago."""
    end = (now or datetime.now(timezone.utc)) - timedelta(days=30)
    return Identity.make(end - LIFETIME, end)
