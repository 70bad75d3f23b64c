"""From facts and wishes to steps: tables over made-up facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.endtoend_trust.conftest import issued, root_ca
from tests.facts import (
    ALICE,
    BOB,
    DOWN,
    ca,
    certificate,
    fetched,
    inventory,
    presents,
    refusing,
    server,
    stanza,
    store,
)

from dsmcertfix.errors import NotFound, StoreUnreadable
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.model import Certificate, Inventory, Stanza, StanzaUse, Store
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.pins import Pin
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import (
    AddCertificate,
    CheckLive,
    CheckStaged,
    DeleteLabel,
    Expected,
    Plan,
    Preflight,
    Reconnect,
    RunOptions,
    StorePlan,
    Swap,
    step_name,
    step_text,
)

A, B = stanza("TSM1"), stanza("TSM10")
OLD_A, OLD_B = certificate(fetched("TSM1"), "old A"), certificate(fetched("TSM10"), "old B")
NEW_A = certificate(fetched("TSM1"), "new TSM1")
BOTH = (presents("TSM1"), presents("TSM10"))
DAMAGED = StoreUnreadable("integrity-wrong", "the key database is damaged").problem()
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


def plan_of(facts: Inventory, selection: Selection | None = None, **how: object) -> Plan:
    return make_plan(facts, selection or Selection(), replace(RunOptions(), **how))  # type: ignore[arg-type]


def only(plan: Plan) -> StorePlan:
    (item,) = plan.stores
    return item


def names(item: StorePlan) -> list[str]:
    return [step_name(step) for step in item.steps]


def labels(plan: Plan) -> list[list[str]]:
    return [[one.certificate.label for one in item.targets] for item in plan.stores]


def reconnects(item: StorePlan) -> list[str]:
    return [step.stanza.name for step in item.steps if isinstance(step, Reconnect)]


def check(item: StorePlan) -> CheckLive:
    (step,) = (step for step in item.steps if isinstance(step, CheckLive))
    return step


def code(item: StorePlan) -> str | None:
    return item.problem.code if item.problem else None


def two_servers(*, dsmc: bool = True, without_password: tuple[Stanza, ...] = ()) -> Inventory:
    """One store, two servers, both renewed."""
    return inventory(
        store(OLD_A, OLD_B, ca("Root"), uses=[A, B]),
        presented=BOTH,
        dsmc=dsmc,
        without_password=without_password,
    )


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


# --- what the client can and cannot do -----------------------------------------------------------------


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


def test_the_expected_certificate_must_be_the_one_that_is_presented() -> None:
    facts = inventory(store(OLD_A, uses=[A]), presented=[presents("TSM1")])
    good, bad = presents("TSM1").chain[0].sha256, "0" * 64
    item = only(plan_of(facts, pins=(Pin(good),)))
    assert (item.problem, check(item).expected) == (None, (Expected(server("TSM1"), (good,)),))
    assert code(only(plan_of(facts, pins=(Pin(bad),)))) == "unexpected-certificate"


LEAF = describe(issued().der, "")._replace(not_before=None)
AUTHORITY = describe(root_ca().der, "")
PINNED = Pin(presents("TSM1").chain[0].sha256)
OTHERS = Pin("f" * 64)


@pytest.mark.parametrize(
    ("pins", "presented", "expected"),
    [
        ((), (LEAF, AUTHORITY), (LEAF.sha256, AUTHORITY.sha256)),
        # Anybody can append a certificate that did not sign theirs.
        ((), (LEAF, NEW_A), (LEAF.sha256,)),
        ((), (LEAF, NEW_A, AUTHORITY), (LEAF.sha256,)),
        ((Pin(LEAF.sha256),), (LEAF, AUTHORITY), (LEAF.sha256, AUTHORITY.sha256)),
        ((Pin(LEAF.sha256), OTHERS), (LEAF, NEW_A), (LEAF.sha256, OTHERS.sha256)),
        ((OTHERS, Pin(LEAF.sha256)), (LEAF,), (LEAF.sha256, OTHERS.sha256)),
        ((Pin(LEAF.sha256, "TSM1"), Pin(OTHERS.sha256, "TSM10")), (LEAF,), (LEAF.sha256,)),
    ],
)
def test_of_a_server_may_come_what_it_presents_or_what_is_pinned_and_the_cas_that_signed_it(
    pins: tuple[Pin, ...], presented: tuple[Certificate, ...], expected: tuple[str, ...]
) -> None:
    facts = inventory(store(OLD_A, uses=[A]), presented=[presents("TSM1", *presented)])
    item = only(plan_of(facts, pins=pins))
    assert (item.problem, check(item).expected) == (None, (Expected(server("TSM1"), expected),))


@pytest.mark.parametrize(
    ("pins", "how", "problem"),
    [
        ((Pin(PINNED.sha256, "TSM1"),), {}, None),
        ((Pin(PINNED.sha256, "tsm1.EXAMPLE.com"),), {}, None),
        ((Pin(PINNED.sha256, "tsm1.example.com:1500"),), {}, None),
        ((OTHERS, PINNED), {}, None),
        ((OTHERS,), {"first_use": True}, "unexpected-certificate"),
        ((Pin(PINNED.sha256, "TSM10"),), {"first_use": True}, None),
        ((Pin(PINNED.sha256, "TSM10"),), {"first_use": False}, "server-not-pinned"),
        ((Pin(PINNED.sha256, "TSM10"),), {"first_use": False, "preflight": False}, "server-not-pinned"),
        ((Pin(PINNED.sha256, "TSM"),), {"first_use": False}, "server-not-pinned"),
        # The pin of one server says nothing of another one.
        ((Pin(OTHERS.sha256, "TSM1"), Pin(PINNED.sha256, "TSM10")), {}, "unexpected-certificate"),
    ],
)
def test_a_server_must_present_one_of_its_own_pins(
    pins: tuple[Pin, ...], how: dict[str, object], problem: str | None
) -> None:
    facts = inventory(store(OLD_A, uses=[A]), presented=[presents("TSM1")])
    item = only(plan_of(facts, Selection(servers=("TSM1",)), pins=pins, **how))
    assert code(item) == problem


def test_the_stanza_with_a_stored_password_is_the_one_that_reconnects() -> None:
    second = stanza("TSM1_B", "tsm1.example.com")
    facts = inventory(store(OLD_A, uses=[A, second]), presented=[presents("TSM1")], without_password=[A])
    item = only(plan_of(facts))
    assert (item.problem, reconnects(item)) == (None, ["TSM1_B"])


def test_a_failover_server_s_new_certificate_waits_for_the_failover() -> None:
    facts = inventory(store(OLD_A, uses=[stanza("TSM1", replication=True)]), presented=BOTH)
    item = only(plan_of(facts, reconnect=False))
    assert (item.problem, [expected.server for expected in item.pending]) == (None, [server("TSM1")])


def test_the_index_file_goes_unless_it_is_to_be_kept() -> None:
    assert Swap(False) in only(plan_of(two_servers())).steps
    assert Swap(True) in only(plan_of(two_servers(), keep_index=True)).steps


# --- stores of API applications -------------------------------------------------------------------------


def api(*certificates: Certificate, owner: object = None) -> Store:
    made = store(*certificates, uses=[A], directory="/opt/api", area="api")
    return made._replace(located=made.located._replace(owner=owner)) if owner else made  # type: ignore[arg-type]


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


# --- the whole store -------------------------------------------------------------------------------------

WHOLE = Selection(whole_store=True, stores=(Path("/opt/ba"),))


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


def test_every_step_has_a_name_and_a_line_for_people() -> None:
    facts = inventory(api(OLD_A), store(OLD_A, uses=[A]), presented=[presents("TSM1")])
    steps = [step for item in plan_of(facts).stores for step in item.steps]
    steps += only(plan_of(two_servers(), WHOLE)).steps
    for step in steps:
        assert step_text(step)
        assert step_name(step) == step_name(step).lower().strip("-")
