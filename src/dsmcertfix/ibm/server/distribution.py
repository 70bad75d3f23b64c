"""Client schedules that bring certificates to nodes: IBM's own transport, where there is no other. Pure text.

One schedule a piece, each run once on each node by its scheduler, in any order (`dsmcertfix trust --piece`).
The longest OBJECTS that is known to work has 512 characters: IBM's own script holds its schedules to that
(IBM/storage-protect-galaxy, cert_distribute.sh:601). DELETE SCHEDULE removes the associations, too, and
DEFINE ASSOCIATION takes wildcards (8.1.26 and 8.1.20 manuals).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dsmcertfix.errors import UsageError
from dsmcertfix.ibm.pieces import Piece, cut

OBJECTS = 512
PROGRAM = "/usr/bin/dsmcertfix"
DAYS = 7
"""How long a node may be away and still runs the schedules."""

WAIT_S = 600
"""Two nodes of one host run their schedules at the same time: one waits for the other."""

_SERVER = re.compile(r"[A-Za-z0-9_.:\[\]][A-Za-z0-9_.:\[\]-]{0,254}\Z")
# cmd.exe keeps the one pair of quotation marks only where nothing between them is special to it.
_PROGRAM = re.compile(r"(?:[A-Za-z]:\\|/)[A-Za-z0-9_.\\/ -]{1,200}\Z")
_NODES = re.compile(r"[A-Za-z0-9_.+&*-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Distribution:
    """Certificates (DER) for nodes of a policy domain, to be trusted for `server` as these call it."""

    certificates: tuple[bytes, ...] = ()
    server: str | None = None
    domain: str | None = None
    program: str | None = None


def schedules(wish: Distribution, nodes: tuple[str, ...]) -> Iterator[str]:
    """The commands that define the schedules, and associate each with each node or pattern of nodes.

    Raises UsageError for what could change a command's meaning, and for certificates that are too long.
    """
    for node in nodes:
        _require("node", node, _NODES)
    for piece in pieces(wish):
        yield (
            f"DEFINE SCHEDULE {wish.domain} {_name(piece)} ACTION=COMMAND OBJECTS='{_command(wish)}{piece}' "
            f"PERUNITS=ONETIME DURATION={DAYS} DURUNITS=DAYS"
        )
        yield from (f'DEFINE ASSOCIATION {wish.domain} {_name(piece)} "{node}"' for node in nodes)


def deletions(wish: Distribution) -> Iterator[str]:
    """The commands that delete these schedules with their associations. Raises as `schedules` does."""
    return (f"DELETE SCHEDULE {wish.domain} {_name(piece)}" for piece in pieces(wish))


def pieces(wish: Distribution) -> tuple[Piece, ...]:
    """What each of the schedules carries. Raises UsageError as `schedules` does."""
    return cut(wish.certificates, OBJECTS - len(_command(wish)))


def _command(wish: Distribution) -> str:
    """What a node's scheduler runs, up to the piece."""
    server = _require("server", wish.server or "", _SERVER)
    program = _require("program", wish.program or PROGRAM, _PROGRAM)
    quoted = f'"{program}"' if " " in program else program
    return f"{quoted} trust --server {server} --yes --wait {WAIT_S} --piece "


def _name(piece: Piece) -> str:
    return f"DSMCERTFIX_{piece.whole[:8].upper()}_{piece.number:02}"


def _require(what: str, text: str, form: re.Pattern[str]) -> str:
    if not form.match(text):
        raise UsageError(
            "not-safe-for-schedule",
            f"`{text}` cannot stand in a schedule's command as its {what}",
            hint="The program is an absolute path without brackets; a node's name may have `*`.",
        )
    return text
