"""What a switch of a server to another certificate would do, from results alone. Pure.

An endpoint goes on when each of its stores that is used for the server holds what makes IBM's TLS trust the
new certificate, or holds nothing of that server yet while its node is TRANSITIONAL: then the next session
fetches it. Whatever is not shown by a result counts as refused: a forecast errs on the side of no-go.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from dsmcertfix import NamedTuple
from dsmcertfix.fleet.endpoints import Endpoint
from dsmcertfix.fleet.listing import Security, ServersNode
from dsmcertfix.fleet.nodes import alike
from dsmcertfix.fleet.seen import Held, Seen, StoreSeen
from dsmcertfix.ibm.client.messages import refused_as_strict
from dsmcertfix.report.catalogue import CATALOGUE
from dsmcertfix.wording import number

Standing = Literal[
    "ready", "fetches", "silent", "old", "unknown", "unusable", "without", "strict", "unreported"
]

STANDINGS: dict[Standing, tuple[str, str]] = {
    "silent": ("silent", "no result came from it"),
    "old": ("too old", "its newest result is too old to count"),
    "unknown": (
        "not known",
        "its newest result does not say what its stores hold, or tells of no client of that server",
    ),
    "unusable": ("with a store that cannot be opened", "IBM's programs do not open a store of it"),
    "without": (
        "without the certificate",
        "a store of it does not hold the new certificate; `dsmcertfix trust` puts it in, and after the "
        "switch `dsmcertfix fix` fetches it, unless its node is STRICT",
    ),
    "strict": (
        "STRICT",
        "a store of it does not hold the new certificate, and its node is STRICT: it could not fetch it, "
        "`dsmcertfix trust` puts it in",
    ),
    "unreported": (
        "nodes that no endpoint reported",
        "the server has this node, and no result is of its host",
    ),
    "fetches": ("fetching", "it holds nothing of that server yet, and its node is TRANSITIONAL: it fetches"),
    "ready": ("ready", "every store of it that is used for that server trusts the new certificate"),
}
"""Every standing: what it is called in the verdict, and what it means. Those that would be refused first."""

GOES_ON: frozenset[Standing] = frozenset(("ready", "fetches"))

_IN_LABEL = re.compile(r"(?i)TSM server (\S+) self-signed key\Z")
_NOT_TRUSTED = frozenset(("untrusted", "expired", "not-yet-valid", "unreadable", "pending"))
_CUT_OFF = (30, 31)


class Switch(NamedTuple):
    """The switch that is forecast: the server's name, and by which stored certificates (`anchors`, SHA-256)
    IBM's TLS trusts the new one; `oldest` is when a result that counts was made at the earliest."""

    server: str
    anchors: frozenset[str]
    oldest: int


class Row(NamedTuple):
    """An endpoint, or a node that no endpoint reported (`endpoint` None), and how it stands."""

    endpoint: Endpoint | None
    standing: Standing
    stores: int = 0
    ready: int = 0
    nodes: tuple[ServersNode, ...] = ()

    @property
    def name(self) -> str:
        """The host, or the node where no host is known."""
        return self.endpoint.host if self.endpoint is not None else self.nodes[0].name

    @property
    def node_names(self) -> tuple[str, ...]:
        """Its nodes, as the server and the inventory know them."""
        listed = self.endpoint.nodes if self.endpoint is not None else frozenset[str]()
        return tuple(dict.fromkeys((*(node.name for node in self.nodes), *sorted(listed))))


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the switch would do: a row for each endpoint that is the server's client, or may be.

    `elsewhere` is how many endpoints do not use the server; `listed` whether the server's own list was given;
    `known` whether any result named the server.
    """

    switch: Switch
    rows: tuple[Row, ...]
    elsewhere: int
    unexpected: tuple[str, ...] = ()
    listed: bool = False
    known: bool = True

    def standings(self) -> dict[Standing, int]:
        """How many rows stand how, in the order of `STANDINGS`."""
        found = Counter(row.standing for row in self.rows)
        return {standing: found[standing] for standing in STANDINGS}

    @property
    def refused(self) -> int:
        """How many would be refused, as far as the results show."""
        return sum(row.standing not in GOES_ON for row in self.rows)

    def verdict(self) -> str:
        """The forecast in one sentence."""
        refused = self.refused
        parts = [
            f"{number(count)} {STANDINGS[standing][0]}"
            for standing, count in self.standings().items()
            if count and standing not in GOES_ON
        ]
        told = f" ({', '.join(parts)})" if parts else ""
        whom = number(refused) if refused else "none"
        of = number(len(self.rows), "endpoint")
        return f"Switching {self.switch.server} today would refuse {whom} of {of}{told}."

    def to_open(self) -> tuple[str, ...]:
        """The nodes that could not fetch the certificate because they are STRICT, each once."""
        strict = (row for row in self.rows if row.standing == "strict")
        names = (node.name for row in strict for node in row.nodes if node.security == "STRICT")
        return tuple(dict.fromkeys(names))


def forecast(
    endpoints: Iterable[Endpoint], switch: Switch, listing: tuple[ServersNode, ...] | None = None
) -> Forecast:
    """What the switch would do to these endpoints; with the server's `listing`, to its nodes, too."""
    counted = [item for item in endpoints if item.expected is not False]
    whose = _Whose(switch, counted)
    nodes, unreported = _joined(counted, listing or ())
    rows = []
    elsewhere = 0
    for place, endpoint in enumerate(counted):
        row = _row(endpoint, nodes.get(place, ()), whose)
        if row is None and place in nodes:
            # The server knows it as its client, whatever its result does not tell.
            row = Row(endpoint, "unknown", nodes=nodes[place])
        if row is None or (listing is not None and _is_no_client(row)):
            elsewhere += 1
        else:
            rows.append(row)
    rows += [Row(None, "unreported", nodes=(node,)) for node in unreported]
    strangers = tuple(item.host for item in endpoints if item.expected is False)
    return Forecast(switch, tuple(rows), elsewhere, strangers, listing is not None, whose.known)


