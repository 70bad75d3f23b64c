"""What the events of a journal make of a past run: its command, its stores and what it left behind."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.transaction.kit import Machine

from dsmcertfix.transaction import runs
from dsmcertfix.transaction.journal import Event
from dsmcertfix.transaction.runs import past_run, store_started_data

AT = datetime(2031, 1, 1, tzinfo=timezone.utc)


def test_a_run_is_called_by_its_first_event_and_by_no_other(tmp_path: Path) -> None:
    def told(kind: str, **data: Any) -> tuple[str, str | None]:
        run = past_run(tmp_path, (Event(0, AT, kind, None, data),))
        return run.command, run.undoes

    assert told("run-started", command="trust", undoes="r0") == ("trust", "r0")
    assert told("something", command="trust", undoes="r0") == ("fix", None)
    assert told("run-started") == ("fix", None)


def test_what_was_left_and_tidied_since_is_not_untidy(tmp_path: Path) -> None:
    def untidy(*events: tuple[str, str | None]) -> frozenset[str]:
        made = [Event(0, AT, "run-started"), *(Event(1, AT, kind, store) for kind, store in events)]
        return frozenset(past_run(tmp_path, tuple(made)).untidy)

    assert untidy(("left-behind", "a"), ("left-behind", None), ("left-behind", "b"), ("tidied", "a")) == {"b"}
    assert untidy(("tidied", "a"), ("left-behind", "a")) == {"a"}


def test_each_store_of_a_run_has_its_own_end(mine: Machine, tmp_path: Path) -> None:
    begun = store_started_data(mine.store)
    ends = {"s1": "changed", "s2": "rolled-back", "s3": None}
    made = [Event(0, AT, "run-started"), *(Event(1, AT, "store-started", store, begun) for store in ends)]
    made.append(Event(2, AT, "step-started", "s1", {"step": "swap", "live": True}))
    made += [Event(3, AT, "store-finished", one, {"outcome": end}) for one, end in ends.items() if end]
    stores = past_run(tmp_path, tuple(made)).stores
    assert {store.id: store.outcome for store in stores} == ends
    assert [store.live for store in stores] == [True, False, False]
    with pytest.raises(ValueError, match="not known: odd"):
        runs._located({**begun, "files": "odd"})


def test_an_event_of_another_kind_does_not_tidy_and_a_path_with_a_nul_is_none(tmp_path: Path) -> None:
    events = (Event(0, AT, "run-started"), Event(1, AT, "left-behind", "a"), Event(2, AT, "something", "a"))
    assert past_run(tmp_path, events).untidy == {"a"}
    assert runs._straight("/a/b") == Path("/a/b")
    for odd in ("a/b", "/a/../b", "/a\0b"):
        with pytest.raises(ValueError, match="whole path"):
            runs._straight(odd)
