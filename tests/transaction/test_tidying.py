"""What goes beside a live store once it is done, and what stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.transaction.kit import Machine, backed_up, opened, plan_for, seen

from dsmcertfix.errors import ReconnectFailed
from dsmcertfix.planning.steps import Stage
from dsmcertfix.transaction import executor, live


def test_nothing_beside_a_broken_or_untouched_store_is_tidied(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[bool] = []
    real = live.tidy

    def tidy(*arguments: Any, touched: bool, seen: list[bool] = touched) -> bool:
        seen.append(touched)
        return real(*arguments, touched=touched)

    monkeypatch.setattr(executor, "tidy", tidy)
    plan = plan_for(mine.read())
    mine.carry_out(replace(plan, steps=(Stage(),)), lambda stanza, owner: None)

    def block(stanza: Any, owner: Any) -> ReconnectFailed:
        (mine.directory / "dsmcert.idx").unlink(missing_ok=True)
        (mine.directory / "dsmcert.idx").mkdir()
        return ReconnectFailed("client-refused", "refused")

    ended, _ = mine.fix(block)
    assert ended.outcome == "broken"
    (mine.directory / "dsmcert.idx").rmdir()
    assert touched == [False, False]


def test_an_index_that_is_not_that_of_the_set_goes_and_no_other_file(mine: Machine, tmp_path: Path) -> None:
    backup = backed_up(mine.store, tmp_path / "set")
    with opened(mine.store) as directory:
        live.drop_new_index(directory, backup)
        assert sorted(seen(mine.directory)) == ["dsmcert.idx", "dsmcert.kdb", "dsmcert.sth"]
        (mine.directory / "dsmcert.idx").write_bytes(b"half")
        (mine.directory / "dsmcert.sth").write_bytes(b"half")
        live.drop_new_index(directory, backup)
    assert sorted(seen(mine.directory)) == ["dsmcert.kdb", "dsmcert.sth"]
