"""What a store misses: what the next session brings, and what it does not bring."""

from __future__ import annotations

import pytest
from tests.authorities import Made, may_sign, usage
from tests.facts import ALICE, DOWN, certificate, fetched, inventory, presents, server, stanza, store

from dsmcertfix.errors import Busy, Problem, StoreUnreadable
from dsmcertfix.model import Certificate, FileFact, Presented, StanzaUse, StoreFile
from dsmcertfix.planning.assess import assess

A, B = stanza("TSM1"), stanza("TSM10")
ROOT_CA = Made("Root", extensions=(may_sign(), usage(signs=True)))
SIGNED = Made("tsm1", ROOT_CA)
OLD = certificate(fetched("TSM1"), "old TSM1")
NEW = certificate(fetched("TSM1"), "new TSM1")


def test_what_no_store_holds_yet_is_pending() -> None:
    facts = inventory(store(uses=[A, B]), presented=[presents("TSM1"), presents("TSM10", problem=DOWN)])
    assert [seen.server for seen in assess(facts)[0].pending] == [server("TSM1")]


def test_nothing_is_pending_where_another_store_of_the_same_owner_holds_it() -> None:
    here, there = store(uses=[A]), store(NEW, uses=[A], directory="/opt/adsm")
    assert assess(inventory(here, there, presented=[presents("TSM1")]))[0].pending == ()
    theirs = store(NEW, uses=[A], directory="/home/alice/certs", owner=ALICE)
    assert assess(inventory(here, theirs, presented=[presents("TSM1")]))[0].pending != ()


def test_nothing_is_pending_of_a_failover_server_nor_of_a_stanza_that_nobody_is_known_to_use() -> None:
    uses = (stanza("TSM1", replication=True), StanzaUse(B, "anybody could", certain=False))
    facts = inventory(store(uses=uses), presented=[presents("TSM1"), presents("TSM10")])
    assert assess(facts)[0].pending == ()


def test_nothing_is_pending_in_a_store_that_could_not_be_read() -> None:
    busy = store(uses=[A])._replace(problem=Busy("file-in-use", "held").problem())
    assert assess(inventory(busy, presented=[presents("TSM1")]))[0].pending == ()
    damaged = store(OLD, uses=[A, B])._replace(problem=StoreUnreadable("stash-missing", "none").problem())
    facts = inventory(damaged, presented=[presents("TSM1"), presents("TSM10")])
    assert [seen.server for seen in assess(facts)[0].pending] == [server("TSM10")]


@pytest.mark.parametrize(
    ("shown", "pending", "problem"),
    [(SIGNED, False, False), (Made("tsm1"), True, False), (Made("tsm1", Made("Another")), False, True)],
    ids=["signed by it", "self-signed", "signed by another"],
)
def test_beside_a_root_only_what_a_session_can_make_trusted_is_pending(
    shown: Made, pending: bool, problem: bool
) -> None:
    facts = inventory(store(ROOT_CA.stored("Root"), uses=[A]), presented=[presents("TSM1", shown.stored())])
    found = assess(facts)[0]
    assert (bool(found.pending), found.problem is not None) == (pending, problem)
    assert found.problem is None or found.problem.code == "server-not-trusted"


def problem_of(shown: Presented, *held: Certificate) -> Problem | None:
    return assess(inventory(store(*held, uses=[A]), presented=[shown]))[0].problem


def test_a_store_without_a_ca_misses_what_the_next_session_brings_and_one_with_another_is_told() -> None:
    shown, another = presents("TSM1", SIGNED.stored()), Made("Root", extensions=(may_sign(),)).stored("CA")
    assert problem_of(shown) is None
    assert problem_of(shown, certificate("x")) is None
    problem = problem_of(shown, another)
    assert problem is not None and problem.code == "server-not-trusted"
    assert problem_of(presents("TSM1", Made("tsm1").stored()), another) is None


def test_a_store_whose_key_database_is_gone_misses_its_servers_and_one_that_cannot_be_read_does_not() -> None:
    def missed(*present: StoreFile) -> int:
        files = tuple(FileFact(file, file in present) for file in StoreFile)
        made = store(uses=[A], files=files, problem=DOWN)
        (item,) = assess(inventory(made, presented=[presents("TSM1")]))
        return len(item.pending)

    assert missed() == missed(StoreFile.STH) == 1
    assert missed(StoreFile.KDB) == missed(*StoreFile) == 0


def test_what_another_store_of_the_owner_holds_is_not_missing_and_its_own_does_not_count() -> None:
    here = store(uses=[A], directory="/a")
    other = store(NEW._replace(label="x"), uses=[B], directory="/b")
    seen = [presents("TSM1")]
    assert [len(item.pending) for item in assess(inventory(here, other, presented=seen))] == [0, 0]
    theirs = store(NEW._replace(label="x"), uses=[B], directory="/b", owner=ALICE)
    assert len(assess(inventory(here, theirs, presented=seen))[0].pending) == 1
    # Its own copy is not trusted: then it is missing all the same.
    own = store(NEW._replace(label="y", trusted=False, kind="ca"), uses=[A], directory="/a")
    assert assess(inventory(own, presented=seen))[0].store is own
