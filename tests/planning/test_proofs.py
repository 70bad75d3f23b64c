"""What a refusal of IBM's own TLS means beside the judgement by the rules."""

from __future__ import annotations

import pytest
from tests.authorities import Made, may_sign
from tests.facts import inventory, presents, server, stanza, store

from dsmcertfix.model import Certificate, Presented, Proof
from dsmcertfix.planning.assess import assess
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.proofs import asked_before, with_proofs
from dsmcertfix.planning.refusals import first_refused
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import Prove, RunOptions, StorePlan

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
