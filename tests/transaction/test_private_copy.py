"""The private copy: never without its key database or its stash file, and its password is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.transaction.kit import PASSWORD, STASH, UNIX, A, Breaking, database, located

from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.transaction import staging
from dsmcertfix.transaction.staging import Staged


@pytest.fixture
def copy(tmp_path: Path) -> Staged[Any]:
    """One that no engine may be given."""

    def never(directory: Path) -> None:
        raise AssertionError("there is nothing to edit")

    (tmp_path / "dsmcert.kdb").write_bytes(database(("A", A)))
    (tmp_path / "dsmcert.sth").write_bytes(STASH)
    return Staged(tmp_path, located(tmp_path), (Breaking(never),), UNIX)


@pytest.mark.parametrize("name", ["dsmcert.kdb", "dsmcert.sth"])
def test_a_copy_without_key_database_or_stash_file_is_not_edited(copy: Staged[Any], name: str) -> None:
    (copy.directory / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        copy.edit(lambda engine, path: engine.delete(path, ()))
    with pytest.raises(FileNotFoundError, match=name):
        copy.keep_password()


def test_what_a_store_has_besides_is_edited_with_it(copy: Staged[Any]) -> None:
    assert list(copy._files()) == ["dsmcert.kdb", "dsmcert.sth"]
    (copy.directory / "dsmcert.rdb").write_bytes(b"requests")
    (copy.directory / "dsmcert.idx").write_bytes(b"an index")
    assert copy._files() == {
        "dsmcert.kdb": copy.database.read_bytes(),
        "dsmcert.sth": STASH,
        "dsmcert.rdb": b"requests",
    }


def test_a_copy_that_came_under_another_password_is_none(
    copy: Staged[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = copy.database.read_bytes()

    def another(read: kdb.KeyDatabase, password: bytes) -> bytes:
        slots = [record.slot for record in read.records]
        return kdb._write(read, b"another password", slots, read.slot_size)

    with monkeypatch.context() as patched:
        patched.setattr(kdb, "keep_password", another)
        with pytest.raises(StoreUnreadable):
            staging._keep_password(copy.database)
    copy.database.write_bytes(before)
    staging._keep_password(copy.database)
    kdb.verify(kdb.read(copy.database.read_bytes()), PASSWORD)
