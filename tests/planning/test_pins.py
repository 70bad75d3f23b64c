"""Which pin counts for which server, and what is told of pins that fit nothing. Tables over made-up facts."""

from __future__ import annotations

import pytest
from tests.facts import DOWN, certificate, fetched, inventory, presents, server, stanza, store

from dsmcertfix.model import Inventory
from dsmcertfix.planning.pins import Pin, pins_of, unmatched, unmet_problem

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


def test_what_a_run_put_in_meanwhile_is_there() -> None:
    assert unmet_problem((Pin(NEW_1),), EMPTY, frozenset({NEW_1})) is None
    assert unmatched((Pin(NEW_1),), EMPTY, frozenset({NEW_1})) == ()
