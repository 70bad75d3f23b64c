"""Acting as the owner of a store, in directories that nobody else can prepare, one run at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from tests.shown import not_shown
from tests.transaction.kit import (
    UNIX,
    backed_up,
    database,
    located,
    make_store,
    opened,
    seen,
)

from dsmbench.runtime import scratch
from dsmcertfix.errors import (
    DsmcertfixError,
    InternalError,
    NotPermitted,
    NotRestored,
    PlanOutdated,
    SwapFailed,
)
from dsmcertfix.model import LocatedStore, Owner, StoreFile
from dsmcertfix.system import locks
from dsmcertfix.system.base import StoreDirectory
from dsmcertfix.transaction import live

OTHER = database()
PRESENT = ("dsmcert.kdb", "dsmcert.sth", "dsmcert.idx")
STRANGER = Owner(54321, 54322, "stranger", None, (54323,))


# --- as the store's owner --------------------------------------------------------------------------------


@pytest.fixture
def theirs() -> Iterator[LocatedStore]:
    """A store in a home that only its owner enters, below a directory that can be passed but not listed."""
    if os.geteuid() != 0:
        not_shown("acting as another user: it needs root")
    with scratch() as public:
        passing = public / "home"
        directory = passing / "stranger" / "certs"
        make_store(directory)
        for path in (directory.parent, directory, *directory.iterdir()):
            os.chown(path, STRANGER.uid, STRANGER.gid)
        directory.chmod(0o700)
        directory.parent.chmod(0o700)
        passing.chmod(0o711)
        yield located(directory, STRANGER)


def test_the_work_is_done_with_the_owner_s_uid_gid_and_groups(theirs: LocatedStore) -> None:
    def work(directory: StoreDirectory) -> None:
        (theirs.directory / "who").write_text(f"{os.getresuid()} {os.getresgid()} {os.getgroups()}")

    UNIX.in_store(theirs, "run", work)
    uid, gid = STRANGER.uid, STRANGER.gid
    assert (theirs.directory / "who").read_text() == f"{(uid,) * 3} {(gid,) * 3} {list(STRANGER.groups)}"
    assert (theirs.directory / "who").stat().st_uid == uid
    assert os.geteuid() == 0


def test_the_whole_of_swap_and_restore_works_as_the_owner(theirs: LocatedStore, tmp_path: Path) -> None:
    before = seen(theirs.directory)
    backup = backed_up(theirs, tmp_path / "set")
    UNIX.in_store(theirs, "run", lambda directory: live.swap(directory, backup, OTHER, StoreFile.IDX))
    assert (theirs.directory / "dsmcert.kdb").read_bytes() == OTHER
    UNIX.in_store(theirs, "run", live.restoring(backup))
    assert seen(theirs.directory) == before


def test_what_root_could_write_the_child_cannot(theirs: LocatedStore, tmp_path: Path) -> None:
    """Even code that follows a link which the owner planted does not lead to a file of root's."""
    with scratch() as public:
        victim = public / "victim"
        victim.write_text("root's")
        victim.chmod(0o600)
        (theirs.directory / "trap").symlink_to(victim)

        def work(directory: StoreDirectory) -> None:
            for path in (theirs.directory / "trap", victim):
                with suppress(PermissionError):
                    path.write_text("overwritten")
                    raise AssertionError("root's file could be written")

        UNIX.in_store(theirs, "run", work)
        assert victim.read_text() == "root's"


@pytest.mark.parametrize("slot", ["", ".dsmcertfix-run-new", ".dsmcertfix-run-aside"])
def test_a_link_that_the_owner_plants_leads_no_write_elsewhere(
    theirs: LocatedStore, tmp_path: Path, slot: str
) -> None:
    name = f"dsmcert.kdb{slot}"
    backup = backed_up(theirs, tmp_path / "set")
    with scratch() as public:
        victim = public / "victim"
        victim.write_text("root's")
        os.chown(victim, STRANGER.uid, STRANGER.gid)
        UNIX.in_store(theirs, "run", lambda directory: live.swap(directory, backup, OTHER, StoreFile.IDX))
        (theirs.directory / name).unlink(missing_ok=True)
        (theirs.directory / name).symlink_to(victim)
        UNIX.in_store(theirs, "run", live.restoring(backup))
        assert victim.read_text() == "root's"
        assert not (theirs.directory / "dsmcert.kdb").is_symlink()


