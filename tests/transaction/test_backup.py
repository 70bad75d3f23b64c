"""Backup sets: everything of the five files, proved, what was absent too, and what no set is made of."""

from __future__ import annotations

import base64
import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.transaction.kit import ACL, backed_up, differences, opened

from dsmcertfix.errors import BackupFailed
from dsmcertfix.model import FileFact, LocatedStore, StoreFile
from dsmcertfix.report.catalogue import next_step
from dsmcertfix.transaction import backup as backups
from dsmcertfix.transaction.backup import MANIFEST, load_backup, make_backup


def test_a_set_has_every_file_and_knows_which_were_absent(store: LocatedStore, tmp_path: Path) -> None:
    backed_up(store, tmp_path / "set")
    backup = load_backup(tmp_path / "set", StoreFile)
    backup.verify()
    present = {item.fact.file: item.fact.present for item in backup.files}
    assert present == {
        StoreFile.KDB: True,
        StoreFile.STH: True,
        StoreFile.IDX: True,
        StoreFile.RDB: False,
        StoreFile.CRL: False,
    }
    for file, there in present.items():
        assert (tmp_path / "set" / file.value).exists() is there
        if there:
            assert backup.content(file) == (store.directory / file.value).read_bytes()
    assert differences(store, tmp_path / "set") == ()


def test_what_is_loaded_is_what_was_made(store: LocatedStore, tmp_path: Path) -> None:
    made = backed_up(store, tmp_path / "set")
    assert load_backup(tmp_path / "set", StoreFile) == made


def test_modes_owners_and_times_are_in_the_set(store: LocatedStore, tmp_path: Path) -> None:
    backup = backed_up(store, tmp_path / "set")
    meta = backup.saved(StoreFile.IDX).metadata
    assert meta is not None
    assert (meta.mode, meta.uid, meta.gid, meta.mtime_ns) == (
        0o604,
        os.geteuid(),
        os.getegid(),
        10**18 + 123456789,
    )


def test_the_set_itself_is_closed_to_others(store: LocatedStore, tmp_path: Path) -> None:
    backed_up(store, tmp_path / "set")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "set").iterdir()} == {0o600}


def test_extended_attributes_are_in_the_set(store: LocatedStore, tmp_path: Path) -> None:
    try:
        os.setxattr(store.directory / "dsmcert.sth", "user.note", b"\x00\xff")
    except OSError:
        not_shown("extended attributes: this file system has none")
    backup = backed_up(store, tmp_path / "set")
    meta = load_backup(tmp_path / "set", StoreFile).saved(StoreFile.STH).metadata
    assert meta is not None and ("user.note", b"\x00\xff") in meta.xattrs
    os.removexattr(store.directory / "dsmcert.sth", "user.note")
    assert "extended attributes differ" in differences(store, backup.path)[0]


def test_an_acl_is_in_the_set(store: LocatedStore, tmp_path: Path) -> None:
    try:
        os.setxattr(store.directory / "dsmcert.kdb", "system.posix_acl_access", ACL)
    except OSError:
        not_shown("ACLs: this file system has none")
    backup = backed_up(store, tmp_path / "set")
    meta = load_backup(backup.path, StoreFile).saved(StoreFile.KDB).metadata
    assert meta is not None and dict(meta.xattrs)["system.posix_acl_access"] == ACL
    os.removexattr(store.directory / "dsmcert.kdb", "system.posix_acl_access")
    assert differences(store, backup.path)


def test_a_set_holds_no_secret_in_its_manifest(store: LocatedStore, tmp_path: Path) -> None:
    backup = backed_up(store, tmp_path / "set")
    stash = (store.directory / "dsmcert.sth").read_bytes()
    text = (backup.path / MANIFEST).read_text()
    assert base64.b64encode(stash).decode()[:20] not in text and stash.hex()[:20] not in text


def test_the_hash_of_a_manifest_is_that_of_its_bytes(store: LocatedStore, tmp_path: Path) -> None:
    backup = backed_up(store, tmp_path / "set")
    data = (backup.path / MANIFEST).read_bytes()
    assert backups.manifest_hash(backup.path) == sha256(data).hexdigest()
    assert json.loads(data)["directory"] == str(store.directory)


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 8192, 9000])
def test_a_file_of_zeros_is_saved_whole(store: LocatedStore, tmp_path: Path, size: int) -> None:
    for number, content in enumerate((b"\0" * size, b"\0" * size + b"x", b"x" + b"\0" * size)):
        (store.directory / "dsmcert.rdb").write_bytes(content)
        backup = backed_up(store, tmp_path / f"set-{number}")
        assert backup.content(StoreFile.RDB) == content


def test_a_large_file_of_zeros_takes_no_room(store: LocatedStore, tmp_path: Path) -> None:
    (store.directory / "dsmcert.rdb").write_bytes(b"\0" * 1024 * 1024)
    backed_up(store, tmp_path / "set")
    assert (tmp_path / "set" / "dsmcert.rdb").stat().st_blocks < 100


