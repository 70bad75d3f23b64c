"""What is on the disk before what: each change of a store, a backup set and a journal, call by call."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.transaction.calls import recorded
from tests.transaction.kit import UNIX, backed_up, database, machine, opened

from dsmcertfix.model import LocatedStore, StoreFile
from dsmcertfix.system import private
from dsmcertfix.system.unix.private import UnixGuard
from dsmcertfix.transaction import live
from dsmcertfix.transaction.backup import Backup
from dsmcertfix.transaction.ending import put_away_unreadable, remove_run
from dsmcertfix.transaction.runs import past_runs

ASIDE, NEW = ".dsmcertfix-run-aside", ".dsmcertfix-run-new"


@pytest.fixture
def backup(store: LocatedStore, tmp_path: Path) -> Backup:
    return backed_up(store, tmp_path / "set")


def test_a_new_key_database_is_on_the_disk_before_it_has_its_name_and_the_names_before_the_next_step(
    store: LocatedStore, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(store) as directory:
        calls = recorded(monkeypatch)
        live.swap(directory, backup, database(), StoreFile.IDX)
    assert calls == [
        f"sync dsmcert.kdb{NEW}",
        f"link dsmcert.kdb dsmcert.kdb{ASIDE}",
        f"rename dsmcert.kdb{NEW} dsmcert.kdb",
        f"rename dsmcert.idx dsmcert.idx{ASIDE}",
        "sync store",
    ]


def test_what_was_moved_out_is_so_on_the_disk(
    store: LocatedStore, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(store) as directory:
        calls = recorded(monkeypatch)
        live.move_out(directory, backup)
    assert calls[-1] == "sync store" and [call.split()[0] for call in calls[:-1]] == ["rename"] * 3


def test_what_a_client_wrote_is_synced_file_by_file_and_then_the_names(
    store: LocatedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(store) as directory:
        calls = recorded(monkeypatch)
        live.settle(directory)
    assert calls == ["sync dsmcert.kdb", "sync dsmcert.sth", "sync dsmcert.idx", "sync store"]


def test_a_file_that_cannot_be_synced_is_told_after_the_others_were(
    store: LocatedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(store) as directory:
        calls = recorded(monkeypatch)
        fsync = os.fsync

        def full(handle: int) -> None:
            fsync(handle)
            if calls[-1] == "sync dsmcert.kdb":
                raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            live.settle(directory)
    assert calls == ["sync dsmcert.kdb", "sync dsmcert.sth", "sync dsmcert.idx", "sync store"]


def test_a_set_is_on_the_disk_before_its_manifest_and_the_manifest_before_anything_is_changed(
    store: LocatedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sets").mkdir()
    calls = recorded(monkeypatch)
    backed_up(store, tmp_path / "sets" / "set")
    assert calls == [
        "mkdir set",
        "sync dsmcert.kdb",
        "sync dsmcert.sth",
        "sync dsmcert.idx",
        "sync manifest.json.new",
        "sync set",
        "rename manifest.json.new manifest.json",
        "sync set",
        "sync sets",
    ]


def test_what_is_put_back_is_on_the_disk_before_what_was_kept_aside_goes(
    store: LocatedStore, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(store) as directory:
        live.swap(directory, backup, database(), StoreFile.IDX)
        (store.directory / f"dsmcert.kdb{ASIDE}").write_bytes(b"damaged")
        calls = recorded(monkeypatch)
        live.restoring(backup)(directory)
    assert calls == [
        f"sync dsmcert.kdb{NEW}",
        f"rename dsmcert.kdb{NEW} dsmcert.kdb",
        f"rename dsmcert.idx{ASIDE} dsmcert.idx",
        "sync dsmcert.kdb",
        "sync dsmcert.sth",
        "sync dsmcert.idx",
        "sync store",
        f"unlink dsmcert.kdb{ASIDE}",
        "sync store",
    ]


def test_a_private_copy_is_gone_from_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine(tmp_path)
    journal = here.begin()
    stage = journal.path.parent / "stores" / "s1" / "stage"
    stage.mkdir(parents=True)
    (stage / "dsmcert.kdb").write_bytes(b"a secret")
    calls = recorded(monkeypatch)
    assert live.tidy(UNIX, journal, "s1", here.store, touched=False)
    journal.close()
    assert not stage.exists() and calls[-1] == "sync s1"


def test_a_removed_run_has_no_journal_on_the_disk_before_its_set_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine(tmp_path)
    here.fix()
    (run,) = past_runs(here.state)
    calls = recorded(monkeypatch)
    remove_run(run)
    assert calls[:3] == [
        "rename journal.jsonl removed.jsonl",
        f"sync {run.directory.name}",
        "unlink manifest.json",
    ]
    assert not run.directory.exists()


def test_a_journal_that_is_put_away_is_so_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine(tmp_path)
    _, journal = here.fix()
    journal.path.write_bytes(b"{}\n")
    calls = recorded(monkeypatch)
    assert put_away_unreadable(here.state, journal.path.parent.name)
    assert [call.split()[0] for call in calls] == ["rename", "sync"]
    assert calls[-1] == f"sync {journal.path.parent.name}"


def test_a_directory_of_ours_has_its_name_on_the_disk_before_anything_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = recorded(monkeypatch)
    private.make(tmp_path / "state" / "runs", UnixGuard())
    assert calls == ["mkdir state", f"sync {tmp_path.name}", "mkdir runs", "sync state"]
    shutil.rmtree(tmp_path / "state")
