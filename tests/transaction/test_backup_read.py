"""A backup set that is read again: damaged, of another release, or another than the store."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.transaction.kit import THREE, backed_up, differences

from dsmcertfix.errors import BackupFailed
from dsmcertfix.model import LocatedStore, StoreFile
from dsmcertfix.transaction import backup as backups
from dsmcertfix.transaction.backup import MANIFEST, load_backup


def test_a_copied_set_is_as_good(store: LocatedStore, tmp_path: Path) -> None:
    backup = backed_up(store, tmp_path / "set")
    shutil.copytree(backup.path, tmp_path / "elsewhere")
    load_backup(tmp_path / "elsewhere", StoreFile).verify()


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
        b"{}",
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


def test_a_saved_file_that_cannot_be_read_is_told_with_the_reason(
    store: LocatedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = backed_up(store, tmp_path / "set")
    (backup.path / "dsmcert.sth").unlink()
    with pytest.raises(BackupFailed) as raised:
        backup.content(StoreFile.STH)
    assert raised.value.message.endswith("dsmcert.sth` cannot be used: No such file or directory")
    found = backup.contents()
    assert isinstance(found[StoreFile.STH], BackupFailed) and found[StoreFile.KDB] == THREE
    assert set(found) == {StoreFile.KDB, StoreFile.STH, StoreFile.IDX}

    def fails(path: Path) -> bytes:
        raise OSError("odd")

    monkeypatch.setattr(backups, "_read", fails)
    with pytest.raises(BackupFailed, match="cannot be used: unreadable"):
        backup.content(StoreFile.KDB)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("dsmcert.kdb"), Path.mkdir])
def test_what_is_no_file_in_a_set_is_damaged_and_not_waited_for(
    store: LocatedStore, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    backup = backed_up(store, tmp_path / "set")
    (backup.path / "dsmcert.sth").unlink()
    make(backup.path / "dsmcert.sth")
    with pytest.raises(BackupFailed) as raised:
        backup.verify()
    assert raised.value.code == "backup-damaged"


def test_files_that_give_rights_are_neither_saved_nor_loaded(store: LocatedStore, tmp_path: Path) -> None:
    for number, bit in enumerate((0o4000, 0o2000)):
        (store.directory / "dsmcert.kdb").chmod(0o600 | bit)
        with pytest.raises(BackupFailed) as raised:
            backed_up(store, tmp_path / f"set-{number}")
        assert raised.value.code == "file-gives-rights"
    (store.directory / "dsmcert.kdb").chmod(0o1600)
    path = tmp_path / "set"
    backed_up(store, path)
    data = json.loads((path / MANIFEST).read_bytes())
    for change in (
        {"mode": 0o4600},
        {"xattrs": {"security.capability": ""}},
        {"size": -1},
        {"size": 64 * 1024 * 1024 + 1},
    ):
        files = [{**data["files"][0], **change}, *data["files"][1:]]
        (path / MANIFEST).write_text(json.dumps({**data, "files": files}))
        with pytest.raises(BackupFailed) as raised:
            load_backup(path, StoreFile)
        assert raised.value.code == "backup-damaged"
    for size in (0, 64 * 1024 * 1024):
        files = [{**data["files"][0], "size": size}, *data["files"][1:]]
        (path / MANIFEST).write_text(json.dumps({**data, "files": files}))
        assert load_backup(path, StoreFile).saved(StoreFile.KDB).fact.size == size


def test_a_set_that_tells_of_a_file_twice_is_none(store: LocatedStore, tmp_path: Path) -> None:
    path = backed_up(store, tmp_path / "set").path
    data = json.loads((path / MANIFEST).read_bytes())
    data["files"].append(data["files"][0])
    (path / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(BackupFailed, match="does not tell of each file"):
        load_backup(path, StoreFile)


# --- how store and set differ ----------------------------------------------------------------------------


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


def test_what_differs_is_told_by_what_it_is_and_another_time_is_no_difference(
    store: LocatedStore, tmp_path: Path
) -> None:
    path = backed_up(store, tmp_path / "set").path
    name = str(store.directory / "dsmcert")
    os.utime(store.directory / "dsmcert.sth", (1, 1))
    assert differences(store, path) == ()
    (store.directory / "dsmcert.kdb").chmod(0o600)
    (store.directory / "dsmcert.idx").unlink()
    (store.directory / "dsmcert.crl").write_bytes(b"")
    assert sorted(differences(store, path)) == [
        f"{name}.crl: was absent, is there",
        f"{name}.idx: is missing",
        f"{name}.kdb: content, owner or mode differs",
    ]
