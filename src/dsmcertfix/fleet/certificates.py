"""Who holds which certificate of which server, and who holds one that nobody else has.

A server presents one certificate to everybody. An endpoint that is presented another one at the same time
talks to somebody in between; and a certificate that it fetched then is the trace of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from dsmcertfix.fleet.endpoints import Endpoint
from dsmcertfix.fleet.seen import Held

Standing = Literal["main", "only-here", "rare", "other", "old", "authority"]

STANDINGS: dict[Standing, str] = {
    "only-here": "nobody else has it, others are shown another one: compare with the server's cert256.arm",
    "rare": "few have it, most are shown another one: compare with the server's cert256.arm",
    "main": "most endpoints",
    "other": "another one, at another time or address",
    "old": "no endpoint is shown it: replaced, expired, left over, or put in ahead of time",
    "authority": "a CA or root certificate",
}
"""How a certificate stands among those of its server, the most alarming first."""

ALARMING: frozenset[Standing] = frozenset(("only-here", "rare"))

CURRENT = frozenset(("ok", "expiring", "pending"))
"""The statuses with which an endpoint vouches for a certificate: its server presents it."""

_WATCHED_KINDS = frozenset(("server", "other", ""))
_FEW, _MANY = 0.05, 20


@dataclass(slots=True)
class _Voices:
    """Which endpoints vouch for a certificate, and from when to when."""

    endpoints: set[int] = field(default_factory=set)
    first: int | None = None
    last: int | None = None

    def add(self, endpoint: int, at: int | None) -> None:
        self.endpoints.add(endpoint)
        if at is not None:
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)


@dataclass(slots=True)
class _Tally:
    """A certificate while it is counted; `unchecked` are those who store it and could not ask its server."""

    held: Held
    stored: set[int] = field(default_factory=set)
    presented: set[int] = field(default_factory=set)
    current: _Voices = field(default_factory=_Voices)
    unchecked: _Voices = field(default_factory=_Voices)


@dataclass(frozen=True, slots=True)
class Group:
    """The certificates that are known as one server's; `server` is empty where none is known."""

    server: str
    certificates: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """A certificate of a server: which endpoints (by number) store it, and which are shown it by the server.

    `current` are those for which it is the right one; `first` and `last` say when they were asked.
    """

    held: Held
    standing: Standing
    stored: tuple[int, ...]
    presented: tuple[int, ...]
    current: tuple[int, ...]
    first: int | None
    last: int | None


def groups(endpoints: Iterable[Endpoint]) -> tuple[Group, ...]:
    """The certificates by server, those with something alarming first, then the largest."""
    tallies: dict[str, dict[str, _Tally]] = {}
    for number, endpoint in enumerate(endpoints):
        for held, status, stored in _of(endpoint):
            server = _AUTHORITIES if held.kind == "ca" else held.server
            tally = tallies.setdefault(server, {}).setdefault(held.sha256, _Tally(held))
            (tally.stored if stored else tally.presented).add(number)
            at = endpoint.last.at if endpoint.last else None
            if status in CURRENT or held.kind == "ca":
                tally.current.add(number, at)
            elif status == "not-checked":
                tally.unchecked.add(number, at)
    everywhere: dict[str, set[int]] = {}
    for of_server in tallies.values():
        _let_the_unchecked_speak(of_server)
        for sha256, tally in of_server.items():
            everywhere.setdefault(sha256, set()).update(tally.current.endpoints)
    made = [Group(server, tuple(_holdings(found, everywhere))) for server, found in tallies.items()]
    return tuple(sorted(made, key=_urgency))


_AUTHORITIES = "CA and root certificates"


def _of(endpoint: Endpoint) -> Iterator[tuple[Held, str, bool]]:
    """Each certificate with its status, and whether it is stored; without it the server presents it."""
    if endpoint.last is None:
        return
    for store in endpoint.last.stores:
        for held, status in store.certificates:
            if held.sha256 and (held.kind in _WATCHED_KINDS or held.kind == "ca"):
                yield held, status, status != "pending"
    for held in endpoint.last.presented:
        yield held, "ok", False


def _let_the_unchecked_speak(found: dict[str, _Tally]) -> None:
    """Where nobody could ask the server, what is stored has to do.

    Who stores the certificate of most does not vouch for another one beside it: that is an old one, or one
    that was put in ahead of time.
    """
    if any(tally.current.endpoints for tally in found.values()):
        return
    most = max((tally.unchecked.endpoints for tally in found.values()), key=len)
    for tally in found.values():
        tally.current = tally.unchecked
        if tally.unchecked.endpoints is not most:
            tally.current.endpoints -= most


def _holdings(found: dict[str, _Tally], everywhere: dict[str, set[int]]) -> Iterator[Holding]:
    main = max(
        found.values(),
        key=lambda tally: (len(tally.current.endpoints), tally.current.last or 0, tally.held.sha256),
    )
    made = [
        Holding(
            tally.held,
            _standing(tally, main, len(everywhere[sha256])),
            tuple(sorted(tally.stored)),
            tuple(sorted(tally.presented)),
            tuple(sorted(tally.current.endpoints)),
            tally.current.first,
            tally.current.last,
        )
        for sha256, tally in found.items()
    ]
    order = list(STANDINGS)
    yield from sorted(
        made, key=lambda item: (order.index(item.standing), -len(item.stored), item.held.sha256)
    )


def _standing(tally: _Tally, main: _Tally, everywhere: int) -> Standing:
    """`everywhere` is how many endpoints vouch for it under any server's name: a server may have several."""
    if not tally.current.endpoints:
        return "old"
    if tally.held.kind == "ca":
        # Clients come with CAs of their own: one that is nowhere else was put in by somebody.
        return "only-here" if everywhere == 1 and len(main.current.endpoints) >= _MANY else "authority"
    if tally is main:
        return "main"
    if everywhere > max(1, _FEW * len(main.current.endpoints)) or not _at_the_same_time(
        tally.current, main.current
    ):
        return "other"
    return "only-here" if everywhere == 1 else "rare"


def _at_the_same_time(one: _Voices, other: _Voices) -> bool:
    """Whether neither was seen only before the other: a renewal is one after the other."""
    if one.first is None or one.last is None or other.first is None or other.last is None:
        return True
    return one.first <= other.last and other.first <= one.last


def _urgency(group: Group) -> tuple[bool, bool, int, str]:
    alarming = any(item.standing in ALARMING for item in group.certificates)
    holders = {number for item in group.certificates for number in item.stored}
    return not alarming, group.server == _AUTHORITIES, -len(holders), group.server