# --- what is not backed up -------------------------------------------------------------------------------


def facts(store: LocatedStore) -> tuple[FileFact, ...]:
    with opened(store) as directory:
        return tuple(directory.fact(file) for file in StoreFile)


@pytest.mark.parametrize("change", ["content", "gone", "appeared"])
def test_a_file_that_changed_since_it_was_looked_at_is_not_backed_up(
    store: LocatedStore, tmp_path: Path, change: str
) -> None:
    known = facts(store)
    if change == "content":
        (store.directory / "dsmcert.kdb").write_bytes(b"another")
    elif change == "gone":
        (store.directory / "dsmcert.idx").unlink()
    else:
        (store.directory / "dsmcert.rdb").write_bytes(b"new")
    (tmp_path / "set").mkdir()
    with opened(store) as directory, pytest.raises(BackupFailed) as raised:
        make_backup(directory, known, tmp_path / "set")
    assert raised.value.code == "store-changed-meanwhile"
    assert not (tmp_path / "set" / MANIFEST).exists()


def test_facts_that_leave_a_file_out_make_no_backup(store: LocatedStore, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with opened(store) as directory, pytest.raises(BackupFailed):
        make_backup(directory, facts(store)[:-1], tmp_path / "set")
    with opened(store) as directory, pytest.raises(BackupFailed):
        make_backup(directory, (), tmp_path / "set")


def test_a_set_is_never_written_over(store: LocatedStore, tmp_path: Path) -> None:
    backup = backed_up(store, tmp_path / "set")
    before = (backup.path / "dsmcert.kdb").stat().st_ino
    with opened(store) as directory, pytest.raises(BackupFailed):
        make_backup(directory, facts(store), backup.path)
    assert (backup.path / "dsmcert.kdb").stat().st_ino == before


def test_no_room_for_a_backup_is_told_with_the_way_out(store: LocatedStore, tmp_path: Path) -> None:
    with opened(store) as directory, pytest.raises(BackupFailed) as raised:
        make_backup(directory, facts(store), tmp_path / "missing")
    assert raised.value.code == "backup-not-written"
    assert "--state-dir" in (next_step(raised.value.code) or "")


def test_room_is_needed_twice_and_some_more_and_where_nobody_can_tell_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = (FileFact(StoreFile.KDB, True, 1000), FileFact(StoreFile.STH, True, 24))
    usage = shutil.disk_usage(tmp_path)
    needed = 2 * 1024 + 4 * 1024 * 1024
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=needed))
    backups.require_room(facts, tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=needed - 1))
    with pytest.raises(BackupFailed) as raised:
        backups.require_room(facts, tmp_path)
    assert raised.value.code == "no-room-for-backup"
    assert f"{needed} bytes are needed, {needed - 1} are free" in raised.value.message

    def unknown(path: Path) -> None:
        raise OSError("odd")

    monkeypatch.setattr(shutil, "disk_usage", unknown)
    backups.require_room(facts, tmp_path)


def test_a_file_that_goes_or_cannot_be_read_while_a_set_is_made_is_told(
    store: LocatedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(store) as directory:
        facts = tuple(directory.fact(file) for file in StoreFile)
        for error, code in (
            (FileNotFoundError(2, "gone"), "store-changed-meanwhile"),
            (OSError(5, "Input/output error"), "store-not-read"),
            (OSError("odd"), "store-not-read"),
        ):

            def fails(file: StoreFile, slot: str = "live", error: OSError = error) -> bytes:
                raise error

            monkeypatch.setattr(directory, "read", fails)
            path = tmp_path / f"set-{code}-{error.errno}"
            path.mkdir()
            with pytest.raises(BackupFailed) as raised:
                make_backup(directory, facts, path)
            assert raised.value.code == code
            if code == "store-not-read":
                assert raised.value.message.endswith(f"could not be read: {error.strerror or error}")


class Platform:
    """As far as `read_as_owner` asks one."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def from_store(self, store: LocatedStore, work: object) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "code", "why"),
    [
        (FileNotFoundError(2, "gone"), "store-changed-meanwhile", "changed while it was looked at"),
        (OSError(5, "Input/output error"), "store-not-read", "could not be read: Input/output error"),
        (OSError("odd"), "store-not-read", "could not be read: odd"),
        ("a text", "store-not-read", "is not in the form in which it is told"),
    ],
)
def test_what_an_owner_could_not_read_is_told(
    store: LocatedStore, answer: object, code: str, why: str
) -> None:
    facts = (FileFact(StoreFile.KDB, True), FileFact(StoreFile.RDB, False))
    with pytest.raises(BackupFailed) as raised:
        backups.read_as_owner(Platform(answer), store, facts)  # type: ignore[arg-type]
    assert raised.value.code == code and raised.value.message.endswith(why)
    assert backups.read_as_owner(Platform(b"1"), store, facts) == {StoreFile.KDB: b"1"}  # type: ignore[arg-type]