def test_in_a_directory_of_root_s_the_work_is_done_as_root(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        not_shown("root's own stores: it needs root")
    store = located(make_store(tmp_path / "store").directory, STRANGER)
    found: list[int] = []
    UNIX.in_store(store, "run", lambda directory: found.append(os.geteuid()))
    assert found == [0]


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (NotRestored("not-restored", "told", context=("one", "ü\udcff"), hint="do"), NotRestored),
        (PlanOutdated("store-changed", "told"), PlanOutdated),
        (OSError(28, "No space left on device"), SwapFailed),
        (PermissionError(13, "denied"), NotPermitted),
        (ValueError("a bug"), InternalError),
    ],
)
def test_what_goes_wrong_in_the_child_is_told_by_the_parent(
    theirs: LocatedStore, raised: Exception, kind: type[DsmcertfixError]
) -> None:
    def work(directory: StoreDirectory) -> None:
        raise raised

    with pytest.raises(kind) as told:
        UNIX.in_store(theirs, "run", work)
    if isinstance(raised, DsmcertfixError):
        assert told.value.problem() == raised.problem()


def test_a_child_that_dies_is_told(theirs: LocatedStore) -> None:
    with pytest.raises(SwapFailed) as raised:
        UNIX.in_store(theirs, "run", lambda directory: os._exit(9))
    assert raised.value.code == "child-died"


def test_no_child_is_left_behind(theirs: LocatedStore) -> None:
    before = set(psutil.Process().children())
    for _ in range(3):
        UNIX.in_store(theirs, "run", lambda directory: None)
    assert set(psutil.Process().children()) <= before


def test_a_directory_that_is_gone_is_an_error_of_ours(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    store.directory.rename(tmp_path / "elsewhere")
    with pytest.raises(SwapFailed):
        UNIX.in_store(store, "run", lambda directory: None)


# --- private directories and the lock --------------------------------------------------------------------


def test_a_private_directory_is_closed_with_all_that_were_made_on_the_way(tmp_path: Path) -> None:
    UNIX.private_directory(tmp_path / "a" / "b")
    for path in (tmp_path / "a", tmp_path / "a" / "b"):
        assert path.stat().st_mode & 0o777 == 0o700
    UNIX.private_directory(tmp_path / "a" / "b")


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_state_directory_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(mode)
    with pytest.raises(NotPermitted) as raised:
        UNIX.private_directory(tmp_path / "state")
    assert raised.value.code == "state-directory-not-ours"


def test_a_link_or_a_file_is_no_state_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_bytes(b"")
    for name in ("link", "file"):
        with pytest.raises(NotPermitted):
            UNIX.private_directory(tmp_path / name)


def test_a_state_directory_that_somebody_else_could_exchange_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(NotPermitted, match="everybody may write"):
        UNIX.private_directory(tmp_path / "open" / "state")
    (tmp_path / "open").chmod(0o1777)
    UNIX.private_directory(tmp_path / "open" / "state")


def test_a_state_directory_of_or_below_another_user_s_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        not_shown("directories of another user: making one needs root")
    for name in ("theirs", "below/state"):
        path = tmp_path / name
        path.mkdir(parents=True, mode=0o700)
        path.chmod(0o700)
        os.chown(tmp_path / name.split("/", maxsplit=1)[0], STRANGER.uid, STRANGER.gid)
        with pytest.raises(NotPermitted, match=str(STRANGER.uid)):
            UNIX.private_directory(path)


def test_only_one_run_holds_the_lock_and_its_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.held(path)
    with locks.alone(path, 0.0):
        assert locks.held(path)
        with pytest.raises(DsmcertfixError) as raised, locks.alone(path, 0.0):
            pass
        assert raised.value.code == "another-run"
    assert not locks.held(path)
    assert path.exists()
    with locks.alone(path, 0.0):
        pass


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    child = os.fork()
    if child == 0:
        with locks.alone(path, 0.0):
            os._exit(0)
    os.waitpid(child, 0)
    with locks.alone(path, 0.0):
        pass


def test_a_user_reaches_the_own_store_below_a_directory_that_can_be_passed_but_not_listed(
    theirs: LocatedStore,
) -> None:
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(STRANGER.gid)
        os.setuid(STRANGER.uid)
        with suppress(BaseException), opened(theirs) as directory:
            directory.read(StoreFile.KDB)
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
