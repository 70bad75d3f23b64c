"""Stores that are made anew as a whole: who fills them, and what nobody brings back."""

from __future__ import annotations

import pytest
from tests.facts import DOWN, ca, certificate, inventory, presents, server, stanza, store
from tests.planning.plans import (
    BOTH,
    DAMAGED,
    NEW_A,
    OLD_A,
    OLD_B,
    WHOLE,
    A,
    B,
    check,
    code,
    names,
    only,
    plan_of,
    reconnects,
    two_servers,
)

from dsmcertfix.model import StanzaUse
from dsmcertfix.planning import fix
from dsmcertfix.planning.assess import Assessed
from dsmcertfix.planning.selection import Selection


def test_a_whole_store_reconnects_once_for_every_stanza_that_uses_it() -> None:
    second = stanza("TSM1_B", "tsm1.example.com")
    facts = inventory(store(OLD_A, OLD_B, uses=[A, second, B]), presented=BOTH)
    item = only(plan_of(facts, WHOLE))
    assert names(item)[3:] == ["back-up", "move-out", *["reconnect"] * 3, "check-live"]
    assert reconnects(item) == ["TSM1", "TSM1_B", "TSM10"]
    assert [expected.server for expected in check(item).expected] == [server("TSM1"), server("TSM10")]
    assert item.mode == "whole-store"


def test_whole_store_without_a_named_one_takes_the_affected_stores_only() -> None:
    ill, well = store(OLD_A, uses=[A]), store(NEW_A, uses=[A], directory="/opt/well")
    plan = plan_of(inventory(ill, well, presented=[presents("TSM1")]), Selection(whole_store=True))
    assert [item.store for item in plan.stores] == [ill]


def test_a_damaged_store_can_be_moved_out_whole() -> None:
    facts = inventory(store(uses=[A], problem=DAMAGED), presented=[presents("TSM1")])
    item = only(plan_of(facts, Selection(whole_store=True)))
    assert (item.mode, item.problem) == ("whole-store", None)


def test_a_store_whose_files_could_not_be_looked_at_is_not_moved_out() -> None:
    plan = plan_of(inventory(store(uses=[A], problem=DAMAGED, files=()), presented=BOTH), WHOLE)
    assert plan.stores == ()
    assert [item.problem for item in plan.refused] == [DAMAGED]


def test_a_whole_store_warns_of_what_no_server_hands_out_again() -> None:
    failover = stanza("TSM10", replication=True)
    held = (OLD_A, OLD_B, ca("Corporate Root"), certificate("spcert_1"))
    item = only(plan_of(inventory(store(*held, uses=[A, failover]), presented=BOTH), WHOLE))
    told = "\n".join(item.warnings)
    assert "Corporate Root" in told and "spcert_1" in told and OLD_B.label in told
    assert OLD_A.label not in [line.split("`")[1] for line in item.warnings]


def test_a_failover_stanza_does_not_keep_a_whole_store_from_being_made_anew() -> None:
    facts = inventory(store(OLD_A, uses=[A, stanza("TSM10", replication=True)]), presented=BOTH)
    item = only(plan_of(facts, WHOLE))
    assert (item.problem, reconnects(item)) == (None, ["TSM1"])
    assert [expected.server for expected in check(item).expected] == [server("TSM1")]


def test_a_stanza_that_nobody_is_known_to_use_is_not_needed_for_a_whole_store() -> None:
    maybe = StanzaUse(B, "anybody could", certain=False)
    facts = inventory(
        store(OLD_A, uses=[A, maybe]), presented=[presents("TSM1"), presents("TSM10", problem=DOWN)]
    )
    item = only(plan_of(facts, WHOLE))
    assert (item.problem, reconnects(item)) == (None, ["TSM1"])


def test_a_whole_store_of_which_one_server_is_down_is_left_alone() -> None:
    facts = inventory(
        store(OLD_A, OLD_B, uses=[A, B]), presented=[presents("TSM1"), presents("TSM10", problem=DOWN)]
    )
    assert only(plan_of(facts, WHOLE)).problem == DOWN


def test_a_whole_store_that_no_stanza_uses_is_left_alone() -> None:
    item = only(plan_of(inventory(store(OLD_A)), WHOLE))
    assert code(item) == "store-without-stanza"
    assert only(plan_of(inventory(store(OLD_A)), WHOLE, reconnect=False)).problem is None


def test_a_whole_store_without_reconnect_is_gone_and_all_is_pending() -> None:
    item = only(plan_of(two_servers(), WHOLE, reconnect=False))
    assert check(item).moved_out
    assert names(item) == ["preflight", "preflight", "back-up", "move-out", "check-live"]
    assert len(item.pending) == 2


@pytest.mark.parametrize(("kind", "named", "fetched"), [("server", True, True), ("server", False, False)])
def test_only_what_a_server_hands_out_comes_back(kind: str, named: bool, fetched: bool) -> None:
    one = Assessed(certificate("a"), "ok", "", server("TSM1") if named else None, 1)
    assert fix._is_fetched(one) is fetched
    by_person = Assessed(ca("a"), "ok", "", server("TSM1"), 1, "authority")
    assert fix._is_fetched(by_person) is False
