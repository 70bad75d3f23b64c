"""Pins: the certificates that somebody said may come, each of them for every server or for one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dsmcertfix import NamedTuple
from dsmcertfix.errors import CannotReconnect, Problem
from dsmcertfix.ibm.key_database.chain import proven
from dsmcertfix.model import Certificate, Inventory, Server
from dsmcertfix.planning.assess import servers_named, servers_of


class Pin(NamedTuple):
    """A certificate that may come, by its SHA-256; `file` is the one that it was taken from, if it was.

    `server` is a name as `--server` takes it: the pin counts for that server alone. None: for every server.
    With `by_policy` the site's policy says so: it tells of many servers and times, not all of them here.
    """

    sha256: str
    server: str | None = None
    file: Path | None = None
    by_policy: bool = False


def pins_of(server: Server, pins: tuple[Pin, ...], inventory: Inventory) -> tuple[Pin, ...]:
    """The pins that count for that server."""
    return tuple(pin for pin in pins if pin.server is None or server in servers_named(pin.server, inventory))


def another_problem(server: Server, presented: Certificate, expected: Iterable[str]) -> Problem | None:
    """What is wrong where a server presents none of the expected certificates; None where it presents one."""
    wanted = tuple(expected)
    if presented.sha256 in wanted:
        return None
    return _problem(
        "unexpected-certificate",
        f"{server} presents another certificate than the expected one",
        (
            f"presented by {server}: SHA-256 {presented.sha256}",
            *(f"expected: SHA-256 {sha256}" for sha256 in wanted),
        ),
        "Compare both with the server's cert256.arm. If neither fits, someone intercepts the connection.",
    )


def unmatched(
    pins: tuple[Pin, ...], inventory: Inventory, held: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """What to tell of each pin that fits no certificate, be it `held`, in a store, or presented."""
    facts = _Facts(inventory, held)
    lines = []
    for pin in pins:
        if pin.by_policy:
            continue
        meant = facts.servers(pin)
        if not meant and pin.server is not None:
            lines.append(
                f"no store here is used for a server `{pin.server}`, of which a certificate is expected"
            )
        elif not facts.has(pin):
            where = (
                "the expected certificate is nowhere here"
                if pin.server is None
                else f"`{pin.server}` does not present its expected certificate, and no store here has it"
            )
            lines.append(f"{where}: SHA-256 {pin.sha256}")
    return tuple(lines)


def unmet_problem(
    pins: tuple[Pin, ...], inventory: Inventory, held: frozenset[str] = frozenset()
) -> Problem | None:
    """Why what is expected is not what is here, whether something is affected or not; None where it is.

    A server that has pins of its own presents another certificate; or of all pins that count for the same
    servers, which are used here, not one fits a certificate that is `held`, or in a store, or presented.
    """
    facts = _Facts(inventory, held)
    together: dict[frozenset[Server], list[Pin]] = {}
    for pin in pins:
        together.setdefault(facts.servers(pin), []).append(pin)
    for servers, group in together.items():
        for server in sorted(servers, key=str) if any(pin.server for pin in group) else ():
            seen = inventory.presented_by(server)
            expected = (pin.sha256 for pin in pins_of(server, pins, inventory))
            if seen and seen.certificate and (problem := another_problem(server, seen.certificate, expected)):
                return problem
        if servers and not any(facts.has(pin) for pin in group):
            return _problem(
                "pin-matches-nothing",
                "the expected certificate is in no store here, and no server that is used here presents it",
                tuple(f"expected: SHA-256 {pin.sha256}" for pin in group),
                "Compare the fingerprint with the server's cert256.arm. If it is right, the server does not "
                "use its new certificate yet, or it did not answer.",
            )
    return None


class _Facts:
    """What an inventory has of certificates, by fingerprint."""

    def __init__(self, inventory: Inventory, held: frozenset[str] = frozenset()):
        self._inventory = inventory
        self._used = frozenset(server for store in inventory.stores for server in servers_of(store))
        self._held = held | {item.sha256 for store in inventory.stores for item in store.certificates}
        self._presented = {
            seen.server: frozenset(item.sha256 for item in proven(seen.chain)) for seen in inventory.presented
        }

    def servers(self, pin: Pin) -> frozenset[Server]:
        """The servers that the pin counts for, of those that stores are used for."""
        return self._used if pin.server is None else self._used & servers_named(pin.server, self._inventory)

    def has(self, pin: Pin) -> bool:
        """Whether a store holds the certificate, or a server that the pin counts for presents it."""
        none: frozenset[str] = frozenset()
        shown = (self._presented.get(server, none) for server in self.servers(pin))
        return pin.sha256 in self._held or any(pin.sha256 in one for one in shown)


def _problem(code: str, message: str, context: tuple[str, ...], hint: str) -> Problem:
    return CannotReconnect(code, message, context=context, hint=hint).problem()
