"""A policy takes nothing away, and lets nothing stay, where a server presents what is not allowed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.authorities import Made, may_sign, usage
from tests.facts import DOWN, NOW, fetched, inventory, presents, stanza, store

from dsmcertfix.model import Certificate, Presented
from dsmcertfix.planning.policy import Allowed, Brought, Policy, ServerRule
from dsmcertfix.planning.policy_view import assess_under

A = stanza("TSM1")
DAY = timedelta(days=1)
TODAY = NOW.date()
ROOT = Made("Root", extensions=(may_sign(), usage(signs=True)))
LEAF, ROOTS = Made("tsm1", ROOT).stored(), ROOT.stored("Root")
OTHER = Made("tsm1.example.com").stored(fetched("TSM1"))
GONE = Made("tsm1.example.com").stored("TSM1 old")


def under(
    *held: Certificate, allowed: tuple[Allowed, ...], shown: Presented, handed: Any = (), **rule: Any
) -> Brought:
    site = Policy((ServerRule(("TSM1",), allowed, **rule),), handed={one.sha256: one for one in handed})
    (item,) = assess_under(site, inventory(store(*held, uses=[A]), presented=[shown]), 0)
    return item.brought


@pytest.mark.parametrize(
    ("allowed", "goes"),
    [
        (Allowed(LEAF.sha256), True),
        (Allowed(LEAF.sha256, until=TODAY), True),
        (Allowed(LEAF.sha256, until=TODAY - DAY), False),
        (Allowed(LEAF.sha256, since=TODAY + DAY), False),
        (Allowed(OTHER.sha256), False),
    ],
)
def test_nothing_goes_but_where_the_server_presents_what_is_allowed_today(
    allowed: Allowed, goes: bool
) -> None:
    brought = under(ROOTS, GONE, allowed=(allowed,), shown=presents("TSM1", LEAF), others="remove")
    assert [one.label for _, one in brought.drops] == (["TSM1 old"] if goes else [])


@pytest.mark.parametrize(("allowed", "standing"), [(LEAF, "fine"), (OTHER, "unexpected")])
def test_a_ca_above_what_is_presented_is_fine_only_where_that_is_allowed(
    allowed: Certificate, standing: str
) -> None:
    shown = presents("TSM1", LEAF, ROOT.stored())
    brought = under(ROOTS, allowed=(Allowed(allowed.sha256),), shown=shown)
    (told,) = (one for one in brought.verdicts if one.label == "Root")
    assert told.standing == standing
    assert ("vouches for what TSM1 presents" in told.reason) is (standing == "fine")


def test_what_is_allowed_is_kept_by_force_only_where_the_server_was_seen_to_be_trusted_with_it() -> None:
    """Of a server that does not answer nobody knows: what `detect` finds of it may be exchanged."""
    allowed = (Allowed(OTHER.sha256),)
    assert under(OTHER, allowed=allowed, shown=presents("TSM1", OTHER)).kept == {OTHER.sha256}
    assert under(OTHER, allowed=allowed, shown=presents("TSM1", problem=DOWN)).kept == frozenset()


def test_what_is_missing_is_told_with_its_server_and_the_rule_s_name() -> None:
    file = OTHER._replace(label="new.arm")
    for handed, why in (((file,), "the policy has its file"), ((), "TSM1 presents it: a session fetches it")):
        told = under(
            GONE, allowed=(Allowed(OTHER.sha256),), shown=presents("TSM1", OTHER), handed=handed
        ).verdicts[-1]
        assert told == (A.server, "TSM1", OTHER.sha256, "", "missing", why)
