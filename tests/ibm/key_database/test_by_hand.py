"""Certificates read by ourselves, byte by byte: each row is one way to write a part of one.

What is read is read alike by `cryptography`; what that library refuses, so do we. We refuse those of
`BY_THE_LIBRARY_ALONE`, too.
"""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from tests.ibm.key_database.written import (
    BITS,
    FALSE,
    KEY_ID,
    NULL,
    TRUE,
    attribute,
    certificate,
    dates,
    extension,
    named,
    number,
    oid,
    read,
    seq,
    theirs,
    utc,
)

from dsmcertfix.ibm.key_database import by_hand
from dsmcertfix.ibm.key_database.der import encode


def long_form(element: bytes) -> bytes:
    """The same with a length of one byte more than need be."""
    return element[:1] + b"\x81" + element[1:]


def pss(digest: str = "2.16.840.1.101.3.4.2.1", salt: int = 32) -> bytes:
    hashed = seq(oid(digest), NULL)
    mask = seq(oid("1.2.840.113549.1.1.8"), hashed)
    parts = encode(0xA0, hashed), encode(0xA1, mask), encode(0xA2, number(salt))
    return seq(oid("1.2.840.113549.1.1.10"), seq(*parts))


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
