"""One state for each endpoint, from whatever results there are of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from dsmcertfix.errors import Problem, UsageError
from dsmcertfix.fleet.expected import Expected
from dsmcertfix.fleet.seen import ATTEMPTS, LOOKS, Seen

State = Literal[
    "broken", "rolled-back", "needed", "untouched", "unknown", "silent", "repaired", "healthy", "absent"
]

STATES: dict[State, str] = {
    "broken": "a store or a service is not as it was, or a run was cut off: call someone",
    "rolled-back": "a repair did not work, and everything was put back",
    "needed": "a certificate was replaced, or expires: a repair is needed",
    "untouched": "a repair was not possible, and nothing was touched",
    "unknown": "something could not be read, or a server did not answer",
    "silent": "it is expected, and there is no result of it",
    "repaired": "it was repaired, and all is well",
    "healthy": "nothing had to be repaired",
    "absent": "it has no certificate store",
}
"""Every state an endpoint can be in, the most urgent first, and what it means."""

GOOD: frozenset[State] = frozenset(("repaired", "healthy", "absent"))

_CALL_SOMEONE = (30, 31, 32)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A machine. `last` is the newest result that tells of its state, None when it is silent.

    `problems` are why it is not well; `expected` says whether the inventory has it, None without one, and
    `nodes` are those that it lists for it.
    """

    host: str
    state: State
    last: Seen | None = None
    problems: tuple[Problem, ...] = ()
    results: int = 0
    expected: bool | None = None
    nodes: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Known:
    """What is known of a host so far: the newest of its looks, glances, attempts, and of anything else.

    A glance is an `inspect`: it asks no server, so of a certificate that was replaced it cannot know.
    """

    look: Seen | None = None
    glance: Seen | None = None
    attempt: Seen | None = None
    other: Seen | None = None
    results: int = 0


@dataclass(slots=True)
class Fleet:
    """Takes results in any order and keeps of each host what counts."""

    _hosts: dict[str, _Known] = field(default_factory=dict)

    def add(self, seen: Seen) -> None:
        """The result is counted."""
        known = self._hosts.setdefault(seen.host.lower(), _Known())
        known.results += 1
        if seen.exit_code == UsageError.untouched:
            # A wrong command line tells nothing of the state, whichever command it named.
            known.other = newer(known.other, seen)
        elif seen.command == "inspect":
            known.glance = newer(known.glance, seen)
        elif seen.command in LOOKS:
            known.look = newer(known.look, seen)
        elif seen.command in ATTEMPTS and not _did_nothing(seen):
            known.attempt = newer(known.attempt, seen)
        else:
            known.other = newer(known.other, seen)

    def endpoints(self, expected: Expected | None = None) -> tuple[Endpoint, ...]:
        """Every endpoint by name; those `expected` of which nothing was heard are silent.

        A host and its fully qualified name are the same endpoint where the inventory has only one of them.
        """
        if expected is None:
            return tuple(_endpoint(known) for _, known in sorted(self._hosts.items()))
        wanted = {name.lower(): name for name in expected}
        found = [_endpoint(known) for _, known in sorted(_under_one_name(self._hosts, wanted).items())]
        matched = (
            replace(item, expected=name is not None, nodes=expected[wanted[name]] if name else frozenset())
            for item, name in _matched(found, wanted)
        )
        return tuple(sorted(matched, key=lambda item: item.host.lower()))


def newer(one: Seen | None, other: Seen) -> Seen:
    """The later of two results; the one that came last where they do not say."""
    if one is None or one.at is None or other.at is None:
        return other
    return one if one.at > other.at else other


def _did_nothing(seen: Seen) -> bool:
    """Whether it is a `recover` or `rollback` that found nothing to do: that tells nothing of the state."""
    return seen.command in ("recover", "rollback") and seen.outcome == "unchanged" and seen.exit_code == 0


