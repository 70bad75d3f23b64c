"""From facts and wishes to steps: what is exchanged and what refused, and when two plans are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.facts import ca, certificate, inventory, presents, server, store
from tests.planning.plans import (
    BOTH,
    DAMAGED,
    NEW_A,
    OLD_A,
    OLD_B,
    WHOLE,
    A,
    B,
    api,
    check,
    names,
    only,
    plan_of,
    reconnects,
    two_servers,
)

from dsmcertfix.model import Inventory
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import CheckLive, DeleteLabel, Expected, Reconnect, Swap, step_name, step_text

LABEL_STEPS = [
    "preflight",
    "back-up",
    "stage",
    "delete-label",
    "check-staged",
    "swap",
    "reconnect",
    "check-live",
]


def test_a_replaced_certificate_is_exchanged_and_everything_else_is_kept() -> None:
    item = only(plan_of(inventory(store(OLD_A, OLD_B, uses=[A, B]), presented=[presents("TSM1")])))
    assert names(item) == LABEL_STEPS
    assert item.problem is None
    assert check(item) == CheckLive(
        (OLD_A,), (Expected(server("TSM1"), (presents("TSM1").chain[0].sha256,)),), (OLD_B,)
    )
    assert [step for step in item.steps if isinstance(step, DeleteLabel)] == [DeleteLabel(OLD_A)]
    assert reconnects(item) == ["TSM1"]
    assert (item.pending, item.warnings) == ((), ())


def test_nothing_affected_is_an_empty_plan() -> None:
    plan = plan_of(inventory(store(NEW_A, ca("Root", days=-9), uses=[A]), presented=[presents("TSM1")]))
    assert (plan.stores, plan.refused) == ((), ())
    assert len(plan.assessed) == 1


def test_no_store_at_all_is_an_empty_plan() -> None:
    assert plan_of(inventory()).stores == ()


def test_two_affected_certificates_of_a_store_go_in_one_transaction() -> None:
    item = only(plan_of(two_servers()))
    assert names(item).count("delete-label") == 2
    assert reconnects(item) == ["TSM1", "TSM10"]
    assert check(item).kept == (ca("Root"),)


def test_two_certificates_of_one_server_need_one_reconnect() -> None:
    facts = inventory(store(OLD_A, OLD_B._replace(label="TSM1 2019"), uses=[A]), presented=BOTH)
    item = only(plan_of(facts))
    assert (len(item.targets), reconnects(item)) == (2, ["TSM1"])


@pytest.mark.parametrize("kind", ["personal", "secret"])
@pytest.mark.parametrize("whole", [False, True])
def test_a_key_of_the_client_is_never_taken_out(kind: str, whole: bool) -> None:
    key = certificate("mykey", kind=kind)  # type: ignore[arg-type]
    wish = Selection(whole_store=True, stores=(Path("/opt/ba"),)) if whole else Selection(labels=("mykey",))
    plan = plan_of(inventory(store(key, OLD_A, uses=[A]), presented=BOTH), wish)
    assert plan.stores == ()
    assert [item.problem.code for item in plan.refused] == ["not-a-server-certificate"]


def test_a_damaged_store_is_refused_and_does_not_stop_the_others() -> None:
    good, bad = store(OLD_A, uses=[A]), store(OLD_A, uses=[A], directory="/opt/bad", problem=DAMAGED)
    plan = plan_of(inventory(bad, good, presented=[presents("TSM1")]))
    assert [item.store for item in plan.stores] == [good]
    assert [(item.store, item.problem) for item in plan.refused] == [(bad, DAMAGED)]


def test_a_store_that_may_not_be_changed_is_refused_only_when_there_is_something_to_do() -> None:
    closed = store(OLD_A, uses=[A])._replace(writable=False)
    plan = plan_of(inventory(closed, presented=[presents("TSM1")]))
    assert [item.problem.code for item in plan.refused] == ["store-not-writable"]
    fine = store(NEW_A, uses=[A])._replace(writable=False)
    assert plan_of(inventory(fine, presented=[presents("TSM1")])).refused == ()


def test_the_index_file_goes_unless_it_is_to_be_kept() -> None:
    assert Swap(False) in only(plan_of(two_servers())).steps
    assert Swap(True) in only(plan_of(two_servers(), keep_index=True)).steps


def test_every_step_has_a_name_and_a_line_for_people() -> None:
    facts = inventory(api(OLD_A), store(OLD_A, uses=[A]), presented=[presents("TSM1")])
    steps = [step for item in plan_of(facts).stores for step in item.steps]
    steps += only(plan_of(two_servers(), WHOLE)).steps
    for step in steps:
        assert step_text(step)
        assert step_name(step) == step_name(step).lower().strip("-")


def test_a_session_is_told_with_its_user_and_without_one_by_nothing() -> None:
    assert step_text(Reconnect(A, "alice")).endswith(" as alice")
    assert " as" not in step_text(Reconnect(A, ""))
    assert Swap().keep_index is False and "index" in step_text(Swap()) != step_text(Swap(True))


# --- one and the same plan -------------------------------------------------------------------------------


def test_the_same_facts_and_wishes_give_the_same_plan() -> None:
    assert plan_of(two_servers()) == plan_of(two_servers())
    assert plan_of(two_servers()).same_changes(plan_of(two_servers()))


def test_a_plan_is_the_same_where_a_session_has_saved_failover_servers_meanwhile() -> None:
    saved = [item._replace(line=item.line + 7, failover=("TARGET",)) for item in (A, B)]
    after = inventory(store(OLD_A, OLD_B, ca("Root"), uses=saved), presented=BOTH)
    assert plan_of(two_servers()).same_changes(plan_of(after))
    assert plan_of(two_servers()) != plan_of(after)
    moved = [A._replace(passworddir="/elsewhere"), B]
    after = inventory(store(OLD_A, OLD_B, ca("Root"), uses=moved), presented=BOTH)
    assert not plan_of(two_servers()).same_changes(plan_of(after))


@pytest.mark.parametrize(
    "other",
    [
        inventory(store(OLD_A, ca("Root"), uses=[A, B]), presented=BOTH),
        inventory(store(OLD_A, OLD_B, ca("Root"), uses=[A, B], directory="/opt/other"), presented=BOTH),
        inventory(store(OLD_A, OLD_B, ca("Root 2"), uses=[A, B]), presented=BOTH),
        inventory(
            store(OLD_A, OLD_B, ca("Root"), uses=[A, B]),
            presented=[presents("TSM1", certificate("", "yet another")), presents("TSM10")],
        ),
        two_servers(dsmc=False),
        inventory(),
    ],
    ids=["target gone", "elsewhere", "another to keep", "another presented", "refused now", "nothing left"],
)
def test_a_plan_that_would_do_something_else_is_not_the_one_that_was_shown(other: Inventory) -> None:
    assert not plan_of(two_servers()).same_changes(plan_of(other))
    assert not plan_of(other).same_changes(plan_of(two_servers()))
