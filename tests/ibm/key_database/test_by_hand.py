"""Certificates read by ourselves, byte by byte: each row is one way to write a part of one.

What is read is read alike by `cryptography`; what that library refuses, so do we. We refuse those of
`BY_THE_LIBRARY_ALONE`, too.
"""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from tests.judge.certificates import by_library

from dsmcertfix.ibm.key_database import by_hand
from dsmcertfix.ibm.key_database.der import encode
from dsmcertfix.ibm.key_database.parts import Extensions, Reading


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


def long_form(element: bytes) -> bytes:
    """The same with a length of one byte more than need be."""
    return element[:1] + b"\x81" + element[1:]


def read(der: bytes) -> Reading | None:
    """What we read, extensions and all; None where anything is refused."""
    try:
        found = by_hand.read(der)
    except ValueError:
        return None
    return None if found.extensions is None else found


def theirs(der: bytes) -> Reading | None:
    try:
        found = by_library(der)
    except Exception:  # the library raises whatever it meets
        return None
    return None if found.extensions is None else found


def pss(digest: str = "2.16.840.1.101.3.4.2.1", salt: int = 32) -> bytes:
    hashed = seq(oid(digest), NULL)
    mask = seq(oid("1.2.840.113549.1.1.8"), hashed)
    parts = encode(0xA0, hashed), encode(0xA1, mask), encode(0xA2, number(salt))
    return seq(oid("1.2.840.113549.1.1.10"), seq(*parts))


GENERAL_NAMES = {
    "a mail address": encode(0x81, b"a@b"),
    "a host": encode(0x82, b"tsm1.example.com"),
    "a web address": encode(0x86, b"http://a/"),
    "four bytes of address": encode(0x87, bytes(4)),
    "sixteen bytes of address": encode(0x87, bytes(16)),
    "an identifier": oid("1.2.3", 0x88),
    "another kind": encode(0xA0, oid("1.2.3") + encode(0xA0, encode(0x0C, b"x"))),
    "a directory's name": encode(0xA4, CN),
}
BAD_GENERAL_NAMES = {
    "a host that is no ASCII": encode(0x82, "é".encode()),
    "five bytes of address": encode(0x87, bytes(5)),
    "eight bytes of address": encode(0x87, bytes(8)),
    "an identifier that ends early": encode(0x88, b"\x2a\x83"),
    "another kind with two values": encode(0xA0, oid("1.2.3") + encode(0xA0, NULL + NULL)),
    "another kind with more behind": encode(0xA0, oid("1.2.3") + encode(0xA0, NULL) + NULL),
    "another kind without a value": encode(0xA0, oid("1.2.3")),
    "two directory's names": encode(0xA4, CN + CN),
    "a tag that is not known": encode(0x89, b""),
}
HOST = encode(0x82, b"a")


def point(*parts: bytes) -> bytes:
    return seq(seq(*parts))


def full_name(*names: bytes) -> bytes:
    return encode(0xA0, encode(0xA0, b"".join(names)))


def policy(*qualifiers: bytes, kind: str = "1.2.3") -> bytes:
    return seq(oid(kind), *((seq(*qualifiers),) if qualifiers else ()))


def notice(*parts: bytes) -> bytes:
    return seq(oid("1.3.6.1.5.5.7.2.2"), seq(*parts))


PAGE = seq(oid("1.3.6.1.5.5.7.2.1"), encode(0x16, b"http://a/"))
SINCE, UNTIL = encode(0x80, b"20200101000000Z"), encode(0x81, b"20210101000000Z")

