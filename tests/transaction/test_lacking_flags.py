"""A system that lacks a flag of `open`, as Windows and Unix each lack some: sets and journals are as ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.transaction.kit import THREE, backed_up, make_store

from dsmcertfix.model import StoreFile
from dsmcertfix.transaction import backup
from dsmcertfix.transaction.journal import Journal, read_journal

FLAGS = ["O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"]


@pytest.mark.parametrize("flag", FLAGS)
def test_without_a_flag_a_set_is_written_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    saved = backed_up(make_store(tmp_path / "store"), tmp_path / "set")
    monkeypatch.delattr(os, flag, raising=False)
    saved.verify()
    assert saved.content(StoreFile.KDB) == THREE
    backup._write(tmp_path / "another", b"content")
    assert (tmp_path / "another").read_bytes() == b"content"


@pytest.mark.parametrize("flag", FLAGS)
def test_without_a_flag_a_journal_is_written_and_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    monkeypatch.delattr(os, flag, raising=False)
    path = tmp_path / "journal.jsonl"
    for kind in ("run-started", "run-finished"):
        journal = Journal(path, lambda event: None, read_journal(path) if path.exists() else ())
        journal.append(kind)
        journal.close()
    assert [event.kind for event in read_journal(path)] == ["run-started", "run-finished"]