class _Whose:
    """Tells what belongs to the server: by its names, and by the certificate that most are shown by it.

    `known` is whether any result named the server; its certificates alone could be those of a name misspelt.
    """

    def __init__(self, switch: Switch, endpoints: Iterable[Endpoint]):
        self.switch = switch
        self._name = switch.server.casefold()
        # Many results have the same: each is looked at once.
        self._at: dict[tuple[tuple[str, tuple[str, ...]], ...], frozenset[str]] = {}
        self._named: dict[str, bool] = {}
        self._current = ""
        self.known = False
        votes = Counter(
            sha256
            for endpoint in endpoints
            if endpoint.last is not None
            for sha256 in {held.sha256 for held in self._shown(endpoint.last)}
        )
        # One result must not make another server's certificate this one's.
        for sha256, count in votes.most_common(1):
            if 2 * count > votes.total():
                self._current = sha256

    def _shown(self, seen: Seen) -> Iterator[Held]:
        addresses = self._addresses(seen)
        yield from (held for held in seen.presented if held.server in addresses or self._is(held.server))

    def _addresses(self, seen: Seen) -> frozenset[str]:
        """Where the server is, as that endpoint knows it."""
        known = self._at.get(seen.names)
        if known is None:
            known = self._at[seen.names] = frozenset(
                address for address, names in seen.names if self._name in names or self._is(address)
            )
        return known

    def _is(self, server: str) -> bool:
        """Whether an address, or a name, means the server."""
        known = self._named.get(server)
        if known is None:
            known = self._named[server] = bool(server) and self._name in _spellings(server)
        return known

    def stores(self, seen: Seen) -> tuple[StoreSeen, ...]:
        """The stores that are used for the server."""
        addresses = self._addresses(seen)
        names = {self._name, *(name for at, names in seen.names if at in addresses for name in names)}
        return tuple(store for store in seen.stores if self._uses(store, names, addresses))

    def _uses(self, store: StoreSeen, names: set[str], addresses: frozenset[str]) -> bool:
        if not names.isdisjoint(store.stanzas) or any(
            self._is_named(held, addresses) for held, _ in store.certificates
        ):
            self.known = True
            return True
        return any(self.belongs(held, addresses) for held, _ in store.certificates)

    def belongs(self, held: Held, addresses: frozenset[str]) -> bool:
        """Whether the certificate is the server's: the one in use, the new one, or an earlier one."""
        if held.kind != "ca" and held.sha256 and held.sha256 in (self._current, *self.switch.anchors):
            return True
        return self._is_named(held, addresses)

    def _is_named(self, held: Held, addresses: frozenset[str]) -> bool:
        if held.server in addresses or self._is(held.server):
            return True
        label = _IN_LABEL.match(held.label)
        return label is not None and self._is(label[1].lower())

    def holds_any(self, store: StoreSeen, seen: Seen) -> bool:
        """Whether the store holds a certificate of the server, whichever."""
        addresses = self._addresses(seen)
        return any(self.belongs(held, addresses) for held in store.held())


def _spellings(server: str) -> tuple[str, ...]:
    host, colon, port = server.rpartition(":")
    host = host.strip("[]") if colon and port.isdigit() else server
    return server, host, host.partition(".")[0]


