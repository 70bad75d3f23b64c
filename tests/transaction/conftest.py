"""Speed: nobody pulls the plug on these tests, and waiting for the disk is most of their time."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is synced, and when, test_journal.py looks at by itself."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
