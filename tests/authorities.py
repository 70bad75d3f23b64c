"""Certificates with real signatures for the pure tests: roots, CAs between, servers; valid at `facts.NOW`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.facts import NOW

from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.model import Certificate

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")


def common_name(text: str) -> x509.Name:
    """A subject with nothing but a common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def may_sign(ca: bool = True, path_length: int | None = None) -> x509.BasicConstraints:
    """Basic constraints."""
    return x509.BasicConstraints(ca, path_length)


def usage(*, signs: bool) -> x509.KeyUsage:
    """A key usage that allows, or not, to sign certificates."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True)
class Made:
    """A certificate and its key. Self-signed without `issuer`; `days` are counted from `facts.NOW`.

    `named` is what it calls its issuer, where that is not the issuer's own name.
    """

    subject: x509.Name | str
    issuer: Made | None = None
    extensions: tuple[x509.ExtensionType, ...] = ()
    days: tuple[float, float] = (-600, 3000)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    critical: bool = True
    named: x509.Name | None = None

    @property
    def name(self) -> x509.Name:
        return common_name(self.subject) if isinstance(self.subject, str) else self.subject

    def stored(self, label: str = "", *, trusted: bool = True) -> Certificate:
        """It as a store has it."""
        by = self.issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.named or by.name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(NOW + timedelta(days=self.days[0]))
            .not_valid_after(NOW + timedelta(days=self.days[1]))
        )
        for extension in self.extensions:
            builder = builder.add_extension(extension, critical=self.critical)
        # Keys of this kind sign alike every time, so it has the same fingerprint whenever it is asked for.
        der = builder.sign(by.key, None).public_bytes(Encoding.DER)
        return describe(der, label)._replace(trusted=trusted)