EXTENSIONS = {
    "a CA": ("2.5.29.19", seq(TRUE)),
    "no CA": ("2.5.29.19", seq()),
    "a CA above two": ("2.5.29.19", seq(TRUE, number(2))),
    "a CA above many": ("2.5.29.19", seq(TRUE, number((1 << 31) - 1))),
    "a key that signs": ("2.5.29.15", encode(0x03, b"\x02\x04")),
    "a key that signs not": ("2.5.29.15", encode(0x03, b"\x07\x80")),
    "a key of no use": ("2.5.29.15", encode(0x03, b"\x00")),
    "a key of a use that nobody knows": ("2.5.29.15", encode(0x03, b"\x00\x80\x01")),
    "a key that agrees, in one direction": ("2.5.29.15", encode(0x03, b"\x00\x09")),
    "a key that agrees, in the other": ("2.5.29.15", encode(0x03, b"\x07\x08\x80")),
    "the key's identifier": ("2.5.29.14", encode(0x04, b"12")),
    "the authority's key": ("2.5.29.35", seq(encode(0x80, b"12"))),
    "the authority's name and number": ("2.5.29.35", seq(encode(0xA1, HOST), number(5, 0x82))),
    "nothing of the authority": ("2.5.29.35", seq()),
    "a purpose": ("2.5.29.37", seq(oid("1.3.6.1.5.5.7.3.1"))),
    "two purposes": ("2.5.29.37", seq(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"))),
    "where to ask": ("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.1"), HOST))),
    "where revocation lists are": ("2.5.29.31", point(full_name(HOST))),
    "where they are, and who makes them": ("2.5.29.31", point(full_name(HOST), encode(0xA2, HOST))),
    "where the newest are": ("2.5.29.46", point(full_name(HOST))),
    "a policy": ("2.5.29.32", seq(policy())),
    "two policies": ("2.5.29.32", seq(policy(), policy(kind="1.2.4"))),
    "a policy with a page": ("2.5.29.32", seq(policy(PAGE))),
    "a policy with a text": ("2.5.29.32", seq(policy(notice(encode(0x0C, "é".encode()))))),
    "a policy with an old text": ("2.5.29.32", seq(policy(notice(encode(0x1A, b" ~"))))),
    "a policy with a wide text": ("2.5.29.32", seq(policy(notice(encode(0x1E, b"\0a"))))),
    "a policy with an empty notice": ("2.5.29.32", seq(policy(notice()))),
    "a policy is asked for": ("2.5.29.36", seq(number(0, 0x80))),
    "policies are not mapped": ("2.5.29.36", seq(number(1, 0x81))),
    "both": ("2.5.29.36", seq(number(1, 0x80), number(2, 0x81))),
    "any policy is forbidden": ("2.5.29.54", number(1)),
    "a template": ("1.3.6.1.4.1.311.21.7", seq(oid("1.2.3"))),
    "a template of a version": ("1.3.6.1.4.1.311.21.7", seq(oid("1.2.3"), number(1), number(2))),
    "a period": ("2.5.29.16", seq(SINCE, UNTIL)),
    "a period that begins": ("2.5.29.16", seq(SINCE)),
    "a period that ends": ("2.5.29.16", seq(UNTIL)),
    "names that are allowed": ("2.5.29.30", seq(encode(0xA0, seq(HOST)))),
    "names that are not": ("2.5.29.30", seq(encode(0xA1, seq(HOST) + seq(encode(0x81, b"b"))))),
    "both kinds of names": ("2.5.29.30", seq(encode(0xA0, seq(HOST)), encode(0xA1, seq(HOST)))),
    "names of directories": ("2.5.29.30", seq(encode(0xA0, seq(encode(0xA4, CN))))),
    "what nobody knows": ("1.2.3.4.5", b"\xff"),
    **{f"another name: {name}": ("2.5.29.17", seq(value)) for name, value in GENERAL_NAMES.items()},
    "two other names": ("2.5.29.17", seq(HOST, HOST)),
    "another name of the issuer": ("2.5.29.18", seq(HOST)),
}
BAD_EXTENSIONS = {
    "a CA that is said not to be": ("2.5.29.19", seq(FALSE)),
    "a CA by another truth": ("2.5.29.19", seq(encode(0x01, b"\x01"))),
    "a CA above less than none": ("2.5.29.19", seq(TRUE, encode(0x02, b"\xff"))),
    "a CA with more behind": ("2.5.29.19", seq(TRUE, number(1), number(1))),
    "a CA with more behind all": ("2.5.29.19", seq(TRUE) + NULL),
    "a CA with a length of two bytes": ("2.5.29.19", b"\x30\x81\x03" + TRUE),
    "a path length without a CA": ("2.5.29.19", seq(number(1))),
    "a use of the key without bits": ("2.5.29.15", encode(0x03, b"")),
    "a use with unused bits of nothing": ("2.5.29.15", encode(0x03, b"\x01")),
    "a use with eight unused bits": ("2.5.29.15", encode(0x03, b"\x08\x00")),
    "a use whose unused bit is set": ("2.5.29.15", encode(0x03, b"\x03\x04")),
    "a direction without agreement": ("2.5.29.15", encode(0x03, b"\x00\x01")),
    "the other direction without": ("2.5.29.15", encode(0x03, b"\x07\x00\x80")),
    "an identifier of another kind": ("2.5.29.14", encode(0x03, b"12")),
    "an identifier with more behind": ("2.5.29.14", encode(0x04, b"12") + NULL),
    "the authority with more behind": ("2.5.29.35", seq(encode(0x80, b"12"), NULL)),
    "the authority's number alone": ("2.5.29.35", seq(number(5, 0x82))),
    "no purpose": ("2.5.29.37", seq()),
    "a purpose that is none": ("2.5.29.37", seq(NULL)),
    "where to ask, and more": ("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.2.3"), HOST, HOST))),
    "where to ask whom": ("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.2.3")))),
    "lists nowhere": ("2.5.29.31", seq()),
    "lists with more behind the name": ("2.5.29.31", point(encode(0xA0, encode(0xA0, HOST) + NULL))),
    "lists with more behind": ("2.5.29.31", point(full_name(HOST), encode(0xA2, HOST), NULL)),
    "lists with no maker": ("2.5.29.31", point(full_name(HOST), encode(0xA2, b""))),
    "no policy": ("2.5.29.32", seq()),
    "a policy with more behind": ("2.5.29.32", seq(seq(oid("1.2.3"), seq(PAGE), NULL))),
    "twice the same policy": ("2.5.29.32", seq(policy(), policy())),
    "a policy with no qualifier": ("2.5.29.32", seq(seq(oid("1.2.3"), seq()))),
    "a page that is no ASCII": (
        "2.5.29.32",
        seq(policy(seq(oid("1.3.6.1.5.5.7.2.1"), encode(0x16, b"\xe9")))),
    ),
    "a page with more behind": (
        "2.5.29.32",
        seq(policy(seq(oid("1.3.6.1.5.5.7.2.1"), encode(0x16, b"a"), NULL))),
    ),
    "a text that nobody sees": ("2.5.29.32", seq(policy(notice(encode(0x1A, b"\x1f"))))),
    "a text that nobody sees, above": ("2.5.29.32", seq(policy(notice(encode(0x1A, b"\x7f"))))),
    "a text of another kind": ("2.5.29.32", seq(policy(notice(encode(0x04, b"a"))))),
    "a text that is no ASCII": ("2.5.29.32", seq(policy(notice(encode(0x16, "é".encode()))))),
    "a notice with more behind": ("2.5.29.32", seq(policy(notice(encode(0x0C, b"a"), NULL)))),
    "constraints that say nothing": ("2.5.29.36", seq()),
    "constraints with more behind": ("2.5.29.36", seq(number(1, 0x80), NULL)),
    "constraints in another order": ("2.5.29.36", seq(number(1, 0x81), number(1, 0x80))),
    "a constraint below none": ("2.5.29.36", seq(encode(0x80, b"\xff"))),
    "any policy below none": ("2.5.29.54", encode(0x02, b"\xff")),
    "any policy with more behind": ("2.5.29.54", number(1) + NULL),
    "a template without": ("1.3.6.1.4.1.311.21.7", seq()),
    "a template of three versions": ("1.3.6.1.4.1.311.21.7", seq(oid("1.2.3"), *[number(1)] * 3)),
    "a period without ends": ("2.5.29.16", seq()),
    "a period of a moment": ("2.5.29.16", seq(SINCE, encode(0x81, SINCE[2:]))),
    "a period with more behind": ("2.5.29.16", seq(SINCE, UNTIL, NULL)),
    "a period whose end is no date": ("2.5.29.16", seq(encode(0x80, b"20200101"))),
    "names that say nothing": ("2.5.29.30", seq()),
    "no name in the list": ("2.5.29.30", seq(encode(0xA0, b""))),
    "names with more behind": ("2.5.29.30", seq(encode(0xA0, seq(HOST)), NULL)),
    "a name with more behind": ("2.5.29.30", seq(encode(0xA0, seq(HOST, HOST)))),
    "names with a wildcard": ("2.5.29.30", seq(encode(0xA0, seq(encode(0x82, b"*.a"))))),
    "names that are four bytes of address": ("2.5.29.30", seq(encode(0xA0, seq(encode(0x87, bytes(4)))))),
    "names that are identifiers": ("2.5.29.30", seq(encode(0xA0, seq(oid("1.2.3", 0x88))))),
    "names that are no ASCII": ("2.5.29.30", seq(encode(0xA0, seq(encode(0x82, "é".encode()))))),
    "names of no kind": ("2.5.29.30", seq(encode(0xA0, seq(NULL)))),
    **{f"another name: {name}": ("2.5.29.17", seq(value)) for name, value in BAD_GENERAL_NAMES.items()},
    "no other name": ("2.5.29.17", seq()),
}

