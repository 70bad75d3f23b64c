"""Stanzas whose certificates the client keeps in another store: no session with them fills this one."""

from __future__ import annotations

from pathlib import Path

from tests.facts import BOB, certificate, fetched, inventory, stanza, store
from tests.planning.plans import BOTH, OLD_A, OLD_B, A, B, reconnects

from dsmcertfix.model import Stanza, StanzaUse, Store
from dsmcertfix.planning.assess import assess
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import AddCertificate, RunOptions, StorePlan, step_name
from dsmcertfix.planning.trust import Handover, make_trust_plan
from dsmcertfix.report.result import store_report

NEW_B = certificate(fetched("TSM10"), "new TSM10")
OTHER = Path("/opt/other/adsm")
WHOLE = Selection(whole_store=True)


def elsewhere(used: Stanza) -> StanzaUse:
    return StanzaUse(used, "dsm.sys is in the same directory", certain=False, elsewhere=OTHER)


def other(*held: object, **options: object) -> Store:
    """The store in the PASSWORDDIR of B."""
    return store(*held, uses=[B], directory=str(OTHER), **options)  # type: ignore[arg-type]


def plans(*stores: Store, selection: Selection | None = None) -> dict[Path, StorePlan]:
    made = make_plan(inventory(*stores, presented=BOTH), selection or Selection(), RunOptions()).stores
    return {item.store.directory: item for item in made}


def test_a_whole_store_is_filled_by_the_stanzas_that_keep_theirs_in_it() -> None:
    second = stanza("TSM1_B", "tsm1.example.com")
    ba = store(OLD_A, OLD_B, uses=[A, elsewhere(second), elsewhere(B)])
    (item,) = plans(ba, selection=WHOLE).values()
    assert (reconnects(item), item.problem) == (["TSM1"], None)
    told = [line for line in item.warnings if OLD_B.label in line]
    assert told == [
        f"the certificate `{OLD_B.label}` goes too, and stanza TSM10 does not need it here: "
        f"it has its own in {OTHER}"
    ]


def test_a_whole_store_that_only_such_stanzas_use_is_left_alone() -> None:
    (item,) = plans(store(OLD_B, uses=[elsewhere(B)]), selection=WHOLE).values()
    assert item.problem is not None and item.problem.code == "store-without-stanza"


def test_one_label_is_fetched_by_the_stanza_of_this_store_even_where_that_one_has_no_password() -> None:
    own = stanza("TSM10_A", "tsm10.example.com")
    facts = inventory(store(OLD_B, uses=[elsewhere(B), own]), presented=BOTH, without_password=[own])
    (item,) = make_plan(facts, Selection(), RunOptions()).stores
    assert reconnects(item) == ["TSM10_A"]
    assert item.problem is not None and item.problem.code == "no-stored-password"


def test_a_certificate_that_no_session_brings_comes_from_the_store_of_the_stanza() -> None:
    made = plans(store(OLD_A, OLD_B, uses=[A, elsewhere(B)]), other(OLD_B))
    assert list(made) == [OTHER, Path("/opt/ba")]  # the one that proves it first
    item = made[Path("/opt/ba")]
    assert (reconnects(item), item.problem) == (["TSM1"], None)
    adds = [step for step in item.steps if isinstance(step, AddCertificate)]
    assert [(step.certificate.sha256, step.provider) for step in adds] == [
        (NEW_B.sha256, made[OTHER].store.id)
    ]
    assert reconnects(made[OTHER]) == ["TSM10"]
    (told,) = item.warnings
    assert str(OTHER) in told and "--no-reconnect" in told


def test_it_is_not_taken_out_where_nobody_proves_the_new_one() -> None:
    for stores in ((), (other(NEW_B, owner=BOB),)):
        item = plans(store(OLD_B, uses=[elsewhere(B)]), *stores)[Path("/opt/ba")]
        assert item.problem is not None and item.problem.code == "no-stanza-for-server"
        assert str(OTHER) in item.problem.context[0]
        assert "reconnect" not in map(step_name, item.steps)


def test_without_a_reconnect_it_goes_and_waits() -> None:
    facts = inventory(store(OLD_B, uses=[elsewhere(B)]), presented=BOTH)
    (item,) = make_plan(facts, Selection(), RunOptions(reconnect=False)).stores
    assert (item.problem, len(item.pending)) == (None, 1)


def test_what_was_handed_over_is_put_in_and_no_session_of_another_store_proves_it() -> None:
    facts = inventory(store(OLD_B, uses=[A, elsewhere(B)]), presented=BOTH)
    (item,) = make_trust_plan(facts, Handover("TSM10", (NEW_B,)), RunOptions()).stores
    assert (item.problem, reconnects(item)) == (None, [])
    assert item.unproved == "no session proves this: the client keeps that stanza's certificates elsewhere"


def test_a_report_names_such_a_stanza_only_for_a_certificate_that_nobody_else_accounts_for() -> None:
    second = elsewhere(stanza("TSM1_B", "tsm1.example.com"))
    for held, used in (((OLD_A,), ("TSM1",)), ((OLD_A, OLD_B), ("TSM1", "TSM10"))):
        (item,) = assess(inventory(store(*held, uses=[A, second, elsewhere(B)]), presented=BOTH))
        assert store_report(item).stanzas == used
