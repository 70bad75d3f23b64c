"""The values in a certificate, in strict DER: numbers, bits, object identifiers, names. Raise ValueError."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from dsmcertfix.ibm.key_database import der
from dsmcertfix.ibm.key_database.der import Malformed, Strict
from dsmcertfix.ibm.key_database.parts import Name

BMP_STRING = 0x1E
_PRINTABLE_STRING, _UNIVERSAL_STRING = 0x13, 0x1C
_GENERALIZED = re.compile(rb"\d{14}Z")
_PRINTABLE = re.compile(rb"[A-Za-z0-9 '()+,./:=?-]*")
_UTF8_TAGS = frozenset((0x04, 0x0C, 0x12, 0x14, 0x16, 0x17, 0x18, 0x1A))


def integer(cursor: Strict, tag: int = der.INTEGER) -> int:
    content = cursor.content(tag)
    if not content or (len(content) > 1 and content[0] in (0, 0xFF) and content[0] >> 7 == content[1] >> 7):
        raise Malformed("a number that is none")
    return int.from_bytes(content, "big", signed=True)


def natural(cursor: Strict, tag: int = der.INTEGER) -> int:
    number = integer(cursor, tag)
    if not 0 <= number < 1 << 31:
        raise Malformed("a number that is out of range")
    return number


def bits(cursor: Strict, tag: int = der.BIT_STRING) -> bytes:
    """The bytes of a BIT STRING; those that are not used are zero."""
    content = cursor.content(tag)
    # Without any bytes the number itself is looked at: each of 1 to 7 has a bit set there.
    if not content or content[0] > 7 or content[-1] << 8 - content[0] & 0xFF:
        raise Malformed("bits that are none")
    return content[1:]


def oid(cursor: Strict, tag: int = der.OBJECT_IDENTIFIER) -> str:
    """The OID with dots. Refuses numbers of more than 28 bits."""
    content = cursor.content(tag)
    if not 0 < len(content) <= 63 or content[-1] & 0x80:
        raise Malformed("an object identifier that is none")
    numbers, value, size = [], 0, 0
    for byte in content:
        if size == 4 or (size == 0 and byte == 0x80):
            raise Malformed("an object identifier that is none")
        value, size = value << 7 | byte & 0x7F, size + 1
        if not byte & 0x80:
            numbers.append(value)
            value = size = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def name(parts: Strict) -> Name:
    found = []
    while parts.more:
        members = parts.enter(der.SET)
        before, attributes = b"", []
        while members.more:
            whole = members.whole(der.SEQUENCE)
            if whole < before:
                raise Malformed("a set in another order")
            before = whole
            pair = Strict(whole).enter(der.SEQUENCE)
            attributes.append((oid(pair), text(pair)))
            pair.close()
        if not attributes or len(set(attributes)) != len(attributes):
            raise Malformed("a part of a name that is empty, or twice the same")
        found.append(tuple(attributes))
    return Name(tuple(found))


def text(cursor: Strict) -> str:
    """The text of a name's attribute. Raises ValueError when it is none."""
    whole = cursor.whole()
    tag, content = whole[0], Strict(whole).content()
    if tag == BMP_STRING:
        return content.decode("utf-16-be")
    if tag == _UNIVERSAL_STRING:
        return content.decode("utf-32-be")
    if tag not in _UTF8_TAGS and not (tag == _PRINTABLE_STRING and _PRINTABLE.fullmatch(content)):
        raise Malformed("a name in a kind of text that is not known")
    return content.decode("utf-8")


def moment(written: bytes) -> datetime:
    """The time that a GeneralizedTime says."""
    if not _GENERALIZED.fullmatch(written):
        raise Malformed("a date that is none")
    month, day, hour, minute, second = (int(written[at : at + 2]) for at in range(4, 14, 2))
    return datetime(int(written[:4]), month, day, hour, minute, second, tzinfo=timezone.utc)
