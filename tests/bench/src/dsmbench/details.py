"""What `gsk8capicmd_64 -cert -details` prints of a certificate, in the form of IT42905."""

from __future__ import annotations

import hashlib
import warnings
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

WIDTH = 16


def details(label: str | None, der: bytes) -> str:
    """The lines about one certificate; without a label they are those for a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = x509.load_der_x509_certificate(der)
        key = found.public_key()
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        lines = [
            *([] if label is None else [f"Label : {label}"]),
            f"Key Size : {getattr(key, 'key_size', 0)}",
            f"Version : X509 V{found.version.value + 1}",
            f"Serial : {found.serial_number:x}",
            f'Issuer : "{found.issuer.rfc4514_string()}"',
            f'Subject : "{found.subject.rfc4514_string()}"',
            f"Not Before : {_date(found.not_valid_before_utc)}",
            f"Not After : {_date(found.not_valid_after_utc)}",
            "Public Key",
            *_block(spki),
            *_fingerprints(der),
            f"Signature Algorithm : {found.signature_algorithm_oid.dotted_string}",
            "Value",
            *_block(found.signature),
            "Trust Status : Enabled",
        ]
    return "\n".join(lines)


def _fingerprints(der: bytes) -> list[str]:
    digests = {
        "SHA1": hashlib.sha1(der, usedforsecurity=False),
        "MD5": hashlib.md5(der, usedforsecurity=False),
        "SHA256": hashlib.sha256(der),
    }
    return [
        line
        for name, digest in digests.items()
        for line in (f"Fingerprint : {name} : ", *_block(digest.digest()))
    ]


def _block(data: bytes) -> list[str]:
    return ["    " + data[at : at + WIDTH].hex(" ").upper() for at in range(0, len(data), WIDTH)]


def _date(moment: datetime) -> str:
    hour = (moment.hour + 11) % 12 + 1
    return f"{moment:%B} {moment.day}, {moment.year} {hour}:{moment:%M:%S %p} GMT+00:00"
