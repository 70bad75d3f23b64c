"""IBM's file formats as the bench writes them, for what IBM's library in the wheel does not make by itself.

Written from the format's description alone, so that a mistake of the product cannot hide in it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from functools import reduce
from operator import xor

SLOT_SIZE = 5000
_HASHES = {4: "sha1", 6: "sha384"}


def _code(version: int, password: bytes, data: bytes) -> bytes:
    if version == 3:
        return hashlib.md5(data + password, usedforsecurity=False).digest()
    return hmac.new(password, data, _HASHES[version]).digest()


def _file(
    version: int,
    password: bytes,
    slots: Sequence[bytes],
    magic: bytes,
    slot_size: int,
    expires: bytes = bytes(4),
) -> bytes:
    header = bytes((0x37, 0x48, version)) + magic[:1] + expires + magic[1:]
    header += slot_size.to_bytes(4, "big") + len(slots).to_bytes(4, "big") + secrets.token_bytes(23) + b"\0"
    header += _code(version, password, header)
    if version == 3:
        hashes = (_code(3, password, part) for part in (header, *slots))
        code = bytes(reduce(xor, column) for column in zip(*hashes, strict=True))
    else:
        code = _code(version, password, header + b"".join(slots))
    return header + code + b"".join(slots)


def key_database(
    version: int, password: bytes, slots: Sequence[bytes] = (), slot_size: int = SLOT_SIZE
) -> bytes:
    """A key database of version 3, 4 or 6 with those slots, each of `slot_size` bytes, that GSKit opens."""
    return _file(version, password, slots, b"\x02X509KEY\0", slot_size)


def side_files(version: int, password: bytes) -> dict[str, bytes]:
    """Suffix to content of the two empty files that GSKit keeps beside a key database.

    They have the header of a key database but other magic and name (seen in GSKit 8's own). GSKit opens the
    .rdb together with the key database and calls it an invalid password when that fails.
    """
    return {
        ".rdb": _file(version, password, (), b"\x01X509KYP\0", SLOT_SIZE),
        ".crl": _file(version, password, (), b"\x01X509CRL\0", SLOT_SIZE),
    }


def slot(record: bytes, number: int, *, slot_size: int = SLOT_SIZE, state: int = 1) -> bytes:
    """A slot with that record in DER. What GSKit searches by is left out: it opens such a file all the same.

    `state` is 1 for a record in use, 2 for one that was deleted and not yet swept out.
    """
    head = b"".join(value.to_bytes(4, "big") for value in (state, number, len(record)))
    return (head + record).ljust(slot_size, b"\0")


def trusted(number: int, label: bytes, certificate: bytes, slot_size: int = SLOT_SIZE) -> bytes:
    """A slot with a trusted certificate."""
    return slot(record(number, 1, certificate, label), number, slot_size=slot_size)


def record(number: int, choice: int, content: bytes, label: bytes) -> bytes:
    """A record in DER. `choice` is 1 for a certificate, 2 for one with its key, any other is not IBM's."""
    flags = bytes.fromhex("030206c0" if choice == 2 else "03020780")
    inner = der(0x30, content) if choice == 2 else content
    return der(0x30, der(2, bytes((number,))) + der(0xA0 | choice, inner) + der(0x1A, label) + flags)


def der(tag: int, content: bytes) -> bytes:
    """An element in DER; nothing of this bench needs more than two bytes for its length."""
    size = len(content)
    length = bytes((size,)) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes((tag,)) + length + content


TRUSTED, NOT_TRUSTED, DEFAULT = (bytes.fromhex(flags) for flags in ("03020780", "030100", "030206c0"))
"""The flags at the end of a record, as GSKit 8.0.60 writes them: a certificate that does not verify when it
is added (not yet valid, expired, without its issuer) is not trusted, and stays so."""


def rewritten(
    content: bytes, password: bytes, *, flags: bytes = b"", expires: int | None = None, holding: bytes = b""
) -> bytes:
    """The key database with these flags in every record, and a password that expires at that time.

    With `holding` the flags are those of the record that has these bytes.
    `expires` is in seconds since 1970, 0 for never, as GSKit's own bytes 4 to 7. Every code fits.
    """
    version, size = content[2], int.from_bytes(content[0x10:0x14], "big")
    start = 0x30 + 2 * {3: 16, 4: 20, 6: 48}[version]
    slots = [content[at : at + size] for at in range(start, len(content), size)]
    until = content[4:8] if expires is None else expires.to_bytes(4, "big")
    slots = [_flagged(each, flags) if holding in each else each for each in slots]
    return _file(version, password, slots, b"\x02X509KEY\0", size, until)


def _flagged(slot_content: bytes, flags: bytes) -> bytes:
    """The slot with those flags in its record; without flags, as it is."""
    if not flags:
        return slot_content
    length = int.from_bytes(slot_content[8:12], "big")
    fields = _elements(_content(slot_content[12 : 12 + length]))
    changed = der(0x30, b"".join(fields[:-1]) + flags)
    head = slot_content[:8] + len(changed).to_bytes(4, "big")
    return (head + changed + slot_content[12 + length :])[: len(slot_content)].ljust(len(slot_content), b"\0")


def with_key_bit_turned(content: bytes, password: bytes, certificate: bytes) -> bytes:
    """The key database with one bit of the private key that belongs to the certificate turned.

    Every code fits: only a comparison of the bytes shows it.
    """
    version, size = content[2], int.from_bytes(content[0x10:0x14], "big")
    start = 0x30 + 2 * {3: 16, 4: 20, 6: 48}[version]
    (key,) = (key for held, key in personal_keys(content) if held == certificate)
    at = content.index(key) + len(key) - 1
    turned = content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]
    slots = [turned[begin : begin + size] for begin in range(start, len(turned), size)]
    return key_database(version, password, slots, size)


def personal_keys(content: bytes) -> list[tuple[bytes, bytes]]:
    """Certificate and encrypted private key, both DER, of every personal record of a key database."""
    size = int.from_bytes(content[0x10:0x14], "big")
    start = 0x30 + 2 * {3: 16, 4: 20, 6: 48}[content[2]]
    found = []
    for at in range(start, len(content), size):
        length = int.from_bytes(content[at + 8 : at + 12], "big")
        fields = _elements(_content(content[at + 12 : at + 12 + length]))
        if len(fields) > 1 and fields[1][0] == 0xA2:
            certificate, key = _elements(_content(_content(fields[1])))
            found.append((certificate, key))
    return found


def _content(element: bytes) -> bytes:
    length = element[1]
    return element[2:] if length < 0x80 else element[2 + (length & 0x7F) :]


def _elements(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        first = data[at + 1]
        sizes = first & 0x7F if first & 0x80 else 0
        length = int.from_bytes(data[at + 2 : at + 2 + sizes], "big") if sizes else first
        end = at + 2 + sizes + length
        found.append(data[at:end])
        at = end
    return found


def old_stash(password: bytes) -> bytes:
    """The 129-byte stash file that GSKit wrote before it wrote 193 bytes. No NUL is in its filler."""
    filler = bytes(1 + secrets.randbelow(255) for _ in range(129 - len(password) - 1))
    return bytes(byte ^ 0xF5 for byte in password + b"\0" + filler)


def keepass_database() -> bytes:
    """The start of a KeePass 1 database: another program's file that also ends in .kdb."""
    return bytes.fromhex("03d9a29a65fb4bb5") + secrets.token_bytes(500)
