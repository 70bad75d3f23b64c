"""Key databases that are made anew: empty ones, as GSKit 8 makes them, with their side files."""

from __future__ import annotations

import secrets
import struct

from dsmcertfix.ibm.key_database import codes, stash
from dsmcertfix.model import StoreFile

VERSIONS = (3, 4)
"""Those that every client reads: 6 came late, and none of GSKit's own defaults was seen to be it."""

_NAMES = {StoreFile.KDB: b"\2X509KEY\0", StoreFile.RDB: b"\1X509KYP\0", StoreFile.CRL: b"\1X509CRL\0"}
_SLOT_SIZE = 5000
_SALT_SIZE = 24


def empty_store(version: int, password: bytes) -> dict[StoreFile, bytes]:
    """The files of a store without a certificate, opened by that password, which never expires.

    There is no index file: the client makes one (assumption 8).
    """
    files = {file: _empty(version, password, name) for file, name in _NAMES.items()}
    return {StoreFile.STH: stash.hidden(password), **files}


def new_password() -> bytes:
    """A password that nobody knows."""
    return secrets.token_urlsafe(24).encode()


def _empty(version: int, password: bytes, name: bytes) -> bytes:
    # As GSKit draws it: no NUL within, one at the end.
    salt = bytes(1 + secrets.randbelow(255) for _ in range(_SALT_SIZE - 1)) + b"\0"
    start = b"\x37\x48" + bytes((version,)) + name[:1] + bytes(4) + name[1:]
    prefix = start + struct.pack(">II", _SLOT_SIZE, 0) + salt
    head = prefix + codes.verifier(version, password, prefix)
    return head + codes.integrity(version, password, head, ())
