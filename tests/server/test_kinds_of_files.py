"""A client's transaction cannot name a server's file, nor a server's a client's."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.transaction.kit import make_store

from dsmcertfix.ibm.server.instance import LocatedInstance
from dsmcertfix.model import Owner, ServerFile, StoreFile
from dsmcertfix.system.base import Metadata
from dsmcertfix.system.unix.directory import UnixDirectory, open_directory

META = Metadata(0o600, os.geteuid(), os.getegid(), 0, ())
USES: dict[str, Callable[[UnixDirectory[Any], Any], object]] = {
    "present": lambda directory, file: directory.present(file),
    "fact": lambda directory, file: directory.fact(file),
    "read": lambda directory, file: directory.read(file),
    "metadata": lambda directory, file: directory.metadata(file),
    "write": lambda directory, file: directory.write_new(file, b"", META),
    "keep aside": lambda directory, file: directory.keep_aside(file),
    "exchange": lambda directory, file: directory.exchange(file),
    "move": lambda directory, file: directory.move(file, "live", "aside"),
    "keep access": lambda directory, file: directory.keep_access(file, META, datetime.now(timezone.utc)),
    "sync": lambda directory, file: directory.sync_content(file),
    "discard": lambda directory, file: directory.discard(file, "live"),
}


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A directory with a client's store and a server's key database: PASSWORDDIR of a database backup."""
    make_store(tmp_path)
    for file in ServerFile:
        (tmp_path / file.value).write_bytes(b"the server's")
    return tmp_path


def identity(path: Path) -> tuple[int, int]:
    info = path.stat()
    return info.st_dev, info.st_ino


def test_no_file_belongs_to_both_sets() -> None:
    assert not {file.value for file in StoreFile} & {file.value for file in ServerFile}
    assert {file.value for file in ServerFile} == {
        "cert.kdb",
        "cert.sth",
        "cert.rdb",
        "cert.crl",
        "cert256.arm",
    }


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("kind", [StoreFile, ServerFile])
def test_a_directory_opened_for_one_set_refuses_every_file_of_the_other(
    kind: type[StoreFile] | type[ServerFile], use: str, shared: Path
) -> None:
    before = {path.name: path.read_bytes() for path in shared.iterdir()}
    other = ServerFile if kind is StoreFile else StoreFile
    with open_directory(shared, kind, "run", identity(shared)) as directory:
        for file in other:
            with pytest.raises(TypeError, match="not of this set"):
                USES[use](directory, file)
    assert {path.name: path.read_bytes() for path in shared.iterdir()} == before


@pytest.mark.parametrize("name", ["cert.kdb", "dsmcert.kdb"])
def test_not_even_a_plain_name_is_taken(name: str, shared: Path) -> None:
    with (
        open_directory(shared, StoreFile, "run", identity(shared)) as directory,
        pytest.raises(TypeError, match="not of this set"),
    ):
        directory.read(name)  # type: ignore[arg-type]


def test_the_two_sets_in_one_directory_have_backups_and_journals_of_their_own(shared: Path) -> None:
    store = make_store(shared)
    instance = LocatedInstance(shared, identity(shared), Owner(os.geteuid(), os.getegid(), "me"))
    assert store.id != instance.id
    assert (store.kind, instance.kind) == (StoreFile, ServerFile)
