"""The whole picture: what a page, a CSV and a few lines on a terminal are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dsmcertfix.fleet.causes import causes
from dsmcertfix.fleet.certificates import ALARMING, Group, groups
from dsmcertfix.fleet.endpoints import GOOD, STATES, Endpoint, State
from dsmcertfix.report.causes import Cause
from dsmcertfix.report.details import ForeignReport

RELIED_ON = frozenset(("ok", "replaced", "expired", "expiring", "untrusted", "not-yet-valid", "not-checked"))
"""The statuses of certificates on which an endpoint's sessions depend, or did."""

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Foreign:
    """What could not be used: the first `listed`, and how many there are in all."""

    listed: tuple[ForeignReport, ...] = ()
    in_all: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """A fleet. `made` is now, in seconds of Unix time.

    Where there is an inventory, `endpoints` are its hosts. Results of other hosts count for nothing, so that
    nobody outvotes a fleet by making up hosts: they are named in `unexpected`.

    `ends` and `servers` are of each endpoint: when the first of the certificates that its sessions depend on
    expires, None if that is not told; and the servers that it trusts, or would.
    """

    made: int
    endpoints: tuple[Endpoint, ...]
    ends: tuple[int | None, ...]
    servers: tuple[tuple[str, ...], ...]
    results: int
    causes: tuple[Cause, ...]
    groups: tuple[Group, ...]
    foreign: Foreign = Foreign()
    with_inventory: bool = False
    unexpected: tuple[str, ...] = ()

    def states(self) -> dict[State, int]:
        """How many endpoints are in each state, the most urgent first."""
        found = Counter(endpoint.state for endpoint in self.endpoints)
        return {state: found[state] for state in STATES}

    @property
    def good(self) -> int:
        """How many endpoints need nobody: they are well, and have no odd certificate."""
        odd = frozenset(self.alarmed())
        return sum(
            endpoint.state in GOOD and number not in odd for number, endpoint in enumerate(self.endpoints)
        )

    @property
    def oldest(self) -> int:
        """A result from before then is older than a day, by the picture's own time."""
        return self.made - DAY

    def is_old(self, number: int) -> bool:
        """Whether what is told of that endpoint is older than a day; not where nothing tells its age."""
        last = self.endpoints[number].last
        return last is not None and last.at is not None and last.at < self.oldest

    @property
    def old(self) -> int:
        """Of how many endpoints the newest result is older than a day."""
        return sum(map(self.is_old, range(len(self.endpoints))))

    @property
    def when(self) -> tuple[int, int] | None:
        """When the first and the last of the results that count were made."""
        times = [
            item.last.at for item in self.endpoints if item.last is not None and item.last.at is not None
        ]
        return (min(times), max(times)) if times else None

    def alarmed(self) -> tuple[int, ...]:
        """The endpoints (by number) that have a certificate which hardly anybody else has."""
        found = {
            number
            for group in self.groups
            for item in group.certificates
            if item.standing in ALARMING
            for number in item.current
        }
        return tuple(sorted(found))


def picture(
    endpoints: tuple[Endpoint, ...], results: int, made: int, foreign: Foreign, *, with_inventory: bool
) -> Picture:
    """The picture of these endpoints at that time."""
    counted = tuple(item for item in endpoints if item.expected is not False)
    return Picture(
        made,
        counted,
        tuple(map(_runs_out, counted)),
        tuple(map(_servers, counted)),
        results,
        causes(counted),
        groups(counted),
        foreign,
        with_inventory,
        tuple(item.host for item in endpoints if item.expected is False),
    )


def _runs_out(endpoint: Endpoint) -> int | None:
    if endpoint.last is None:
        return None
    ends = [
        held.not_after
        for store in endpoint.last.stores
        for held, status in store.certificates
        if status in RELIED_ON and held.not_after is not None
    ]
    return min(ends, default=None)


def _servers(endpoint: Endpoint) -> tuple[str, ...]:
    if endpoint.last is None:
        return ()
    stored = (held.server for store in endpoint.last.stores for held, _ in store.certificates)
    presented = (held.server for held in endpoint.last.presented)
    return tuple(sorted({server for server in (*stored, *presented) if server}))


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the timeline: its name, and how many endpoints' certificates expire in it."""

    name: str
    endpoints: int
    kind: str


def timeline(ends: Iterable[int | None], made: int) -> tuple[Span, ...]:
    """What expired already, then quarters of this year and the next two, then years, up to the last end.

    `kind` is "over", "soon" (within about 90 days: this quarter and the next) or "later".
    """
    known = sorted(end for end in ends if end is not None)
    now = _quarter(made)
    over = [end for end in known if end < made]
    counted: Counter[tuple[int, int]] = Counter(_bucket(end, now) for end in known if end >= made)
    spans = [Span("expired", len(over), "over")]
    for number, bucket in enumerate(_buckets(now, max(counted, default=now))):
        year, quarter = bucket
        name = f"{year} Q{quarter}" if quarter else str(year)
        spans.append(Span(name, counted[bucket], "soon" if number < 2 else "later"))
    return tuple(spans)


def _quarter(time: int) -> tuple[int, int]:
    from datetime import datetime, timezone

    day = datetime.fromtimestamp(max(0, min(time, _LAST)), timezone.utc)
    return day.year, (day.month + 2) // 3


_LAST = 4102444800
"""The year 2100: what expires later expires then, in this picture."""


def _bucket(end: int, now: tuple[int, int]) -> tuple[int, int]:
    year, quarter = _quarter(end)
    return (year, quarter) if year <= now[0] + 2 else (year, 0)


def _buckets(now: tuple[int, int], last: tuple[int, int]) -> list[tuple[int, int]]:
    year, quarter = now
    found = [(year, item) for item in range(quarter, 5)]
    found += [(later, item) for later in (year + 1, year + 2) for item in range(1, 5)]
    return found + [(later, 0) for later in range(year + 3, last[0] + 1)]
