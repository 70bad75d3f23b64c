"""Security descriptors, read from the bytes that Windows keeps them in. Pure.

The layout is that of SECURITY_DESCRIPTOR_RELATIVE, ACL and ACE (winnt.h, MS-DTYP 2.4).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

SYSTEM = "S-1-5-18"
ADMINISTRATORS = "S-1-5-32-544"
BACKUP_OPERATORS = "S-1-5-32-551"
TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
CREATOR_OWNER = "S-1-3-0"
OWNER_RIGHTS = "S-1-3-4"

_ALLOWED, _ALLOWED_OBJECT, _ALLOWED_CALLBACK, _ALLOWED_CALLBACK_OBJECT = 0, 5, 9, 11
_INHERIT_ONLY = 0x08
_DACL_PRESENT = 0x0004
_DACL_FLAGS = re.compile(r"D:((?:P|AR|AI)*)(?=\(|\Z|NO_ACCESS)")


@dataclass(frozen=True, slots=True)
class Allowed:
    """An entry of a DACL that allows something here: who, and which rights."""

    sid: str
    mask: int


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Who owns something, and who may do what with it. `allowed` is None where nothing restricts anybody."""

    owner: str
    allowed: tuple[Allowed, ...] | None

    def granted(self, mask: int) -> frozenset[str]:
        """Who is allowed any of these rights, owner rights told as the owner's. Empty mask: nobody.

        Entries that deny are not looked at: whoever is named here may have less, never more.
        """
        return frozenset(
            self.owner if entry.sid in (OWNER_RIGHTS, CREATOR_OWNER) else entry.sid
            for entry in self.allowed or ()
            if entry.mask & mask
        )


def read_descriptor(data: bytes) -> Descriptor:
    """The descriptor in these bytes. Raises ValueError for bytes that hold none."""
    try:
        control, owner, _, _, dacl = struct.unpack_from("<2xHIIII", data)
        allowed = None
        if control & _DACL_PRESENT and dacl:
            allowed = tuple(_entries(data, dacl))
        return Descriptor(_sid(data, owner) if owner else "", allowed)
    except (struct.error, IndexError) as error:
        raise ValueError(f"not a security descriptor: {error}") from error


def _entries(data: bytes, dacl: int) -> list[Allowed]:
    count = struct.unpack_from("<4xH", data, dacl)[0]
    found, at = [], dacl + 8
    for _ in range(count):
        kind, flags, size, mask = struct.unpack_from("<BBHI", data, at)
        if not flags & _INHERIT_ONLY:
            if kind in (_ALLOWED, _ALLOWED_CALLBACK):
                found.append(Allowed(_sid(data, at + 8), mask))
            elif kind in (_ALLOWED_OBJECT, _ALLOWED_CALLBACK_OBJECT):
                present = struct.unpack_from("<I", data, at + 8)[0]
                found.append(Allowed(_sid(data, at + 12 + 16 * (present & 3).bit_count()), mask))
        if size < 8:
            raise ValueError("an entry without a length")
        at += size
    return found


def _sid(data: bytes, at: int) -> str:
    revision, count = data[at], data[at + 1]
    authority = int.from_bytes(data[at + 2 : at + 8], "big")
    parts = struct.unpack_from(f"<{count}I", data, at + 8)
    return "-".join(("S", str(revision), str(authority), *map(str, parts)))


def sid_bytes(sid: str) -> bytes:
    """The SID in the form that Windows takes. Raises ValueError for text that is none."""
    start, revision, authority, *parts = sid.split("-")
    if start != "S":
        raise ValueError(f"{sid!r} is no SID")
    head = bytes((int(revision), len(parts))) + int(authority).to_bytes(6, "big")
    return head + struct.pack(f"<{len(parts)}I", *map(int, parts))


def comparable(sddl: str) -> str:
    """The text without the two flags that Windows sets by its own rules when a DACL is written again."""
    return _DACL_FLAGS.sub(lambda match: f"D:{'P' if 'P' in match[1] else ''}", sddl, count=1)


def settable(sddl: str) -> str:
    """The text by which inherited entries stay inherited ones: Windows is asked to keep that flag."""
    found = _DACL_FLAGS.search(sddl)
    inherited = found is not None and "P" not in found[1] and re.search(r"\(\w+;\w*ID\w*;", sddl)
    return _DACL_FLAGS.sub("D:ARAI", sddl, count=1) if inherited else sddl