def _under_one_name(hosts: Mapping[str, _Known], wanted: Collection[str]) -> dict[str, _Known]:
    """The same hosts; what came under a bare and a full name is together where both are one that is wanted.

    Not where the bare one may stand for several full names: whose its results are, nobody knows.
    """
    full: dict[str, set[str]] = {}
    for name in (*hosts, *wanted):
        bare, dot, _ = name.partition(".")
        if dot and bare in hosts:
            full.setdefault(bare, set()).add(name)
    found = dict(hosts)
    for bare, names in full.items():
        name = min(names)
        if len(names) == 1 and name in hosts and (bare in wanted) != (name in wanted):
            found[name] = _together(found.pop(bare), hosts[name])
    return found


def _together(one: _Known, other: _Known) -> _Known:
    return _Known(
        _newest(one.look, other.look),
        _newest(one.glance, other.glance),
        _newest(one.attempt, other.attempt),
        _newest(one.other, other.other),
        one.results + other.results,
    )


def _newest(one: Seen | None, other: Seen | None) -> Seen | None:
    return one if other is None else newer(one, other)


def _look(known: _Known) -> Seen | None:
    """The look that counts: a glance does where nothing else is known, or where it saw what expired."""
    look, glance = known.look, known.glance
    if glance is not None and (glance.verdict == "needed" or (look is None and known.attempt is None)):
        return newer(look, glance)
    return look


def _endpoint(known: _Known) -> Endpoint:
    look, attempt = _look(known), known.attempt
    if attempt is None:
        last = look or known.other
        if last is None:
            raise ValueError("a host is known from its results")
        state = _of_look(look) if look is not None else "unknown"
        return Endpoint(last.host, state, last, _told(state, last), known.results)
    state = _of_attempt(attempt)
    if look is None or newer(attempt, look) is attempt or (look.at is None or attempt.at is None):
        return Endpoint(attempt.host, state, attempt, _told(state, attempt), known.results)
    seen = _of_look(look)
    if seen == "healthy":
        after: State = "repaired" if state == "repaired" else "healthy"
        return Endpoint(look.host, after, look, (), known.results)
    if seen == "needed" and state in ("rolled-back", "untouched"):
        # It is as it was before the attempt; why that failed is what has to be known.
        return Endpoint(look.host, state, look, _told(state, attempt), known.results)
    if seen == "unknown" and state != "untouched":
        return Endpoint(look.host, state, attempt, _told(state, attempt), known.results)
    return Endpoint(look.host, seen, look, _told(seen, look), known.results)


def _of_look(look: Seen) -> State:
    return "broken" if look.exit_code in _CALL_SOMEONE else look.verdict


def _of_attempt(attempt: Seen) -> State:
    if attempt.outcome == "broken" or attempt.exit_code in _CALL_SOMEONE:
        return "broken"
    if attempt.outcome == "rolled-back":
        return "rolled-back"
    if attempt.verdict == "absent":
        return "absent"
    if attempt.exit_code != 0:
        return "untouched"
    return "repaired" if attempt.outcome == "changed" else "healthy"


def _told(state: State, seen: Seen) -> tuple[Problem, ...]:
    return () if state in GOOD else seen.problems


def _matched(found: list[Endpoint], wanted: Mapping[str, str]) -> Iterator[tuple[Endpoint, str | None]]:
    """Each endpoint with the key of the host in the inventory that it is; the silent ones, too."""
    heard: set[str] = set()
    others: list[Endpoint] = []
    for item in found:
        if item.host.lower() in wanted:
            heard.add(item.host.lower())
            yield item, item.host.lower()
        else:
            others.append(item)
    short: dict[str, list[str]] = {}
    for name in wanted if others else ():
        short.setdefault(name.partition(".")[0], []).append(name)
    for item in others:
        host, _, domain = item.host.lower().partition(".")
        alike = short.get(host, [])
        # Only where one of the two has no domain can they be one host.
        same = len(alike) == 1 and not (domain and "." in alike[0])
        heard.update(alike if same else ())
        yield item, alike[0] if same else None
    for name, written in wanted.items():
        if name not in heard:
            yield Endpoint(written, "silent"), name