PARTS = {
    "as usual": certificate(),
    "with extensions": certificate(KEY_ID),
    "of the first version": certificate(version=b""),
    "by RSASSA-PSS": certificate(algorithm=pss()),
    "by RSASSA-PSS and SHA-384": certificate(algorithm=pss("2.16.840.1.101.3.4.2.2", 48)),
    "by RSASSA-PSS and SHA-512": certificate(algorithm=pss("2.16.840.1.101.3.4.2.3", 64)),
    "by RSA without a NULL": certificate(algorithm=seq(oid("1.2.840.113549.1.1.11"))),
    **{
        f"by {kind}": certificate(algorithm=seq(oid(kind)))
        for kind in (
            *(f"1.2.840.113549.1.1.{one}" for one in (2, 4, 5, 12, 13, 14)),
            *(f"1.2.840.10045.4.{one}" for one in ("1", "3.1", "3.2", "3.3", "3.4")),
            *("1.3.101.112", "1.3.101.113", "1.2.840.10040.4.3"),
            *("2.16.840.1.101.3.4.3.1", "2.16.840.1.101.3.4.3.2"),
        )
    },
    "a key of a curve": certificate(key=seq(seq(oid("1.2.840.10045.2.1"), oid("1.3.132.0.34")), BITS)),
    "a key of DSA": certificate(key=seq(seq(oid("1.2.840.10040.4.1"), seq(*[number(5)] * 3)), BITS)),
    "a key of DSA with nothing": certificate(
        key=seq(seq(oid("1.2.840.10040.4.1"), seq(*[number(0)] * 3)), BITS)
    ),
    "identifiers of issuer and subject": certificate(unique=encode(0x81, b"\0\1") + encode(0x82, b"\4\x10")),
    "no subject": certificate(subject=seq()),
    "a subject of two parts": certificate(
        subject=named(attribute(encode(0x0C, b"a")), attribute(encode(0x0C, b"b")))
    ),
    "a part of two attributes": certificate(
        subject=named(attribute(encode(0x0C, b"a")) + attribute(encode(0x0C, b"b")))
    ),
    "a wide name": certificate(subject=named(attribute(encode(0x1E, b"\0a")))),
    "a wider name": certificate(subject=named(attribute(encode(0x1C, b"\0\0\0a")))),
    "a printable name": certificate(subject=named(attribute(encode(0x13, b"aZ09 '()+,-./:=?")))),
    **{
        f"a name of kind {tag:x}": certificate(subject=named(attribute(encode(tag, b"a"))))
        for tag in (0x04, 0x12, 0x14, 0x16, 0x17, 0x18, 0x1A)
    },
    "serial 0x7f": certificate(serial=number(0x7F)),
    "serial 0x80": certificate(serial=number(0x80)),
    "serial 0x7f01": certificate(serial=number(0x7F01)),
    "a signature of twelve bits": certificate(signature=encode(0x03, b"\4\xff\xf0")),
    "an identifier of 63 bytes": certificate(extension("1.2" + ".1" * 62, b"")),
    "a first number of 28 bits": certificate(extension("2.268435000.1", b"")),
    "an identifier of ISO": certificate(extension("1.0.8571", b"")),
    "an identifier of both": certificate(extension("2.0.1", b"")),
    "the last day of the years in two digits": certificate(dates=dates(utc(b"491231235959Z"))),
    "the first day of them": certificate(dates=dates(utc(b"500101000000Z"))),
    "the 29th of February": certificate(dates=dates(utc(b"240229000000Z"))),
    "an identifier of 28 bits": certificate(KEY_ID, extension("1.2.268435455", b"")),
    "a subject of a long identifier": certificate(
        subject=named(attribute(encode(0x0C, b"a"), "2.999.128.16384"))
    ),
    "critical": certificate(extension("2.5.29.19", seq(TRUE), TRUE)),
}
BAD_PARTS = {
    "nothing": b"",
    "more behind it": certificate() + NULL,
    "more behind the signature": certificate(after=NULL),
    "another element": encode(0x31, certificate()[4:]),
    "a length of too many bytes": long_form(certificate(version=b"", unique=b""))[:-1],
    "version 2 by number": certificate(version=encode(0xA0, number(1)), listed=b"\xa3\x00"),
    "version 4": certificate(version=encode(0xA0, number(3))),
    "two versions": certificate(version=encode(0xA0, number(2) + number(2))),
    "no serial": certificate(serial=encode(0x02, b"")),
    "a serial with a zero before it": certificate(serial=encode(0x02, b"\0\x7f")),
    "a serial with ones before it": certificate(serial=encode(0x02, b"\xff\x80")),
    "signed in two ways": certificate(inner=seq(oid("1.2.840.113549.1.1.12"), NULL)),
    "signed with and without a NULL": certificate(inner=seq(oid("1.2.840.113549.1.1.11"))),
    "an algorithm with more behind": certificate(algorithm=seq(oid("1.2.840.113549.1.1.11"), NULL, NULL)),
    "an algorithm that ends early": certificate(algorithm=seq(encode(0x06, b"\x2a\x86"))),
    "ECDSA with something else": certificate(algorithm=seq(oid("1.2.840.10045.4.3.2"), number(1)))[:-1],
    "no signature": certificate(signature=encode(0x03, b"")),
    "a signature of another kind": certificate(signature=encode(0x04, b"\0a")),
    "a key without bits": certificate(key=seq(seq(oid("1.2.840.113549.1.1.1"), NULL))),
    "a key with more behind": certificate(key=seq(seq(oid("1.2.840.113549.1.1.1"), NULL), BITS, NULL)),
    "a key of DSA below nothing": certificate(
        key=seq(seq(oid("1.2.840.10040.4.1"), seq(*[encode(2, b"\xff")] * 3)), BITS)
    ),
    "a key of DSA with a fourth number": certificate(
        key=seq(seq(oid("1.2.840.10040.4.1"), seq(*[number(5)] * 4)), BITS)
    ),
    "a signature of twelve bits, and one more": certificate(signature=encode(0x03, b"\4\xff\xf8")),
    "an identifier of 64 bytes": certificate(extension("1.2" + ".1" * 63, b"")),
    "a key of a curve that is none": certificate(key=seq(seq(oid("1.2.840.10045.2.1"), number(1)), BITS)),
    "three dates": certificate(dates=dates(utc(b"200101000000Z"), utc(b"210101000000Z") * 2)),
    "one date": certificate(dates=seq(utc(b"200101000000Z"))),
    "the 30th of February": certificate(dates=dates(utc(b"240230000000Z"))),
    "a date without seconds": certificate(dates=dates(utc(b"2001010000Z"))),
    "a date without a zone": certificate(dates=dates(utc(b"200101000000"))),
    "a date with another zone": certificate(dates=dates(utc(b"200101000000+0100"))),
    "a long date without seconds": certificate(dates=dates(encode(0x18, b"202001010000Z"))),
    "a long date with parts of a second": certificate(dates=dates(encode(0x18, b"20200101000000.5Z"))),
    "an empty part of a name": certificate(subject=named(b"")),
    "a name with more behind": certificate(subject=named(seq(oid("2.5.4.3"), encode(0x0C, b"a"), NULL))),
    "a name in another order": certificate(
        subject=named(attribute(encode(0x0C, b"b")) + attribute(encode(0x0C, b"a")))
    ),
    "twice the same name": certificate(subject=named(attribute(encode(0x0C, b"a")) * 2)),
    "a printable name that is not": certificate(subject=named(attribute(encode(0x13, b"a@")))),
    "a name of wrong UTF-8": certificate(subject=named(attribute(encode(0x0C, b"\xff")))),
    "a wide name that ends early": certificate(subject=named(attribute(encode(0x1E, b"\0")))),
    "a wider name that ends early": certificate(subject=named(attribute(encode(0x1C, b"\0\0a")))),
    "a name that is a number": certificate(subject=named(attribute(number(0x61)))),
    "an identifier with a zero before it": certificate(
        subject=named(seq(encode(0x06, b"\x2a\x80\x01"), encode(0x0C, b"a")))
    ),
    "an empty identifier": certificate(subject=named(seq(encode(0x06, b""), encode(0x0C, b"a")))),
    "no extension in the list": certificate(listed=encode(0xA3, seq())),
    "extensions with more behind": certificate(listed=encode(0xA3, seq(KEY_ID) + NULL)),
    "more than extensions": certificate(listed=encode(0xA3, seq(KEY_ID)) + NULL),
    "an extension with more behind": certificate(seq(oid("1.2.3"), encode(0x04, b""), NULL)),
    "an extension that is said not to be critical": certificate(extension("1.2.3", b"", FALSE)),
    "an extension of another truth": certificate(extension("1.2.3", b"", encode(0x01, b"\1"))),
    "twice the same extension": certificate(KEY_ID, KEY_ID),
    "extensions in the first version": certificate(KEY_ID, version=b""),
    "an algorithm that is not known here": certificate(algorithm=seq(oid("1.2.3.4"))),
    "an identifier of 35 bits": certificate(extension("1.2.4294967295", b"")),
    "a PSS of another salt": certificate(algorithm=pss(salt=20)),
    "an extension of lists": certificate(extension("2.5.29.20", number(1))),
    "a CA above 2^31": certificate(extension("2.5.29.19", seq(TRUE, number(1 << 31)))),
}
BY_THE_LIBRARY_ALONE = {
    "signed in two ways",
    "signed with and without a NULL",
    "no extension in the list",
    "extensions in the first version",
    "an algorithm that is not known here",
    "an identifier of 35 bits",
    "an extension of lists",
    "a CA above 2^31",
    "lists nowhere",
    "lists with no maker",
    "no policy",
    "twice the same policy",
    "a policy with no qualifier",
    "names that are identifiers",
    "names that are no ASCII",
    "a text that nobody sees",
    "a text that nobody sees, above",
    "a period of a moment",
    "another name: a host that is no ASCII",
    "another name: eight bytes of address",
    "no other name",
}


