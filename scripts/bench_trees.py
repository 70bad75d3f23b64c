"""Builds the machines that bench.py measures on: homes, stores and certificates by the thousand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import islice
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from dsmbench.endpoint import FIRST_UID, made_store
from dsmbench.places import BA
from dsmcertfix.ibm.key_database import kdb, stash

HOME_STORE = Path("IBM/SpectrumProtect/certs")
_SUBJECT = x509.Name(
    (
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TSM"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "TSM Network"),
        x509.NameAttribute(NameOID.COMMON_NAME, "TSM Self-Signed Certificate"),
    )
)


def certificates() -> Iterator[bytes]:
    """Certificates as servers make them, in DER, all different; one key signs them all, to save time."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    start = datetime.now(timezone.utc) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_SUBJECT)
        .issuer_name(_SUBJECT)
        .public_key(key.public_key())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    while True:
        signed = builder.serial_number(x509.random_serial_number()).sign(key, hashes.SHA256())
        yield signed.public_bytes(serialization.Encoding.DER)


class Certificates:
    """A pool of different certificates, made when they are first asked for."""

    def __init__(self) -> None:
        self._source = certificates()
        self._made: list[bytes] = []

    def take(self, start: int, count: int) -> list[bytes]:
        """`count` of them, from the one numbered `start` on."""
        self._made += islice(self._source, max(0, start + count - len(self._made)))
        return self._made[start : start + count]


@cache
def _empty() -> dict[str, bytes]:
    return dict(made_store(4, False, ()))


def write_store(directory: Path, labelled: list[tuple[str, bytes]], uid: int) -> None:
    """A store with those certificates is in `directory`, IBM's library's own but for the added records."""
    files = dict(_empty())
    password = stash.password(files["dsmcert.sth"])
    content = files["dsmcert.kdb"]
    for label, der in labelled:
        content = kdb.add(kdb.read(content), password, label=label, certificate=der)
    files["dsmcert.kdb"] = content
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
        (directory / name).chmod(0o600)
        _give(directory / name, uid)
    _give(directory, uid)


def build(root: Path, *, homes: int, stores: int, each: int, pool: Certificates, port: int = 1500) -> Path:
    """A machine: `homes` users, a store of `each` certificates in the first `stores` homes, one stanza."""
    lines = ["root:x:0:0:root:/root:/bin/sh\n"]
    for number in range(homes):
        uid = FIRST_UID + number if os.geteuid() == 0 else os.geteuid()
        home = root / "home" / f"u{number:05}"
        home.mkdir(parents=True)
        _give(home, uid)
        lines.append(f"{home.name}:x:{uid}:{uid}::/home/{home.name}:/bin/sh\n")
        if number < stores:
            labelled = [
                (f"TSM server T{place:02} self-signed key", der)
                for place, der in enumerate(pool.take(number * each, each))
            ]
            write_store(home / HOME_STORE, labelled, uid)
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("".join(lines), encoding="utf-8")
    (root / "etc/group").write_text("root:x:0:\n", encoding="utf-8")
    (root / BA).mkdir(parents=True)
    stanza = f"SErvername T00\n  TCPServeraddress 127.0.0.1\n  TCPPort {port}\n  PASSWORDAccess generate\n"
    (root / BA / "dsm.sys").write_text(stanza, encoding="utf-8")
    return root


def _give(path: Path, uid: int) -> None:
    if os.geteuid() == 0:
        os.chown(path, uid, uid)
