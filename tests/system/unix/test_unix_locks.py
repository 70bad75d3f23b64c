"""The lock that one run holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsmcertfix.errors import Busy
from dsmcertfix.system import locks


def test_one_run_is_alone_and_its_lock_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.held(path)
    with locks.alone(path, 0.0):
        assert path.stat().st_mode & 0o7777 == 0o600 and locks.held(path)
        with pytest.raises(Busy) as raised, locks.alone(path, 0.01):
            pass
        assert raised.value.code == "another-run" and raised.value.context == (f"lock: {path}",)
    assert not locks.held(path)


def test_a_lock_that_cannot_be_looked_at_may_be_held(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    assert locks.held(tmp_path / "lock")
