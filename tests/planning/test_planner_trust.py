"""What helps where IBM's TLS does not trust what is stored: once more, anew, or by a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.authorities import Made, may_sign, usage
from tests.facts import NOW, fetched, inventory, presents, stanza, store

from dsmcertfix.model import Certificate, Store
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import CheckLive, Plan, Preflight, RunOptions, step_name

A = stanza("TSM1")
LABEL, ANY = fetched("TSM1"), Selection()
SELF, NEW = Made("tsm1.example.com"), Made("tsm1.example.com")
ROOT = Made("Root", extensions=(may_sign(), usage(signs=True)))
SIGNED = Made("tsm1", ROOT)
AGAIN = [
    "preflight",
    "back-up",
    "stage",
    "delete-label",
    "add-certificate",
    "check-staged",
    "swap",
    "check-live",
    "check-stanza",
]


def planned(held: Store, shown: Made, selection: Selection = ANY) -> Plan:
    facts = inventory(held, presented=[presents("TSM1", shown.stored())])
    return make_plan(facts, selection, RunOptions())


def steps(plan: Plan) -> list[str]:
    return [step_name(step) for step in plan.stores[0].steps]


@pytest.mark.parametrize(
    ("held", "shown"),
    [(SELF.stored(LABEL, trusted=False), SELF), (ROOT.stored("CA", trusted=False), SIGNED)],
)
def test_what_only_lacks_the_mark_is_put_in_once_more_and_no_session_is_needed(
    held: Certificate, shown: Made
) -> None:
    plan = planned(store(held, uses=[A]), shown)
    assert steps(plan) == AGAIN
    (check,) = (step for step in plan.stores[0].steps if isinstance(step, CheckLive))
    assert (check.removed, check.kept) == ((), (held,))
    assert plan.stores[0].problem is None


def test_a_store_that_is_made_anew_may_fetch_again_what_only_lacked_the_mark() -> None:
    held = store(SELF.stored(LABEL, trusted=False), uses=[A])
    (plan,) = planned(held, SELF, Selection(whole_store=True)).stores
    (check,) = (step for step in plan.steps if isinstance(step, CheckLive))
    assert plan.problem is None and check.removed == ()


def test_a_stale_one_of_the_same_server_goes_along_and_still_no_session_is_needed() -> None:
    held = store(SELF.stored(LABEL, trusted=False), Made("tsm1.example.com").stored("TSM1 old"), uses=[A])
    assert "reconnect" not in steps(planned(held, SELF))
    assert steps(planned(held, SELF)).count("delete-label") == 2


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        (SIGNED.stored(LABEL, trusted=False), SIGNED),
        (Made("Root", key=ROOT.key, days=(-900, -1)).stored("CA"), SIGNED),
    ],
)
def test_where_only_a_person_can_bring_a_ca_nothing_is_touched(held: Certificate, shown: Made) -> None:
    problem = planned(store(held, uses=[A]), shown).stores[0].problem
    assert problem is not None and problem.code == "authority-needed"
    assert problem.hint is not None and "dsmcertfix trust --server TSM1" in problem.hint


def test_a_ca_goes_when_it_is_named() -> None:
    ended = Made("Root", key=ROOT.key, days=(-900, -1)).stored("CA")
    plan = planned(store(ended, uses=[A]), SIGNED, Selection(labels=("CA",)))
    assert "delete-label" in steps(plan)
    assert not any(isinstance(step, Preflight) and step.problem for step in plan.stores[0].steps)


@pytest.mark.parametrize(
    ("shown", "first"),
    [(SELF, ["back-up", "stage", "keep-password"]), (NEW, ["preflight", "back-up", "stage"])],
)
def test_a_password_that_ran_out_is_set_anew_before_ibms_program_opens_the_copy(
    shown: Made, first: list[str]
) -> None:
    held = store(SELF.stored(LABEL), uses=[A])._replace(password_expires=NOW - timedelta(days=1))
    found = steps(planned(held, shown))
    assert found[: len(first)] == first
    assert "keep-password" in found
    assert "delete-label" not in found or found.index("keep-password") < found.index("delete-label")


def test_a_password_is_left_alone_where_other_certificates_were_named() -> None:
    held = store(SELF.stored(LABEL), uses=[A])._replace(password_expires=NOW - timedelta(days=1))
    assert planned(held, SELF, Selection(labels=(LABEL,))).stores == ()
