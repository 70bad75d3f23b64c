"""What `forecast` says on a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dsmcertfix.report.details import FleetReport, ForecastReport, NodesReport
from dsmcertfix.report.render.fleet_text import MOST, not_counted
from dsmcertfix.wording import number, printable


def lines(told: ForecastReport, fleet: FleetReport) -> Iterator[str]:
    """The forecast, line by line; the verdict is the report's own last line."""
    yield f"new certificate of {printable(told.server)}: SHA-256 {told.sha256}"
    for item in told.standings:
        if item.endpoints:
            yield f"  {number(item.endpoints):>9} {item.standing}: {item.meaning}"
            if item.refused:
                hosts = ", ".join(item.hosts[:MOST]) + (" ..." if item.endpoints > MOST else "")
                yield f"            {printable(hosts)}"
    yield (
        f"{number(told.stores_ready)} of {number(told.stores, 'store')} of that server "
        f"{'holds' if told.stores_ready == 1 else 'hold'} what the new certificate is trusted by"
    )
    if told.elsewhere:
        others = number(told.elsewhere, "endpoint")
        yield f"not counted: {others} that {_use(told.elsewhere)} other servers alone"
    if told.nodes is not None:
        yield from _nodes(told.nodes)
    yield f"results older than {told.oldest} do not count"
    yield from not_counted(fleet)
    if told.gate is not None:
        # Rounded down: what misses the gate must not look as if it met it.
        share = 10_000 * (told.endpoints - told.refused) // max(told.endpoints, 1) / 100
        yield f"gate: {told.gate:g} % must go on, {share:.2f} % would"
    for path in fleet.written:
        yield f"written: {printable(path)}"


def _nodes(nodes: NodesReport) -> Iterator[str]:
    yield f"nodes: the server lists {number(nodes.listed)}, and {number(nodes.ready)} of them would go on"
    told = (
        ("still TRANSITIONAL", nodes.transitional, nodes.transitional_in_all),
        ("to be opened, STRICT", nodes.to_open, nodes.to_open_in_all),
        ("reported by no endpoint", nodes.unreported, nodes.unreported_in_all),
        ("endpoints with several", nodes.several, nodes.several_in_all),
    )
    for what, names, in_all in told:
        if in_all:
            yield (
                f"  {number(in_all):>9} {what}: {printable(', '.join(names[:MOST]))}"
                f"{' ...' if in_all > MOST else ''}"
            )


def _use(count: int) -> str:
    return "uses" if count == 1 else "use"
