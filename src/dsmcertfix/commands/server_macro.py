"""The use case that writes a macro for dsmadmc. No machine is looked at, no server asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dsmcertfix.errors import NotFound, NotPermitted, UsageError
from dsmcertfix.fleet.files import text_of
from dsmcertfix.fleet.listing import ServersNode, nodes_in
from dsmcertfix.ibm.server.macros import MacroKind, MacroWish, clean_up, listed, macro
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import host_name
from dsmcertfix.system.output_file import write_new
from dsmcertfix.wording import counted

COMMAND = "server macro"
_OPPOSITE: dict[str, MacroKind] = {"transitional": "strict", "strict": "transitional"}


def make_macro(
    wish: MacroWish, lists: tuple[Path, ...], nodes: Path | None = None, output: Path | None = None
) -> Report:
    """The macro for whoever is named in the wish or in one of the lists, each once.

    With `nodes`, the server's list, it is one of two (`_with_way_back`); so it is with schedules, whose other
    macro deletes them. Raises UsageError as `macro` and `listed` do, NotFound for a list that cannot be read.
    """
    if nodes is not None:
        return _with_way_back(wish, lists, nodes, output)
    whole = _with_lists(wish, lists)
    undo = clean_up(whole) if wish.kind == "distribute" else None
    told = macro(whole)
    if undo is not None:
        _write_way_back(output, undo)
    return Report(COMMAND, host_name(), comment=_comment(whole), macro=told, undo=undo)


def _with_way_back(wish: MacroWish, lists: tuple[Path, ...], nodes: Path, output: Path | None) -> Report:
    """The macro for exactly the nodes that have another value in the server's list, and the way back.

    Without any name it is for all nodes of the list. The way back is in the report, and beside `output` where
    one is given; it is there before the macro is. Raises UsageError for a node that the list does not have
    and for whatever has no value there, NotFound where nothing is to be done, NotPermitted when a file is in
    the place of the way back, or none can be written.
    """
    if wish.kind not in _OPPOSITE or wish.administrators or wish.peers:
        raise UsageError(
            "option-not-for-this-macro",
            "the server's list has the session security of nodes, and of nothing else: `--nodes` goes with "
            "`transitional` and `strict`, and with nodes alone",
        )
    listing = nodes_in(text_of(nodes))
    whole = _with_lists(wish, lists)
    if whole.administrators:
        raise UsageError(
            "option-not-for-this-macro",
            "a list names administrators, whose session security `--nodes` does not have",
        )
    changed = tuple(node.name for node in _chosen(listing, whole) if node.security != wish.kind.upper())
    if not changed:
        raise NotFound("nodes-as-wanted", f"every node is {wish.kind.upper()} already: nothing is to be done")
    forth = replace(whole, nodes=changed)
    told, undo = macro(forth), macro(MacroWish(_OPPOSITE[wish.kind], changed))
    _write_way_back(output, undo)
    return Report(COMMAND, host_name(), comment=_comment(forth), macro=told, undo=undo)


def _with_lists(wish: MacroWish, lists: tuple[Path, ...]) -> MacroWish:
    nodes, administrators = dict.fromkeys(wish.nodes), dict.fromkeys(wish.administrators)
    for path in lists:
        more = listed(text_of(path))
        nodes |= dict.fromkeys(more[0])
        administrators |= dict.fromkeys(more[1])
    return replace(wish, nodes=tuple(nodes), administrators=tuple(administrators))


def _chosen(listing: tuple[ServersNode, ...], wish: MacroWish) -> tuple[ServersNode, ...]:
    names = {name.upper() for name in wish.nodes}
    missing = sorted(names - {node.name for node in listing})
    if missing:
        raise UsageError(
            "node-not-at-the-server",
            f"{counted(len(missing), 'node')} that {'was' if len(missing) == 1 else 'were'} named "
            f"{'is' if len(missing) == 1 else 'are'} not in the server's list",
            context=tuple(missing[:10]),
        )
    return tuple(node for node in listing if node.name in names or not names)


def _write_way_back(output: Path | None, text: str) -> None:
    """The way back is beside `output`, where one is given. Raises NotPermitted when it can not be written."""
    if output is None:
        return
    path = output.with_name(f"{output.stem}.undo{output.suffix}")
    try:
        write_new(path, f"{text}\n".encode("ascii"))
    except FileExistsError as error:
        raise NotPermitted(
            "way-back-exists",
            f"`{path}` is there already: it may be the only record of what the nodes were before",
        ) from error
    except OSError as error:
        raise NotPermitted(
            "output-not-written", f"`{path}` could not be written: {error.strerror or error}"
        ) from error


def _comment(wish: MacroWish) -> str:
    if wish.distribution is not None:
        return f"schedules that bring certificates, for {counted(len(wish.nodes), 'name')} of nodes"
    if wish.label is not None:
        return f"a macro for the certificate `{wish.label}`"
    named = (
        (wish.nodes, "node"),
        (wish.administrators, "administrator"),
        (wish.peers, "server"),
    )
    return "a macro for " + (
        ", ".join(counted(len(names), what) for names, what in named if names) or "the list of nodes"
    )
