"""Has a client's store become what a repair that was cut off was to make of it?

Owns what the journal keeps for that question. A client may have signed on since: what works is not undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dsmcertfix.model import Certificate, Store, StoreFile
from dsmcertfix.plan import AddCertificate, CheckLive, Step
from dsmcertfix.preflight import in_date

Named = tuple[str, str]
"""Label and SHA-256 of a certificate."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What the live store should hold at the end of a run in which the client fetches certificates itself.

    `expected` has for each server the fingerprints of which any one will do, none where nothing was known.
    """

    removed: frozenset[Named]
    kept: frozenset[Named]
    expected: tuple[frozenset[str], ...]


def goal_data(steps: Iterable[Step]) -> dict[str, object]:
    """What the journal keeps of the plan; nothing where the certificate is put in by the run itself.

    A certificate that is there proves a session only where nothing else could have put it there.
    """
    listed = tuple(steps)
    checks = [step for step in listed if isinstance(step, CheckLive)]
    if len(checks) != 1 or any(isinstance(step, AddCertificate) for step in listed):
        return {}
    (check,) = checks
    goal = {
        "removed": _names(check.removed),
        "kept": _names(check.kept),
        "expected": [list(one.sha256s) for one in check.expected],
    }
    return {"goal": goal}


def goal_from(data: Mapping[str, Any]) -> Goal | None:
    """The goal that a journal tells of; None in one that has none. Raises TypeError and ValueError."""
    told = data.get("goal")
    if told is None:
        return None
    return Goal(
        frozenset(_named(item) for item in told["removed"]),
        frozenset(_named(item) for item in told["kept"]),
        tuple(frozenset(map(str, item)) for item in told["expected"]),
    )


def is_repaired(goal: Goal, store: Store, at: datetime) -> bool:
    """Whether a client has fetched what it was to fetch, and all else is as it was to be.

    The store is whole, none of the removed is back, and all of the kept are there. What is new is in date and
    is what the servers presented when the run began.
    """
    if store.problem is not None or not any(f.present for f in store.files if f.file is StoreFile.KDB):
        return False
    held = {(item.label, item.sha256) for item in store.certificates}
    stay = {sha256 for _, sha256 in goal.kept}
    back = {sha256 for _, sha256 in goal.removed} - stay
    new = [item for item in store.certificates if item.sha256 not in stay]
    if not goal.kept <= held or goal.removed & held or any(item.sha256 in back for item in new):
        return False
    return bool(new) and all(in_date(item, at) for item in new) and _as_expected(goal, new)


def _as_expected(goal: Goal, new: list[Certificate]) -> bool:
    found = {item.sha256 for item in new}
    known = frozenset().union(*goal.expected)
    if not known:
        return True
    return found <= known and all(found & wanted for wanted in goal.expected if wanted)


def _names(certificates: Iterable[Certificate]) -> list[list[str]]:
    return [[item.label, item.sha256] for item in certificates]


def _named(told: Any) -> Named:
    label, sha256 = told
    return str(label), str(sha256)
