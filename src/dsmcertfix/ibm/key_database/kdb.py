"""The key database, dsmcert.kdb: a header, and slots of one size, each with a record.

Certificates lie in it in the clear, so reading needs no password; the two codes in the header need it.
Integers are big-endian.

    0x00   4  37 48, the version (3, 4 or 6), 02
    0x04   4  when the password expires, in seconds since 1970; zero for never
    0x08   8  X509KEY and a NUL
    0x10   4  size of a slot
    0x14   4  number of slots
    0x18  24  salt
    0x30   M  verifier of the password         (M, and how: codes.py)
    0x30+M M  integrity code over all the rest

What GSKit 8 does, tried with the versions 3, 4 and 6:

- It keeps the version, and draws a new salt with every edit.
- Deleting a label leaves every other slot byte for byte as it was, in the same order and under the same
  number. It marks the slot (type 2) and sweeps all marked ones out when it closes the file: a program that
  is stopped in between leaves a marked slot behind, and the next deletion sweeps that out too. Adding does
  not.
- Adding appends. The new number is one more than the last in use, where a number not greater than the one
  before it counts as that one plus 1.
- It refuses a label that is there (labels that differ in case are different), a certificate that is there
  under another label, and a second one with the same issuer and serial number.
- A record that does not fit makes all slots larger, by a multiple of 1000, with zeroes behind the old
  content.
- It refuses a file with bytes missing or left over, and one whose password expired.
- It opens dsmcert.rdb too if there is one, and says "invalid password" not only of a wrong password but also
  of a missing stash file, of a .rdb with another password, and of a file that is no key database.

What is written here is what GSKit would write, except that the salt stays.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import datetime, timezone

from dsmcertfix import NamedTuple, budgets
from dsmcertfix.errors import EditFailed, StoreUnreadable
from dsmcertfix.ibm.key_database import codes, trusted
from dsmcertfix.ibm.key_database.record import Record, RecordKind, parse
from dsmcertfix.wording import whole_store_command

__all__ = [
    "VERSIONS",
    "KeyDatabase",
    "Record",
    "RecordKind",
    "add",
    "keep_password",
    "read",
    "remove",
    "remove_all",
    "verify",
    "verify_requests",
]

VERSIONS = tuple(codes.SIZES)

_PREFIX_SIZE = 0x30
# The fourth byte, and the name.
_KEYS, _REQUESTS = b"\2X509KEY\0", b"\1X509KYP\0"
_KEEPASS = bytes.fromhex("03d9a29a")
_PKCS7_DATA = bytes.fromhex("06092a864886f70d010701")
_GROWTH = 1000
# Smaller than any record can be, and larger than any: between them memory stays near the size of the file.
_MIN_SLOT_SIZE = 256
_MAX_SLOT_SIZE = 1 << 24
_LAST_CHARACTER = 0xFFFF
_LAST_NUMBER = 2**31 - 1

_HINT = f"Restore the store from a backup, or let the client make a new one: {whole_store_command()}."


class KeyDatabase(NamedTuple):
    """A key database as read. `prefix` is the header before the two codes; sizes are in bytes."""

    version: int
    slot_size: int
    salt: bytes
    records: tuple[Record, ...]
    prefix: bytes
    verifier: bytes
    integrity: bytes

    def __repr__(self) -> str:
        # Salt and codes are nobody's to read in an error.
        return f"KeyDatabase(version={self.version}, slot_size={self.slot_size}, records={self.records!r})"

    @property
    def password_expires(self) -> datetime | None:
        """When GSKit begins to refuse the file; None for never. What the side files say does not count."""
        (seconds,) = struct.unpack_from(">I", self.prefix, 4)
        return datetime.fromtimestamp(seconds, timezone.utc) if seconds else None


class _Parts(NamedTuple):
    """A file of GSKit's, taken apart: header, the two codes, the slots. Only lengths are checked."""

    version: int
    slot_size: int
    prefix: bytes
    verifier: bytes
    integrity: bytes
    slots: tuple[bytes, ...]


def read(data: bytes) -> KeyDatabase:
    """What is in a key database, in the order of the file; its codes are not checked.

    Raises StoreUnreadable: file-empty, file-keepass, file-pkcs12, file-not-key-database,
    file-version-unknown, file-cut-off, file-too-long, file-slot-size, too-many-records,
    record-too-long or record-malformed.
    """
    parts = _taken_apart(data, _KEYS)
    return KeyDatabase(
        parts.version,
        parts.slot_size,
        salt=parts.prefix[0x18:],
        records=tuple(parse(slot, position) for position, slot in enumerate(parts.slots)),
        prefix=parts.prefix,
        verifier=parts.verifier,
        integrity=parts.integrity,
    )


