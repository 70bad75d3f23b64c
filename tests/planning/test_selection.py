"""Which certificates of which stores a wish chooses: tables over made-up facts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.facts import NOW, ca, certificate, fetched, inventory, presents, server, stanza, store
from tests.planning.plans import (
    BOTH,
    NEW_A,
    OLD_A,
    OLD_B,
    A,
    B,
    check,
    code,
    labels,
    only,
    plan_of,
    reconnects,
    two_servers,
)

from dsmcertfix.errors import NotFound
from dsmcertfix.model import Certificate
from dsmcertfix.planning.assess import assess
from dsmcertfix.planning.policy import Brought
from dsmcertfix.planning.selection import Selection, choose


@pytest.mark.parametrize(
    "selection",
    [
        Selection(servers=("TSM1",)),
        Selection(servers=("tsm1",)),
        Selection(servers=("tsm1.example.com",)),
        Selection(servers=("TSM1.example.com:1500",)),
        Selection(labels=(fetched("TSM1"),)),
        Selection(fingerprints=(OLD_A.sha256,)),
    ],
)
def test_a_named_server_label_or_fingerprint_chooses_that_one_alone(selection: Selection) -> None:
    assert labels(plan_of(two_servers(), selection)) == [[fetched("TSM1")]]


@pytest.mark.parametrize("name", ["TSM", "server", "self-signed", "key"])
def test_a_server_called_like_a_word_of_every_label_is_not_everybody(name: str) -> None:
    facts = inventory(
        store(OLD_A, certificate(fetched(name), "old"), uses=[A, stanza(name)]),
        presented=[presents("TSM1"), presents(name)],
    )
    assert labels(plan_of(facts, Selection(servers=(name,)))) == [[fetched(name)]]


def test_a_name_that_stands_only_in_a_label_chooses_it_and_warns_that_nothing_is_fetched() -> None:
    facts = inventory(store(certificate(fetched("GONE")), OLD_A, uses=[A]), presented=[presents("TSM1")])
    item = only(plan_of(facts, Selection(servers=("GONE",))))
    assert [one.certificate.label for one in item.targets] == [fetched("GONE")]
    assert reconnects(item) == []
    assert len(item.warnings) == 1 and fetched("GONE") in item.warnings[0]


@pytest.mark.parametrize("name", ["TSM1", "TSM10"])
def test_a_label_that_names_two_servers_is_not_chosen_by_either_name(name: str) -> None:
    facts = inventory(store(certificate("TSM1 TSM10"), certificate("x"), uses=[A, B]), presented=BOTH)
    assert plan_of(facts, Selection(servers=(name,))).stores == ()


@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        (Selection(labels=("nowhere",)), "label-not-found"),
        (Selection(labels=(fetched("tsm1"),)), "label-not-found"),
        (Selection(fingerprints=("0" * 64,)), "fingerprint-not-found"),
        (Selection(servers=("TSM2",)), "server-not-found"),
        (Selection(servers=("",)), "server-not-found"),
    ],
)
def test_what_is_named_and_nowhere_is_an_error(selection: Selection, problem: str) -> None:
    with pytest.raises(NotFound) as raised:
        plan_of(two_servers(), selection)
    assert raised.value.code == problem


def test_a_named_server_that_is_fine_is_left_alone() -> None:
    facts = inventory(store(NEW_A, OLD_B, uses=[A, B]), presented=BOTH)
    assert plan_of(facts, Selection(servers=("TSM1",))).stores == ()


def test_a_named_label_that_has_its_new_certificate_already_is_left_alone() -> None:
    facts = inventory(store(NEW_A, uses=[A]), presented=[presents("TSM1")])
    assert plan_of(facts, Selection(labels=(fetched("TSM1"),))).stores == ()


def test_a_named_fingerprint_that_the_server_still_presents_is_refused() -> None:
    facts = inventory(store(OLD_A, uses=[A]), presented=[presents("TSM1", OLD_A)])
    assert code(only(plan_of(facts, Selection(fingerprints=(OLD_A.sha256,))))) == "server-not-renewed"


def test_labels_that_differ_only_in_case_are_told_apart() -> None:
    pair = (certificate("TSM1", "first"), certificate("tsm1", "second"))
    facts = inventory(store(*pair, uses=[A]), presented=[presents("TSM1")])
    item = only(plan_of(facts, Selection(labels=("tsm1",))))
    assert item.targets[0].certificate == pair[1]
    assert check(item).kept == (pair[0],)


def test_one_of_two_labels_of_a_certificate_goes_and_the_other_stays() -> None:
    twin = OLD_A._replace(label="a copy")
    facts = inventory(store(OLD_A, twin, uses=[A]), presented=[presents("TSM1")])
    assert check(only(plan_of(facts, Selection(labels=("a copy",))))).kept == (OLD_A,)
    assert check(only(plan_of(facts, Selection(fingerprints=(OLD_A.sha256,))))).kept == ()


def test_a_root_goes_only_when_named_and_with_a_warning() -> None:
    root = ca("Corporate Root", days=-10)
    facts = inventory(store(root, NEW_A, uses=[A]), presented=[presents("TSM1")])
    assert plan_of(facts, Selection(expired=True)).stores == ()
    assert plan_of(facts, Selection(servers=("Corporate",))).stores == ()
    item = only(plan_of(facts, Selection(labels=("Corporate Root",))))
    assert "Corporate Root" in item.warnings[0]
    assert check(item).kept == (NEW_A,)


def test_expired_chooses_what_ran_out_and_whose_server_is_known() -> None:
    stale = certificate(fetched("TSM1"), "old A", days=-1)
    orphan = certificate("spcert_1", days=-1)
    facts = inventory(store(stale, OLD_B, orphan, uses=[A, B]), presented=BOTH)
    assert labels(plan_of(facts, Selection(expired=True))) == [[stale.label]]
    assert labels(plan_of(facts, Selection(labels=("spcert_1",)))) == [["spcert_1"]]


def test_expired_sweeps_out_what_was_superseded_too() -> None:
    stale = certificate(fetched("TSM1"), "old A", days=-1)
    facts = inventory(store(stale, NEW_A._replace(label="TSM1 new"), uses=[A]), presented=BOTH)
    item = only(plan_of(facts, Selection(expired=True)))
    assert item.problem is None
    assert check(item).kept == (NEW_A._replace(label="TSM1 new"),)


def test_expiring_counts_only_when_asked_for() -> None:
    soon = certificate(fetched("TSM1"), "soon", days=10)
    facts = inventory(store(soon, uses=[A]), presented=[presents("TSM1", soon)])
    assert plan_of(facts).stores == ()
    assert code(only(plan_of(facts, Selection(expires_within_days=30)))) == "server-not-renewed"


def test_a_label_of_two_servers_says_nothing_of_whose_it_is() -> None:
    def chosen(label: str, name: str) -> int:
        known = inventory(store(certificate(label), uses=[A, stanza("TSM2")]), presented=[])
        (one,) = choose(known, assess(known), Selection(servers=(name,)))
        return len(one.targets)

    assert chosen("TSM1 and TSM2", "TSM1") == 0
    assert chosen("TSM1 alone", "TSM1") == 1
    assert chosen("TSM9 alone", "TSM9") == 1
    assert chosen("TSM9 alone", "TSM1") == 0


def test_a_label_that_names_a_server_of_another_store_is_asked_for_by_that_name() -> None:
    here = store(certificate("TSM1 alone"), uses=[stanza("TSM2"), stanza("TSM3")], directory="/a")
    known = inventory(here, store(uses=[A], directory="/b"))
    chosen = choose(known, assess(known), Selection(servers=("TSM1",)))
    assert sorted((one.item.store.directory.name, len(one.targets)) for one in chosen) == [("a", 1), ("b", 0)]


# --- a password that ran out -----------------------------------------------------------------------------


def password(selection: Selection, *held: Certificate, expired: bool = True, writable: bool = True) -> object:
    made = store(*held, uses=[A])._replace(writable=writable)
    if expired:
        made = made._replace(password_expires=NOW - timedelta(days=1))
    known = inventory(made, presented=[presents("TSM1")])
    (one,) = choose(known, assess(known), selection)
    return one.password, one.problem.code if one.problem else None


def test_a_password_that_ran_out_is_set_anew_unless_other_things_were_named() -> None:
    assert password(Selection(), NEW_A) == (True, None)
    assert password(Selection(), NEW_A, expired=False) == (False, None)
    assert password(Selection(labels=(NEW_A.label,)), NEW_A) == (False, None)
    assert password(Selection(labels=(NEW_A.label,)), OLD_A) == (True, None)
    assert password(Selection(whole_store=True), OLD_A) == (False, None)
    # There is something to do, so that it counts who may do it.
    assert password(Selection(), NEW_A, writable=False) == (True, "store-not-writable")
    assert password(Selection(), NEW_A, expired=False, writable=False) == (False, None)


def test_a_password_is_left_alone_where_the_policy_leaves_its_owner_alone() -> None:
    made = store(NEW_A, uses=[A])._replace(password_expires=NOW - timedelta(days=1))
    known = inventory(made, presented=[presents("TSM1")])
    (item,) = assess(known)
    for brought, password in ((Brought(), True), (Brought(left_out=True), False)):
        (one,) = choose(known, (item._replace(brought=brought),), Selection())
        assert one.password is password
    # What the policy brings is something to do.
    closed = made._replace(writable=False, password_expires=None)
    known = inventory(closed, presented=[presents("TSM1")])
    (item,) = assess(known)
    brings = Brought(adds=((server("TSM1"), certificate("x")),))
    (one,) = choose(known, (item._replace(brought=brings),), Selection())
    assert one.problem is not None and one.problem.code == "store-not-writable"
