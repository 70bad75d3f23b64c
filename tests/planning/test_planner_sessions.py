"""What the client can fetch again, and what happens where it can not, or need not."""

from __future__ import annotations

import pytest
from tests.facts import DOWN, certificate, fetched, inventory, presents, refusing, server, stanza, store
from tests.planning.plans import BOTH, OLD_A, A, B, check, code, names, only, plan_of, reconnects, two_servers

from dsmcertfix.model import Inventory
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import Expected, Preflight


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        (two_servers(dsmc=False), "no-client-program"),
        (two_servers(without_password=(A, B)), "no-stored-password"),
        (inventory(store(OLD_A, uses=[refusing(A)]), presented=BOTH), "acceptance-switched-off"),
        (
            inventory(store(OLD_A, uses=[A._replace(password_generate=False)]), presented=BOTH),
            "no-password-generate",
        ),
        (
            inventory(store(OLD_A, uses=[stanza("TSM1", replication=True)]), presented=BOTH),
            "no-stanza-for-server",
        ),
    ],
)
def test_trust_is_not_taken_away_where_the_client_could_not_fetch_it_again(
    facts: Inventory, problem: str
) -> None:
    item = only(plan_of(facts))
    assert code(item) == problem
    assert isinstance(item.steps[0], Preflight)


@pytest.mark.parametrize("dsmc", [True, False])
def test_without_reconnect_the_certificate_is_pending_and_no_client_is_needed(dsmc: bool) -> None:
    item = only(plan_of(two_servers(dsmc=dsmc, without_password=(A, B)), reconnect=False))
    assert item.problem is None
    assert reconnects(item) == []
    assert [expected.server for expected in item.pending] == [server("TSM1"), server("TSM10")]
    assert check(item).expected == ()


def test_without_reconnect_a_server_that_was_not_renewed_still_keeps_its_trust() -> None:
    facts = inventory(
        store(certificate(fetched("TSM1"), days=-1), uses=[A]), presented=[presents("TSM1", problem=DOWN)]
    )
    assert only(plan_of(facts, reconnect=False)).problem == DOWN


def test_without_preflight_nobody_is_asked_and_any_new_certificate_will_do() -> None:
    facts = inventory(store(OLD_A, uses=[A]), without_password=[A])
    item = only(plan_of(facts, Selection(servers=("TSM1",)), preflight=False))
    assert "preflight" not in names(item)
    assert check(item).expected == (Expected(server("TSM1"), ()),)


def test_without_preflight_a_missing_client_is_still_told() -> None:
    facts = inventory(store(OLD_A, uses=[A]), dsmc=False)
    assert code(only(plan_of(facts, Selection(servers=("TSM1",)), preflight=False))) == "no-client-program"


def test_the_stanza_with_a_stored_password_is_the_one_that_reconnects() -> None:
    second = stanza("TSM1_B", "tsm1.example.com")
    facts = inventory(store(OLD_A, uses=[A, second]), presented=[presents("TSM1")], without_password=[A])
    item = only(plan_of(facts))
    assert (item.problem, reconnects(item)) == (None, ["TSM1_B"])


def test_a_failover_server_s_new_certificate_waits_for_the_failover() -> None:
    facts = inventory(store(OLD_A, uses=[stanza("TSM1", replication=True)]), presented=BOTH)
    item = only(plan_of(facts, reconnect=False))
    assert (item.problem, [expected.server for expected in item.pending]) == (None, [server("TSM1")])
