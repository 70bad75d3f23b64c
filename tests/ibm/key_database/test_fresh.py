"""Key databases made natively, opened and edited by IBM's own library."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsmbench import gskit
from dsmbench.gskit import Version
from dsmbench.identity import Identity
from dsmcertfix.ibm.key_database import fresh, kdb, stash
from dsmcertfix.model import StoreFile

MANY = 40
"""One stash in three has a NUL where none may be, if it is filled with whatever comes."""


@pytest.mark.parametrize("version", [3, 4])
def test_gskit_opens_every_one_that_is_made_and_edits_it(tmp_path: Path, version: Version) -> None:
    new = Identity.make().der
    databases = []
    for number in range(MANY):
        directory = tmp_path / str(number)
        directory.mkdir()
        password = fresh.new_password()
        files = fresh.empty_store(version, password)
        for file, content in files.items():
            (directory / file.value).write_bytes(content)
        assert stash.password(files[StoreFile.STH]) == password
        databases.append(directory / StoreFile.KDB.value)
    found = gskit.run([{"op": "certificates", "path": str(path)} for path in databases])
    assert found == [[]] * MANY
    gskit.add(databases[0], "added by IBM's library", new)
    assert list(gskit.certificates(databases[0]).values()) == [new]
    read = kdb.read(databases[0].read_bytes())
    assert (read.version, len(read.records)) == (version, 1)


def test_a_new_one_is_as_gskit_s_own_but_for_what_is_drawn(tmp_path: Path) -> None:
    versions: tuple[Version, ...] = (3, 4)
    assert versions == fresh.VERSIONS
    for version in versions:
        gskit.create(tmp_path / "dsmcert.kdb", "a password", version)
        for file, content in fresh.empty_store(version, b"a password").items():
            theirs = (tmp_path / file.value).read_bytes()
            assert len(content) == len(theirs)
            if file is not StoreFile.STH:
                assert content[:0x18] == theirs[:0x18] and content[0x2F] == theirs[0x2F] == 0
        for path in tmp_path.iterdir():
            path.unlink()


@pytest.mark.parametrize("secret", [b"", b"a\0b", b"x" * 129])
def test_what_no_stash_holds_is_no_password(secret: bytes) -> None:
    with pytest.raises(ValueError, match="no password"):
        stash.hidden(secret)
