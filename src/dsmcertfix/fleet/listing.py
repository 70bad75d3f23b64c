"""What a server itself says of its nodes: the lines that `select … from nodes` prints. Pure.

`dsmadmc -dataonly=yes -commadelimited` writes no heading, so there the columns stand in the order in which
`server macro nodes` asks for them. With a heading they may stand in any order, with others between them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Literal, cast

from dsmcertfix import NamedTuple
from dsmcertfix.errors import UsageError
from dsmcertfix.ibm.server.macros import is_name

Security = Literal["STRICT", "TRANSITIONAL"]

COLUMNS = ("NODE_NAME", "SESSION_SECURITY", "TCP_NAME")
"""What is asked for, in that order: the node, its value, and the host from which it signed on last."""

_HINT = (
    "`dsmcertfix server macro nodes` writes the command that prints it; or put a heading above the columns: "
    "`node_name,session_security,tcp_name`."
)
_SECURITIES = ("STRICT", "TRANSITIONAL")
_SEPARATORS = ",;\t"
# What dsmadmc prints around the data without -dataonly: its banner, the server's name, messages, a line below
# the heading.
_AROUND = re.compile(
    r"IBM |Command Line|\(c\) |Copyright |Session established|\s+Server Version|\s+Server date|"
    r"(?:ANS|ANR)\d{4}[EISW] |[-\s,;]+\Z"
)


class ServersNode(NamedTuple):
    """A node as its server knows it; `host` is empty where the server does not say."""

    name: str
    security: Security
    host: str = ""


def nodes_in(listing: str) -> tuple[ServersNode, ...]:
    """The nodes that the server lists, each once, in its order.

    Raises UsageError for a line in which a node or its value cannot be told, naming line and column, for a
    node with two values, and for a list without any node.
    """
    found: dict[str, ServersNode] = {}
    for number, node in _rows(listing):
        known = found.setdefault(node.name, node)
        if known.security != node.security:
            raise _not_readable(number, f"{node.name} is {node.security} here and {known.security} above")
    if not found:
        raise UsageError("nodes-not-readable", "the list of nodes has none", hint=_HINT)
    return tuple(found.values())


def _rows(listing: str) -> Iterator[tuple[int, ServersNode]]:
    if "\0" in listing:
        raise UsageError(
            "nodes-not-readable",
            "the list of nodes is no text: it has bytes that are zero",
            hint="Save it as UTF-8, or as UTF-16 with its mark.",
        )
    lines = listing.lstrip("\ufeff").splitlines()
    separator = _separator(lines)
    places: tuple[int, ...] | None = None
    for number, cells in _cells(lines, separator):
        named = _heading(cells)
        if named is not None:
            places = named
            continue
        yield number, _node(number, cells, places or (0, 1, 2))


def _separator(lines: Iterable[str]) -> str:
    """The one that most lines have; a comma where none has any."""
    counts = dict.fromkeys(_SEPARATORS, 0)
    for line in lines:
        for mark in counts:
            counts[mark] += mark in line
    return max(_SEPARATORS, key=lambda mark: counts[mark])


def _cells(lines: list[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that is data or a heading, with its number. A cell never goes over the end of its line."""
    for number, line in enumerate(lines, 1):
        if not line.strip() or _AROUND.match(line):
            continue
        try:
            (cells,) = csv.reader([line], delimiter=separator, strict=True)
        except (csv.Error, ValueError) as error:
            raise _not_readable(number, f"{error}") from error
        yield number, [cell.strip() for cell in cells]


def _heading(cells: list[str]) -> tuple[int, ...] | None:
    """Where the columns stand; None for a line that is no heading. Raises UsageError where one is missing."""
    if not any("NODE" in cell or "SECURITY" in cell for cell in map(str.upper, cells)):
        return None
    names = [cell.upper().replace(" ", "_").replace("NODENAME", "NODE_NAME") for cell in cells]
    if not {"NODE_NAME", "SESSION_SECURITY"} & {*names}:
        return None
    missing = [name for name in COLUMNS[:2] if name not in names]
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if missing or twice:
        wrong = f"has no column {missing[0]}" if missing else f"has the column {twice[0]} twice"
        raise UsageError("nodes-not-readable", f"the heading of the list of nodes {wrong}", hint=_HINT)
    return tuple(names.index(name) if name in names else len(names) for name in COLUMNS)


def _node(number: int, cells: list[str], places: tuple[int, ...]) -> ServersNode:
    name, security, host = (cells[place] if place < len(cells) else "" for place in places)
    if not is_name(name):
        raise _not_readable(number, f"column {places[0] + 1} is no name of a node: {name[:80]!r}")
    if security.upper() not in _SECURITIES:
        told = f"column {places[1] + 1} is neither Strict nor Transitional: {security[:80]!r}"
        raise _not_readable(number, told)
    return ServersNode(name.upper(), cast("Security", security.upper()), host)


def _not_readable(number: int, why: str) -> UsageError:
    return UsageError("nodes-not-readable", f"line {number} of the list of nodes: {why}", hint=_HINT)
