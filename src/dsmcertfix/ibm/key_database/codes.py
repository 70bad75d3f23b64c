"""The two codes in the header of a key database: the verifier of the password, and the integrity code.

Version 3 hashes with MD5, and its integrity code is the XOR of one hash for the header and one for each
slot; versions 4 and 6 use HMAC with SHA-1 and SHA-384. Tried against GSKit 8, which refuses a file when one
is wrong.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

SIZES = {3: 16, 4: 20, 6: 48}
_HASHES = {4: "sha1", 6: "sha384"}


def verifier(version: int, password: bytes, prefix: bytes) -> bytes:
    """The code by which a password is known, over the 48 bytes before it."""
    if version == 3:
        return _md5(prefix + password)
    return hmac.digest(password, prefix, _HASHES[version])


def integrity(version: int, password: bytes, head: bytes, slots: Iterable[bytes]) -> bytes:
    """The code over the header up to and with the verifier, and over every whole slot."""
    if version == 3:
        total = int.from_bytes(_md5(head + password), "big")
        for slot in slots:
            total ^= int.from_bytes(_md5(slot + password), "big")
        return total.to_bytes(SIZES[3], "big")
    code = hmac.new(password, head, _HASHES[version])
    for slot in slots:
        code.update(slot)
    return code.digest()


def equal(one: bytes, other: bytes) -> bool:
    """Whether two codes are the same, told in constant time."""
    return hmac.compare_digest(one, other)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
