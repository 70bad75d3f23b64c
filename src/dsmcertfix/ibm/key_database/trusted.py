"""The record that GSKit itself would write for a trusted certificate, byte for byte (tried against GSKit 8).

Behind the record in DER stand: the length of the label (4 bytes), the label without a NUL, 4 zero bytes,
and five SHA-1 values, each behind its length (4). They are the same in the versions 3, 4 and 6.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from hashlib import sha1

from dsmcertfix import NamedTuple
from dsmcertfix.errors import EditFailed
from dsmcertfix.ibm.key_database import der
from dsmcertfix.ibm.key_database.record import IN_USE, TRUSTED

_REMEMBERED = 65536

# One bit of eight is used; where none is set, there is no byte.
_FLAGS = {True: bytes.fromhex("03020780"), False: bytes.fromhex("030100")}
_VERSION = 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_OBJECT_IDENTIFIER, _SET = 0x06, 0x31
# UTF8String, PrintableString, T61String, IA5String, UniversalString and BMPString.
_NAME_STRINGS = (0x0C, 0x13, 0x14, 0x16, 0x1C, 0x1E)
# The last two digits of the year, then month, day, hour and minute.
_DATE = re.compile(rb"[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-4])[0-6][0-9]")


class Index(NamedTuple):
    """The parts of a certificate whose SHA-1 GSKit keeps, in its order. All are whole DER elements."""

    signature: bytes
    signed: bytes
    subject: bytes
    public_key: bytes
    issuer_and_serial: bytes

    def hashes(self) -> tuple[bytes, ...]:
        """The five SHA-1 values, 20 bytes each. They find a certificate, they do not protect it."""
        parts = (self.signature, self.signed, self.subject, self.public_key, self.issuer_and_serial)
        return tuple(sha1(part, usedforsecurity=False).digest() for part in parts)


def index(certificate: bytes) -> Index:
    """What GSKit searches this certificate by. Raises EditFailed when it is not one whole certificate."""
    try:
        return _index(certificate)
    except der.Malformed as error:
        raise EditFailed(
            "certificate-malformed", "What was given is not an X.509 certificate.", context=(str(error),)
        ) from error


def _index(certificate: bytes) -> Index:
    outer = der.Cursor(certificate)
    parts = outer.enter(der.SEQUENCE)
    if outer.more:
        raise der.Malformed("bytes are left over behind the certificate")
    signed = parts.whole(der.SEQUENCE)
    parts.take(der.SEQUENCE)
    signature = parts.whole(der.BIT_STRING)
    fields = der.Cursor(signed).enter(der.SEQUENCE)
    serial = fields.whole(_VERSION, der.INTEGER)
    if serial[0] == _VERSION:
        serial = fields.whole(der.INTEGER)
    fields.take(der.SEQUENCE)
    issuer = fields.whole(der.SEQUENCE)
    fields.take(der.SEQUENCE)
    subject = fields.whole(der.SEQUENCE)
    public_key = fields.whole(der.SEQUENCE)
    return Index(signature, signed, subject, public_key, der.encode(der.SEQUENCE, issuer + serial))


@lru_cache(maxsize=_REMEMBERED)
def unopenable(certificate: bytes) -> str | None:
    """What keeps GSKit from opening a whole key database with this certificate; None where nothing does.

    Tried: what is no whole certificate, and dates that are none. Whose names are in types of string that
    GSKit does not read, only that certificate it cannot give out.
    """
    try:
        _index(certificate)
        _refuse_odd_dates(_parts(certificate)[1])
    except der.Malformed as error:
        return str(error)
    return None


def _refuse_unreadable(certificate: bytes) -> None:
    """Raises Malformed for what GSKit does not read where it is in a key database."""
    issuer, dates, subject = _parts(certificate)
    _refuse_odd_dates(dates)
    for name in (issuer, subject):
        _refuse_odd_strings(name)


def _parts(certificate: bytes) -> tuple[bytes, bytes, bytes]:
    """The issuer, the dates and the subject, whole. Raises Malformed."""
    signed = der.Cursor(certificate).enter(der.SEQUENCE).whole(der.SEQUENCE)
    fields = der.Cursor(signed).enter(der.SEQUENCE)
    if fields.take(_VERSION, der.INTEGER).tag == _VERSION:
        fields.take(der.INTEGER)
    fields.take(der.SEQUENCE)
    return fields.whole(der.SEQUENCE), fields.whole(der.SEQUENCE), fields.whole(der.SEQUENCE)


def _refuse_odd_dates(dates: bytes) -> None:
    cursor = der.Cursor(dates).enter(der.SEQUENCE)
    while cursor.more:
        date = cursor.whole()
        # Behind tag and length; four digits of the year where it is not UTCTime.
        digits = date[2:] if date[0] == _UTC_TIME else date[4:]
        if date[0] not in (_UTC_TIME, _GENERALIZED_TIME) or not _DATE.match(digits):
            raise der.Malformed("a date that is none")


def _refuse_odd_strings(name: bytes) -> None:
    parts = der.Cursor(name).enter(der.SEQUENCE)
    while parts.more:
        members = parts.enter(_SET)
        while members.more:
            pair = members.enter(der.SEQUENCE)
            pair.take(_OBJECT_IDENTIFIER)
            pair.take(*_NAME_STRINGS)


def compose(number: int, label: bytes, certificate: bytes, *, trusted: bool = True) -> bytes:
    """The used part of a slot: a certificate under that number and label, marked as `trusted` or not.

    Raises EditFailed when `certificate` is not one whole certificate.
    """
    hashes = index(certificate).hashes()
    try:
        _refuse_unreadable(certificate)
    except der.Malformed as error:
        raise EditFailed(
            "certificate-malformed",
            "With this certificate GSKit would not open the key database.",
            context=(str(error),),
        ) from error
    record = der.encode(
        der.SEQUENCE,
        der.encode_integer(number)
        + der.encode(TRUSTED, certificate)
        + der.encode(der.VISIBLE_STRING, label)
        + _FLAGS[trusted],
    )
    head = struct.pack(">III", IN_USE, number, len(record))
    tail = struct.pack(">I", len(label)) + label + bytes(4)
    return head + record + tail + b"".join(struct.pack(">I", len(each)) + each for each in hashes)
