"""Certificates with private keys in IBM's key databases: in by PKCS #12, out by way of a scratch database.

Both ways are the library's own. A process that is ready for it (gskit.py) is needed.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    pkcs12,
)

from dsmbench.formats import personal_keys
from dsmbench.gskit_library import Library
from dsmbench.identity import Identity


@contextmanager
def pfx(label: str, pem: bytes) -> Iterator[tuple[Path, str]]:
    """A PKCS #12 file with that identity under that label, and its password; gone afterwards."""
    identity, password = Identity(pem), secrets.token_urlsafe(24)
    # What GSKit 8 reads: the older encryption of PKCS #12.
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2048)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())
        .build(password.encode())
    )
    name = label.encode()
    content = pkcs12.serialize_key_and_certificates(
        name, identity.key, identity.certificate, None, encryption
    )
    with tempfile.NamedTemporaryFile(suffix=".p12") as file:
        file.write(content)
        file.flush()
        yield Path(file.name), password


def add(library: Library, path: Path, label: str, identity: Identity, *, default: bool) -> None:
    """The key database has the identity under that label, as its default one if told. Raises GskitError."""
    with pfx(label, identity.pem) as (file, password), library.opened(path) as database:
        database.import_pfx(file, password)
        if default:
            database.set_default(label)


def identity(library: Library, path: Path, label: str) -> Identity:
    """The certificate of that label and its private key, out of the key database. Raises GskitError.

    GSKit encrypts keys of versions 3 and 4 in a way of its own, and those of version 6 by PKCS #5.
    """
    password = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory() as scratch:
        other = Path(scratch, "other.kdb")
        library.create(other, password, 6, cas=False)
        with library.opened(other) as database:
            database.import_from(path, label)
        ((der, encrypted),) = personal_keys(other.read_bytes())
    key = load_der_private_key(encrypted, password.encode())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    from cryptography import x509

    return Identity(pem + x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