def _row(endpoint: Endpoint, nodes: tuple[ServersNode, ...], whose: _Whose) -> Row | None:
    """How the endpoint stands; None for one that does not use the server."""
    seen = endpoint.last
    if seen is None:
        return Row(endpoint, "silent", nodes=nodes)
    if endpoint.state == "absent":
        return None
    stores = whose.stores(seen)
    if not stores and all(_is_told(store) for store in seen.stores) and seen.stores:
        return None
    if seen.at is None or seen.at < whose.switch.oldest:
        return Row(endpoint, "old", len(stores), 0, nodes)
    if not stores or seen.exit_code in _CUT_OFF or not all(map(_is_told, stores)):
        return Row(endpoint, "unknown", len(stores), 0, nodes)
    security = _security(endpoint, nodes)
    found = [_of_store(store, seen, security, whose) for store in stores]
    worst = next(item for item in STANDINGS if item in found)
    return Row(endpoint, worst, len(stores), found.count("ready"), nodes)


def _is_no_client(row: Row) -> bool:
    """Whether it is a silent host, and the server has none of the nodes that the inventory lists for it."""
    return row.standing == "silent" and not row.nodes and bool(row.endpoint and row.endpoint.nodes)


def _is_told(store: StoreSeen) -> bool:
    """Whether the result says what the store holds: it was read, and is no summary without fingerprints."""
    if any(not held.sha256 and held.kind != "secret" for held, _ in store.certificates):
        return False
    return bool(store.certificates) or store.problem is None or _is_closed(store)


def _of_store(store: StoreSeen, seen: Seen, security: Security | None, whose: _Whose) -> Standing:
    if _is_closed(store):
        return "unusable"
    for held, status in store.certificates:
        if (
            held.sha256 in whose.switch.anchors
            and status not in _NOT_TRUSTED
            and held.sha256 not in store.distrusted
        ):
            return "ready"
    pending = any(
        status == "pending" and held.sha256 not in store.distrusted for held, status in store.certificates
    )
    if security == "TRANSITIONAL" and pending and not whose.holds_any(store, seen):
        return "fetches"
    return "strict" if security == "STRICT" else "without"


def _is_closed(store: StoreSeen) -> bool:
    """Whether IBM's programs do not open the key database, whatever is in it."""
    known = CATALOGUE.get(store.problem.code) if store.problem is not None else None
    return known is not None and "StoreUnreadable" in known.kinds


def _security(endpoint: Endpoint, nodes: tuple[ServersNode, ...]) -> Security | None:
    """STRICT where one of its nodes is; None where nobody says."""
    if nodes:
        return "STRICT" if any(node.security == "STRICT" for node in nodes) else "TRANSITIONAL"
    sessions = (problem.session for problem in endpoint.problems)
    refused = any(session is not None and refused_as_strict(session.code) for session in sessions)
    return "STRICT" if refused else None


def _joined(
    endpoints: list[Endpoint], listing: tuple[ServersNode, ...]
) -> tuple[dict[int, tuple[ServersNode, ...]], list[ServersNode]]:
    """The nodes of each endpoint (by number), and those of none.

    A node is an endpoint's when the inventory says so, when the server saw it sign on from that host, or when
    it is called like the host, which is what a client does without NODENAME.
    """
    if not listing:
        return {}, []
    places = _Places(endpoints)
    found: dict[int, list[ServersNode]] = {}
    unreported = []
    for node in listing:
        at = places.of(node)
        for place in at:
            found.setdefault(place, []).append(node)
        if not at:
            unreported.append(node)
    return {place: tuple(nodes) for place, nodes in found.items()}, unreported


class _Places:
    """Finds the endpoints (by number) that a node is of."""

    def __init__(self, endpoints: list[Endpoint]):
        self._endpoints = endpoints
        self._by_node: dict[str, list[int]] = {}
        self._by_host: dict[str, list[int]] = {}
        self._by_short: dict[str, list[int]] = {}
        for place, endpoint in enumerate(endpoints):
            host = endpoint.host.upper()
            for node in endpoint.nodes:
                self._by_node.setdefault(node, []).append(place)
            self._by_host.setdefault(host, []).append(place)
            self._by_short.setdefault(host.partition(".")[0], []).append(place)

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        """Those for which the inventory lists no node, by what a node would be called like."""
        found: dict[str, list[int]] = {}
        for place, endpoint in enumerate(self._endpoints):
            host = endpoint.host.upper()
            for name in () if endpoint.nodes else {alike(host), alike(host.partition(".")[0])}:
                found.setdefault(name, []).append(place)
        return found

    def of(self, node: ServersNode) -> tuple[int, ...]:
        """The endpoints of the node; a host's short name means one only where no other is called so."""
        found = [*self._by_node.get(node.name, ()), *self._from(node.host.upper())]
        return tuple(dict.fromkeys(found or self._by_name.get(alike(node.name), [])))

    def _from(self, host: str) -> list[int]:
        exact = self._by_host.get(host, [])
        short = self._by_short.get(host.partition(".")[0], []) if host else []
        if exact or len(short) != 1 or ("." in host and "." in self._endpoints[short[0]].host):
            return exact
        return short