@pytest.mark.parametrize("der", [pytest.param(der, id=name) for name, der in PARTS.items()])
def test_each_part_is_read_as_the_library_reads_it(der: bytes) -> None:
    found = read(der)
    assert found is not None
    assert found == theirs(der)


@pytest.mark.parametrize("name", BAD_PARTS)
def test_a_part_that_the_library_refuses_is_refused(name: str) -> None:
    assert read(BAD_PARTS[name]) is None
    assert (theirs(BAD_PARTS[name]) is not None) == (name in BY_THE_LIBRARY_ALONE)


@pytest.mark.parametrize(("kind", "content"), EXTENSIONS.values(), ids=EXTENSIONS.keys())
def test_each_extension_is_read_as_the_library_reads_it(kind: str, content: bytes) -> None:
    der = certificate(extension(kind, content))
    found = read(der)
    assert found is not None
    assert found == theirs(der)


@pytest.mark.parametrize("name", BAD_EXTENSIONS)
def test_an_extension_that_the_library_refuses_is_refused(name: str) -> None:
    der = certificate(extension(*BAD_EXTENSIONS[name]))
    # The certificate is read for all that: nothing counts that its extensions would say.
    assert by_hand.read(der).extensions is None
    assert (theirs(der) is not None) == (name in BY_THE_LIBRARY_ALONE)


