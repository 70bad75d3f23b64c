"""What `trust` does with the certificates of a file: in which store, under which label, and what goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.authorities import Made, may_sign, usage
from tests.facts import ALICE, DOWN, NOW, ca, certificate, fetched, inventory, presents, stanza, store

from dsmcertfix.errors import NotFound
from dsmcertfix.model import Certificate, Presented, Server, Stanza, StanzaUse, Store
from dsmcertfix.planning.steps import (
    AddCertificate,
    CheckLive,
    DeleteLabel,
    Plan,
    Preflight,
    Reconnect,
    RunOptions,
    StorePlan,
    Swap,
    step_name,
)
from dsmcertfix.planning.trust import Handover, labels_for, make_trust_plan

A, B = stanza("TSM1"), stanza("TSM2")
LABEL = fetched("TSM1")
OLD, NEW = certificate(LABEL, "old"), certificate("cert256.arm", "new TSM1")
HOW = RunOptions()
BACKUP = stanza("TSMDBMGR", "tsm1.example.com")._replace(node="$$_TSMDBMGR_$$")
ADDRESS = "tsm1.example.com"


def planned(
    *stores: Store,
    given: tuple[Certificate, ...] = (NEW,),
    how: RunOptions = HOW,
    name: str = "TSM1",
    presented: tuple[Presented, ...] = (),
    **more: Any,
) -> Plan:
    facts = inventory(*stores, presented=presented or [presents("TSM1", NEW)], **more)
    return make_trust_plan(facts, Handover(name, given), how)


def one(*certificates: Certificate, uses: tuple[Stanza | StanzaUse, ...] = (A,), **more: Any) -> StorePlan:
    keys = ("given", "how", "name", "presented", "dsmc", "without_password")
    plan = planned(
        store(*certificates, uses=uses, **{key: more[key] for key in more if key not in keys}),
        **{key: more[key] for key in more if key in keys},
    )
    assert plan.refused == ()
    (found,) = plan.stores
    return found


def of(plan: StorePlan, kind: type[Any]) -> list[Any]:
    return [step for step in plan.steps if isinstance(step, kind)]


def names(plan: StorePlan) -> list[str]:
    return [step_name(step) for step in plan.steps]


def code(plan: StorePlan) -> str:
    return plan.problem.code if plan.problem is not None else ""


# --- what goes and what comes ----------------------------------------------------------------------------


def test_the_stale_one_goes_and_the_new_one_comes_under_its_label_and_a_session_proves_it() -> None:
    other = certificate("other")
    plan = one(OLD, other)
    assert names(plan) == [
        "preflight",
        "back-up",
        "stage",
        "delete-label",
        "add-certificate",
        "check-staged",
        "swap",
        "reconnect",
        "check-live",
    ]
    assert [step.certificate for step in of(plan, DeleteLabel)] == [OLD]
    (added,) = of(plan, AddCertificate)
    assert (added.label, added.certificate, added.server, added.provider) == (LABEL, NEW, A.server, None)
    (check,) = of(plan, CheckLive)
    assert check.removed == (OLD,) and check.kept == (other,)
    assert [(item.server, item.sha256s) for item in check.expected] == [(A.server, (NEW.sha256,))]
    assert (plan.problem, plan.unproved, plan.warnings) == (None, "", ())
    assert [one.certificate for one in plan.targets] == [OLD]


def test_a_store_that_holds_it_already_is_left_alone_unless_a_stale_one_is_there() -> None:
    held = NEW._replace(label=LABEL)
    assert planned(store(held, uses=[A])).stores == ()
    plan = one(held, certificate("TSM1", "older"))
    assert [step.certificate.label for step in of(plan, DeleteLabel)] == ["TSM1"]
    assert of(plan, AddCertificate) == []


def test_one_that_is_not_marked_as_trusted_is_put_in_once_more() -> None:
    held = NEW._replace(label=LABEL, trusted=False)
    plan = one(held)
    assert [step.certificate for step in of(plan, DeleteLabel)] == [held]
    assert [step.label for step in of(plan, AddCertificate)] == [LABEL]


def test_only_what_may_be_the_server_s_own_goes() -> None:
    key = certificate("TSM1 mine", kind="personal")
    root = ca("TSM1 root")
    named, others = certificate("TSM1 by hand"), certificate("TSM2")
    plan = one(OLD, key, root, named, others, uses=(A, B))
    assert {step.certificate.label for step in of(plan, DeleteLabel)} == {LABEL, "TSM1 by hand"}


def test_a_label_that_names_the_server_counts_where_nobody_knows_whose_it_is() -> None:
    """Of one that names two servers."""
    both = certificate("TSM1 and TSM2")
    assert [step.certificate for step in of(one(OLD, both, uses=(A, B)), DeleteLabel)] == [OLD, both]
    assert of(one(certificate("TSM2 and TSM3"), uses=(A, B)), DeleteLabel) == []


def test_a_ca_gets_a_label_of_its_own_and_a_root_goes_in_first() -> None:
    root = ca("root.arm", subject="CN=Root")
    sub = certificate("sub.arm", kind="ca", subject="CN=Sub", issuer="CN=Root")
    plan = one(given=(sub, root), presented=(presents("TSM1", certificate("x"), sub, root),))
    assert [step.label for step in of(plan, AddCertificate)] == [
        f"TSM1 CA {root.sha256[:8]}",
        f"TSM1 CA {sub.sha256[:8]}",
    ]
    assert [step.sha256s for step in of(plan, CheckLive)[0].expected] == [(root.sha256,), (sub.sha256,)]


LATE = certificate("late.arm", "late TSM1", days=-1)


def test_what_is_out_of_date_is_left_out_and_told() -> None:
    plan = one(given=(LATE, NEW))
    assert [step.certificate for step in of(plan, AddCertificate)] == [NEW]
    assert len(plan.warnings) == 1 and plan.warnings[0].startswith("left out of the file")
    assert LATE.sha256 in plan.warnings[0]
    assert one(given=(LATE,), presented=(presents("TSM1", LATE),)).warnings == ()


# --- labels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "removed", "wanted", "labels"),
    [
        ((), (), (NEW,), (LABEL,)),
        (("mine",), ("mine",), (NEW,), ("mine",)),
        (("mine", LABEL), ("mine", LABEL), (NEW,), (LABEL,)),
        ((LABEL,), (), (NEW,), (f"{LABEL} 2",)),
        ((LABEL, f"{LABEL} 2"), (), (NEW,), (f"{LABEL} 3",)),
        ((), (), (NEW, certificate("b")), (LABEL, f"{LABEL} 2")),
        ((), (), (), ()),
    ],
)
def test_a_label_is_the_one_that_was_there_and_no_other_s(
    held: tuple[str, ...],
    removed: tuple[str, ...],
    wanted: tuple[Certificate, ...],
    labels: tuple[str, ...],
) -> None:
    there = tuple(map(certificate, held))
    gone = tuple(item for item in there if item.label in removed)
    assert labels_for(store(*there, uses=[A]), A, gone, wanted) == labels


# --- which store -----------------------------------------------------------------------------------------


def test_stores_of_other_servers_are_left_alone_and_a_name_that_is_none_is_told() -> None:
    other = store(certificate(fetched("TSM2")), uses=[B], directory="/b")
    plan = planned(store(OLD, uses=[A], directory="/a"), other)
    assert [item.store.directory for item in plan.stores] == [Path("/a")]
    with pytest.raises(NotFound) as raised:
        planned(other, name="TSM1")
    assert raised.value.code == "server-not-found"
    assert raised.value.context == ("there is TSM2 (tsm2.example.com:1500)",)
    nameless = stanza("TSM1", "")
    with pytest.raises(NotFound):
        planned(store(OLD, uses=[nameless]), name="TSM1")


def test_the_stanza_is_the_client_s_own_before_a_failover_and_a_database_backup() -> None:
    failover = A._replace(name="OTHER", replication=True)
    plan = one(OLD, uses=(failover, BACKUP, A))
    assert of(plan, Reconnect)[0].stanza == A
    plan = one(OLD, uses=(failover, BACKUP), name=ADDRESS)
    assert of(plan, Preflight)[0].stanza == BACKUP


def test_a_store_that_cannot_be_worked_on_is_told_and_the_others_go_on() -> None:
    broken = store(OLD, uses=[A], directory="/a", problem=DOWN)
    closed = store(OLD, uses=[A], directory="/c")._replace(writable=False)
    plan = planned(broken, store(OLD, uses=[A], directory="/b"), closed)
    assert [item.store.directory for item in plan.stores] == [Path("/b")]
    assert [item.problem.code for item in plan.refused] == [DOWN.code, "store-not-writable"]


def test_an_empty_store_that_may_not_be_changed_is_refused_too() -> None:
    closed = store(uses=[A])._replace(writable=False)
    assert [item.problem.code for item in planned(closed).refused] == ["store-not-writable"]


# --- who proves it ---------------------------------------------------------------------------------------


def test_without_a_session_it_is_said_who_proves_it() -> None:
    def told(plan: StorePlan, session: bool = False) -> str:
        assert (len(of(plan, Reconnect)) == 1) is session
        return plan.unproved

    assert told(one(OLD), session=True) == ""
    assert "`--no-reconnect` was given" in told(one(OLD, how=replace(HOW, reconnect=False)))
    assert "only API applications" in told(one(OLD, area="api"))
    elsewhere = StanzaUse(A, "says dsm.sys", elsewhere=Path("/elsewhere"))
    assert "keeps that stanza's certificates elsewhere" in told(one(OLD, uses=(elsewhere,)))
    theirs = store(OLD, uses=[A], owner=ALICE)._replace(signs_on=False)
    (plan,) = planned(theirs).stores
    assert told(plan) == ("no session proves this before the next one of alice: nobody else can sign on so")
    backup = one(OLD, uses=(BACKUP,), name=ADDRESS)
    assert told(backup) == "no session proves this: the next database backup will"
    assert names(backup)[-1] == "check-stanza"
    without = one(OLD, uses=(BACKUP,), name=ADDRESS, how=replace(HOW, reconnect=False))
    assert "check-stanza" not in names(without) and "`--no-reconnect` was given" in without.unproved


def test_the_session_is_the_owner_s() -> None:
    (plan,) = planned(store(OLD, uses=[A], owner=ALICE)).stores
    assert of(plan, Reconnect)[0].user == "alice"


@pytest.mark.parametrize("keep", [True, False])
def test_the_index_stays_where_that_is_wanted(keep: bool) -> None:
    assert of(one(OLD, how=replace(HOW, keep_index=keep)), Swap) == [Swap(keep)]


# --- preflight -------------------------------------------------------------------------------------------

SILENT = (presents("TSM1", problem=DOWN),)
OTHER = (presents("TSM1", certificate("x", "another")),)


def test_a_file_whose_certificate_the_server_does_not_present_is_refused() -> None:
    assert code(one(OLD, presented=OTHER)) == "unexpected-certificate"
    assert code(one(OLD, presented=OTHER, how=replace(HOW, preflight=False))) == ""


def test_a_file_without_a_certificate_in_date_is_refused_in_any_case() -> None:
    shown = (presents("TSM1", LATE),)
    for how in (HOW, replace(HOW, preflight=False), replace(HOW, reconnect=False)):
        assert code(one(OLD, given=(LATE,), presented=shown, how=how)) == "given-certificate-not-valid"


def test_a_server_that_does_not_answer_is_a_problem_only_where_its_answer_proves_something() -> None:
    assert code(one(OLD, presented=SILENT)) == DOWN.code
    assert code(one(OLD, presented=SILENT, uses=(BACKUP,), name=ADDRESS)) == DOWN.code
    assert code(one(OLD, presented=SILENT, how=replace(HOW, reconnect=False))) == ""
    assert (
        code(one(OLD, presented=SILENT, uses=(BACKUP,), name=ADDRESS, how=replace(HOW, reconnect=False)))
        == ""
    )
    assert code(one(OLD, presented=SILENT, area="api")) == ""
    theirs = store(OLD, uses=[A], owner=ALICE)._replace(signs_on=False)
    (plan,) = planned(theirs, presented=SILENT).stores
    assert code(plan) == ""


def test_a_session_that_could_not_be_opened_is_a_problem_only_where_one_is_to_prove_it() -> None:
    no_password = A._replace(password_generate=False)
    assert code(one(OLD, uses=(no_password,))) != ""
    assert code(one(OLD, uses=(no_password,), how=replace(HOW, reconnect=False))) == ""
    assert code(one(OLD, uses=(no_password,), area="api")) == ""
    assert code(one(OLD, without_password=[A])) != ""
    assert code(one(OLD, without_password=[A], how=replace(HOW, preflight=False))) != ""


ROOT = Made("Root", extensions=(may_sign(), usage(signs=True)))
SIGNED = Made("tsm1", ROOT)


def test_a_file_with_the_ca_that_signed_is_right() -> None:
    shown = (presents("TSM1", SIGNED.stored()),)
    assert code(one(given=(ROOT.stored("root.arm"),), presented=shown)) == ""
    other = Made("Root", extensions=(may_sign(), usage(signs=True)))
    assert code(one(given=(other.stored("root.arm"),), presented=shown)) == "unexpected-certificate"


def test_where_a_session_is_to_prove_it_what_the_server_presents_must_be_in_date() -> None:
    ended = Made("tsm1", ROOT, days=(-900, -1)).stored()
    shown = (presents("TSM1", ended),)
    root = (ROOT.stored("root.arm"),)
    assert code(one(given=root, presented=shown)) == "server-certificate-not-valid"
    assert code(one(given=root, presented=shown, how=replace(HOW, reconnect=False))) == ""


def test_what_is_told_of_a_certificate_s_days() -> None:
    plan = one(given=(LATE,), presented=(presents("TSM1", LATE),))
    assert plan.problem is not None
    assert plan.problem.context == (
        f"in the file: SHA-256 {LATE.sha256}, valid from {NOW - timedelta(days=600)} until "
        f"{NOW - timedelta(days=1)}",
    )


def test_a_server_is_meant_by_its_address_too() -> None:
    plan = one(OLD, name="tsm1.example.com")
    assert of(plan, AddCertificate)[0].server == Server("tsm1.example.com", 1500)
