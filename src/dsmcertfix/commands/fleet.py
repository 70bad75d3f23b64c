"""The use cases for many machines: a page and a CSV of all, and the macro for the nodes that were refused.

No machine is touched: what is read was collected before, and what is written are the files that were named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from dsmcertfix import budgets
from dsmcertfix.errors import NotFound, UsageError
from dsmcertfix.fleet import table as fleet_csv
from dsmcertfix.fleet.certificates import ALARMING
from dsmcertfix.fleet.expected import hosts_in
from dsmcertfix.fleet.files import collect, text_of
from dsmcertfix.fleet.nodes import refused
from dsmcertfix.fleet.page import page as fleet_page
from dsmcertfix.fleet.page.words import iso
from dsmcertfix.fleet.picture import Picture, picture
from dsmcertfix.report.details import CauseReport, FleetReport, NodeReport, OutlierReport, StateReport
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import host_name
from dsmcertfix.system.output_file import write_whole
from dsmcertfix.wording import counted

MOST_HOSTS = 100
"""Hosts that are named with an outlier, or as unexpected, in a report for machines."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `report` is to make: a page, a CSV, or both."""

    page: Path | None = None
    csv: Path | None = None
    inventory: Path | None = None
    title: str = "Certificates of the backup clients"


def overview(paths: tuple[Path, ...], wanted: Wanted, now: datetime) -> Report:
    """The files that are wanted are written, each whole; the report has the picture in numbers.

    Raises UsageError when nothing is wanted or one file is named for two things, NotFound without any result,
    NotPermitted for a file that cannot be written.
    """
    outputs = tuple(path for path in (wanted.page, wanted.csv) if path is not None)
    if not outputs:
        raise UsageError("no-output", "nothing is to be written")
    require_different(*outputs, *((wanted.inventory,) if wanted.inventory else ()))
    expected = None if wanted.inventory is None else hosts_in(text_of(wanted.inventory))
    ours = (*outputs, *((wanted.inventory,) if wanted.inventory else ()))
    found = collect(paths, now, ours)
    drawn = picture(
        found.fleet.endpoints(expected),
        found.results,
        int(now.timestamp()),
        found.foreign,
        with_inventory=expected is not None,
    )
    if wanted.page is not None:
        write_whole(wanted.page, encoded(fleet_page.page(drawn, wanted.title)))
    if wanted.csv is not None:
        write_whole(wanted.csv, encoded(fleet_csv.lines(drawn)))
    told = replace(in_numbers(drawn), written=tuple(str(path) for path in outputs))
    return Report("report", host_name(), comment=_comment(drawn), fleet=told)


def require_different(*files: Path) -> None:
    """No file that is written is another one of them, by whatever name. Raises UsageError."""
    for number, one in enumerate(files):
        if any(_is_same(one, other) for other in files[:number]):
            raise UsageError(
                "same-file-twice", f"`{one}` is named for two things, and one would overwrite the other"
            )


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except OSError:
        return False


def refused_nodes(
    paths: tuple[Path, ...], server: str | None, inventory: Path | None, now: datetime
) -> Report:
    """The nodes that their server refused; with `server` (an address, with or without port) only its.

    With an `inventory` they are of its hosts, and those that it lists for them.

    Raises UsageError when they are of more servers than there may be macros, NotFound when the named one has
    none and when there is no result at all.
    """
    expected = None if inventory is None else hosts_in(text_of(inventory))
    found = collect(paths, now, () if inventory is None else (inventory,))
    endpoints = found.fleet.endpoints(expected)
    nodes = refused(endpoints)
    only = _servers(nodes, server)
    unexpected = tuple(item.host for item in endpoints if item.expected is False)
    told = FleetReport(
        found.results,
        len(endpoints) - len(unexpected),
        *times(()),
        nodes=tuple(node for node in nodes if node.server in only or node.unusable is not None),
        foreign=found.foreign.listed,
        foreign_in_all=found.foreign.in_all,
        unexpected=unexpected[:MOST_HOSTS],
        unexpected_in_all=len(unexpected),
        inventory=expected is not None,
    )
    usable = sum(node.unusable is None for node in told.nodes)
    left = len(told.nodes) - usable
    of = only[0] if len(only) == 1 else f"{len(only)} servers"
    comment = f"{counted(usable, 'refused node')} of {of}" if usable else "no node was refused"
    if left:
        comment = f"{comment if usable else 'no node is in the macro'}; {left} left out"
    return Report("admin-macro", host_name(), comment=comment, fleet=told)


def _servers(nodes: tuple[NodeReport, ...], server: str | None) -> tuple[str, ...]:
    """The servers that there is a macro for. Raises as `refused_nodes` does."""
    servers = tuple(dict.fromkeys(node.server for node in nodes if node.unusable is None))
    if server is not None:
        chosen = tuple(name for name in servers if _is_named(name, server))
        if servers and not chosen:
            raise NotFound(
                "no-refused-node",
                f"no node of server `{server}` was refused",
                context=tuple(f"nodes were refused by {name}" for name in servers),
            )
        servers = chosen
    if len(servers) > budgets.MACROS.cap:
        raise UsageError(
            "several-servers",
            f"nodes of {len(servers)} servers were refused, which is more than {budgets.MACROS.cap}",
            context=tuple(f"{name}: {_counted(nodes, name)}" for name in servers[: budgets.MACROS.cap]),
        )
    return servers


def in_numbers(drawn: Picture) -> FleetReport:
    """The picture as numbers and names."""
    return FleetReport(
        drawn.results,
        len(drawn.endpoints),
        *times(drawn.when or ()),
        states=tuple(StateReport(state, count) for state, count in drawn.states().items()),
        causes=tuple(
            CauseReport(item.key, item.meaning, item.actor, item.advice, len(item.covers))
            for item in drawn.causes
        ),
        outliers=tuple(_outliers(drawn)),
        nodes=refused(drawn.endpoints),
        foreign=drawn.foreign.listed,
        foreign_in_all=drawn.foreign.in_all,
        unexpected=drawn.unexpected[:MOST_HOSTS],
        unexpected_in_all=len(drawn.unexpected),
        inventory=drawn.with_inventory,
    )


def _outliers(drawn: Picture) -> Iterator[OutlierReport]:
    for group in drawn.groups:
        for item in group.certificates:
            if item.standing in ALARMING:
                hosts = tuple(drawn.endpoints[number].host for number in item.current[:MOST_HOSTS])
                yield OutlierReport(group.server, item.held.sha256, item.standing, hosts)


def times(when: Iterable[int]) -> tuple[str | None, str | None]:
    times = [iso(at) for at in when]
    return (times[0], times[1]) if times else (None, None)


def encoded(parts: Iterable[str]) -> Iterator[bytes]:
    for part in parts:
        yield part.encode("utf-8", "backslashreplace")


def _is_named(server: str, name: str) -> bool:
    host, _, _ = server.rpartition(":")
    return name.lower() in (server, host, host.partition(".")[0])


def _counted(nodes: Iterable[NodeReport], server: str) -> str:
    number = sum(node.server == server and node.unusable is None for node in nodes)
    return counted(number, "node")


def _comment(drawn: Picture) -> str:
    total = len(drawn.endpoints)
    old = f"; {counted(drawn.old, 'result')} older than a day" if drawn.old else ""
    return f"{drawn.good} of {total} endpoint{'s' * (total != 1)} in order{old}"