@pytest.mark.parametrize(
    "kind",
    [
        *(f"2.5.29.{number}" for number in (20, 21, 24, 27, 28, 29)),
        *(f"1.3.6.1.4.1.11129.2.4.{number}" for number in (2, 3, 5)),
        *("1.3.6.1.5.5.7.1.24", "1.3.6.1.5.5.7.48.1.5", "1.3.36.8.3.3"),
    ],
)
def test_extensions_that_the_library_alone_knows_are_refused_whatever_they_say(kind: str) -> None:
    assert by_hand.read(certificate(extension(kind, encode(0x04, b"")))).extensions is None


def test_what_extensions_say_is_kept() -> None:
    der = certificate(
        extension("2.5.29.19", seq(TRUE, number(3)), TRUE),
        extension("2.5.29.15", encode(0x03, b"\x02\x04"), TRUE),
        extension("2.5.29.30", seq(encode(0xA0, seq(HOST)))),
    )
    assert by_hand.read(der).extensions == Extensions(
        ca=True, path_length=3, signs=True, constrained=True, critical=("2.5.29.19", "2.5.29.15")
    )


def test_dates_and_serial_are_kept() -> None:
    found = by_hand.read(certificate(dates=dates(utc(b"500102030405Z")), serial=encode(0x02, b"\x80")))
    assert found.not_before == datetime(1950, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    assert found.not_after == datetime(2051, 1, 1, tzinfo=timezone.utc)
    assert found.serial == -128
    assert by_hand.read(certificate(dates=dates(utc(b"491231235959Z")))).not_before.year == 2049


@pytest.mark.parametrize("digest", [1, 2, 3])
def test_the_parameters_of_pss_are_as_they_are_written(digest: int) -> None:
    kind, salt = f"2.16.840.1.101.3.4.2.{digest}", 16 * digest + 16
    assert seq(oid("1.2.840.113549.1.1.10"), by_hand._pss(kind, salt)) == pss(kind, salt)
