"""Backup sets: everything of the five files, proved, and what was absent too."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.transaction.kit import ACL, THREE, backed_up, make_store, opened

from dsmcertfix.errors import BackupFailed
from dsmcertfix.model import FileFact, LocatedStore, StoreFile
from dsmcertfix.report.catalogue import next_step
from dsmcertfix.transaction import backup as backups
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


# --- how each trouble is told, and what is compared -------------------------------------------------------


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


def test_the_hash_of_a_manifest_is_that_of_its_bytes(store: LocatedStore, tmp_path: Path) -> None:
    backup = backed_up(store, tmp_path / "set")
    data = (backup.path / MANIFEST).read_bytes()
    assert backups.manifest_hash(backup.path) == sha256(data).hexdigest()
    assert json.loads(data)["directory"] == str(store.directory)


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