def _taken_apart(data: bytes, name: bytes) -> _Parts:
    version = _version(data, name)
    size = codes.SIZES[version]
    middle, start = _PREFIX_SIZE + size, _PREFIX_SIZE + 2 * size
    if len(data) < start:
        raise _unreadable("file-cut-off", "The key database ends inside its header.", f"{len(data)} bytes")
    slot_size, count = struct.unpack_from(">II", data, 0x10)
    _check_length(len(data) - start, slot_size, count)
    slots = tuple(data[at : at + slot_size] for at in range(start, len(data), slot_size))
    prefix, verifier, integrity = data[:_PREFIX_SIZE], data[_PREFIX_SIZE:middle], data[middle:start]
    return _Parts(version, slot_size, prefix, verifier, integrity, slots)


def verify(database: KeyDatabase, password: bytes) -> None:
    """The password is the right one, and no byte of the file has changed since it was written with it.

    Raises StoreUnreadable: password-wrong, or integrity-wrong when the password is right and the rest is not.
    """
    slots = tuple(record.slot for record in database.records)
    parts = _Parts(
        database.version,
        database.slot_size,
        database.prefix,
        database.verifier,
        database.integrity,
        slots,
    )
    _verify(parts, password)


def verify_requests(data: bytes, password: bytes) -> None:
    """dsmcert.rdb, the key pairs of requests, is one that GSKit opens with the key database's password.

    GSKit opens the two together: with a damaged one, or one of another password, no session is possible, and
    without any it is (seen in GSKit 8.0.60). When its own password expires does not matter.

    Raises StoreUnreadable: requests-damaged.
    """
    try:
        _verify(_taken_apart(data, _REQUESTS), password)
    except StoreUnreadable as error:
        raise StoreUnreadable(
            "requests-damaged",
            "The file of certificate requests (.rdb) is damaged, or not of this key database.",
            context=(error.message,),
            hint=f"IBM's programs open both or none: {whole_store_command()} lets the client make new ones.",
        ) from error


def _verify(parts: _Parts, password: bytes) -> None:
    version = parts.version
    if not codes.equal(codes.verifier(version, password, parts.prefix), parts.verifier):
        raise StoreUnreadable(
            "password-wrong",
            "The password in the stash file does not open the key database.",
            hint="dsmcert.kdb and dsmcert.sth may be from different times: restore both from one backup, or "
            f"let the client make new ones: {whole_store_command()}.",
        )
    expected = codes.integrity(version, password, parts.prefix + parts.verifier, parts.slots)
    if not codes.equal(expected, parts.integrity):
        raise _unreadable(
            "integrity-wrong", "The key database is damaged: its integrity code does not match."
        )


def remove(database: KeyDatabase, password: bytes, *, label: str, sha256: str) -> bytes:
    """The file without the one record of that label and certificate. See `remove_all`."""
    return remove_all(database, password, [(label, sha256)])


def remove_all(database: KeyDatabase, password: bytes, named: Iterable[tuple[str, str]]) -> bytes:
    """The file without these records, each one of a label and fingerprint; every other slot byte for byte.

    A fingerprint is that of the certificate in hex. Raises StoreUnreadable as `verify` does, and EditFailed:
    label-not-found, certificate-differs or label-ambiguous.
    """
    verify(database, password)
    labelled: dict[str, list[Record]] = {}
    for record in database.records:
        if record.certificate:
            labelled.setdefault(record.label, []).append(record)
    gone = {_only(labelled.get(label, []), label, sha256.lower()).position for label, sha256 in named}
    kept = [record.slot for record in database.records if record.position not in gone]
    return _write(database, password, kept, database.slot_size)


def _only(labelled: list[Record], label: str, sha256: str) -> Record:
    """The one record of that label and certificate. Raises EditFailed."""
    chosen = [record for record in labelled if record.sha256 == sha256]
    facts = (f"label {label!r}", f"SHA-256 {sha256}")
    if not labelled:
        raise EditFailed(
            "label-not-found", "The key database has no certificate of that label.", context=facts
        )
    if not chosen:
        raise EditFailed(
            "certificate-differs", "The certificate of that label is not the expected one.", context=facts
        )
    if len(chosen) > 1:
        raise EditFailed(
            "label-ambiguous", "The key database has that certificate more than once.", context=facts
        )
    return chosen[0]


def keep_password(database: KeyDatabase, password: bytes) -> bytes:
    """The file whose password never expires: the same one, and every slot byte for byte the same.

    Raises StoreUnreadable as `verify` does.
    """
    verify(database, password)
    prefix = database.prefix[:4] + bytes(4) + database.prefix[8:]
    slots = [record.slot for record in database.records]
    return _write(database._replace(prefix=prefix), password, slots, database.slot_size)


def add(
    database: KeyDatabase, password: bytes, *, label: str, certificate: bytes, marked: bool = True
) -> bytes:
    """The file with one more record at the end: the certificate (DER), under that label.

    `marked` is whether it is marked as trusted. GSKit marks what it can verify at that moment with what the
    key database holds, and no other one.

    Raises StoreUnreadable as `verify` does, and EditFailed where GSKit would refuse: label-unusable,
    label-taken, certificate-malformed, certificate-present, serial-taken, record-too-large or
    numbers-used-up.
    """
    verify(database, password)
    name = _label_bytes(label)
    _refuse_double(database, name, trusted.index(certificate))
    new = trusted.compose(_next_number(database), name, certificate, trusted=marked)
    slot_size = _grown(database.slot_size, len(new))
    slots = [record.slot for record in database.records]
    return _write(database, password, [slot.ljust(slot_size, b"\0") for slot in (*slots, new)], slot_size)


