"""A reader of certificates of our own, for machines without a `cryptography` that can be used.

Refuses whatever that library refuses, and more: an algorithm, for one, that is not known here. What holds it
to that is `scripts/differential.sh certificates`, with a million of changed ones. Does not check signatures.
"""

from __future__ import annotations

from datetime import datetime

from dsmcertfix.ibm.key_database import der, extensions
from dsmcertfix.ibm.key_database.der import Malformed, Strict
from dsmcertfix.ibm.key_database.parts import Extensions, Reading
from dsmcertfix.ibm.key_database.values import bits, integer, moment, name, oid

_RSA = "1.2.840.113549.1.1"
_EMPTY = (b"",)
_NULL_OR_NOTHING = (b"", b"\x05\x00")
_SHA2 = "2.16.840.1.101.3.4.2"
_OID_OF = {
    f"{_RSA}.8": bytes.fromhex("06092a864886f70d010108"),
    **{f"{_SHA2}.{number}": bytes.fromhex(f"060960864801650304020{number}") for number in (1, 2, 3)},
}


def _pss(digest: str, salt: int) -> bytes:
    """The parameters of RSASSA-PSS as everybody writes them: one digest, and a salt of its length."""
    algorithm = der.encode(der.SEQUENCE, _OID_OF[digest] + b"\x05\x00")
    mask = der.encode(der.SEQUENCE, _OID_OF[f"{_RSA}.8"] + algorithm)
    parts = der.encode(0xA0, algorithm) + der.encode(0xA1, mask) + der.encode(0xA2, der.encode_integer(salt))
    return der.encode(der.SEQUENCE, parts)


# What may stand behind the OID of an algorithm, and nothing else. Keys with parameters have a check below.
_PARAMETERS: dict[str, tuple[bytes, ...]] = {
    **{f"{_RSA}.{number}": _NULL_OR_NOTHING for number in (1, 2, 4, 5, 11, 12, 13, 14)},
    f"{_RSA}.10": tuple(_pss(f"{_SHA2}.{number}", 16 * number + 16) for number in (1, 2, 3)),
    **{f"1.2.840.10045.4.{kind}": _EMPTY for kind in ("1", "3.1", "3.2", "3.3", "3.4")},
    **{f"1.3.101.{number}": _EMPTY for number in (112, 113)},
    **dict.fromkeys(("1.2.840.10040.4.3", "2.16.840.1.101.3.4.3.1", "2.16.840.1.101.3.4.3.2"), _EMPTY),
}
_ELLIPTIC, _DSA = "1.2.840.10045.2.1", "1.2.840.10040.4.1"


def read(certificate: bytes) -> Reading:
    """What the certificate says. Raises ValueError when it is none, or not one that is known here."""
    outer = Strict(certificate)
    parts = outer.enter(der.SEQUENCE)
    outer.close()
    fields = parts.enter(der.SEQUENCE)
    algorithm = _algorithm(parts.whole(der.SEQUENCE))
    bits(parts)
    parts.close()
    extended = _is_third_version(fields)
    serial = integer(fields)
    if _algorithm(fields.whole(der.SEQUENCE)) != algorithm:
        raise Malformed("two kinds of signature")
    issuer = name(fields.enter(der.SEQUENCE))
    dates = fields.enter(der.SEQUENCE)
    begins, ends = _date(dates), _date(dates)
    dates.close()
    subject = name(fields.enter(der.SEQUENCE))
    key = fields.enter(der.SEQUENCE)
    _algorithm(key.whole(der.SEQUENCE))
    bits(key)
    key.close()
    for tag in (0x81, 0x82):
        if fields.begins_with(tag):
            bits(fields, tag)
    said = extensions.read(fields) if extended else Extensions()
    fields.close()
    return Reading(subject, issuer, serial, begins, ends, said)


def _is_third_version(fields: Strict) -> bool:
    """Whether it is one that may have extensions; false for the first version, which does not say so."""
    if not fields.begins_with(0xA0):
        return False
    inner = fields.enter(0xA0)
    if inner.content(der.INTEGER) != b"\x02":
        raise Malformed("a version that is not known")
    inner.close()
    return True


def _algorithm(whole: bytes) -> tuple[str, bytes]:
    """The OID and its parameters, which are known here."""
    cursor = Strict(whole).enter(der.SEQUENCE)
    kind = oid(cursor)
    parameters = cursor.whole() if cursor.more else b""
    cursor.close()
    inside = Strict(parameters)
    if kind == _ELLIPTIC:
        oid(inside)
    elif kind == _DSA:
        numbers = inside.enter(der.SEQUENCE)
        if any(integer(numbers) < 0 for _ in range(3)):
            raise Malformed("a number that is out of range")
        numbers.close()
    elif parameters not in _PARAMETERS.get(kind, ()):
        raise Malformed(f"an algorithm that is not known here ({kind})")
    return kind, parameters


def _date(cursor: Strict) -> datetime:
    if cursor.begins_with(der.UTC_TIME):
        written = cursor.content()
        written = (b"19" if written >= b"50" else b"20") + written
    else:
        written = cursor.content(der.GENERALIZED_TIME)
    return moment(written)
