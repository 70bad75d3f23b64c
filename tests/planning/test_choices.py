"""Which certificates, stanzas and servers a plan takes, and what it tells: each at its edge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.authorities import Made
from tests.facts import ALICE, DOWN, NOW, certificate, fetched, inventory, presents, server, stanza, store
from tests.server.made import OWNER, instance, own

from dsmcertfix.ibm.server.instance import Control
from dsmcertfix.model import StanzaUse
from dsmcertfix.planning import fix, trust
from dsmcertfix.planning.assess import Assessed, assess
from dsmcertfix.planning.assess_server import Around, assess_instance, presents_another
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.policy import Allowed, MachineRule, Policy, ServerRule
from dsmcertfix.planning.preflight import client_problem, server_problem, session_problem
from dsmcertfix.planning.proofs import asked_before, with_proofs
from dsmcertfix.planning.renew import RenewFacts, _warnings
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import DeleteLabel, Preflight, Prove, RunOptions
from dsmcertfix.planning.trust import Handover, labels_of, make_trust_plan

A, B = stanza("TSM1"), stanza("TSM2")
BACKUP = stanza("TSMDBMGR", "localhost")._replace(node="$$_TSMDBMGR_$$")
OLD, NEW = certificate(fetched("TSM1"), "old"), presents("TSM1").chain[0]
ENDED = certificate(fetched("TSM1"), "ended", days=-1)


# --- whose it is, and whether it calls for action --------------------------------------------------------


def test_only_what_a_known_server_owns_calls_for_action() -> None:
    assert Assessed(OLD, "expired", "", server("TSM1"), -1).affected
    assert not Assessed(OLD, "expired", "", None, -1).affected
    assert not Assessed(OLD, "ok", "", server("TSM1"), 9).affected


@pytest.mark.parametrize(("kind", "whose"), [("server", server("TSM1")), ("other", None)])
def test_only_a_server_s_own_kind_of_certificate_is_given_to_the_only_server(
    kind: str, whose: object
) -> None:
    odd = certificate("odd")._replace(kind=kind)  # type: ignore[arg-type]
    beside = () if kind == "server" else (certificate("another"),)
    (item,) = assess(inventory(store(odd, *beside, uses=[A])))
    assert item.certificates[0].server == whose


# --- what is chosen --------------------------------------------------------------------------------------


def test_nothing_is_chosen_in_the_stores_of_users_that_the_policy_leaves_out() -> None:
    rule = ServerRule(("TSM1",), (Allowed(NEW.sha256),))
    facts = inventory(store(OLD, uses=[A], owner=ALICE), presented=[presents("TSM1")])
    for left_out, count in (((), 1), (("alice",), 0)):
        site = Policy((rule,), MachineRule(left_out=left_out))
        assert len(make_plan(facts, Selection(), RunOptions(), site).stores) == count


def test_what_does_not_tell_its_last_day_is_not_among_what_expired() -> None:
    endless = certificate(fetched("TSM1"), "endless", days=None)
    for held, count in ((endless, 0), (ENDED, 1), (certificate(fetched("TSM1"), "today", days=0.5), 0)):
        facts = inventory(store(held, uses=[A]), presented=[presents("TSM1")])
        assert len(make_plan(facts, Selection(expired=True), RunOptions()).stores) == count


def test_a_new_store_gets_what_is_in_use_for_certain_or_was_held() -> None:
    maybe = StanzaUse(B, "could", certain=False)
    held = certificate(fetched("TSM2"), "old 2")
    for content, servers in (((), [A.server]), ((OLD,), [A.server]), ((held,), [A.server, B.server])):
        (item,) = assess(inventory(store(*content, uses=[A, maybe])))
        assert list(fix._servers_in_use(item)) == servers
    (item,) = assess(inventory(store(uses=[maybe])))
    assert fix._servers_in_use(item) == (B.server,)


# --- what a preflight tells ------------------------------------------------------------------------------


def test_a_preflight_notes_its_problem_else_its_proof_else_nothing() -> None:
    assert Preflight(A).note is None
    assert Preflight(A, DOWN).note == DOWN.message


def test_of_a_certificate_of_days_to_come_the_clocks_are_told_and_of_one_that_ended_its_renewal() -> None:
    for begins, ends, hint in ((1, 9, "days to come"), (-9, -1, "Renew the certificate on the server")):
        shown = NEW._replace(not_before=NOW + timedelta(days=begins), not_after=NOW + timedelta(days=ends))
        problem = server_problem(server("TSM1"), presents("TSM1", shown), frozenset(), None, NOW)
        assert problem is not None and problem.hint is not None and hint in problem.hint


def test_without_a_client_program_it_is_told_who_fetches_it_all_the_same() -> None:
    facts = inventory(store(uses=[A]), dsmc=False)
    fetching = client_problem(facts.stores[0], A, server("TSM1"), facts)
    signing_on = session_problem(A, facts)
    assert fetching is not None and signing_on is not None
    assert fetching.code == signing_on.code == "no-client-program"
    assert "the next session of an API application" in (fetching.hint or "")
    # Whatever the stanza is like.
    without = client_problem(facts.stores[0], None, server("TSM1"), facts)
    assert without is not None and without.code == "no-client-program"


# --- where IBM's TLS is asked ----------------------------------------------------------------------------


def test_a_server_that_does_not_answer_any_more_is_asked_neither_before_nor_after() -> None:
    facts = inventory(store(OLD, uses=[A]), presented=[presents("TSM1")])
    silent = inventory(store(OLD, uses=[A]), presented=[presents("TSM1", problem=DOWN)])
    plan = make_plan(facts, Selection(), RunOptions())
    assert [asked for _, asked in asked_before(plan, facts)] == [server("TSM1")]
    assert asked_before(plan, silent) == ()
    given = make_trust_plan(facts, Handover("TSM1", (NEW,)), RunOptions())
    for known, copies in ((facts, [True, False]), (silent, [])):
        (proved,) = with_proofs(given, known, {}, named=False).stores
        assert [step.copy for step in proved.steps if isinstance(step, Prove)] == copies


# --- what is handed over ---------------------------------------------------------------------------------


def test_a_certificate_of_another_server_stays_whatever_its_label() -> None:
    others = certificate("TSM1 by hand", "new TSM2")
    facts = inventory(store(OLD, others, uses=[A, B]), presented=[presents("TSM1"), presents("TSM2")])
    (plan,) = make_trust_plan(facts, Handover("TSM1", (NEW,)), RunOptions()).stores
    assert [step.certificate for step in plan.steps if isinstance(step, DeleteLabel)] == [OLD]


def test_that_nothing_in_a_file_is_in_date_is_told_before_what_the_server_presents() -> None:
    other = Made("tsm1").stored()
    facts = inventory(store(OLD, uses=[A]), presented=[presents("TSM1", other)])
    (plan,) = make_trust_plan(facts, Handover("TSM1", (ENDED,)), RunOptions()).stores
    assert plan.problem is not None and plan.problem.code == "given-certificate-not-valid"


def test_a_server_s_own_certificate_has_the_client_s_label_where_no_other_is_told() -> None:
    assert labels_of("TSM1", (NEW,)) == (fetched("TSM1"),)
    assert labels_of("TSM1", (NEW, OLD), "mine", ["mine"]) == ("mine 2", "mine 3")


def test_a_stanza_without_a_server_has_no_preflight() -> None:
    bare = stanza("TSM1", "")
    assert (
        trust._preflight(store(uses=[bare]), bare, Handover("TSM1", (NEW,)), inventory(), RunOptions()) == ()
    )


# --- what a server's own page tells ----------------------------------------------------------------------


def test_a_server_that_presents_another_certificate_is_told_with_the_first_that_was_seen() -> None:
    first, second = presents("TSM1"), presents("TSM2")
    mine = own()
    assert presents_another(mine, (first, second)) == first.certificate
    assert presents_another(mine, (presents("TSM1", problem=DOWN), second)) == second.certificate
    assert presents_another(mine, (first, presents("TSM2", mine))) is None
    assert presents_another(None, (first,)) is presents_another(mine, ()) is None


def test_a_store_of_the_database_backup_is_called_so_and_any_other_by_its_directory() -> None:
    backup = store(OLD, uses=[BACKUP], directory="/home/tsminst1/certs", owner=OWNER)
    client = store(OLD, uses=[A], directory="/opt/ba")
    judged = assess(inventory(backup, client, presented=[presents("TSM1")]))
    around = Around((backup, client), frozenset((BACKUP,)), (), frozenset((server("TSM1"),)), judged)
    found = assess_instance(instance(own()), NOW, 90, around)
    told = [line.partition(" does not trust it yet")[0] for line in found.action if "does not trust" in line]
    assert told == ["the server's database backup", "the store in /opt/ba"]


@pytest.mark.parametrize("running", [True, False])
def test_only_a_server_that_runs_must_be_stopped_by_a_person(*, running: bool) -> None:
    facts = RenewFacts(instance(own(), running=running), (), Control(None, None))
    assert any("the server of" in line and "runs" in line for line in _warnings(facts, None)) is running
    unknown = replace(facts, unknown=DOWN)
    assert any(DOWN.message in line for line in _warnings(unknown, None))
    assert not any("the server of" in line and " runs" in line for line in _warnings(unknown, None))
