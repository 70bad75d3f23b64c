"""A file that somebody moved into a store's directory is opened to nobody and given to nobody.

The attacker may write to the directory (mode 2775, as DSM_DIR often is), and renames a file of root's, which
lies in another such directory, to a name of the store's while the client is at work.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.transaction.kit import backed_up, located, make_store, opened

from dsmbench.runtime import scratch
from dsmcertfix.errors import NotPermitted
from dsmcertfix.model import LocatedStore, StoreFile
from dsmcertfix.transaction import live
from dsmcertfix.transaction.backup import Backup

MALLORY = 54321
SECRET = b"the secret of somebody else"


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user may pass."""
    with scratch() as directory:
        yield directory


@pytest.fixture
def store(place: Path) -> Iterator[LocatedStore]:
    """A store of mallory's group, in a directory of root's that the group may write to."""
    if os.geteuid() != 0:
        not_shown("files of others: it needs root to make them")
    made = make_store(place / "store")
    for path in (made.directory, *made.directory.iterdir()):
        os.chown(path, 0, MALLORY)
    (made.directory / "dsmcert.idx").chmod(0o664)
    made.directory.chmod(0o2775)
    yield located(made.directory)


@pytest.fixture
def backup(store: LocatedStore, place: Path) -> Backup:
    return backed_up(store, place / "set")


@pytest.fixture
def shared(place: Path) -> Path:
    """Another directory that the group may write to, with files of root's and of somebody else."""
    directory = place / "shared"
    directory.mkdir()
    directory.chmod(0o777)
    return directory


def attack(store: LocatedStore, source: Path) -> None:
    """The attacker's script: as mallory, a rename."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(MALLORY)
            os.setuid(MALLORY)
            os.rename(source, store.directory / "dsmcert.idx")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert not source.exists()


@pytest.mark.parametrize(("uid", "mode"), [(0, 0o600), (4711, 0o600), (4711, 0o400)])
def test_a_file_that_was_moved_in_stays_closed_and_its_owner_s(
    store: LocatedStore, shared: Path, uid: int, mode: int, place: Path
) -> None:
    secret = shared / "secret"
    secret.write_bytes(SECRET)
    os.chown(secret, uid, uid)
    secret.chmod(mode)
    os.utime(secret, (10**9, 10**9))
    _let_the_clock_go_on(secret, place)
    backup = backed_up(store, place / "set")
    before = secret.stat()
    attack(store, secret)
    with opened(store) as directory, pytest.raises(NotPermitted) as raised:
        live.keep_access(directory, backup)
    assert raised.value.code == "file-moved-in"
    after = (store.directory / "dsmcert.idx").stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


def _let_the_clock_go_on(file: Path, place: Path) -> None:
    """Until files that are made now are clearly newer than that one."""
    import time

    from dsmcertfix.system.unix import access
    from dsmcertfix.system.unix.directory import _CLOCKS_DIFFER_S

    with file.open("rb") as opened_file:
        made = access.made_at(opened_file.fileno())
    while time.time() <= made + _CLOCKS_DIFFER_S + 0.1:
        time.sleep(0.05)


def test_what_the_session_made_has_the_old_group_and_mode(store: LocatedStore, backup: Backup) -> None:
    index = store.directory / "dsmcert.idx"
    before = index.stat()
    index.unlink()
    index.write_bytes(b"a new index")
    index.chmod(0o600)
    with opened(store) as directory:
        live.keep_access(directory, backup)
        assert directory.read(StoreFile.IDX) == b"a new index"
    after = index.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


def test_what_was_not_touched_is_left_alone(store: LocatedStore, backup: Backup) -> None:
    with opened(store) as directory:
        live.keep_access(directory, backup)
        assert backup.differences(directory) == ()
