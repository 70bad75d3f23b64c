"""Certificates written byte by byte, and how they are read: by ourselves, and by the library."""

from __future__ import annotations

from tests.judge.certificates import by_library

from dsmcertfix.ibm.key_database import by_hand
from dsmcertfix.ibm.key_database.der import encode
from dsmcertfix.ibm.key_database.parts import Reading


def seq(*parts: bytes) -> bytes:
    return encode(0x30, b"".join(parts))


def number(value: int, tag: int = 0x02) -> bytes:
    return encode(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str, tag: int = 0x06) -> bytes:
    first, second, *others = map(int, dotted.split("."))
    content = b""
    for value in (40 * first + second, *others):
        groups = [value & 0x7F]
        while value := value >> 7:
            groups.append(0x80 | value & 0x7F)
        content += bytes(reversed(groups))
    return encode(tag, content)


def named(*parts: bytes) -> bytes:
    return seq(*(encode(0x31, part) for part in parts))


def attribute(value: bytes, kind: str = "2.5.4.3") -> bytes:
    return seq(oid(kind), value)


def extension(kind: str, content: bytes, *flags: bytes) -> bytes:
    return seq(oid(kind), *flags, encode(0x04, content))


TRUE, FALSE, NULL = encode(0x01, b"\xff"), encode(0x01, b"\0"), encode(0x05, b"")
VERSION = encode(0xA0, number(2))
SHA256_RSA = seq(oid("1.2.840.113549.1.1.11"), NULL)
BITS = encode(0x03, b"\0\x01\x02")
KEY = seq(seq(oid("1.2.840.113549.1.1.1"), NULL), encode(0x03, b"\0" + seq(number(35), number(3))))
ISSUER = named(attribute(encode(0x0C, b"CA")))
DATES = seq(encode(0x17, b"991231235958Z"), encode(0x18, b"20510101000000Z"))
CN = named(attribute(encode(0x0C, b"tsm1")))
KEY_ID = extension("2.5.29.14", encode(0x04, b"\x01\x02"))


def certificate(  # every part of one, each with what is usual
    *extensions: bytes,
    version: bytes = VERSION,
    serial: bytes = number(7),
    algorithm: bytes = SHA256_RSA,
    inner: bytes | None = None,
    issuer: bytes = ISSUER,
    dates: bytes = DATES,
    subject: bytes = CN,
    key: bytes = KEY,
    unique: bytes = b"",
    listed: bytes | None = None,
    signature: bytes = BITS,
    after: bytes = b"",
) -> bytes:
    if listed is None:
        listed = encode(0xA3, seq(*extensions)) if extensions else b""
    signed = seq(
        version, serial, algorithm if inner is None else inner, issuer, dates, subject, key, unique, listed
    )
    return seq(signed, algorithm, signature, after)


def dates(begins: bytes, ends: bytes = b"\x18\x0f20510101000000Z") -> bytes:
    return seq(begins, ends)


def utc(written: bytes) -> bytes:
    return encode(0x17, written)


def read(der: bytes) -> Reading | None:
    """What we read, extensions and all; None where anything is refused."""
    try:
        found = by_hand.read(der)
    except ValueError:
        return None
    return None if found.extensions is None else found


def theirs(der: bytes) -> Reading | None:
    """What the library reads; None where it refuses anything."""
    try:
        found = by_library(der)
    except Exception:  # the library raises whatever it meets
        return None
    return None if found.extensions is None else found
