"""A store's directory on Windows: held; its files refused where they are odd, replaced with their ACL."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tests.shown import not_shown

assert sys.platform == "win32"

from dsmcertfix.errors import Busy, NotPermitted, PlanOutdated
from dsmcertfix.model import Owner, StoreFile
from dsmcertfix.system.win32 import files, security
from dsmcertfix.system.win32.calls import ACCESS_DENIED, close
from dsmcertfix.system.windows import directory as windows_directory
from dsmcertfix.system.windows import who as windows_who
from dsmcertfix.system.windows.directory import WindowsDirectory

KDB, STH, IDX = StoreFile.KDB, StoreFile.STH, StoreFile.IDX
MACHINE = Owner(0, 0, "SYSTEM")
USER = Owner(4711, 0, "anna", Path(r"C:\Users\anna"))
PLACES = ("store", "mit Blanks und Ümlauten", "x" * 120 + "\\" + "y" * 120)


@pytest.fixture(params=PLACES, ids=["plain", "umlauts", "long"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    place = tmp_path / str(request.param)
    Path(files.extended(str(place))).mkdir(parents=True)
    for name in ("dsmcert.kdb", "dsmcert.sth"):
        write(place / name, name.encode())
    return place


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    for name in ("dsmcert.kdb", "dsmcert.sth"):
        write(tmp_path / name, name.encode())
    return tmp_path


def write(path: Path, content: bytes) -> None:
    Path(files.extended(str(path))).write_bytes(content)


def names(path: Path) -> list[str]:
    return sorted(os.listdir(files.extended(str(path))))


@contextmanager
def opened(path: Path, owner: Owner = MACHINE, *, open_to_users: bool = False) -> Iterator[WindowsDirectory]:
    """The directory, as one that only administrators can fill, or as one that its users can."""
    with windows_directory.open_directory(path, StoreFile, "run", owner) as directory:
        directory._is_closed = not open_to_users
        yield directory


@contextmanager
def held(path: Path, share: int) -> Iterator[None]:
    handle = files.opened(str(path), files.READ_DATA, share)
    try:
        yield
    finally:
        close(handle)


def test_content_and_what_is_kept_of_a_file_are_read(store: Path) -> None:
    with opened(store) as directory:
        assert directory.read(KDB) == b"dsmcert.kdb"
        fact, metadata = directory.fact(KDB), directory.metadata(KDB)
        assert (fact.present, fact.size, fact.uid, directory.fact(IDX).present) == (True, 11, 0, False)
        assert metadata.security is not None and metadata.security.startswith("O:")


@pytest.mark.parametrize("open_to_users", [False, True])
def test_the_new_file_is_live_with_owner_and_dacl_of_the_old_one_which_is_aside(
    store: Path, open_to_users: bool
) -> None:
    with opened(store, open_to_users=open_to_users) as directory:
        before = directory.metadata(KDB)
        directory.write_new(KDB, b"new", before._replace(mtime_ns=None))
        directory.exchange(KDB)
        assert (directory.read(KDB), directory.read(KDB, "aside")) == (b"new", b"dsmcert.kdb")
        assert directory.metadata(KDB)._replace(mtime_ns=before.mtime_ns) == before
        assert directory.metadata(KDB, "aside") == before
        directory.move(KDB, "aside", "live")
        assert (directory.read(KDB), directory.metadata(KDB)) == (b"dsmcert.kdb", before)
    assert names(store) == ["dsmcert.kdb", "dsmcert.sth"]


def test_attributes_and_time_are_kept_and_a_read_only_file_is_replaced(plain: Path) -> None:
    with files.holding(str(plain / "dsmcert.kdb"), files.WRITE_ATTRIBUTES) as handle:
        files.set_basic(handle, files.READONLY | files.HIDDEN, 10**18)
    with opened(plain) as directory:
        before = directory.metadata(KDB)
        assert (before.mode, before.mtime_ns) == (files.READONLY | files.HIDDEN, 10**18)
        directory.write_new(KDB, b"new", before)
        directory.exchange(KDB)
        assert (directory.read(KDB), directory.metadata(KDB)) == (b"new", before)
        directory.discard(KDB, "aside")
        directory.discard(KDB, "live")
    assert names(plain) == ["dsmcert.sth"]


@pytest.mark.parametrize("windows", ["this one", "one before 10 1809"])
def test_a_live_file_is_as_before_when_its_second_name_is_taken_away(
    plain: Path, windows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an undo of a swap that was never made: what is compared before must be so afterwards."""
    if windows == "one before 10 1809":
        gone, kind = b"\x01", files._DISPOSITION_INFO

        def delete(handle: int) -> None:
            if files.information(handle).attributes & files.READONLY:
                raise OSError(None, "Access is denied", None, ACCESS_DENIED)
            files._set_information(handle, kind, gone)

        monkeypatch.setattr(files, "delete", delete)
    with files.holding(str(plain / "dsmcert.kdb"), files.WRITE_ATTRIBUTES) as handle:
        files.set_basic(handle, files.READONLY | files.HIDDEN, 10**18)
    with opened(plain, open_to_users=True) as directory:
        before, fact = directory.metadata(KDB), directory.fact(KDB)
        directory.keep_aside(KDB)
        directory.discard(KDB, "aside")
        assert (directory.metadata(KDB), directory.fact(KDB)) == (before, fact)
        assert names(plain) == ["dsmcert.kdb", "dsmcert.sth"]
        directory.discard(KDB, "live")
    assert names(plain) == ["dsmcert.sth"]


