"""The stash file, dsmcert.sth: the password of the key database beside it, hidden but not protected.

129 bytes: the password, a NUL and filler without one, each byte XOR F5. 193 bytes, which GSKit writes today:
32 random bytes A, SHA-256 of 01 and A, and a file of the first kind XOR a stream that follows from A. Tried
on GSKit 8's own files.

Whoever reads a stash has the password: what comes from here must not reach a message, a log or a repr.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.wording import whole_store_command

_OLD_SIZE = 129
_SIZE = 193
_MASK = 0xF5
_ROUNDS = 64
# One draw in 256 ends the first loop: so many in a row do not happen in a file that GSKit wrote.
_MOST_DRAWS = 100_000
_SEED = (
    b"13EC6D5C885056915AB35FAD2BDDF39F40D7C57B8B4D28F66B61B75F39144"
    b"6FDA96751174DBD9713D02E0B38732E763501DBBB85EC60E437929ED2AA8981B36B"
)
_START = bytes((1, 1, 2, 3, 5, 8))

_HINT = (
    "Restore dsmcert.kdb and dsmcert.sth from one backup, or let the client make new ones: "
    f"{whole_store_command()}."
)


def password(data: bytes) -> bytes:
    """The password in a stash file: all before the last NUL, which for GSKit 8.0.60.5 ends it (tried).

    Raises StoreUnreadable: stash-empty, stash-size (neither 129 nor 193 bytes) or stash-damaged.
    """
    if not data:
        raise StoreUnreadable("stash-empty", "The stash file is empty.", hint=_HINT)
    if len(data) == _SIZE:
        data = _uncover(data)
    elif len(data) != _OLD_SIZE:
        raise StoreUnreadable(
            "stash-size",
            "The stash file has a size that GSKit does not write.",
            context=(f"{len(data)} bytes, not {_OLD_SIZE} or {_SIZE}",),
            hint=_HINT,
        )
    secret = bytes(byte ^ _MASK for byte in data).rpartition(b"\0")[0]
    if not secret.strip(b"\0"):
        raise _damaged("no password in it")
    return secret


def hidden(secret: bytes) -> bytes:
    """A stash file of 193 bytes with that password, other bytes each time.

    No NUL is in its filler: with one GSKit 8.0.60.5 says "invalid password" (tried).
    """
    if not 0 < len(secret) < _OLD_SIZE or b"\0" in secret:
        raise ValueError("no password that a stash file holds")
    filler = bytes(1 + secrets.randbelow(255) for _ in range(_OLD_SIZE - len(secret) - 1))
    plain = bytes(byte ^ _MASK for byte in secret + b"\0" + filler)
    salt = secrets.token_bytes(32)
    check = sha256(b"\1" + salt).digest()
    stream = _stream(salt + check, len(plain))
    return salt + check + bytes(one ^ other for one, other in zip(plain, stream, strict=True))


def _uncover(data: bytes) -> bytes:
    """The 129-byte stash inside one of 193 bytes."""
    salt, check, covered = data[:32], data[32:64], data[64:]
    if not hmac.compare_digest(sha256(b"\1" + salt).digest(), check):
        raise _damaged("its checksum does not match")
    stream = _stream(salt + check, len(covered))
    return bytes(one ^ other for one, other in zip(covered, stream, strict=True))


def _stream(start: bytes, size: int) -> bytes:
    state = sha256(start).digest()
    for _ in range(_MOST_DRAWS):  # the first hash is never the key, even when it could be
        state = sha256(state).digest()
        if state[8] == 3:
            break
    else:
        raise _damaged("its key cannot be found")
    for _ in range(_ROUNDS):
        state = sha256(state).digest()
    seed = hmac.digest(state, _SEED, "sha256")
    stream, link = b"", hmac.digest(seed, _START, "sha256")
    while len(stream) < size:
        stream += hmac.digest(seed, link, "sha256")
        link = stream + link
    return stream[:size]


def _damaged(reason: str) -> StoreUnreadable:
    return StoreUnreadable("stash-damaged", "The stash file is damaged.", context=(reason,), hint=_HINT)
