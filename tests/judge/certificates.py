"""Changed certificates, read by ourselves and by `cryptography`: what the library refuses, so do we.

    scripts/differential.sh certificates [COUNT [SEED]]

The seeds are certificates of the bench, some with every extension that is read here, and public CAs that the
machine trusts. Each is taken apart into its elements, some are changed, exchanged, doubled or left out, and
it is put together again with lengths that are right; or single bytes are changed. Told is what we read and
the library refuses, or reads otherwise.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.authorities import usage

from dsmbench import certificates
from dsmcertfix.ibm.certificate_file import certificates_in
from dsmcertfix.ibm.key_database import by_hand, der, reading
from dsmcertfix.ibm.key_database.parts import Reading

LISTS = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")
_CONSTRUCTED = 0x20
_TAGS = (*range(0x01, 0x1F), 0x30, 0x31, *range(0x80, 0x89), *range(0xA0, 0xA9))
_KNOWN = (
    *(bytes((0x55, 0x1D, number)) for number in (*range(9, 38), 46, 54)),
    *(bytes((0x55, 0x04, number)) for number in (3, 6, 10, 11, 45)),
    *(b"\x2b\x06\x01\x05\x05\x07\x01" + bytes((number,)) for number in (1, 11, 24)),
    *(b"\x2b\x06\x01\x05\x05\x07\x02" + bytes((number,)) for number in (1, 2)),
    *(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01" + bytes((number,)) for number in range(1, 15)),
    *(b"\x2a\x86\x48\xce\x3d\x04\x03" + bytes((number,)) for number in range(1, 5)),
    *(b"\x60\x86\x48\x01\x65\x03\x04\x03" + bytes((number,)) for number in range(1, 16)),
    *(b"\x2b\x65" + bytes((number,)) for number in range(110, 114)),
    *map(bytes.fromhex, ("2a8648ce3d0201", "2a8648ce380401", "2b0601040182371507", "2b06010401d679020402")),
)


@dataclass
class Counts:
    """What was done, and the differences in words."""

    changed: int = 0
    both: int = 0
    neither: int = 0
    library_alone: int = 0
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.changed} certificates: {self.both} read alike by both, {self.neither} by neither, "
            f"{self.library_alone} by cryptography alone, {len(self.differences)} differences"
        )


def by_library(certificate: bytes) -> Reading:
    """What cryptography reads. Raises whatever it meets."""
    with reading.quiet():
        return reading._read(reading._with_names(certificate))


def compared(certificate: bytes, counts: Counts) -> None:
    """Both have read it; what we read and the library does not is told."""
    counts.changed += 1
    ours, theirs = _tried(by_hand.read, certificate), _tried(by_library, certificate)
    if ours is None:
        if theirs is None:
            counts.neither += 1
        else:
            counts.library_alone += 1
        return
    if theirs is None:
        counts.differences.append(f"read, and refused by cryptography: {certificate.hex()}")
    elif ours._replace(extensions=None) != theirs._replace(extensions=None):
        counts.differences.append(f"{ours} is not {theirs}: {certificate.hex()}")
    elif ours.extensions is not None and ours.extensions != theirs.extensions:
        counts.differences.append(f"{ours.extensions} is not {theirs.extensions}: {certificate.hex()}")
    else:
        counts.both += 1


def _tried(read: Callable[[bytes], Reading], certificate: bytes) -> Reading | None:
    try:
        return read(certificate)
    except Exception:  # the library raises whatever it meets
        return None


def public() -> tuple[bytes, ...]:
    """The public CAs that this machine trusts; none where no list is known."""
    found = next((path for item in LISTS if (path := Path(item)).is_file()), None)
    return certificates_in(found.read_bytes()) if found is not None else ()


@cache
def seeds() -> tuple[bytes, ...]:
    """What is changed."""
    made = (
        certificates.make(),
        certificates.make("authority", ca=True),
        certificates.make("leaf", issuer={"CN": "root"}, ca=False, padding=30),
    )
    return (*made, *(_extended(kind) for kind in ("rsa", "pss", "ec", "ed25519", "dsa")), *public())


def _extended(kind: str) -> bytes:
    """A certificate with every extension that is read here, and a key of that kind."""
    key: Any = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "pss": lambda: rsa.generate_private_key(65537, 2048),
        "ec": lambda: ec.generate_private_key(ec.SECP384R1()),
        "dsa": lambda: dsa.generate_private_key(1024),
        "ed25519": Ed25519PrivateKey.generate,
    }[kind]()
    attributes = [
        x509.NameAttribute(NameOID.COMMON_NAME, ' #a"+,;<>\\\0é '),
        x509.NameAttribute(NameOID.USER_ID, "#"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@example.com"),
    ]
    name = x509.Name(
        [x509.RelativeDistinguishedName(attributes), *certificates.name(certificates.SERVER).rdns]
    )
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), 0x80FF)
        .not_valid_before(datetime(1999, 12, 31, tzinfo=timezone.utc))
        .not_valid_after(datetime(2051, 1, 1, tzinfo=timezone.utc))
    )
    for number, extension in enumerate(_extensions(name, key.public_key())):
        builder = builder.add_extension(extension, critical=bool(number % 2))
    digest = None if kind == "ed25519" else SHA256()
    if kind == "pss":
        pss = padding.PSS(padding.MGF1(SHA256()), 32)
        return builder.sign(key, digest, rsa_padding=pss).public_bytes(Encoding.DER)
    return builder.sign(key, digest).public_bytes(Encoding.DER)


def _extensions(name: x509.Name, key: Any) -> tuple[x509.ExtensionType, ...]:
    oid, uri = x509.ObjectIdentifier("1.2.3.4"), x509.UniformResourceIdentifier("http://example.com/")
    names: list[x509.GeneralName] = [
        *(x509.DNSName("example.com"), x509.RFC822Name("a@example.com"), uri, x509.DirectoryName(name)),
        *(x509.IPAddress(ip_address("127.0.0.1")), x509.IPAddress(ip_address("::1")), x509.RegisteredID(oid)),
        x509.OtherName(oid, b"\x05\x00"),
    ]
    points = [x509.DistributionPoint([uri], None, None, [x509.DirectoryName(name)])]
    notice = x509.UserNotice(None, "read this")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    access = x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.OCSP, uri)
    stored = x509.AccessDescription(x509.oid.SubjectInformationAccessOID.CA_REPOSITORY, uri)
    return (
        *(x509.BasicConstraints(True, 3), usage(signs=True), identifier),
        x509.AuthorityKeyIdentifier(identifier.digest, [x509.DirectoryName(name)], 7),
        *(x509.SubjectAlternativeName(names), x509.IssuerAlternativeName(names)),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, oid]),
        *(x509.CRLDistributionPoints(points), x509.FreshestCRL(points)),
        x509.CertificatePolicies([x509.PolicyInformation(oid, ["http://example.com/", notice])]),
        *(x509.PolicyConstraints(1, 2), x509.InhibitAnyPolicy(3)),
        *(x509.AuthorityInformationAccess([access]), x509.SubjectInformationAccess([stored])),
        x509.NameConstraints(names[:2], [uri, x509.DirectoryName(name)]),
        x509.MSCertificateTemplate(oid, 100, 3),
        x509.PrivateKeyUsagePeriod(datetime(2020, 1, 1), datetime(2030, 1, 1)),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"anything"),
    )


class Node:
    """An element and what is in it; the content of an OCTET STRING, too, where it is DER."""

    def __init__(self, tag: int, content: bytes):
        self.tag, self.content = tag, content
        self.inside = _nodes(content) if tag & _CONSTRUCTED or tag == der.OCTET_STRING else []

    def written(self) -> bytes:
        inside = b"".join(node.written() for node in self.inside) if self.inside else self.content
        return der.encode(self.tag, inside)

    def all(self) -> list[Node]:
        return [self, *(below for node in self.inside for below in node.all())]


def _nodes(content: bytes) -> list[Node]:
    cursor, found = der.Strict(content), []
    try:
        while cursor.more:
            whole = cursor.whole()
            found.append(Node(whole[0], der.Strict(whole).content()))
    except der.Malformed:
        return []
    return found


def changed(certificate: bytes, chance: random.Random) -> bytes:
    """The certificate with one to three changes."""
    if chance.random() < 0.3:
        bare = bytearray(certificate)
        for _ in range(chance.randint(1, 3)):
            bare[chance.randrange(len(bare))] = chance.randrange(256)
        return bytes(bare)
    (top,) = _nodes(certificate)
    for _ in range(chance.randint(1, 3)):
        _change(chance.choice(top.all()), top, chance)
    return top.written()


def _change(node: Node, top: Node, chance: random.Random) -> None:
    match chance.randrange(6):
        case 0:
            node.tag = chance.choice(_TAGS)
        case 1:
            node.content, node.inside = chance.choice(_KNOWN), []
            node.tag = der.OBJECT_IDENTIFIER
        case 2 if node.inside:
            del node.inside[chance.randrange(len(node.inside))]
        case 3 if node.inside:
            node.inside.insert(chance.randrange(len(node.inside) + 1), chance.choice(node.inside))
        case 4:
            other = chance.choice(top.all())
            if node not in other.all() and other not in node.all():
                node.tag, node.content, node.inside = other.tag, other.content, other.inside
        case _ if node.inside:
            chance.shuffle(node.inside)
        case _:
            node.content = _spoilt(node.content, chance)


def _spoilt(content: bytes, chance: random.Random) -> bytes:
    place, byte = (
        chance.randrange(len(content) + 1),
        bytes((chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))),)),
    )
    match chance.randrange(3):
        case 0:
            return content[:place] + byte + content[place:]
        case 1:
            return content[:place] + content[place + 1 :]
        case _:
            return content[:place] + byte + content[place + 1 :]


def differential(count: int, seed: int) -> Counts:
    """What came out for so many changed certificates, behind the seeds as they are."""
    counts, chance = Counts(), random.Random(seed)
    for certificate in seeds():
        compared(certificate, counts)
    for _ in range(count):
        with_more = chance.random() < 0.5
        compared(changed(chance.choice(seeds()[:8] if with_more else seeds()), chance), counts)
    return counts


def main(count: int = 1_000_000, seed: int | None = None) -> int:
    """Prints what was done and what differs; ends with 1 where anything does."""
    chosen = int(time.time()) if seed is None else seed
    counts = differential(count, chosen)
    for difference in counts.differences[:50]:
        print(f"DIFFERENT: {difference}")
    print(f"Seed {chosen}, cryptography {reading.library()}: {counts}")
    return 1 if counts.differences else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
