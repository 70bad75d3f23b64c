"""The use case that writes a macro for dsmadmc. No machine is looked at, no server asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dsmcertfix.commands import counted
from dsmcertfix.errors import NotFound
from dsmcertfix.host import host_name
from dsmcertfix.report import Report
from dsmcertfix.server.macros import MacroWish, listed, macro

COMMAND = "server macro"
_LIMIT = 4 * 1024 * 1024


def make_macro(wish: MacroWish, lists: tuple[Path, ...]) -> Report:
    """The macro for whoever is named in the wish or in one of the lists, each once.

    Raises UsageError as `macro` and `listed` do, NotFound for a list that cannot be read.
    """
    nodes, administrators = dict.fromkeys(wish.nodes), dict.fromkeys(wish.administrators)
    for path in lists:
        more = listed(_text_of(path))
        nodes |= dict.fromkeys(more[0])
        administrators |= dict.fromkeys(more[1])
    whole = replace(wish, nodes=tuple(nodes), administrators=tuple(administrators))
    return Report(COMMAND, host_name(), comment=_comment(whole), macro=macro(whole))


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LIMIT).decode("utf-8-sig", "replace")
    except OSError as error:
        raise NotFound("list-not-found", f"the list `{path}` cannot be read: {error.strerror}") from error


def _comment(wish: MacroWish) -> str:
    if wish.label is not None:
        return f"a macro for the certificate `{wish.label}`"
    named = (
        (wish.nodes, "node"),
        (wish.administrators, "administrator"),
        (wish.peers, "server"),
    )
    return "a macro for " + ", ".join(counted(len(names), what) for names, what in named if names)
