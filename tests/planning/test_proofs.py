"""What a refusal of IBM's own TLS means beside the judgement by the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.authorities import Made, may_sign
from tests.facts import DOWN, NOW, inventory, presents, server, stanza, store

from dsmcertfix.model import Certificate, Inventory, Presented, Proof
from dsmcertfix.planning.assess import assess
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.proofs import asked_before, with_proofs
from dsmcertfix.planning.refusals import first_refused, refused_for_want
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import BackUp, Plan, Preflight, Prove, RunOptions, StorePlan, step_name
from dsmcertfix.planning.trust import Handover, make_trust_plan
from dsmcertfix.wording import NO_GSKIT, not_proved

ROOT = Made("Root", extensions=(may_sign(),))
SERVER = Made("tsm1", ROOT).stored()
SELF = Made("tsm1").stored("TSM server TSM1 self-signed key")
OLD = Made("tsm1").stored("TSM server TSM1 self-signed key")


@pytest.mark.parametrize(
    ("held", "shown", "counts"),
    [
        pytest.param(ROOT.stored("Root"), SERVER, True, id="by a CA that is not presented"),
        pytest.param(SELF, SELF, True, id="by its own certificate"),
        pytest.param(OLD, SELF, False, id="not at all, as the rules say too"),
    ],
)
def test_a_refusal_counts_where_the_rules_say_that_the_client_trusts_the_server(
    held: Certificate, shown: Certificate, counts: bool
) -> None:
    seen: Presented = presents("TSM1", shown)
    (item,) = assess(inventory(store(held, uses=[stanza("TSM1")]), presented=[seen]))
    refused = Proof(seen.server, "refused", 414, "IBM's TLS refuses the server")
    accepted = Proof(seen.server, "accepted", 0, "IBM's TLS trusts the server")
    assert first_refused(item, {item.store.id: (accepted, refused)}) == (refused if counts else None)
    assert first_refused(item, {item.store.id: (accepted,)}) is None


REFUSED = Proof(server("TSM1"), "refused", 414, "IBM's TLS refuses the server")
ACCEPTED = Proof(server("TSM1"), "accepted", 0, "IBM's TLS trusts the server")


def foreseen(proof: Proof | None, *, soon: bool = False, named: bool = False) -> StorePlan:
    """The plan for a store whose certificate is another one than the server presents, or expires soon."""
    facts = inventory(store(SELF if soon else OLD, uses=[stanza("TSM1")]), presented=[presents("TSM1", SELF)])
    wanted = Selection(servers=("TSM1",) if named else (), expires_within_days=100_000 if soon else 0)
    plan = make_plan(facts, wanted, RunOptions())
    assert [asked for _, asked in asked_before(plan, facts)] == ([] if soon else [server("TSM1")])
    before = None if proof is None else {facts.stores[0].id: (proof,)}
    (told,) = with_proofs(plan, facts, before, named=named).stores
    return told


def test_the_preflight_says_for_certain_that_the_old_store_fails() -> None:
    plan = foreseen(REFUSED)
    assert (plan.steps[0].note, plan.problem) == (REFUSED.reason, None)  # type: ignore[union-attr]


def test_a_store_that_ibm_s_tls_trusts_the_server_with_is_left_alone() -> None:
    problem = foreseen(ACCEPTED).problem
    assert problem is not None and problem.code == "still-trusted"


def test_but_not_where_a_person_named_the_server() -> None:
    assert foreseen(ACCEPTED, named=True).problem is None


def test_a_certificate_that_runs_out_soon_is_exchanged_though_it_works() -> None:
    plan = foreseen(ACCEPTED, soon=True)
    assert plan.problem is None or plan.problem.code != "still-trusted"


def test_where_it_cannot_be_asked_that_is_said() -> None:
    plan = foreseen(None)
    assert plan.warnings[-1].startswith("not proved by IBM's TLS: there is no GSKit")
    assert not any(isinstance(step, Prove) for step in plan.steps)


# --- where it is asked -----------------------------------------------------------------------------------

TSM1, TSM2 = stanza("TSM1"), stanza("TSM2")


NOTHING: dict[str, tuple[Proof, ...]] = {}


def told(plan: Plan, facts: Inventory, before: dict[str, tuple[Proof, ...]] | None = NOTHING) -> StorePlan:
    (found,) = with_proofs(plan, facts, before, named=False).stores
    return found


def asks(plan: StorePlan) -> list[tuple[int, str, bool]]:
    """Where it stands, of whom, and whether of the copy."""
    return [
        (number, step.server.address.partition(".")[0], step.copy)
        for number, step in enumerate(plan.steps)
        if isinstance(step, Prove)
    ]


def names(plan: StorePlan) -> list[str]:
    return [step_name(step) for step in plan.steps]


HOW = RunOptions()


def exchange(*presented: Presented, how: RunOptions = HOW) -> tuple[Plan, Inventory]:
    facts = inventory(store(OLD, uses=[TSM1]), presented=presented)
    return make_plan(facts, Selection(labels=(OLD.label,)), how), facts


def test_where_a_client_fetches_the_end_is_proved_and_not_the_copy() -> None:
    plan, facts = exchange(presents("TSM1", SELF))
    proved = told(plan, facts)
    assert asks(proved) == [(len(proved.steps) - 1, "tsm1", False)]
    assert proved.warnings == plan.stores[0].warnings


def test_where_a_certificate_is_put_in_the_copy_is_proved_right_before_the_swap() -> None:
    facts = inventory(store(OLD, uses=[TSM1]), presented=[presents("TSM1", SELF)])
    plan = make_trust_plan(facts, Handover("TSM1", (SELF,)), RunOptions())
    proved = told(plan, facts)
    swap = names(proved).index("swap")
    assert asks(proved) == [(swap - 1, "tsm1", True), (len(proved.steps) - 1, "tsm1", False)]


def test_a_server_that_did_not_answer_is_not_asked_and_that_is_said() -> None:
    plan, facts = exchange(presents("TSM1", problem=DOWN), how=RunOptions(preflight=False))
    proved = told(plan, facts)
    assert asks(proved) == []
    assert proved.warnings[-1] == not_proved(f"{server('TSM1')} did not answer")
    assert asked_before(plan, facts) == ()
    without = told(plan, facts, None)
    assert [line for line in without.warnings if "did not answer" in line] == []
    assert without.warnings[-1] == not_proved(NO_GSKIT)


def test_where_nothing_is_proved_it_is_said_who_does_not_prove_it_either() -> None:
    facts = inventory(store(OLD, uses=[TSM1]), presented=[presents("TSM1", problem=DOWN)])
    how = RunOptions(preflight=False, reconnect=False)
    plan = make_trust_plan(facts, Handover("TSM1", (SELF,)), how)
    proved = told(plan, facts)
    assert proved.warnings == (plan.stores[0].unproved, not_proved(f"{server('TSM1')} did not answer"))
    assert plan.stores[0].unproved


def test_a_password_that_is_set_anew_changes_nothing_for_any_server_that_was_trusted() -> None:
    other = Made("tsm2").stored("TSM server TSM2 self-signed key")
    held = store(SELF, other, uses=[TSM1, TSM2])._replace(password_expires=NOW - timedelta(days=1))
    facts = inventory(held, presented=[presents("TSM1", SELF), presents("TSM2", other)])
    plan = make_plan(facts, Selection(), RunOptions())
    assert "keep-password" in names(plan.stores[0])
    end = len(plan.stores[0].steps)
    assert sorted(asks(told(plan, facts))) == [(end, "tsm1", False), (end + 1, "tsm2", False)]
    facts = inventory(held._replace(password_expires=None), presented=[presents("TSM1", SELF)])
    assert make_plan(facts, Selection(), RunOptions()).stores == ()


def test_only_stores_with_a_key_database_are_asked_about_before_and_only_sound_preflights() -> None:
    facts = inventory(store(OLD, uses=[TSM1]), presented=[presents("TSM1", SELF)])
    plan = make_plan(facts, Selection(), RunOptions())
    assert asked_before(plan, facts) == ((facts.stores[0].located, server("TSM1")),)
    empty = replace(plan.stores[0], store=plan.stores[0].store._replace(files=()))
    assert asked_before(replace(plan, stores=(empty,)), facts) == ()
    no_password = inventory(
        store(OLD, uses=[TSM1]), presented=[presents("TSM1", SELF)], without_password=[TSM1]
    )
    plan = make_plan(no_password, Selection(), RunOptions())
    assert plan.stores[0].problem is not None and asked_before(plan, no_password) == ()


def test_a_preflight_that_failed_keeps_its_own_problem() -> None:
    facts = inventory(store(OLD, uses=[TSM1]), presented=[presents("TSM1", SELF)], without_password=[TSM1])
    plan = make_plan(facts, Selection(), RunOptions())
    before: dict[str, tuple[Proof, ...]] = {facts.stores[0].id: (ACCEPTED,)}
    assert told(plan, facts, before).problem == plan.stores[0].problem


def test_a_proof_of_another_server_says_nothing_of_this_one() -> None:
    facts = inventory(store(OLD, uses=[TSM1]), presented=[presents("TSM1", SELF)])
    plan = make_plan(facts, Selection(), RunOptions())
    other = Proof(server("TSM2"), "accepted", 0, "IBM's TLS trusts the server")
    proved = told(plan, facts, {facts.stores[0].id: (other,)})
    assert proved.problem is None and proved.steps[0] == plan.stores[0].steps[0]


def test_a_refusal_for_want_of_a_certificate_is_told_where_it_calls_for_nothing() -> None:
    other = Made("tsm2").stored("TSM server TSM2 self-signed key")
    failover = TSM1._replace(replication=True)
    (item,) = assess(inventory(store(other, uses=[failover, TSM2]), presented=[presents("TSM1", SELF)]))
    assert item.affected == () and item.pending == () and item.problem is None
    words = (f"there is no certificate of {server('TSM1')} in this store: a session that uses it fetches it",)
    assert refused_for_want(item, {item.store.id: (REFUSED,)}) == words
    assert refused_for_want(item, {item.store.id: (ACCEPTED,)}) == refused_for_want(item, {}) == ()
    assert refused_for_want(item._replace(problem=DOWN), {item.store.id: (REFUSED,)}) == ()
    # Where it is trusted by the rules, affected or to be fetched, that is told by itself.
    (trusting,) = assess(inventory(store(SELF, uses=[TSM1]), presented=[presents("TSM1", SELF)]))
    assert refused_for_want(trusting, {trusting.store.id: (REFUSED,)}) == ()
    (affected,) = assess(inventory(store(OLD, uses=[TSM1]), presented=[presents("TSM1", SELF)]))
    assert affected.affected and refused_for_want(affected, {affected.store.id: (REFUSED,)}) == ()
    (pending,) = assess(inventory(store(uses=[TSM1]), presented=[presents("TSM1", SELF)]))
    assert pending.pending and refused_for_want(pending, {pending.store.id: (REFUSED,)}) == ()


def test_a_preflight_without_a_stanza_and_a_plan_without_a_server_ask_nobody() -> None:
    known = inventory(store(OLD, uses=[stanza("TSM1")]), presented=[presents("TSM1")])
    plan = make_plan(known, Selection(), RunOptions())
    only = replace(plan.stores[0], steps=(Preflight(None, None), BackUp()), warnings=())
    plan = replace(plan, stores=(only,))
    assert asked_before(plan, known) == ()
    (found,) = with_proofs(plan, known, None, named=False).stores
    assert (found.steps, found.warnings) == (only.steps, ())
