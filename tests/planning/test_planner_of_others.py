"""Stores of users as whom nobody else can sign on (Windows): what goes, what is put in, what is pending."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.facts import ALICE, certificate, fetched, inventory, presents, refusing, server, stanza, store
from tests.planning.plans import names

from dsmcertfix.errors import Busy
from dsmcertfix.model import Certificate, Inventory, Stanza, Store
from dsmcertfix.planning.assess import assess
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import AddCertificate, CheckLive, Reconnect, RunOptions, StorePlan
from dsmcertfix.planning.trust import Handover, make_trust_plan

A = stanza("TSM1")
OLD, NEW = certificate(fetched("TSM1"), "old"), certificate(fetched("TSM1"), "new TSM1")
HOME = Path("/home/alice/certs")


def alices(*held: Certificate, uses: tuple[Stanza, ...] = (A,)) -> Store:
    made = store(*held, uses=uses, directory=str(HOME), area="home", owner=ALICE)
    return made._replace(signs_on=False)


def plan_for(facts: Inventory, selection: Selection | None = None, **how: object) -> StorePlan:
    """The plan of Alice's store."""
    plan = make_plan(facts, selection or Selection(), replace(RunOptions(), **how))  # type: ignore[arg-type]
    return next(item for item in plan.stores if item.store.directory == HOME)


def test_the_certificate_goes_and_the_user_s_next_session_fetches_it() -> None:
    plan = plan_for(inventory(alices(OLD), presented=[presents("TSM1")]))
    assert names(plan) == [
        "preflight",
        "back-up",
        "stage",
        "delete-label",
        "check-staged",
        "swap",
        "check-live",
    ]
    assert (plan.problem, [item.server for item in plan.pending]) == (None, [server("TSM1")])
    (told,) = plan.warnings
    assert "next session of alice" in told and "TRANSITIONAL" in told and "pending" in told


def test_it_is_pending_afterwards_and_not_broken() -> None:
    (item,) = assess(inventory(alices(), presented=[presents("TSM1")]))
    assert ([seen.server for seen in item.pending], item.affected) == ([server("TSM1")], ())


def test_the_server_is_asked_and_what_cannot_come_is_not_removed() -> None:
    not_renewed = inventory(alices(OLD), presented=[presents("TSM1", OLD)])
    plan = plan_for(not_renewed, Selection(fingerprints=(OLD.sha256,)))
    assert plan.problem is not None and plan.problem.code == "server-not-renewed"
    no = refusing(A)
    plan = plan_for(inventory(alices(OLD, uses=(no,)), presented=[presents("TSM1")]))
    assert plan.problem is not None and plan.problem.code == "acceptance-switched-off"


@pytest.mark.parametrize("machines", [OLD, NEW])
def test_a_node_that_the_machine_signs_on_with_is_strict_and_its_certificate_is_put_in(
    machines: Certificate,
) -> None:
    facts = inventory(alices(OLD), store(machines, uses=[A]), presented=[presents("TSM1")])
    plan = plan_for(facts)
    adds = [step for step in plan.steps if isinstance(step, AddCertificate)]
    assert [(step.certificate.sha256, step.provider) for step in adds] == [(NEW.sha256, facts.stores[1].id)]
    assert (plan.pending, plan.warnings) == ((), ())
    assert not [step for step in plan.steps if isinstance(step, Reconnect)]
    (check,) = (step for step in plan.steps if isinstance(step, CheckLive))
    assert [item.server for item in check.expected] == [server("TSM1")]


def test_it_comes_after_the_store_that_proves_the_certificate() -> None:
    facts = inventory(alices(OLD), store(OLD, uses=[A]), presented=[presents("TSM1")])
    directories = [item.store.directory for item in make_plan(facts, Selection(), RunOptions()).stores]
    assert directories == [Path("/opt/ba"), HOME]


def test_while_the_machine_s_store_is_held_nothing_goes_that_its_node_could_not_fetch_again() -> None:
    held = store(uses=[A])._replace(problem=Busy("file-in-use", "held").problem())
    facts = inventory(alices(OLD), held, presented=[presents("TSM1")])
    plan = plan_for(facts)
    adds = [step for step in plan.steps if isinstance(step, AddCertificate)]
    # What adds it asks for the proof first: without one the store stays as it is.
    assert ([step.provider for step in adds], plan.pending) == ([held.id], ())
    own = A._replace(node="ALICE")
    plan = plan_for(inventory(alices(OLD, uses=(own,)), held, presented=[presents("TSM1")]))
    assert [item.server for item in plan.pending] == [server("TSM1")]


def test_another_node_of_the_same_server_fetches_its_own() -> None:
    own = A._replace(node="ALICE")
    facts = inventory(alices(OLD, uses=(own,)), store(OLD, uses=[A]), presented=[presents("TSM1")])
    plan = plan_for(facts)
    assert "add-certificate" not in names(plan)
    assert [item.server for item in plan.pending] == [server("TSM1")]


def test_no_reconnect_means_the_same_as_for_every_store() -> None:
    facts = inventory(alices(OLD), store(NEW, uses=[A]), presented=[presents("TSM1")])
    plan = plan_for(facts, reconnect=False)
    assert ("add-certificate" in names(plan), len(plan.pending), plan.warnings) == (False, 1, ())


def test_a_whole_store_is_left_to_the_user_s_next_session() -> None:
    facts = inventory(alices(OLD), presented=[presents("TSM1")])
    plan = plan_for(facts, Selection(whole_store=True))
    assert names(plan) == ["preflight", "back-up", "move-out", "check-live"]
    assert any("next session of alice" in line for line in plan.warnings)


def test_a_certificate_that_was_handed_over_is_put_in_without_a_session() -> None:
    facts = inventory(alices(OLD), presented=[presents("TSM1")])
    (plan,) = make_trust_plan(facts, Handover("TSM1", (NEW,)), RunOptions()).stores
    assert "add-certificate" in names(plan) and "reconnect" not in names(plan)
    assert "nobody else can sign on" in plan.unproved
