"""How a store stands to the site's policy, and what brings it there without taking trust away on its word."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.authorities import Made, may_sign, usage
from tests.facts import ALICE, DOWN, certificate, fetched, inventory, presents, store
from tests.planning.under_policy import (
    DAY,
    GONE,
    HELD,
    JUST_NEW,
    LABEL,
    NEW,
    NEW_FILE,
    OLD,
    TODAY,
    A,
    B,
    policy,
    under,
)

from dsmcertfix.model import Certificate, Inventory, StanzaUse
from dsmcertfix.planning.pins import Pin
from dsmcertfix.planning.policy import Allowed, Brought, MachineRule, Policy, ServerRule
from dsmcertfix.planning.policy_view import assess_under, pins_by, rule_for, with_pins
from dsmcertfix.planning.steps import RunOptions

ROOT = Made("Root", extensions=(may_sign(), usage(signs=True)))
SIGNED = Made("tsm1", ROOT)


def standings(brought: Brought) -> list[tuple[str, str]]:
    return [(told.label, told.standing) for told in brought.verdicts]


def labels(pairs: Any) -> list[str]:
    return [one.label for _, one in pairs]


# --- which rule, and which pins --------------------------------------------------------------------------


def test_a_rule_with_the_address_comes_before_one_with_a_stanza_s_name() -> None:
    named, addressed = ServerRule(("TSM1",)), ServerRule(("TSM1.Example.COM",))
    ported = ServerRule(("tsm1.example.com:1500",))
    known = inventory(store(uses=[A, B]))
    assert A.server is not None and B.server is not None
    assert rule_for(A.server, Policy((named, addressed)), known) == addressed
    assert rule_for(A.server, Policy((named, ported)), known) == ported
    assert rule_for(A.server, Policy((named,)), known) == named
    assert rule_for(B.server, Policy((named, addressed)), known) is None


@pytest.mark.parametrize(
    ("since", "until", "counts", "ended"),
    [
        (None, None, True, False),
        (TODAY, None, True, False),
        (TODAY + DAY, None, False, False),
        (None, TODAY, True, False),
        (None, TODAY - DAY, False, True),
        (TODAY - DAY, TODAY - DAY, False, True),
    ],
)
def test_a_certificate_counts_from_its_first_day_to_its_last(
    since: date | None, until: date | None, counts: bool, ended: bool
) -> None:
    one = Allowed("a" * 64, since, until)
    assert (one.counts(TODAY), one.ended(TODAY)) == (counts, ended)
    pins = pins_by(policy(one), inventory(store(uses=[A])))
    assert pins == ((Pin("a" * 64, str(A.server), by_policy=True),) if counts else ())


def test_a_server_that_may_be_trusted_on_first_use_has_no_pin_and_is_free() -> None:
    # The policy has no rule of the second one.
    known = inventory(store(uses=[A, B]))
    assert A.server is not None
    free, how = policy(JUST_NEW, first_use=True), RunOptions(pins=(Pin("b" * 64),))
    assert pins_by(free, known) == ()
    assert with_pins(how, free, known) == replace(how, first_use_of=frozenset({A.server}))
    strict = with_pins(how, policy(JUST_NEW), known)
    assert strict.first_use_of == frozenset()
    assert [pin.sha256 for pin in strict.pins] == ["b" * 64, HELD.sha256]
    assert with_pins(how, None, known) is how


# --- how it stands ---------------------------------------------------------------------------------------


def test_what_the_policy_allows_is_fine_and_stays() -> None:
    brought = under(policy(JUST_NEW), HELD).brought
    assert standings(brought) == [(LABEL, "fine")]
    (told,) = brought.verdicts
    assert (told.server, told.name, told.sha256) == (A.server, "TSM1", HELD.sha256)
    assert told.reason == "the policy allows it"
    assert (brought.adds, brought.drops, brought.kept) == ((), (), frozenset({HELD.sha256}))
    until = under(policy(JUST_NEW._replace(until=TODAY)), HELD).brought
    assert until.verdicts[0].reason == f"the policy allows it until {TODAY}"


def test_a_rule_is_called_by_its_first_name() -> None:
    site = Policy((ServerRule(("first", "TSM1"), (JUST_NEW,)),))
    assert under(site, HELD).brought.verdicts[0].name == "first"


def test_what_has_ended_goes_where_the_server_has_moved_on_and_only_then() -> None:
    ended = Allowed(GONE.sha256, until=TODAY - DAY)
    brought = under(policy(JUST_NEW, ended), HELD, GONE).brought
    assert standings(brought) == [(LABEL, "fine"), ("TSM1 old", "outdated")]
    assert labels(brought.drops) == ["TSM1 old"]
    assert brought.kept == {HELD.sha256, GONE.sha256}
    still = under(policy(JUST_NEW, ended), HELD, GONE, shown=presents("TSM1", OLD.stored())).brought
    assert labels(still.drops) == []
    assert still.verdicts[1].reason.endswith("; TSM1 still presents it, and so it stays")
    silent = under(policy(JUST_NEW, ended), HELD, GONE, shown=presents("TSM1", problem=DOWN)).brought
    assert labels(silent.drops) == [] and "still presents" not in silent.verdicts[1].reason
    # Without the new one the client would trust nobody.
    assert under(policy(JUST_NEW, ended), GONE).brought.drops == ()


def test_one_that_expired_is_outdated_whatever_the_policy_says() -> None:
    late = Made("tsm1.example.com", days=(-900, -1)).stored("TSM1 late")
    brought = under(policy(JUST_NEW, Allowed(late.sha256)), HELD, late).brought
    assert standings(brought) == [(LABEL, "fine"), ("TSM1 late", "outdated")]
    assert brought.verdicts[1].reason == f"it expired on {late.last_day}"
    assert labels(brought.drops) == ["TSM1 late"]


@pytest.mark.parametrize(("others", "goes", "kept"), [("report", [], 2), ("remove", ["TSM1 old"], 2)])
def test_what_is_in_no_policy_is_told_and_goes_where_the_policy_says_so(
    others: str, goes: list[str], kept: int
) -> None:
    brought = under(policy(JUST_NEW, others=others), HELD, GONE).brought
    assert standings(brought) == [(LABEL, "fine"), ("TSM1 old", "unexpected")]
    assert brought.verdicts[1].reason == "it is in no policy"
    assert labels(brought.drops) == goes and len(brought.kept) == kept


def test_a_server_that_is_trusted_on_first_use_may_have_any() -> None:
    brought = under(policy(first_use=True), HELD, GONE).brought
    assert standings(brought) == [(LABEL, "fine"), ("TSM1 old", "fine")]
    assert brought.verdicts[0].reason == "the policy lets TSM1 be trusted on first use"


def test_a_key_and_what_is_another_server_s_are_not_looked_at() -> None:
    key = replace_kind(HELD._replace(label="TSM1 key"))
    other = certificate(fetched("TSM2"))
    brought = under(policy(JUST_NEW), HELD, key, other, uses=(A, B)).brought
    assert standings(brought) == [(LABEL, "fine")]
    # But one that the rule names is its own, whatever it is called.
    named = certificate(fetched("TSM2"), "named")
    site = policy(JUST_NEW, Allowed(named.sha256))
    assert (fetched("TSM2"), "fine") in standings(under(site, HELD, named, uses=(A, B)).brought)


def replace_kind(one: Certificate) -> Certificate:
    return one._replace(kind="personal")


def test_a_ca_above_what_the_server_may_present_vouches_and_any_other_is_not_its() -> None:
    root = ROOT.stored("Root")
    shown = presents("TSM1", SIGNED.stored())
    brought = under(policy(Allowed(SIGNED.stored().sha256)), root, shown=shown).brought
    assert all(standing == "fine" for _, standing in standings(brought))
    by_root = under(policy(Allowed(root.sha256)), root, shown=shown).brought
    assert standings(by_root) == [("Root", "fine")]
    assert under(policy(JUST_NEW), root, shown=shown).brought.drops == ()


def test_one_of_several_cas_above_what_is_presented_vouches() -> None:
    other = Made("Another Root", extensions=(may_sign(), usage(signs=True))).stored("Another")
    shown = presents("TSM1", SIGNED.stored())
    brought = under(policy(Allowed(SIGNED.stored().sha256)), ROOT.stored("Root"), other, shown=shown).brought
    told = dict(standings(brought))
    assert told.get("Root", "fine") == "fine" and told.get("Another") != "fine"


# --- what is put in --------------------------------------------------------------------------------------


def test_what_is_missing_and_at_hand_is_put_in_and_what_is_not_a_session_fetches() -> None:
    brought = under(policy(JUST_NEW, handed=(NEW_FILE,)), GONE).brought
    assert [one for _, one in brought.adds] == [NEW_FILE]
    assert standings(brought)[-1] == ("", "missing")
    assert brought.verdicts[-1].reason == "the policy has its file"
    fetches = under(policy(JUST_NEW), GONE).brought
    assert fetches.adds == ()
    assert fetches.verdicts[-1].reason == "TSM1 presents it: a session fetches it"
    assert under(policy(JUST_NEW, handed=(NEW_FILE,)), HELD).brought.adds == ()


def test_what_does_not_count_today_or_is_out_of_date_is_not_put_in() -> None:
    for allowed in (Allowed(HELD.sha256, since=TODAY + DAY), Allowed(HELD.sha256, until=TODAY - DAY)):
        assert under(policy(allowed, handed=(NEW_FILE,)), GONE).brought.adds == ()
    late = Made("tsm1.example.com", days=(-900, -1)).stored()
    assert under(policy(Allowed(late.sha256), handed=(late,)), GONE).brought.adds == ()


def test_one_that_is_only_not_trusted_comes_again() -> None:
    untrusted = HELD._replace(trusted=False)
    brought = under(policy(JUST_NEW), untrusted).brought
    assert standings(brought)[0] == (LABEL, "missing")
    assert [one for _, one in brought.adds] == [HELD]
    assert brought.verdicts[0].reason == "it is in the store, but marked as not trusted"


def test_a_next_certificate_is_put_in_ahead_while_the_server_still_presents_the_old_one() -> None:
    site = policy(JUST_NEW, Allowed(GONE.sha256), handed=(NEW_FILE,))
    brought = under(site, GONE, shown=presents("TSM1", OLD.stored())).brought
    assert [one for _, one in brought.adds] == [NEW_FILE] and brought.drops == ()
    # Where the server does not answer it is put in as well.
    silent = under(site, GONE, shown=presents("TSM1", problem=DOWN)).brought
    assert [one for _, one in silent.adds] == [NEW_FILE]


def test_one_older_than_what_the_server_has_moved_on_to_is_not_put_in() -> None:
    older = Made("tsm1.example.com", days=(-800, 900)).stored("older.arm")
    newer = Made("tsm1.example.com", days=(-1, 900))
    held = newer.stored(LABEL)
    site = policy(Allowed(held.sha256), Allowed(older.sha256), handed=(older,))
    assert under(site, held, shown=presents("TSM1", newer.stored())).brought.adds == ()


def test_what_a_ca_of_the_store_vouches_for_is_not_put_in() -> None:
    leaf = SIGNED.stored("leaf.arm")
    site = policy(Allowed(leaf.sha256), handed=(leaf,))
    assert under(site, ROOT.stored("Root"), shown=presents("TSM1", leaf)).brought.adds == ()


def test_a_root_is_put_in_before_what_it_signed() -> None:
    root, leaf = ROOT.stored("root.arm"), SIGNED.stored("leaf.arm")
    site = policy(Allowed(leaf.sha256), Allowed(root.sha256), handed=(leaf, root))
    brought = under(site, GONE, shown=presents("TSM1", leaf)).brought
    assert labels(brought.adds) == ["root.arm", "leaf.arm"]


# --- which stores ----------------------------------------------------------------------------------------


def test_users_that_the_policy_leaves_out_and_stores_that_cannot_be_read_are_left_alone() -> None:
    site = policy(JUST_NEW, others="remove")._replace(machine=MachineRule(left_out=("alice",)))
    assert under(site, HELD, GONE, owner=ALICE).brought == Brought(left_out=True)
    assert under(site, HELD, GONE).brought.drops != ()
    assert under(site, HELD, GONE, problem=DOWN).brought == Brought()


def test_certificates_that_the_client_keeps_elsewhere_are_not_looked_for_here() -> None:
    elsewhere = StanzaUse(A, "a test", elsewhere=Path("/elsewhere"))
    assert under(policy(JUST_NEW), HELD, uses=(elsewhere,)).brought.verdicts == ()
    here = StanzaUse(A._replace(name="TSM1B"), "a test")
    assert under(policy(JUST_NEW), HELD, uses=(elsewhere, here)).brought.verdicts != ()


def test_without_a_policy_or_a_rule_nothing_is_said() -> None:
    known: Inventory = inventory(store(HELD, uses=[A]), presented=[presents("TSM1", NEW.stored())])
    (item,) = assess_under(None, known, 0)
    assert item.brought == Brought()
    assert under(Policy((ServerRule(("TSM9",), (JUST_NEW,)),)), HELD).brought.verdicts == ()


def test_one_of_nobody_is_told_where_every_server_has_a_rule_and_none_names_it() -> None:
    stray = certificate("a stray one")
    site = Policy((ServerRule(("TSM1",), (JUST_NEW,)), ServerRule(("TSM2",))))
    brought = under(site, HELD, stray, uses=(A, B)).brought
    assert [told.label for told in brought.verdicts if told.standing == "unexpected"] == ["a stray one"]
    (told,) = (told for told in brought.verdicts if told.label == "a stray one")
    assert (told.server, told.name, told.sha256) == (A.server, "", stray.sha256)
    assert brought.drops == ()
    alone = Policy((ServerRule(("TSM1",), (JUST_NEW,)),))
    assert "a stray one" not in dict(standings(under(alone, HELD, stray, uses=(A, B)).brought))
    naming = Policy((ServerRule(("TSM1",), (JUST_NEW,)), ServerRule(("TSM2",), (Allowed(stray.sha256),))))
    told_of = dict(standings(under(naming, HELD, stray, uses=(A, B)).brought))
    assert told_of.get("a stray one") != "unexpected"


def test_a_ca_of_nobody_and_a_key_are_not_told_as_unexpected() -> None:
    site = Policy((ServerRule(("TSM1",), (JUST_NEW,)), ServerRule(("TSM2",))))
    key = certificate("a key", kind="personal")
    brought = under(site, HELD, key, uses=(A, B)).brought
    assert "a key" not in dict(standings(brought))


# --- several servers -------------------------------------------------------------------------------------


def test_what_one_server_keeps_is_not_taken_out_for_another_and_nothing_comes_twice() -> None:
    """Both present the same certificate, which the one rule ended and the other has."""
    both = Made("tsm.example.com")
    shared = both.stored("shared")
    seen = [presents("TSM1", both.stored()), presents("TSM2", both.stored())]
    ended = ServerRule(("TSM2",), (Allowed(shared.sha256, until=TODAY - DAY),), "remove")
    site = Policy((ServerRule(("TSM1",), (Allowed(shared.sha256),)), ended))
    (item,) = assess_under(site, inventory(store(shared, uses=[A, B]), presented=seen), 0)
    assert item.brought.drops == () and shared.sha256 in item.brought.kept
    handed = {shared.sha256: shared}
    site = Policy(
        tuple(ServerRule((name,), (Allowed(shared.sha256),)) for name in ("TSM1", "TSM2")), handed=handed
    )
    (item,) = assess_under(site, inventory(store(uses=[A, B]), presented=seen), 0)
    assert [one for _, one in item.brought.adds] == [shared]


def test_what_one_server_has_ended_stays_where_another_one_keeps_it() -> None:
    shared = Made("tsm.example.com")
    other = Made("tsm2.example.com")
    held = (shared.stored("shared"), other.stored(fetched("TSM2")))
    seen = [presents("TSM1", shared.stored()), presents("TSM2", other.stored())]
    rules = (
        ServerRule(("TSM1",), (Allowed(held[0].sha256),)),
        ServerRule(("TSM2",), (Allowed(held[1].sha256), Allowed(held[0].sha256, until=TODAY - DAY))),
    )
    (item,) = assess_under(Policy(rules), inventory(store(*held, uses=[A, B]), presented=seen), 0)
    assert item.brought.drops == ()
    (item,) = assess_under(Policy(rules[1:]), inventory(store(*held, uses=[A, B]), presented=seen), 0)
    assert labels(item.brought.drops) == ["shared"]
