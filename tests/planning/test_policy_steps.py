"""What is taken out of a store and put in by the site's policy, and what proves it."""

from __future__ import annotations

from tests.authorities import Made
from tests.facts import certificate, fetched, inventory, presents, store
from tests.planning.under_policy import (
    DAY,
    GONE,
    HELD,
    JUST_NEW,
    LABEL,
    NEW,
    NEW_FILE,
    TODAY,
    A,
    B,
    policy,
    under,
)

from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.policy import Allowed, Brought, Policy, ServerRule
from dsmcertfix.planning.policy_steps import edits_of
from dsmcertfix.planning.policy_view import assess_under
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import CheckLive, RunOptions


def test_the_edits_take_out_put_in_and_say_what_proves_it() -> None:
    ended = Allowed(GONE.sha256, until=TODAY - DAY)
    item = under(policy(JUST_NEW, ended), HELD, GONE)
    edits = edits_of(item.store, item.brought)
    assert (edits.out, edits.gone, edits.adds, edits.expected) == ((GONE,), (GONE,), (), ())
    assert edits.proved_by == (A,)
    item = under(policy(JUST_NEW, ended, handed=(NEW_FILE,)), GONE)
    edits = edits_of(item.store, item.brought)
    assert edits.gone == (GONE,) and [(one.label, one.server) for one in edits.adds] == [
        ("TSM1 old", A.server)
    ]
    assert [one.sha256s for one in edits.expected] == [(NEW_FILE.sha256,)] and edits.proved_by == ()
    untrusted = HELD._replace(trusted=False)
    item = under(policy(JUST_NEW), untrusted)
    edits = edits_of(item.store, item.brought)
    assert (edits.out, edits.gone) == ((untrusted,), ())
    assert [(one.label, one.certificate) for one in edits.adds] == [(LABEL, HELD)]


def test_what_the_policy_takes_out_is_neither_kept_nor_left() -> None:
    site = policy(JUST_NEW, Allowed(GONE.sha256, until=TODAY - DAY))
    known = inventory(store(HELD, GONE, uses=[A]), presented=[presents("TSM1", NEW.stored())])
    (plan,) = make_plan(known, Selection(), RunOptions(), site).stores
    (check,) = (step for step in plan.steps if isinstance(step, CheckLive))
    assert (check.removed, check.kept) == ((GONE,), (HELD,))


def test_the_edits_of_two_servers_have_their_own_labels() -> None:
    other = Made("tsm2.example.com").stored(fetched("TSM2"))._replace(label="other.arm", kind="server")
    site = Policy(
        (ServerRule(("TSM1",), (JUST_NEW,)), ServerRule(("TSM2",), (Allowed(other.sha256),))),
        handed={NEW_FILE.sha256: NEW_FILE, other.sha256: other},
    )
    seen = [presents("TSM1", NEW.stored()), presents("TSM2", other)]
    (item,) = assess_under(site, inventory(store(uses=[A, B]), presented=seen), 0)
    edits = edits_of(item.store, item.brought)
    assert {(one.server, one.label) for one in edits.adds} == {
        (A.server, LABEL),
        (B.server, fetched("TSM2")),
    }


def test_what_goes_of_one_server_and_comes_of_another_keeps_its_own_label() -> None:
    gone_too = certificate(fetched("TSM2"), "gone")
    brought = Brought(
        adds=((A.server, NEW_FILE), (B.server, gone_too)),  # type: ignore[arg-type]
        drops=((A.server, GONE), (B.server, gone_too)),  # type: ignore[arg-type]
    )
    edits = edits_of(store(GONE, gone_too, uses=[A, B]), brought)
    assert edits.out == (GONE, gone_too)
    assert {(one.server, one.label) for one in edits.adds} == {
        (A.server, "TSM1 old"),
        (B.server, fetched("TSM2")),
    }


def test_each_server_s_new_certificate_has_the_label_of_what_goes_of_that_server() -> None:
    of_a, of_b = certificate("TSM1 old", "a"), certificate("TSM2 old", "b")
    new_a, new_b = certificate("a.arm", "new a"), certificate("b.arm", "new b")
    assert A.server is not None and B.server is not None
    brought = Brought(adds=((A.server, new_a), (B.server, new_b)), drops=((A.server, of_a), (B.server, of_b)))
    edits = edits_of(store(of_a, of_b, uses=[A, B]), brought)
    assert [one.label for one in edits.adds] == ["TSM1 old", "TSM2 old"]
