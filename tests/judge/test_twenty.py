"""One endpoint with stores of all kinds: what the tool says before and after a repair, IBM's TLS says too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from tests.endtoend.machine import Machine
from tests.judge.twenty import STORES, Seen, Twenty

from dsmbench.runtime import scratch

MORE_CAREFUL: dict[str, str] = {}
"""Stores that the tool acts on though IBM's TLS is content, by name, each with the reason: there is none."""


@pytest.fixture
def twenty() -> Iterator[Twenty]:
    """The endpoint; its servers listen."""
    with scratch() as directory:
        machine = Machine(directory, client_mode="8.2.2")
        try:
            yield Twenty(machine)
        finally:
            machine.stop()


def test_of_every_store_the_tool_says_before_and_after_a_repair_what_ibm_s_tls_says(twenty: Twenty) -> None:
    assert len(STORES) > 20
    before = twenty.seen()
    assert {name: one.gskit for name, one in before.items()} == {n: one.before for n, one in STORES.items()}
    assert differing(before) == set()
    untouched = {name: twenty.machine.seen(place) for name, place in twenty.places.items()}
    twenty.machine.fix()
    after = twenty.seen()
    assert {name: one.gskit for name, one in after.items()} == {n: one.after for n, one in STORES.items()}
    assert differing(after) == set()
    same = {name for name, place in twenty.places.items() if twenty.machine.seen(place) == untouched[name]}
    assert same == {name for name, one in STORES.items() if one.before or not one.after}


def differing(seen: Mapping[str, Seen]) -> set[Seen]:
    """What the tool says of stores where IBM's TLS says otherwise and no reason is listed for its care."""
    return {
        one
        for name, one in seen.items()
        if one.tool != one.gskit and not (name in MORE_CAREFUL and one.gskit)
    }