def _version(data: bytes, name: bytes) -> int:
    if not data:
        raise _unreadable("file-empty", "The key database is an empty file.")
    if data.startswith(_KEEPASS):
        raise _unreadable("file-keepass", "This is a KeePass password database, not IBM's key database.")
    if data[:1] == b"\x30" and _PKCS7_DATA in data[:_PREFIX_SIZE]:
        raise _unreadable(
            "file-pkcs12", "This is a PKCS #12 file: IBM's programs open it under this name, too."
        )
    if not (data.startswith(b"\x37\x48") and data[3:4] + data[8:16] == name):
        if len(data) < _PREFIX_SIZE and data.startswith(b"\x37\x48"):
            raise _unreadable(
                "file-cut-off", "The key database ends inside its header.", f"{len(data)} bytes"
            )
        raise _unreadable("file-not-key-database", "This file is not one of IBM's key databases.")
    if data[2] not in codes.SIZES:
        raise _unreadable(
            "file-version-unknown", "The key database has a version not known here.", f"version {data[2]}"
        )
    return data[2]


def _check_length(length: int, slot_size: int, count: int) -> None:
    """The slots fill the rest of the file exactly. Raises StoreUnreadable."""
    if not _MIN_SLOT_SIZE <= slot_size <= _MAX_SLOT_SIZE:
        raise _unreadable(
            "file-slot-size", "The key database has slots of an impossible size.", f"{slot_size} bytes"
        )
    facts = (f"{count} slots of {slot_size} bytes announced", f"{length} bytes there")
    if length < count * slot_size:
        raise _unreadable("file-cut-off", "The key database is cut off.", *facts)
    if length > count * slot_size:
        raise _unreadable("file-too-long", "The key database has bytes left over behind its slots.", *facts)
    if count > budgets.RECORDS.cap:
        raise _unreadable(
            "too-many-records",
            "The key database has more records than a client's ever has.",
            f"{count} records, of which at most {budgets.RECORDS.cap} are read",
        )


def _label_bytes(label: str) -> bytes:
    try:
        name = label.encode("utf-8")
    except UnicodeEncodeError:
        name = b""
    # With a label beyond the basic plane GSKit does not open the file.
    if not name or b"\0" in name or any(ord(character) > _LAST_CHARACTER for character in label):
        raise EditFailed(
            "label-unusable",
            "A label is text of the basic plane, not empty and without NUL.",
            context=(f"label {label!r}",),
        )
    return name


def _refuse_double(database: KeyDatabase, name: bytes, new: trusted.Index) -> None:
    """Nothing of what GSKit keeps unique is there twice. Raises EditFailed."""
    for record in database.records:
        if record.deleted:
            continue
        facts = (f"label {record.label!r}",)
        if record.label_bytes == name:
            raise EditFailed("label-taken", "The key database has a record of that label.", context=facts)
        old = _index_or_none(record)
        if old and old.signature == new.signature:
            raise EditFailed(
                "certificate-present",
                "The key database has that certificate under another label.",
                context=facts,
            )
        if old and old.issuer_and_serial == new.issuer_and_serial:
            raise EditFailed(
                "serial-taken",
                "The key database has another certificate of that issuer and serial number.",
                context=facts,
            )


def _index_or_none(record: Record) -> trusted.Index | None:
    try:
        return trusted.index(record.certificate) if record.certificate else None
    except EditFailed:
        return None


def _next_number(database: KeyDatabase) -> int:
    last = 0
    for record in database.records:
        if not record.deleted:
            last = max(record.number, last + 1)
    if last >= _LAST_NUMBER:
        raise EditFailed("numbers-used-up", "The key database has no free record number left.")
    return last + 1


def _grown(slot_size: int, needed: int) -> int:
    """The slot size in which `needed` bytes have room, as GSKit lets it grow."""
    missing = max(0, needed - slot_size)
    grown = slot_size + -(-missing // _GROWTH) * _GROWTH
    if grown > _MAX_SLOT_SIZE:
        raise EditFailed(
            "record-too-large",
            "The certificate is too large for a key database.",
            context=(f"{needed} bytes",),
        )
    return grown


def _write(database: KeyDatabase, password: bytes, slots: list[bytes], slot_size: int) -> bytes:
    """The file with those slots, each of `slot_size` bytes, and both codes right for the password."""
    sizes = struct.pack(">II", slot_size, len(slots))
    prefix = database.prefix[:0x10] + sizes + database.prefix[0x18:]
    head = prefix + codes.verifier(database.version, password, prefix)
    return head + codes.integrity(database.version, password, head, slots) + b"".join(slots)


def _unreadable(code: str, message: str, *context: str) -> StoreUnreadable:
    return StoreUnreadable(code, message, context=context, hint=_HINT)
