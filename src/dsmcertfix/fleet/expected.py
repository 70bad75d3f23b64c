"""What an inventory says: which hosts there are, and which nodes are theirs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping

from dsmcertfix.errors import UsageError

Expected = Mapping[str, frozenset[str]]
"""The hosts as they are written there, each with the nodes that it lists for it, in capitals; none where it
lists hosts alone."""

_HEADINGS = (
    "host",
    "hostname",
    "name",
    "computer",
    "computername",
    "device",
    "devicename",
    "node",
    "endpoint",
)
_NODE_HEADINGS = ("node", "nodes", "nodename", "nodenames")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9._-]+\Z")
_NODES = re.compile(r"(?i)(?:^|[\s,;])(?:dsmcertfix_)?nodes?=(?:\"([^\"]*)\"|'([^']*)'|(\S+))")
_BETWEEN_NODES = re.compile(r"[\s,;|]+")
_YAML = re.compile(r"^(?:---|%YAML|[ ]*(?:hosts|children|vars):[ ]*(?:#.*)?$)", re.MULTILINE)


def hosts_in(inventory: str) -> Expected:
    """The hosts that a text lists, one a line: the first word, or the first cell of a CSV.

    A host's nodes are behind it as `nodes=A,B`, or in the column of a CSV that is headed `nodes`. Comments,
    the sections of an Ansible inventory, other assignments and a heading are passed over. The JSON of
    `ansible-inventory --list` is read, too: its hosts, and their nodes from the variable `dsmcertfix_nodes`.

    Raises UsageError for an inventory in YAML, and for JSON that is something else.
    """
    if inventory.lstrip("\ufeff \t\r\n").startswith("{"):
        return _of_ansible(inventory.lstrip("\ufeff"))
    if _YAML.search(inventory):
        message = "this inventory is YAML, and a list of hosts is needed: one a line, or JSON"
        hint = "Write it by `ansible-inventory -i FILE --list > hosts.json`, and give that."
        raise UsageError("inventory-not-a-list", message, hint=hint)
    names: dict[str, str] = {}
    nodes: dict[str, set[str]] = {}
    column: tuple[int, str] | None = None
    for number, line in enumerate(inventory.lstrip("\ufeff").splitlines()):
        if number and _PLAIN_HOST.match(line):
            names.setdefault(line.lower(), line)
            continue
        name = _first_word(line)
        if number == 0 and name.lower() in _HEADINGS:
            column = _node_column(line)
            continue
        if not name or name.startswith(("[", ";", "#")) or "=" in name:
            continue
        names.setdefault(name.lower(), name)
        nodes.setdefault(name.lower(), set()).update(_nodes(line, column))
    return {name: frozenset(nodes.get(key, ())) for key, name in names.items()}


def _of_ansible(text: str) -> Expected:
    """The hosts of `ansible-inventory --list`; those without variables stand in their groups alone."""
    try:
        groups = json.loads(text)
        named = [host for name, group in groups.items() if name != "_meta" for host in group.get("hosts", ())]
        variables = groups.get("_meta", {}).get("hostvars", {})
        told = {host: variables.get(host, {}).get("dsmcertfix_nodes", ()) for host in (*named, *variables)}
        nodes = {host: some if isinstance(some, str) else " ".join(some) for host, some in told.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        message = "this inventory is JSON, and not that of `ansible-inventory --list`"
        raise UsageError("inventory-not-a-list", message) from error
    return {
        host: frozenset(node.upper() for node in _BETWEEN_NODES.split(some) if node)
        for host, some in nodes.items()
    }


def _first_word(line: str) -> str:
    cell = line.strip().replace(",", " ").replace(";", " ").partition("#")[0].split()
    return cell[0].strip("\"'") if cell else ""


def _node_column(heading: str) -> tuple[int, str] | None:
    """Which column has the nodes, and what separates the columns; the first one has the hosts."""
    for separator in (",", ";", "\t"):
        cells = [cell.strip().lower() for cell in _cells(heading, separator)]
        found = [number for number, cell in enumerate(cells) if number and cell in _NODE_HEADINGS]
        if found:
            return found[0], separator
    return None


def _nodes(line: str, column: tuple[int, str] | None) -> Iterator[str]:
    told = [next(filter(None, match), "") for match in _NODES.findall(line.partition("#")[0])]
    if column is not None:
        told += _cells(line, column[1])[column[0] : column[0] + 1]
    for text in told:
        yield from (node.upper() for node in _BETWEEN_NODES.split(text) if node)


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []
