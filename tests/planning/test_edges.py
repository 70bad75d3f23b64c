"""Decisions of plans, policies and labels at their edges: each would pass unseen if it were the other way."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.authorities import Made, may_sign, usage
from tests.facts import DOWN, NOW, ca, certificate, fetched, inventory, presents, server, stanza, store
from tests.server.made import OWNER, instance, own

from dsmcertfix import budgets
from dsmcertfix.errors import UsageError
from dsmcertfix.ibm.server.instance import Control
from dsmcertfix.model import Presented, StanzaUse
from dsmcertfix.planning import assess, fix, given, policy_view, selection, steps, toml_places
from dsmcertfix.planning.assess import Assessed, server_name, sessions_with
from dsmcertfix.planning.assess_server import Around, assess_instance
from dsmcertfix.planning.labels import label_names
from dsmcertfix.planning.policy import Allowed, Policy, ServerRule
from dsmcertfix.planning.policy_text import parse
from dsmcertfix.planning.policy_view import assess_under
from dsmcertfix.planning.renew import RenewFacts, _warnings
from dsmcertfix.planning.selection import known_servers
from dsmcertfix.planning.steps import Preflight, StorePlan

A, B = stanza("TSM1"), stanza("TSM2")
BACKUP = stanza("TSMDBMGR", "localhost")._replace(node="$$_TSMDBMGR_$$")
NOTHING: Any = object()
NEW = Made("tsm1.example.com").stored()


def test_only_stanzas_that_use_a_store_for_certain_fill_it_where_there_is_one() -> None:
    maybe = StanzaUse(stanza("OTHER", "tsm1.example.com"), "could", certain=False)
    assert sessions_with(store(uses=[A, maybe]), server("TSM1")) == (A,)
    assert sessions_with(store(uses=[maybe]), server("TSM1")) == (maybe.stanza,)


def test_a_server_is_called_by_its_own_stanza_and_no_other() -> None:
    assert server_name(server("TSM1"), store(uses=[B, A])) == "TSM1"


@pytest.mark.parametrize(("problem", "why"), [("odd", "odd"), (None, "not a certificate that can be read")])
def test_why_a_server_s_certificate_cannot_be_read_is_told(problem: str | None, why: str) -> None:
    broken = certificate("broken", kind="unreadable")._replace(problem=problem)
    found = assess_instance(instance(own(), broken), NOW, 90, Around((), frozenset(), ()))
    assert [one.reason for one in found.certificates if one.status == "unreadable"] == [why]


def test_one_stanza_of_the_database_backup_makes_a_store_its_own_whatever_others_use_it() -> None:
    held = own()._replace(label="as a client calls it", kind="server")
    used = store(held, uses=[A, BACKUP], directory="/home/tsminst1/certs", owner=OWNER)
    found = assess_instance(instance(own()), NOW, 90, Around((used,), frozenset((BACKUP,)), ()))
    assert [one.database_backup for one in found.trusts] == [True]


def test_a_ca_of_no_server_is_nobody_s_fault() -> None:
    context: Any = SimpleNamespace(file=lambda server: None)
    assert fix._by_hand((Assessed(ca("a"), "expired", "", None, -1),), store(uses=[A]), context) == ()
    (told,) = fix._by_hand((Assessed(ca("a"), "expired", "", A.server, -1),), store(uses=[A]), context)
    assert told.problem is not None


def test_what_is_assumed_is_told_of_the_servers_that_are_given_only() -> None:
    uses = [StanzaUse(A, "", elsewhere=Path("/a")), StanzaUse(B, "", elsewhere=Path("/b"))]
    given_one: Any = SimpleNamespace(server=A.server)
    here = stanza("TSM3")
    (line,) = fix._taken_over(store(uses=[*uses, here]), (given_one,))
    assert "TSM1" in line and "/a" in line


def test_a_stanza_without_a_generated_password_comes_after_one_with_it() -> None:
    prompts = A._replace(password_generate=False)
    known = store(uses=[prompts, A, B])
    context: Any = SimpleNamespace(inventory=inventory(known, without_password=[B]))
    assert [given._obstacle(item, context) for item in (A, prompts, B, BACKUP)] == [0, 1, 1, 2]


def test_what_no_server_presents_nobody_proves() -> None:
    for seen in (None, presents("TSM1", problem=DOWN)):
        assert given._provider(store(uses=[A]), server("TSM1"), seen, NOTHING) is None


def test_a_blank_names_no_server() -> None:
    assert not label_names("A (B)", " ") and not label_names("A (B)", "")


def test_of_many_servers_twelve_are_told_and_how_many_more() -> None:
    lines = known_servers([store(uses=[stanza(f"T{number:02}") for number in range(14)])])
    assert len(lines) == 13 and lines[-1].startswith("and 2 more")
    assert len(known_servers([store(uses=[stanza(f"T{number:02}") for number in range(12)])])) == 12


@pytest.mark.parametrize("judged_server", [None, server("TSM1")])
def test_a_certificate_is_asked_for_by_a_name_within_its_label(judged_server: Any) -> None:
    one = Assessed(certificate("my TSM1 server"), "unknown", "", judged_server, 9)
    assert selection._belongs(one, "TSM1", store(uses=[A]), frozenset())
    assert not selection._belongs(one, "TSM2", store(uses=[A]), frozenset())


def test_what_was_only_looked_at_before_is_no_change() -> None:
    plan = StorePlan(store(uses=[A]), "label", (), (Preflight(A, None),))
    bare = StorePlan(plan.store, plan.mode, plan.targets, ())
    assert steps._changes(plan) == steps._changes(bare)


def test_what_a_session_is_to_bring_is_told_with_its_server() -> None:
    site = Policy((ServerRule(("TSM1",), (Allowed(NEW.sha256),)),))
    known = inventory(store(certificate(fetched("TSM1"), "old"), uses=[A]), presented=[presents("TSM1", NEW)])
    (item,) = assess_under(site, known, 0)
    (told,) = (verdict for verdict in item.brought.verdicts if verdict.standing == "missing")
    assert (told.server, told.name, told.sha256) == (A.server, "TSM1", NEW.sha256)


# --- where a policy is wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column"), [("a = ", 1, 5), ("a = 1\nb = [", 2, 6), ("a = 1\n= 2", 2, 1)]
)
def test_text_that_is_no_toml_is_told_with_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(toml_places.NotToml) as raised:
        toml_places.read(text)
    assert (raised.value.line, raised.value.column) == (line, column)
    assert str(raised.value) == raised.value.message != ""


def test_text_that_lies_too_deep_is_told_at_its_beginning() -> None:
    with pytest.raises(toml_places.NotToml, match="too deep") as raised:
        toml_places.read("a = " + "[" * 5000)
    assert (raised.value.line, raised.value.column) == (1, 1)


MANY = [f"a{number}.example.com" for number in range(budgets.POLICY_NAMES.cap + 1)]
HEAD = 'schema = "dsmcertfix.policy/1"\n'
SERVER = f'{HEAD}[[server]]\nname = "A"\n'
CERTIFICATE = f'{SERVER}[[server.certificate]]\nsha256 = "{"a" * 64}"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{CERTIFICATE}file = ""\n', "line 6, column 1: no file is named"),
        (f"{HEAD}server = [1]\n", "write `[[server]]`, and its values below it"),
        (
            f"{SERVER}addresses = {MANY}\n",
            budgets.POLICY_NAMES.exceeded(),
        ),
    ],
)
def test_a_policy_s_fault_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text, Path("policy.toml"))
    assert said in "\n".join((raised.value.message, *raised.value.context))


# --- who vouches, what others hold, what a renewal warns of ----------------------------------------------


def test_each_ca_above_what_a_server_presents_vouches_and_no_other() -> None:
    root, other = (Made(name, extensions=(may_sign(), usage(signs=True))) for name in ("Root", "Other"))
    between = Made("Between", root, extensions=(may_sign(), usage(signs=True)))
    leaf = Made("tsm1", between).stored()
    held = store(root.stored("root"), between.stored("between"), other.stored("other"), uses=[A])
    shown = presents("TSM1", leaf)
    question: Any = SimpleNamespace(
        seen=shown,
        store=held,
        inventory=inventory(held, presented=[shown]),
        _presents_allowed=lambda: True,
    )
    vouching = [policy_view._Question._vouches(question, one) for one in held.certificates]
    assert vouching == [True, True, False]


def test_what_a_store_holds_is_not_among_what_others_of_its_owner_hold() -> None:
    mine = store(certificate("mine"), directory="/a")
    other = store(certificate("other"), directory="/b")
    stranger = store(certificate("stranger"), directory="/c", owner=OWNER)
    held = assess._held_by_owner(mine, inventory(mine, other, stranger))
    assert held == {certificate("other").sha256}


@pytest.mark.parametrize(("running", "told"), [(True, True), (False, False)])
@pytest.mark.parametrize("presented", [(), (presents("TSM1", problem=DOWN),)])
def test_only_of_a_server_that_runs_it_is_told_that_it_does_not_present_its_own(
    *, presented: tuple[Presented, ...], running: bool, told: bool
) -> None:
    facts = RenewFacts(instance(own(), running=running), presented, Control(None, None))
    assert any("not seen to present" in line for line in _warnings(facts, None)) is told
    assert not any("not seen to present" in line for line in _warnings(facts, server("TSM1")))
