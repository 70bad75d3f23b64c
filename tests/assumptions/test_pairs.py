"""Two assumptions are false at once, and no harm comes of it. `scripts/pairs.sh` tries all pairs."""

from __future__ import annotations

import os
import shutil

import pytest
from tests.assumptions.falsehoods import ALL, CHAIN, PAIRS, Falsehood, built, harm

from dsmbench.runtime import scratch

CHOSEN = PAIRS if os.environ.get("DSMCERTFIX_PAIRS") == "all" else CHAIN


def name_of(pair: tuple[Falsehood, ...]) -> str:
    return "+".join(one.name for one in pair)


@pytest.mark.parametrize("pair", CHOSEN, ids=name_of)
def test_two_that_are_false_at_once_do_no_harm(pair: tuple[Falsehood, Falsehood]) -> None:
    with scratch() as directory:
        machine = built(directory, pair)
        try:
            assert harm(machine, pair) == []
        finally:
            machine.stop()


def test_each_is_false_in_one_of_those_that_are_always_tried() -> None:
    assert {one.name for pair in CHAIN for one in pair} == {one.name for one in ALL}


def test_a_store_that_a_repair_broke_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with scratch() as directory:
        machine = built(directory, ())
        fix = machine.fix
        try:

            def broken(*arguments: str) -> object:
                answer = fix(*arguments)
                shutil.copyfile(machine.ba / "dsmcert.sth", machine.ba / "dsmcert.kdb.dsmcertfix-new")
                machine.endpoint.store(certificates=[])
                return answer

            monkeypatch.setattr(machine, "fix", broken)
            found = harm(machine, ())
        finally:
            machine.stop()
    assert len(found) == 4, found
