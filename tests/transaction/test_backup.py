"""Backup sets: everything of the five files, proved, and what was absent too."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.transaction.kit import ACL, backed_up, make_store, opened

from dsmcertfix.errors import BackupFailed
from dsmcertfix.model import FileFact, LocatedStore, StoreFile
from dsmcertfix.transaction.backup import MANIFEST, load_backup, make_backup


@pytest.fixture
def store(tmp_path: Path) -> LocatedStore:
    return make_store(tmp_path / "store")


def differences(store: LocatedStore, path: Path) -> tuple[str, ...]:
    with opened(store) as directory:
        return load_backup(path, StoreFile).differences(directory)


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


@pytest.mark.parametrize("name", ["dsmcert.kdb", "dsmcert.sth", "dsmcert.idx"])
@pytest.mark.parametrize("harm", ["changed", "cut", "gone", "directory"])
def test_a_damaged_file_of_a_set_is_found(store: LocatedStore, tmp_path: Path, name: str, harm: str) -> None:
    backup = backed_up(store, tmp_path / "set")
    file = backup.path / name
    if harm == "changed":
        file.write_bytes(b"x" + file.read_bytes()[1:])
    elif harm == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    else:
        file.unlink()
        if harm == "directory":
            file.mkdir()
    with pytest.raises(BackupFailed) as raised:
        load_backup(backup.path, StoreFile).verify()
    assert raised.value.code == "backup-damaged"
    assert str(file) in raised.value.message


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"directory": "/x", "made_at": "2026-01-01T00:00:00+00:00", "files": []}',
        b'{"directory": "/x", "made_at": "2026-01-01T00:00:00+00:00", "files": ["x"]}',
        b'{"directory": "/x", "made_at": "yesterday", "files": []}',
        b'{"directory": "/x", "made_at": "2026-01-01T00:00:00+00:00",'
        b' "files": [{"file": "TSM.KDB", "present": false}]}',
    ],
)
def test_a_manifest_that_is_none_is_an_error_of_ours(
    store: LocatedStore, tmp_path: Path, manifest: bytes
) -> None:
    backup = backed_up(store, tmp_path / "set")
    (backup.path / MANIFEST).write_bytes(manifest)
    with pytest.raises(BackupFailed):
        load_backup(backup.path, StoreFile)


def test_a_manifest_that_leaves_a_file_out_is_not_complete(store: LocatedStore, tmp_path: Path) -> None:
    backup = backed_up(store, tmp_path / "set")
    data = json.loads((backup.path / MANIFEST).read_bytes())
    data["files"] = [item for item in data["files"] if item["file"] != "dsmcert.sth"]
    (backup.path / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(BackupFailed):
        load_backup(backup.path, StoreFile)


def test_fields_of_another_release_are_passed_over(store: LocatedStore, tmp_path: Path) -> None:
    backup = backed_up(store, tmp_path / "set")
    data = json.loads((backup.path / MANIFEST).read_bytes()) | {"selinux": "enforcing"}
    data["files"][0] |= {"birth": 7}
    del data["files"][1]["mtime_ns"]
    (backup.path / MANIFEST).write_text(json.dumps(data))
    load_backup(backup.path, StoreFile).verify()


def test_owner_and_dacl_of_windows_are_in_the_set_and_sets_of_before_load_without(
    store: LocatedStore, tmp_path: Path
) -> None:
    backup = backed_up(store, tmp_path / "set")
    assert "security" not in (backup.path / MANIFEST).read_text()
    data = json.loads((backup.path / MANIFEST).read_bytes())
    data["files"][0]["security"] = "O:BAD:P(A;;FA;;;SY)"
    (backup.path / MANIFEST).write_text(json.dumps(data))
    found = [item.metadata.security for item in load_backup(backup.path, StoreFile).files if item.metadata]
    assert found == ["O:BAD:P(A;;FA;;;SY)", None, None]
    # What a store has no place for differs: it was made on another system.
    assert "owner, ACL or extended attributes" in differences(store, backup.path)[0]


def test_without_a_manifest_there_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed):
        load_backup(tmp_path, StoreFile)


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
    assert raised.value.hint and "--state-dir" in raised.value.hint


@pytest.mark.parametrize("change", ["content", "mode", "gone", "appeared"])
def test_every_difference_between_store_and_set_is_told_with_the_path(
    store: LocatedStore, tmp_path: Path, change: str
) -> None:
    backup = backed_up(store, tmp_path / "set")
    file = store.directory / ("dsmcert.rdb" if change == "appeared" else "dsmcert.idx")
    if change == "content":
        file.write_bytes(b"another")
    elif change == "mode":
        file.chmod(0o600)
    elif change == "appeared":
        file.write_bytes(b"x")
    else:
        file.unlink()
    (line,) = differences(store, backup.path)
    assert str(file) in line


def test_a_set_holds_no_secret_in_its_manifest(store: LocatedStore, tmp_path: Path) -> None:
    backup = backed_up(store, tmp_path / "set")
    stash = (store.directory / "dsmcert.sth").read_bytes()
    text = (backup.path / MANIFEST).read_text()
    assert base64.b64encode(stash).decode()[:20] not in text and stash.hex()[:20] not in text


def test_a_copied_set_is_as_good(store: LocatedStore, tmp_path: Path) -> None:
    backup = backed_up(store, tmp_path / "set")
    shutil.copytree(backup.path, tmp_path / "elsewhere")
    load_backup(tmp_path / "elsewhere", StoreFile).verify()
