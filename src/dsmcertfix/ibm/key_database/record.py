"""One slot of a key database, and the record in it.

A slot is `type` (4 bytes), `number` (4), the length of the record (4), the record in DER, and then what GSKit
searches by (see trusted.py), filled up with zeroes. The record:

    SEQUENCE {
      INTEGER                                                     -- the number once more
      [1] { Certificate }                                         -- trusted
      or [2] { SEQUENCE { Certificate, EncryptedPrivateKeyInfo } } -- personal, or a secret key
      VisibleString                                               -- the label, in UTF-8 all the same
      BIT STRING                                                  -- bit 0: trusted, bit 1: the default
    }

Tried against GSKit 8: the label that counts is the one in the DER, and a record that is deleted is first
marked with type 2 and swept out when the file is closed, so a stopped program leaves such records behind.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import Literal

from dsmcertfix import NamedTuple
from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.ibm.key_database import der

RecordKind = Literal["trusted", "personal", "other"]

HEADER_SIZE = 12
IN_USE = 1
DELETED = 2

TRUSTED = 0xA1
PERSONAL = 0xA2
TRUSTED_BIT, DEFAULT_BIT = 0x80, 0x40

# GSKit files a secret key as the private key of a stand-in certificate that carries this extension:
# 1.3.6.1.4.999999999.999999999.999999999.718375.55524.2.5001 (seen in GSKit 8's own files).
SECRET_KEY = bytes.fromhex("061c2b06010483dceb937f83dceb937f83dceb937fabec2783b16402a709")


class _Content(NamedTuple):
    kind: RecordKind
    label: bytes
    certificate: bytes | None
    flags: int = 0


class Record(NamedTuple):
    """What one slot holds. `position` counts from 0, `number` is GSKit's own.

    `type` is 1 for a record in use and 2 for one that was deleted but is still in the file. `der` is the
    whole record, `certificate` the DER of the X.509 certificate in it or None. `label` is decoded from
    `label_bytes`: UTF-8, else Latin-1. `flags` is the first byte of the flags. A record that is deleted,
    holds a secret key, or is of a kind not known is "other".
    """

    position: int
    type: int
    number: int
    kind: RecordKind
    label: str
    label_bytes: bytes
    der: bytes
    certificate: bytes | None
    slot: bytes
    flags: int = 0

    def __repr__(self) -> str:
        # What it holds may be a key.
        return (
            f"Record(position={self.position}, number={self.number}, kind={self.kind}, label={self.label!r})"
        )

    @property
    def deleted(self) -> bool:
        """Whether GSKit no longer counts this record."""
        return self.type == DELETED

    @property
    def default(self) -> bool:
        """Whether it is the one that a program presents which asks for none by its label."""
        return self.type == IN_USE and bool(self.flags & DEFAULT_BIT)

    @property
    def trusted(self) -> bool:
        """Whether it is marked as one that counts when a server's certificate is verified."""
        return self.type == IN_USE and bool(self.flags & TRUSTED_BIT)

    @property
    def sha256(self) -> str | None:
        """The fingerprint of the certificate, in lower-case hex; None when there is none."""
        return None if self.certificate is None else sha256(self.certificate).hexdigest()


def parse(slot: bytes, position: int) -> Record:
    """The record in a slot. What is of no known kind is stepped over: it comes back as "other".

    Raises StoreUnreadable when a record in use is longer than its slot or is not whole.
    """
    state, number, length = struct.unpack_from(">III", slot)
    room = len(slot) - HEADER_SIZE
    if state == IN_USE and length > room:
        raise _damaged("record-too-long", position, f"its length is {length}, its slot has room for {room}")
    encoded = slot[HEADER_SIZE : HEADER_SIZE + length]
    try:
        found = _content(encoded) if state == IN_USE else _Content("other", _label(encoded), None)
    except der.Malformed as error:
        if state == IN_USE:
            raise _damaged("record-malformed", position, str(error)) from error
        found = _Content("other", b"", None)
    label = found.label
    return Record(
        position,
        state,
        number,
        found.kind,
        decode_label(label),
        label,
        encoded,
        found.certificate,
        slot,
        found.flags,
    )


def decode_label(label: bytes) -> str:
    """A label as text: UTF-8, which GSKit writes, else Latin-1, which older writers used."""
    try:
        return label.decode("utf-8")
    except UnicodeDecodeError:
        return label.decode("latin-1")


def _content(encoded: bytes) -> _Content:
    """Kind, label and certificate of a record in use. Raises Malformed."""
    if der.Cursor(encoded).take().tag != der.SEQUENCE:
        return _Content("other", b"", None)
    body = der.Cursor(encoded).enter(der.SEQUENCE)
    if not body.more or body.take().tag != der.INTEGER or not body.more:
        return _Content("other", b"", None)
    choice = body.take()
    if choice.tag not in (TRUSTED, PERSONAL):
        return _Content("other", _label(encoded), None)
    inner = der.Cursor(encoded, choice.content, choice.end)
    if choice.tag == PERSONAL:
        inner = inner.enter(der.SEQUENCE)
    certificate = inner.whole(der.SEQUENCE)
    label = body.take(*der.LABEL_STRINGS)
    name = encoded[label.content : label.end]
    flags = _flags(body, encoded)
    if choice.tag == TRUSTED:
        return _Content("trusted", name, certificate, flags)
    if SECRET_KEY in certificate:
        return _Content("other", name, None, flags)
    return _Content("personal", name, certificate, flags)


def _flags(body: der.Cursor, encoded: bytes) -> int:
    """The first byte of the flags, 0 where there is none: GSKit writes no byte where no bit is set."""
    if not body.more:
        return 0
    bits = body.take()
    # The first byte of the content is the number of bits that are not used.
    if bits.tag != der.BIT_STRING or bits.end - bits.content < 2:
        return 0
    return encoded[bits.content + 1]


def _label(encoded: bytes) -> bytes:
    """The label of a record of whatever kind, empty when it has none. Raises Malformed."""
    body = der.Cursor(encoded).enter(der.SEQUENCE)
    for _ in range(3):
        if not body.more:
            break
        element = body.take()
        if element.tag in der.LABEL_STRINGS:
            return encoded[element.content : element.end]
    return b""


def _damaged(code: str, position: int, reason: str) -> StoreUnreadable:
    return StoreUnreadable(
        code,
        "A record of the key database is damaged.",
        context=(f"record {position + 1}", reason),
    )
