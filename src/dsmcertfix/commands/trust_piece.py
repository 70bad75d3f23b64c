"""`trust --piece`: a certificate that comes on several command lines is kept until it is whole, then trusted.

The pieces lie below the state directory, closed to everybody else, bounded in number and size. They come in
any order, and as often as they like.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from dsmcertfix.errors import NotPermitted
from dsmcertfix.ibm.pieces import Piece, joined
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.system.output_file import write_new
from dsmcertfix.system.private import keeping
from dsmcertfix.wording import counted

PIECES = "pieces"
WHOLE = "certificates.arm"

SETS = 8
"""So many certificates may be on their way at a time."""

KEPT_S = 30 * 86400
"""What is not whole by then never will be: a schedule's window is a week."""


def trust_piece(host: Host, piece: Piece, limits: Limits, trust: Callable[[Path], Report]) -> Report:
    """The piece is kept; with the last one the stores trust the whole, by `trust`, and the pieces are gone.

    Whatever `trust` raises comes through, and the pieces stay: any of them that comes again tries again.
    Raises UsageError when the pieces do not fit together, NotPermitted when too many are on their way.
    """
    with host.alone(limits):
        directory = _directory(host, piece)
        _write(directory / str(piece.number), piece.text.encode())
        kept = {number: directory / str(number) for number in range(1, piece.of + 1)}
        missing = [number for number, path in kept.items() if not path.exists()]
        if missing:
            return Report("trust", host_name(), comment=_comment(piece, missing))
        texts = {number: path.read_text("ascii", "replace") for number, path in kept.items()}
        _write(directory / WHOLE, joined(texts, piece.whole))
    report = trust(directory / WHOLE)
    if report.exit_code == 0:
        with host.alone(limits):
            shutil.rmtree(directory, ignore_errors=True)
    return report


def _directory(host: Host, piece: Piece) -> Path:
    """Where the pieces of that whole are kept; what is too old to be made whole is gone."""
    above = host.state / PIECES
    directory = above / f"{piece.whole}-{piece.of}"
    host.platform.private_directory(above)
    for other in above.iterdir():
        if other != directory and time.time() - other.stat().st_mtime > KEPT_S:
            shutil.rmtree(other, ignore_errors=True)
    if not directory.exists() and sum(1 for _ in above.iterdir()) >= SETS:
        raise NotPermitted(
            "too-many-pieces",
            f"pieces of {SETS} other certificates are kept on this machine, and none of them is whole",
            context=(f"kept: {above}",),
            hint=f"Remove what is not needed there; what is {KEPT_S // 86400} days old goes by itself.",
        )
    host.platform.private_directory(directory)
    return directory


def _write(path: Path, content: bytes) -> None:
    with keeping(path):
        path.unlink(missing_ok=True)
        write_new(path, content)


def _comment(piece: Piece, missing: list[int]) -> str:
    kept = piece.of - len(missing)
    return (
        f"{kept} of {counted(piece.of, 'piece')} of a certificate "
        f"{'is' if kept == 1 else 'are'} here; nothing is trusted before the rest came: "
        + ", ".join(map(str, missing))
    )
