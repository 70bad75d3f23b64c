"""Certificates in pieces that each fit on a command line, and put together again. Pure.

A client schedule of the server runs a command on its node and carries no file, so the certificates go in the
command. Each piece names the SHA-256 of the whole: pieces of several wholes are never mixed.
"""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Mapping, Sequence
from hashlib import sha256

from dsmcertfix import NamedTuple
from dsmcertfix.errors import UsageError

MOST = 32
"""So many pieces hold eight kilobytes: four certificates of the largest keys."""

_PIECE = re.compile(r"([0-9]{1,2})/([0-9]{1,2}):([0-9a-f]{64}):([A-Za-z0-9+/=.]{1,512})")
_OVERHEAD = len(f"{MOST}/{MOST}:") + 64 + len(":")
_LEAST = 64


class Piece(NamedTuple):
    """One of the pieces, counted from 1, of what has the SHA-256 `whole`."""

    number: int
    of: int
    whole: str
    text: str

    def __str__(self) -> str:
        return f"{self.number}/{self.of}:{self.whole}:{self.text}"


def cut(certificates: Sequence[bytes], room: int) -> tuple[Piece, ...]:
    """The certificates (as DER) in pieces whose texts have at most `room` characters.

    Raises UsageError when that takes more than MOST pieces.
    """
    text = ".".join(base64.b64encode(der).decode() for der in certificates)
    whole = sha256(text.encode()).hexdigest()
    size = max(room - _OVERHEAD, 1)
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    if size < _LEAST or len(parts) > MOST:
        raise UsageError(
            "too-long-for-schedules",
            f"these certificates do not go into {MOST} client schedules",
            hint="Leave out what the clients hold already, or give a shorter `--program`.",
        )
    return tuple(Piece(number, len(parts), whole, part) for number, part in enumerate(parts, 1))


def piece_of(text: str) -> Piece:
    """The piece as it stands on a command line. Raises UsageError for anything else."""
    match = _PIECE.fullmatch(text)
    if match is not None:
        piece = Piece(int(match[1]), int(match[2]), match[3], match[4])
        if 1 <= piece.number <= piece.of <= MOST:
            return piece
    raise UsageError(
        "not-a-piece",
        f"that is no piece of a certificate ({len(text)} characters): N/M:SHA-256:TEXT was expected",
    )


def joined(texts: Mapping[int, str], whole: str) -> bytes:
    """The certificates in PEM form. Raises UsageError when the texts together have another SHA-256."""
    text = "".join(texts[number] for number in sorted(texts))
    if sha256(text.encode()).hexdigest() != whole:
        raise UsageError(
            "pieces-do-not-fit",
            f"all {len(texts)} pieces are here, and together they are not what their SHA-256 says",
        )
    lines: list[str] = []
    for one in text.split("."):
        lines += ("-----BEGIN CERTIFICATE-----", *textwrap.wrap(one, 64), "-----END CERTIFICATE-----")
    return ("\n".join(lines) + "\n").encode()
