"""The use case that forecasts a server's switch to a new certificate. No machine is touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

from dsmcertfix import NamedTuple
from dsmcertfix.commands.fleet import MOST_HOSTS, encoded, require_different, times
from dsmcertfix.errors import ACTION_NEEDED, NotFound, UsageError
from dsmcertfix.fleet import forecast_table
from dsmcertfix.fleet.expected import hosts_in
from dsmcertfix.fleet.files import Collected, collect, text_of
from dsmcertfix.fleet.forecast import GOES_ON, STANDINGS, Forecast, Standing, Switch, forecast
from dsmcertfix.fleet.listing import ServersNode, nodes_in
from dsmcertfix.fleet.page import forecast as forecast_page
from dsmcertfix.fleet.page.words import iso
from dsmcertfix.ibm.certificate_file import certificates_of_file
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.ibm.key_database.chain import issued, trusted
from dsmcertfix.model import Certificate
from dsmcertfix.report.details import FleetReport, ForecastReport, NodesReport, StandingReport
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import host_name
from dsmcertfix.system.output_file import write_whole


class Asked(NamedTuple):
    """Which switch is to be forecast, from what, and what is to be written.

    `max_age` is how many days old a result may be, `gate` the share in percent that must go on.
    """

    server: str
    certificate: Path
    inventory: Path | None = None
    nodes: Path | None = None
    gate: Fraction | None = None
    max_age: int = 30
    page: Path | None = None
    csv: Path | None = None
    to_open: Path | None = None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files that are to be written."""
        return tuple(path for path in (self.page, self.csv, self.to_open) if path is not None)

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files that are read, and hold no results."""
        return tuple(path for path in (self.certificate, self.inventory, self.nodes) if path is not None)


def forecast_switch(paths: tuple[Path, ...], asked: Asked, now: datetime) -> Report:
    """What the switch would do; the files that are wanted are written, each whole.

    Ends in 3 where fewer than the gate asks for would go on. Raises UsageError and NotFound for what cannot
    be used, before anything is written, and NotPermitted for a file that cannot be written.
    """
    require_different(*asked.outputs, *asked.inputs)
    new, anchors = _new(asked.certificate, now)
    listing = None if asked.nodes is None else nodes_in(text_of(asked.nodes))
    expected = None if asked.inventory is None else hosts_in(text_of(asked.inventory))
    found = collect(paths, now, (*asked.outputs, *asked.inputs))
    oldest = int((now - timedelta(days=asked.max_age)).timestamp())
    made = forecast(found.fleet.endpoints(expected), Switch(asked.server, anchors, oldest), listing)
    _require_clients(made)
    _write(made, asked, new, int(now.timestamp()))
    told = _told(made, new, listing, asked.gate)
    counted = _counted(found, made, asked, with_inventory=expected is not None)
    code = ACTION_NEEDED if told.go is False else 0
    comment = told.verdict if told.go is None else f"{'go' if told.go else 'no-go'}: {told.verdict}"
    return Report("forecast", host_name(), comment=comment, exit_code=code, fleet=counted, forecast=told)


def _new(file: Path, now: datetime) -> tuple[Certificate, frozenset[str]]:
    """The certificate that the server will present, and by which stored ones IBM's TLS will trust it."""
    given = dict.fromkeys(certificates_of_file(file))
    known = tuple(describe(der, sha256(der).hexdigest()[:8]) for der in given)
    own = [one for one in known if not any(issued(one, other) for other in known if other is not one)]
    if len(own) != 1:
        raise UsageError(
            "several-certificates",
            f"`{file}` has {len(own)} certificates of servers, and a server presents one",
            context=tuple(f"SHA-256 {one.sha256}, valid until {one.last_day}" for one in own),
            hint="Give the file of the new one alone; not the one with both that the clients are given.",
        )
    (new,) = own
    presented = (new, *(one for one in known if one is not new))
    anchors = frozenset(one.sha256 for one in known if trusted((one,), presented, now))
    if not anchors:
        raise UsageError(
            "certificate-not-usable",
            f"no client would trust a server with `{file}` today: it is valid from {new.first_day} until "
            f"{new.last_day}, issued by `{new.issuer}`",
            context=(f"SHA-256 {new.sha256}",),
        )
    return new, anchors


