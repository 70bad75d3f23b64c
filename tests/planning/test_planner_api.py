"""Stores of API applications: whose word fills them, since no session does."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.facts import ALICE, BOB, inventory, presents, server, store
from tests.planning.plans import BOTH, NEW_A, OLD_A, A, api, check, code, only, plan_of, reconnects

from dsmcertfix.model import Inventory
from dsmcertfix.planning.pins import Pin
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import AddCertificate, CheckStaged


def test_an_api_store_gets_what_the_client_s_own_store_proves_in_this_run() -> None:
    plan = plan_of(inventory(api(OLD_A), store(OLD_A, uses=[A]), presented=[presents("TSM1")]))
    client, application = plan.stores
    assert str(client.store.directory) == "/opt/ba"
    add = next(step for step in application.steps if isinstance(step, AddCertificate))
    assert add == AddCertificate(server("TSM1"), OLD_A.label, presents("TSM1").chain[0], client.store.id)
    assert (application.problem, reconnects(application)) == (None, [])
    assert next(step for step in application.steps if isinstance(step, CheckStaged)).added == (
        add.certificate,
    )


def test_an_api_store_gets_what_the_client_trusts_already() -> None:
    facts = inventory(api(OLD_A), store(NEW_A, uses=[A]), presented=[presents("TSM1")])
    item = only(plan_of(facts))
    assert item.problem is None
    assert any(isinstance(step, AddCertificate) for step in item.steps)


@pytest.mark.parametrize(
    "facts",
    [
        inventory(api(OLD_A), presented=[presents("TSM1")]),
        inventory(api(OLD_A), store(OLD_A, uses=[A]), presented=[presents("TSM1")], dsmc=False),
        inventory(api(OLD_A), store(NEW_A, uses=[A], directory="/home/bob/c", owner=BOB), presented=BOTH),
        inventory(api(OLD_A), store(OLD_A, uses=[A], directory="/home/bob/c", owner=BOB), presented=BOTH),
    ],
    ids=["no client store", "client cannot reconnect", "a user vouches", "a user would vouch"],
)
def test_an_api_store_is_not_changed_on_nobody_s_or_just_any_user_s_word(facts: Inventory) -> None:
    item = next(item for item in plan_of(facts).stores if item.store.directory == Path("/opt/api"))
    assert code(item) == "store-of-api-applications"


@pytest.mark.parametrize(
    ("selection", "how"),
    [
        (Selection(), {"pins": (Pin("0" * 64),)}),
        (Selection(whole_store=True), {}),
        (Selection(whole_store=True, stores=(Path("/opt/api"),)), {"pins": (Pin("0" * 64),)}),
        (Selection(), {"preflight": False}),
    ],
)
def test_no_session_is_planned_for_an_api_store_whatever_it_is_refused_for(
    selection: Selection, how: dict[str, object]
) -> None:
    item = only(plan_of(inventory(api(OLD_A), presented=[presents("TSM1")]), selection, **how))
    assert item.problem is not None
    assert reconnects(item) == []


def test_a_user_s_api_store_may_be_filled_from_the_user_s_own_client_store() -> None:
    own = store(NEW_A, uses=[A], directory="/home/alice/c", owner=ALICE)
    item = only(plan_of(inventory(api(OLD_A, owner=ALICE), own, presented=[presents("TSM1")])))
    assert item.problem is None


def test_what_goes_into_an_api_store_must_be_the_expected_certificate_before_anything_is_touched() -> None:
    facts = inventory(api(OLD_A), store(NEW_A, uses=[A]), presented=[presents("TSM1")])
    item = only(plan_of(facts, Selection(stores=(Path("/opt/api"),)), pins=(Pin("0" * 64),)))
    assert code(item) == "unexpected-certificate"


def test_an_api_store_that_holds_the_new_one_under_another_label_gets_no_second() -> None:
    new = NEW_A._replace(label="TSM1 new")
    facts = inventory(api(OLD_A, new), store(NEW_A, uses=[A]), presented=[presents("TSM1")])
    item = only(plan_of(facts, Selection(labels=(OLD_A.label,))))
    assert not any(isinstance(step, AddCertificate) for step in item.steps)
    assert (item.problem, check(item).kept) == (None, (new,))


def test_an_api_store_waits_for_the_application_without_reconnect() -> None:
    item = only(plan_of(inventory(api(OLD_A), presented=[presents("TSM1")]), reconnect=False))
    assert (item.problem, len(item.pending)) == (None, 1)
