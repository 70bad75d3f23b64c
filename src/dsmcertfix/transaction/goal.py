"""Has a client's store become what a repair that was cut off was to make of it?

Owns what the journal keeps for that question. A client may have signed on since: what works is not undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dsmcertfix.ibm.key_database.chain import in_date
from dsmcertfix.ibm.key_database.roots import GSKIT_ROOTS
from dsmcertfix.model import Certificate, Server, Store
from dsmcertfix.planning.steps import AddCertificate, CheckLive, Expected, Prove, Step

Named = tuple[str, str]
"""Label and SHA-256 of a certificate."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What the live store should hold at the end of a run.

    `expected` has for each server the fingerprints of which any one will do, none where nothing was known.
    `servers` are those that IBM's TLS must trust with it, where the run put a certificate in itself: none
    where the client fetches, whose session then proved it.
    `had` is what a store held that is made anew, and may hold again; None for one that is not.
    """

    removed: frozenset[Named]
    kept: frozenset[Named]
    expected: tuple[frozenset[str], ...]
    had: frozenset[str] | None = None
    servers: tuple[Server, ...] = ()


def goal_data(steps: tuple[Step, ...], pending: tuple[Expected, ...] = ()) -> dict[str, object]:
    """What the journal keeps of the plan; nothing where the run puts a certificate in that nothing proves.

    `pending` is what a later session may bring where the run has none. A certificate that is there proves a
    session only where nothing else could have put it there.
    """
    checks = [step for step in steps if isinstance(step, CheckLive)]
    given = any(isinstance(step, AddCertificate) for step in steps)
    proofs = [step.server for step in steps if isinstance(step, Prove) and not step.copy]
    if len(checks) != 1 or (given and not (proofs and checks[0].expected)):
        return {}
    (check,) = checks
    goal = {
        "removed": _names(check.removed),
        "kept": _names(check.kept),
        "expected": [list(one.sha256s) for one in check.expected or pending],
        "had": None if check.had is None else [item.sha256 for item in check.had],
    }
    # Under another name: a release that asks no TLS must not take it for fetched.
    return {"goal_given": {**goal, "servers": [list(one) for one in proofs]}} if given else {"goal": goal}


def goal_from(data: Mapping[str, Any]) -> Goal | None:
    """The goal that a journal tells of; None in one that has none. Raises TypeError and ValueError."""
    told = data.get("goal") or data.get("goal_given")
    if told is None:
        return None
    return Goal(
        frozenset(_named(item) for item in told["removed"]),
        frozenset(_named(item) for item in told["kept"]),
        tuple(frozenset(map(str, item)) for item in told["expected"]),
        None if told.get("had") is None else frozenset(map(str, told["had"])),
        tuple(Server(str(address), int(port)) for address, port in told.get("servers", ())),
    )


def is_repaired(goal: Goal, store: Store, at: datetime) -> bool:
    """Whether a client has fetched what it was to fetch, and all else is as it was to be.

    The store is whole, none of the removed is back, and all of the kept are there. What is new is in date,
    and exactly what was expected of the servers.
    """
    if store.problem is not None or not store.has_key_database:
        return False
    held = {(item.label, item.sha256) for item in store.certificates}
    stay = {sha256 for _, sha256 in goal.kept}
    back = {sha256 for _, sha256 in goal.removed} - stay
    own = frozenset() if goal.had is None else goal.had | GSKIT_ROOTS
    expected = frozenset().union(*goal.expected)
    new = [item for item in store.certificates if item.sha256 not in stay | (own - expected)]
    if not goal.kept <= held or goal.removed & held or any(sha256 in back for _, sha256 in held):
        return False
    if not new or not all(in_date(item, at) for item in new):
        return False
    found = {item.sha256 for item in new}
    return not expected or (found <= expected and all(found & wanted for wanted in goal.expected if wanted))


def _names(certificates: Iterable[Certificate]) -> list[list[str]]:
    return [[item.label, item.sha256] for item in certificates]


def _named(told: Any) -> Named:
    label, sha256 = told
    return str(label), str(sha256)