def _require_clients(made: Forecast) -> None:
    if made.known:
        return
    name = made.switch.server
    raise NotFound(
        "server-not-in-results",
        f"no result tells of a client of `{name}`: nothing can be forecast",
        context=(f"{made.elsewhere} endpoints use other servers, {len(made.rows)} are not known",),
    )


def _write(made: Forecast, asked: Asked, new: Certificate, at: int) -> None:
    if asked.page is not None:
        write_whole(asked.page, encoded(forecast_page.page(made, new.sha256, at)))
    if asked.csv is not None:
        write_whole(asked.csv, encoded(forecast_table.lines(made)))
    if asked.to_open is not None:
        write_whole(asked.to_open, encoded(f"{name}\n" for name in made.to_open()))


def _told(
    made: Forecast, new: Certificate, listing: tuple[ServersNode, ...] | None, gate: Fraction | None
) -> ForecastReport:
    in_all = len(made.rows)
    refused = made.refused
    return ForecastReport(
        made.switch.server,
        new.sha256,
        made.verdict(),
        in_all,
        refused,
        made.elsewhere,
        sum(row.stores for row in made.rows),
        sum(row.ready for row in made.rows),
        tuple(_standings(made)),
        iso(made.switch.oldest),
        None if gate is None else float(gate),
        None if gate is None else 100 * (in_all - refused) >= gate * in_all,
        None if listing is None else _nodes(made, listing),
    )


def _standings(made: Forecast) -> Iterator[StandingReport]:
    names: dict[Standing, list[str]] = {standing: [] for standing in STANDINGS}
    for row in made.rows:
        if row.standing not in GOES_ON and len(names[row.standing]) < MOST_HOSTS:
            names[row.standing].append(row.name)
    for standing, count in made.standings().items():
        hosts = tuple(names[standing])
        yield StandingReport(standing, STANDINGS[standing][1], standing not in GOES_ON, count, hosts)


def _nodes(made: Forecast, listing: tuple[ServersNode, ...]) -> NodesReport:
    goes_on: dict[str, bool] = {}
    for row in made.rows:
        for node in row.nodes:
            goes_on[node.name] = goes_on.get(node.name, True) and row.standing in GOES_ON
    transitional = [node.name for node in listing if node.security == "TRANSITIONAL"]
    unreported = [row.name for row in made.rows if row.standing == "unreported"]
    several = [row.name for row in made.rows if len(row.nodes) > 1]
    return NodesReport(
        len(listing),
        sum(goes_on.values()),
        *_first(transitional),
        *_first(unreported),
        *_first(made.to_open()),
        *_first(several),
    )


def _first(names: Iterable[str]) -> tuple[tuple[str, ...], int]:
    found = tuple(names)
    return found[:MOST_HOSTS], len(found)


def _counted(found: Collected, made: Forecast, asked: Asked, *, with_inventory: bool) -> FleetReport:
    """The results that were read, and what of them could not be used."""
    when = [
        row.endpoint.last.at
        for row in made.rows
        if row.endpoint is not None and row.endpoint.last is not None and row.endpoint.last.at is not None
    ]
    told = FleetReport(
        found.results,
        len(made.rows),
        *times((min(when), max(when)) if when else ()),
        foreign=found.foreign.listed,
        foreign_in_all=found.foreign.in_all,
        unexpected=made.unexpected[:MOST_HOSTS],
        unexpected_in_all=len(made.unexpected),
        inventory=with_inventory,
    )
    return replace(told, written=tuple(str(path) for path in asked.outputs))
