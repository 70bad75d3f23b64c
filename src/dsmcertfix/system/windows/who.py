"""Whose word counts on Windows: which SIDs are the system's own, and what others may do with a thing.

Users are told apart by SID, never by name: names are in the language of the machine, and to ask for one may
be to ask another machine. Elsewhere in this program users are numbers: 0 stands for the system, every other
SID for a number made from it.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from dsmcertfix.system.win32 import security
from dsmcertfix.system.win32.descriptor import (
    ADMINISTRATORS,
    BACKUP_OPERATORS,
    SYSTEM,
    TRUSTED_INSTALLER,
    Descriptor,
)

_GENERIC_ALL, _GENERIC_WRITE = 0x10000000, 0x40000000
_DELETE, _WRITE_DAC, _WRITE_OWNER = 0x00010000, 0x00040000, 0x00080000
_WRITE_DATA, _APPEND, _DELETE_CHILD = 0x02, 0x04, 0x40

EXCHANGE = _GENERIC_ALL | _DELETE | _WRITE_DAC | _WRITE_OWNER | _DELETE_CHILD
"""Rights to put something else in the place of a thing, or of what lies in it."""

WRITE = EXCHANGE | _GENERIC_WRITE | _WRITE_DATA | _APPEND
"""Rights to change a file; of a directory, also to add files and directories to it."""

FILL = EXCHANGE | _GENERIC_WRITE | _WRITE_DATA
"""Rights to exchange what is in a directory, or to add a file to it."""

ANYTHING = 0xFFFFFFFF
"""Every right, reading among them."""

_READ = 0x80000000 | _GENERIC_ALL | 0x01
_EVERYBODY = frozenset(("S-1-1-0", "S-1-5-11", "S-1-5-32-545"))

_NAMES = {
    "S-1-1-0": "Everyone",
    "S-1-5-4": "INTERACTIVE",
    "S-1-5-7": "ANONYMOUS LOGON",
    "S-1-5-11": "Authenticated Users",
    SYSTEM: "SYSTEM",
    "S-1-5-19": "LOCAL SERVICE",
    "S-1-5-20": "NETWORK SERVICE",
    ADMINISTRATORS: "Administrators",
    "S-1-5-32-545": "Users",
    "S-1-5-32-546": "Guests",
    "S-1-5-32-547": "Power Users",
}


@cache
def system_sids() -> frozenset[str]:
    """Who can change the machine anyway: the system, administrators, and we where we are one of them."""
    own = {security.own_sid()} if security.is_administrator() else set()
    known = {SYSTEM, ADMINISTRATORS, BACKUP_OPERATORS, TRUSTED_INSTALLER}
    return frozenset(known | security.administrators() | own)


def number(sid: str) -> int:
    """Whose something is, as this program's uid: 0 for the system and everybody who can change it anyway."""
    if sid in system_sids():
        return 0
    return user_number(sid)


def user_number(sid: str) -> int:
    """The number of a user as whom a client runs: an administrator's own, too, is not the system's.

    It fits where JSON readers round (2 ** 53).
    """
    if sid in (SYSTEM, TRUSTED_INSTALLER, ADMINISTRATORS):
        return 0
    return int.from_bytes(sha256(sid.encode()).digest()[:6], "big") or 1


def is_ours(sid: str) -> bool:
    """Whether what belongs to that SID is as good as ours."""
    return sid in system_sids() or sid == security.own_sid()


def others(descriptor: Descriptor, mask: int, besides: int = 0) -> tuple[str, ...]:
    """Who has one of these rights, by name where it is a known one.

    The system, ourselves, and the user with the number `besides` are left out.
    """
    if descriptor.allowed is None:
        return ("Everyone",)
    found = (sid for sid in descriptor.granted(mask) if not is_ours(sid) and number(sid) != besides)
    return tuple(sorted(map(name, found)))


def everybody_reads(descriptor: Descriptor) -> bool:
    """Whether every user of the machine may read it."""
    if descriptor.allowed is None:
        return True
    return bool(descriptor.granted(_READ) & _EVERYBODY)


def name(sid: str) -> str:
    """What people call a SID that every Windows has; the SID itself otherwise."""
    return _NAMES.get(sid, sid)
