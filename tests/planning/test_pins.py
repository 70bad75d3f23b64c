"""Which pin counts for which server, what may come of it, and what is told of pins that fit nothing."""

from __future__ import annotations

import pytest
from tests.endtoend_trust.conftest import issued, root_ca
from tests.facts import DOWN, certificate, fetched, inventory, presents, server, stanza, store
from tests.planning.plans import NEW_A, OLD_A, A, check, code, only, plan_of

from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.model import Certificate, Inventory
from dsmcertfix.planning.pins import Pin, pins_of, unmatched, unmet_problem
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import Expected

ONE, TWO = stanza("TSM1"), stanza("TSM2")
NEW_1, NEW_2 = presents("TSM1").chain[0].sha256, presents("TSM2").chain[0].sha256
OTHER = "f" * 64
HOLDS_BOTH = store(
    certificate(fetched("TSM1"), "new TSM1"), certificate(fetched("TSM2"), "new TSM2"), uses=[ONE, TWO]
)
BOTH = inventory(HOLDS_BOTH, presented=[presents("TSM1"), presents("TSM2")])
SILENT = inventory(HOLDS_BOTH, presented=[presents("TSM1", problem=DOWN), presents("TSM2", problem=DOWN)])
EMPTY = inventory(
    store(uses=[ONE]),
    presented=[presents("TSM1", problem=DOWN)],
)


def test_a_pin_counts_for_its_own_server_or_for_every_one() -> None:
    every, first, second = Pin(OTHER), Pin(NEW_1, "TSM1"), Pin(NEW_2, "tsm2.example.com")
    assert pins_of(server("TSM1"), (every, first, second), BOTH) == (every, first)
    assert pins_of(server("TSM2"), (every, first, second), BOTH) == (every, second)
    assert pins_of(server("TSM3"), (first, second), BOTH) == ()


@pytest.mark.parametrize(
    ("facts", "pins", "problem", "lines"),
    [
        (BOTH, (), None, 0),
        (BOTH, (Pin(NEW_1),), None, 0),
        (BOTH, (Pin(NEW_1, "TSM1"), Pin(NEW_2, "TSM2")), None, 0),
        # The certificate before and the one after a renewal, for one command line.
        (BOTH, (Pin(NEW_1), Pin(OTHER)), None, 1),
        (BOTH, (Pin(NEW_1, "TSM1"), Pin(OTHER, "TSM1")), None, 1),
        # A server that is not used here: one command line for all machines.
        (BOTH, (Pin(NEW_1, "TSM1"), Pin(OTHER, "TSM9")), None, 1),
        (BOTH, (Pin(OTHER),), "pin-matches-nothing", 1),
        (BOTH, (Pin(OTHER, "TSM1"),), "unexpected-certificate", 1),
        (BOTH, (Pin(NEW_2, "TSM1"),), "unexpected-certificate", 0),
        (BOTH, (Pin(NEW_2), Pin(OTHER, "TSM1")), "unexpected-certificate", 1),
        (SILENT, (Pin(NEW_1, "TSM1"),), None, 0),
        (SILENT, (Pin(OTHER, "TSM1"),), "pin-matches-nothing", 1),
        (EMPTY, (Pin(NEW_1, "TSM1"),), "pin-matches-nothing", 1),
        (inventory(), (Pin(NEW_1),), None, 1),
    ],
)
def test_a_pin_that_fits_nothing_is_told_and_is_no_success_where_its_server_is_used(
    facts: Inventory, pins: tuple[Pin, ...], problem: str | None, lines: int
) -> None:
    found = unmet_problem(pins, facts)
    assert (found.code if found else None) == problem
    assert len(unmatched(pins, facts)) == lines


def test_a_pin_that_fits_nothing_is_told_by_what_it_misses() -> None:
    known = inventory(store(certificate(fetched("TSM1"), "held"), uses=[A]), presented=[presents("TSM1")])
    sha256 = "a" * 64

    def told(*pins: Pin) -> tuple[str, ...]:
        return unmatched(pins, known, frozenset({certificate("", "held").sha256}))

    assert told(Pin(sha256, "TSM9")) == (
        "no store here is used for a server `TSM9`, of which a certificate is expected",
    )
    assert told(Pin(sha256, None)) == (f"the expected certificate is nowhere here: SHA-256 {sha256}",)
    assert told(Pin(sha256, "TSM1")) == (
        f"`TSM1` does not present its expected certificate, and no store here has it: SHA-256 {sha256}",
    )
    assert told(Pin(sha256, "TSM1", by_policy=True), Pin(NEW_1, "TSM1")) == ()
    assert told(Pin(certificate("", "held").sha256, None)) == ()


def test_what_a_run_put_in_meanwhile_is_there() -> None:
    assert unmet_problem((Pin(NEW_1),), EMPTY, frozenset({NEW_1})) is None
    assert unmatched((Pin(NEW_1),), EMPTY, frozenset({NEW_1})) == ()


# --- what may come of a server ---------------------------------------------------------------------------

LEAF = describe(issued().der, "")._replace(not_before=None)
AUTHORITY = describe(root_ca().der, "")
PINNED = Pin(presents("TSM1").chain[0].sha256)
OTHERS = Pin("f" * 64)


def test_the_expected_certificate_must_be_the_one_that_is_presented() -> None:
    facts = inventory(store(OLD_A, uses=[A]), presented=[presents("TSM1")])
    good, bad = presents("TSM1").chain[0].sha256, "0" * 64
    item = only(plan_of(facts, pins=(Pin(good),)))
    assert (item.problem, check(item).expected) == (None, (Expected(server("TSM1"), (good,)),))
    assert code(only(plan_of(facts, pins=(Pin(bad),)))) == "unexpected-certificate"


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
