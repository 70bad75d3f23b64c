"""The private copy's password does not run out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from tests.transaction.kit import PASSWORD, STASH, UNIX, Machine, database

from dsmcertfix.errors import EditFailed
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.transaction import staging


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    content = database()
    ends = int((datetime.now(timezone.utc) - timedelta(days=1)).timestamp())
    read = kdb.read(content)
    aged = read.prefix[:4] + ends.to_bytes(4, "big") + read.prefix[8:]
    path = tmp_path / "dsmcert.kdb"
    path.write_bytes(
        kdb._write(read._replace(prefix=aged), PASSWORD, [r.slot for r in read.records], read.slot_size)
    )
    (tmp_path / "dsmcert.sth").write_bytes(STASH)
    return path


def test_the_copy_s_password_does_not_expire_afterwards_and_its_records_are_the_same(copy: Path) -> None:
    before = kdb.read(copy.read_bytes())
    assert before.password_expires is not None
    staging._keep_password(copy)
    after = kdb.read(copy.read_bytes())
    assert after.password_expires is None and after.records == before.records
    kdb.verify(after, PASSWORD)


@pytest.mark.parametrize("what", ["password", "records"])
def test_a_password_that_was_not_kept_is_told(copy: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    other = copy.read_bytes() if what == "password" else kdb.keep_password(kdb.read(_more()), PASSWORD)
    monkeypatch.setattr(kdb, "keep_password", lambda read, password: other)
    with pytest.raises(EditFailed) as raised:
        staging._keep_password(copy)
    assert raised.value.code == "password-not-kept"


def _more() -> bytes:
    from dsmbench import certificates

    return database(("more", certificates.make()))


def test_the_staged_copy_is_the_one_with_the_kept_password(mine: Machine, copy: Path) -> None:
    mine.directory.joinpath("dsmcert.kdb").write_bytes(copy.read_bytes())
    stage = mine.state.parent / "stage"
    UNIX.private_directory(stage)
    staged = staging.Staged(stage, mine.store, (), UNIX)
    for name in ("dsmcert.kdb", "dsmcert.sth"):
        (stage / name).write_bytes((copy.parent / name).read_bytes())
    staged.keep_password()
    assert kdb.read((stage / "dsmcert.kdb").read_bytes()).password_expires is None
