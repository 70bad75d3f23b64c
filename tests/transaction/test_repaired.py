"""When what a client made of a store after a cut-off repair counts as that repair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from dsmcertfix.errors import Problem, StoreUnreadable
from dsmcertfix.ibm.key_database.roots import GSKIT_ROOTS
from dsmcertfix.model import Certificate, FileFact, LocatedStore, Owner, Server, Store, StoreFile
from dsmcertfix.planning.steps import AddCertificate, CheckLive, Expected
from dsmcertfix.transaction.goal import Goal, goal_data, goal_from, is_repaired

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
SERVER = Server("tsm.example.com", 1500)


def certificate(label: str, sha256: str, days: int = 30) -> Certificate:
    start = NOW - timedelta(days=365)
    return Certificate(label, sha256, "s", "i", "1", start, NOW + timedelta(days=days), "server")


OLD, KEPT, NEW = certificate("B", "old"), certificate("A", "kept"), certificate("B", "new")
GOAL = Goal(frozenset({("B", "old")}), frozenset({("A", "kept")}), (frozenset({"new", "ca"}),))
UNKNOWN = Goal(GOAL.removed, GOAL.kept, (frozenset(),))
ANEW = Goal(GOAL.removed, frozenset(), GOAL.expected, frozenset({"kept", "old", "new"}))
ROOT = min(GSKIT_ROOTS)


def store(*certificates: Certificate, problem: Problem | None = None, present: bool = True) -> Store:
    located = LocatedStore(Path("/d"), (1, 1), (), Owner(0, 0, "root"))
    return Store(located, (FileFact(StoreFile.KDB, present),), 4, certificates, problem)


@dataclass(frozen=True)
class Row:
    goal: Goal
    now: Store
    repaired: bool


WRONG = StoreUnreadable("stash-missing", "it is missing").problem()
ROWS = {
    "as expected": Row(GOAL, store(KEPT, NEW), True),
    "the authority's instead": Row(GOAL, store(KEPT, certificate("C", "ca")), True),
    "nothing fetched yet": Row(GOAL, store(KEPT), False),
    "as before": Row(GOAL, store(KEPT, OLD), False),
    "the removed one is back beside it": Row(GOAL, store(KEPT, OLD, NEW), False),
    "the removed one is back under another name": Row(GOAL, store(KEPT, certificate("X", "old"), NEW), False),
    "another's is gone": Row(GOAL, store(NEW), False),
    "another's has another name": Row(GOAL, store(certificate("Z", "kept"), NEW), False),
    "a stranger's": Row(GOAL, store(KEPT, certificate("B", "stranger")), False),
    "a stranger's too": Row(GOAL, store(KEPT, NEW, certificate("S", "stranger")), False),
    "out of date": Row(GOAL, store(KEPT, certificate("B", "new", days=-1)), False),
    "damaged": Row(GOAL, store(KEPT, NEW, problem=WRONG), False),
    "no key database": Row(GOAL, store(KEPT, NEW, present=False), False),
    "not known what to expect": Row(UNKNOWN, store(KEPT, certificate("B", "any")), True),
    "not known, and nothing there": Row(UNKNOWN, store(KEPT), False),
    "anew, with what it had": Row(ANEW, store(KEPT, NEW), True),
    "anew, with GSKit's own": Row(ANEW, store(NEW, certificate("R", ROOT, days=-1)), True),
    "anew, with GSKit's own alone": Row(ANEW, store(certificate("R", ROOT)), False),
    "anew, with what it had alone": Row(ANEW, store(KEPT), False),
    "anew, with a stranger's": Row(ANEW, store(NEW, certificate("S", "stranger")), False),
    "anew, with the removed one": Row(ANEW, store(NEW, certificate("X", "old")), False),
    "GSKit's own in one that is not anew": Row(GOAL, store(KEPT, NEW, certificate("R", ROOT)), False),
    "not known, and one of two out of date": Row(
        UNKNOWN, store(KEPT, certificate("B", "any"), certificate("D", "late", days=-1)), False
    ),
    "not known, and out of date": Row(UNKNOWN, store(KEPT, certificate("B", "any", days=-1)), False),
}


@pytest.mark.parametrize("name", ROWS)
def test_it_is_repaired_only_when_the_client_fetched_what_it_was_to_fetch(name: str) -> None:
    row = ROWS[name]
    assert is_repaired(row.goal, row.now, NOW) is row.repaired


def test_one_of_two_servers_is_not_enough() -> None:
    both = Goal(frozenset(), frozenset(), (frozenset({"one"}), frozenset({"other"})))
    one, other = certificate("1", "one"), certificate("2", "other")
    assert not is_repaired(both, store(one), NOW)
    assert is_repaired(both, store(one, other), NOW)


def test_the_journal_keeps_the_goal_of_a_plan() -> None:
    check = CheckLive((OLD,), (Expected(SERVER, ("new", "ca")),), (KEPT,))
    assert goal_from(goal_data((check,))) == GOAL
    assert goal_from({}) is None


def test_the_goal_of_a_run_without_a_session_is_what_the_next_one_may_bring() -> None:
    check = CheckLive((OLD,), (), (KEPT,))
    assert goal_from(goal_data((check,), (Expected(SERVER, ("new", "ca")),))) == GOAL


def test_the_goal_of_a_store_that_is_made_anew_has_what_it_had() -> None:
    check = CheckLive((OLD,), (Expected(SERVER, ("new", "ca")),), had=(KEPT, OLD, NEW))
    assert goal_from(goal_data((check,))) == ANEW


def test_a_journal_that_does_not_say_what_the_store_had_still_has_a_goal() -> None:
    old = {"removed": [["B", "old"]], "kept": [["A", "kept"]], "expected": [["new", "ca"]]}
    assert goal_from({"goal": old}) == GOAL


def test_what_a_run_puts_in_itself_proves_no_session() -> None:
    check = CheckLive((OLD,), (Expected(SERVER, ("new",)),), (KEPT,))
    assert goal_data((AddCertificate(SERVER, "B", NEW, None), check)) == {}
    assert goal_data(()) == {}


def test_a_goal_with_servers_survives_the_journal() -> None:
    goal = Goal(frozenset(), frozenset(), (frozenset({"a"}),), None, (Server("tsm.example.com", 1500),))
    data = {"removed": [], "kept": [], "expected": [["a"]], "servers": [["tsm.example.com", 1500]]}
    assert goal_from({"goal_given": data}) == goal
