"""A store, a machine, and speed: nobody pulls the plug, and waiting for the disk takes most of the time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.transaction.kit import Machine, machine, make_store

from dsmcertfix.model import LocatedStore


@pytest.fixture
def store(tmp_path: Path) -> LocatedStore:
    """A store with three certificates."""
    return make_store(tmp_path / "store")


@pytest.fixture
def mine(tmp_path: Path) -> Machine:
    """A state directory and such a store."""
    return machine(tmp_path)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is synced, and when, test_journal.py looks at by itself."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