def test_nobody_can_put_another_directory_in_its_place_or_in_that_of_one_above(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    with opened(inner):
        for path in (inner, inner.parent):
            with pytest.raises(PermissionError):
                path.rename(path.with_name("away"))
    inner.parent.rename(tmp_path / "away")


def test_a_directory_that_was_exchanged_before_is_not_worked_in(plain: Path) -> None:
    with (
        pytest.raises(PlanOutdated),
        windows_directory.open_directory(plain, StoreFile, "run", MACHINE, (0, 4711)),
    ):
        pass


@pytest.mark.parametrize("look", ["fact", "read", "metadata", "require_free"])
def test_a_file_with_a_second_name_elsewhere_is_refused(plain: Path, look: str) -> None:
    os.link(plain / "dsmcert.kdb", plain / "other")
    with opened(plain) as directory, pytest.raises(NotPermitted, match="2 names") as raised:
        getattr(directory, look)(KDB)
    assert raised.value.code == "file-has-another-name"


def test_a_second_name_of_our_own_is_none(plain: Path) -> None:
    with opened(plain) as directory:
        directory.keep_aside(KDB)
        assert directory.read(KDB) == directory.read(KDB, "aside") == b"dsmcert.kdb"
        with pytest.raises(NotPermitted):
            directory.keep_access(KDB, directory.metadata(KDB), datetime.now(timezone.utc))


def test_a_directory_in_the_place_of_a_file_is_refused(plain: Path) -> None:
    (plain / "dsmcert.idx").mkdir()
    with opened(plain) as directory, pytest.raises(NotPermitted, match="a directory"):
        directory.read(IDX)


@pytest.mark.parametrize("share", [0, files.SHARE_READ, files.SHARE_READ | files.SHARE_WRITE])
def test_a_file_that_somebody_holds_is_busy_after_a_bounded_time(
    plain: Path, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsmcertfix.system.windows.holding.PATIENCE_S", 0.3)
    with held(plain / "dsmcert.kdb", share), opened(plain) as directory:
        with pytest.raises(Busy):
            directory.require_free(KDB)
        if share:
            assert directory.read(KDB) == b"dsmcert.kdb"


def test_in_a_users_store_a_file_of_a_third_user_is_refused(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every file of a Wine belongs to one user: which number that one has decides.
    for number, refused in ((0, False), (USER.uid, False), (12, True)):
        monkeypatch.setattr(windows_who, "number", lambda sid, number=number: number)
        with opened(plain, USER) as directory:
            if refused:
                with pytest.raises(NotPermitted, match="belongs to"):
                    directory.read(KDB)
            else:
                assert directory.read(KDB) == b"dsmcert.kdb"


def test_a_store_of_the_machine_that_users_can_fill_is_refused(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows_who, "others", lambda descriptor, mask: ("Users",))
    with pytest.raises(NotPermitted, match="Users can exchange"), opened(plain):
        pass
    with opened(plain, USER) as directory:
        assert directory.read(KDB) == b"dsmcert.kdb"


def test_a_junction_on_the_way_is_refused(tmp_path: Path) -> None:
    import _winapi

    target = tmp_path / "target"
    target.mkdir()
    try:
        _winapi.CreateJunction(str(target), str(tmp_path / "junction"))
    except OSError as error:
        not_shown(f"this Windows (Wine) has no junctions: {error.strerror}")
    with pytest.raises(NotPermitted, match="link"), opened(tmp_path / "junction"):
        pass


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        (files.REPARSE_POINT, "a link (reparse point)"),
        (files.REPARSE_POINT | files.DIRECTORY, "a link (reparse point)"),
        (files.DIRECTORY, "a directory"),
        (files.OFFLINE, "a placeholder of a file elsewhere"),
        (files.RECALL_ON_DATA_ACCESS, "a placeholder of a file elsewhere"),
        (files.NORMAL, ""),
        (files.ARCHIVE | files.HIDDEN, ""),
    ],
)
def test_what_a_file_is_stands_in_its_attributes(attributes: int, what: str) -> None:
    assert windows_directory._odd(attributes) == what


def test_a_new_file_is_closed_from_its_first_moment_on(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    write_all = files.write

    def noting(handle: int, content: bytes) -> None:
        seen.append(security.sddl_of(handle))
        write_all(handle, content)

    monkeypatch.setattr(files, "write", noting)
    with opened(plain) as directory:
        directory.write_new(KDB, b"new", directory.metadata(KDB))
    (closed,) = seen
    assert "WD" not in closed.partition("D:")[2]


def test_an_acl_of_its_own_and_another_owner_survive(plain: Path) -> None:
    wanted = "O:SYD:P(A;;FA;;;SY)(A;;0x1200a9;;;BU)"
    access = files.READ_CONTROL | files.WRITE_DAC | files.WRITE_OWNER
    with files.holding(str(plain / "dsmcert.kdb"), access) as handle:
        security.set_security(handle, wanted)
        if security.sddl_of(handle) != wanted:
            not_shown("this Windows (Wine) keeps neither owners nor ACLs")
    with opened(plain) as directory:
        before = directory.metadata(KDB)
        directory.write_new(KDB, b"new", before)
        directory.exchange(KDB)
        assert directory.metadata(KDB).security == wanted
