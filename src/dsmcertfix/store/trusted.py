"""The record that GSKit itself would write for a trusted certificate, byte for byte (tried against GSKit 8).

Behind the record in DER stand: the length of the label (4 bytes), the label without a NUL, 4 zero bytes,
and five SHA-1 values, each behind its length (4). They are the same in the versions 3, 4 and 6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from hashlib import sha1

from dsmcertfix.errors import EditFailed
from dsmcertfix.store import der
from dsmcertfix.store.record import IN_USE, TRUSTED

_FLAGS = bytes.fromhex("03020780")
_VERSION = 0xA0


@dataclass(frozen=True, slots=True)
class Index:
    """The parts of a certificate whose SHA-1 GSKit keeps, in its order. All are whole DER elements."""

    signature: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    subject: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    issuer_and_serial: bytes = field(repr=False)

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


def compose(number: int, label: bytes, certificate: bytes) -> bytes:
    """The used part of a slot: a trusted certificate under that number and label.

    Raises EditFailed when `certificate` is not one whole certificate.
    """
    hashes = index(certificate).hashes()
    record = der.encode(
        der.SEQUENCE,
        der.encode_integer(number)
        + der.encode(TRUSTED, certificate)
        + der.encode(der.VISIBLE_STRING, label)
        + _FLAGS,
    )
    head = struct.pack(">III", IN_USE, number, len(record))
    tail = struct.pack(">I", len(label)) + label + bytes(4)
    return head + record + tail + b"".join(struct.pack(">I", len(each)) + each for each in hashes)
