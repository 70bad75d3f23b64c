"""Handles, times and whose a directory is, at their edges."""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from tests.transaction.kit import make_store, opened

import dsmcertfix
from dsmcertfix.errors import NotFound, NotPermitted
from dsmcertfix.model import StoreFile
from dsmcertfix.system import holders, private
from dsmcertfix.system.seen import OwnerLimits
from dsmcertfix.system.unix import access, child, handles, trust
from dsmcertfix.system.unix.private import UnixGuard


class Guard(UnixGuard):
    """Another run makes each directory a moment before."""

    def make_closed(self, directory: Path) -> None:
        super().make_closed(directory)
        raise FileExistsError(17, "File exists", str(directory))


def test_a_directory_that_another_run_makes_at_the_same_moment_is_there(tmp_path: Path) -> None:
    private.make(tmp_path / "a" / "b", Guard())
    assert (tmp_path / "a" / "b").is_dir()


def test_a_state_without_runs_is_ours(tmp_path: Path) -> None:
    private.make(tmp_path / "state", UnixGuard())
    private.require_state(tmp_path / "state", UnixGuard())


def test_a_file_is_as_old_as_its_birth_where_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(b"")
    os.utime(tmp_path / "x", (7, 7))
    handle = os.open(tmp_path / "x", os.O_RDONLY)
    try:
        for born, made in ((5.0, 5.0), (None, 7.0)):
            monkeypatch.setattr(access, "_birth_time", lambda handle, born=born: born)
            assert access.made_at(handle) == made
    finally:
        os.close(handle)


@pytest.mark.parametrize("statx", [None, lambda *arguments: 0, lambda *arguments: -1])
def test_a_birth_that_the_system_does_not_tell_is_not_known(
    statx: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = SimpleNamespace() if statx is None else SimpleNamespace(statx=statx)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert access._birth_time(0) is None


def test_only_the_last_directory_of_a_way_is_opened_to_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    flags: list[int] = []
    opens = os.open

    def noted(path: Any, how: int, *arguments: Any, **named: Any) -> int:
        flags.append(how)
        return opens(path, how, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", noted)
        handle = handles.directory(tmp_path / "a")
    os.close(handle)
    listed = [not how & os.O_PATH for how in flags]
    assert listed == [False] * (len(flags) - 1) + [True]


def test_a_way_through_a_file_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "x", tmp_path / "none"):
        with pytest.raises(NotFound) as raised:
            trust._look(path, path)
        assert raised.value.code == "program-not-found"


def test_a_name_that_is_gone_is_not_that_of_a_file(tmp_path: Path) -> None:
    found = make_store(tmp_path / "store")
    with opened(found) as directory:
        info = os.stat(found.directory / StoreFile.KDB.value)
        assert directory._is_at(StoreFile.KDB.value, info)
        assert not directory._is_at("gone", info)


@pytest.mark.parametrize(
    ("name", "mapped", "root", "told"),
    [
        ("dsmc", ["/opt/libApiTSM64.so"], "/", ["/opt/libApiTSM64.so"]),
        ("dsmc", [], "/", ["dsmc"]),
        ("dsmc", [], "/mnt", []),
        ("other", [], "/", []),
        ("other", ["/opt/libApiTSM64.so"], "/mnt", ["/opt/libApiTSM64.so"]),
    ],
)
def test_a_client_is_told_by_what_it_loaded_and_by_its_name_only_where_that_is_not_seen(
    monkeypatch: pytest.MonkeyPatch, name: str, mapped: list[str], root: str, told: list[str]
) -> None:
    process = SimpleNamespace(name=lambda: name, create_time=lambda: 1.0)
    monkeypatch.setattr(psutil, "Process", lambda pid: process)
    monkeypatch.setattr(holders, "process_ids", lambda: [4])
    monkeypatch.setattr(holders, "_ibm_files", lambda pid, root: iter(mapped))
    monkeypatch.setattr(holders, "_user_of", lambda process: "me")
    assert [one.library for one in holders.holders(2.0, Path(root))] == told


def test_a_link_beside_a_file_is_none_of_its_names(tmp_path: Path) -> None:
    found = make_store(tmp_path / "store")
    database = found.directory / StoreFile.KDB.value
    os.link(database, tmp_path / "elsewhere")
    (found.directory / f"{StoreFile.KDB.value}.dsmcertfix-run-aside").symlink_to(database)
    with opened(found) as directory, pytest.raises(NotPermitted) as raised:
        directory.fact(StoreFile.KDB)
    assert raised.value.code == "file-has-another-name"


def test_the_child_has_every_encoding_that_a_reader_of_ibm_s_files_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readers = (Path(dsmcertfix.__file__).parent / "ibm").rglob("*.py")
    named = {
        name for path in readers for name in re.findall(r'(?:de|en)code\("([\w-]+)"', path.read_text("utf-8"))
    }
    loaded: set[str] = set()
    monkeypatch.setattr("codecs.lookup", loaded.add)
    assert child.run(lambda: "read", OwnerLimits()) == "read"
    assert {"utf-16-be", "utf-32-be", "latin-1"} <= named <= loaded
