"""A directory in which a user has put very many names, as our own are formed and otherwise."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.attack.scene import Scene, give
from tests.transaction.kit import make_store, opened

from dsmcertfix import budgets
from dsmcertfix.errors import NotPermitted
from dsmcertfix.model import StoreFile
from dsmcertfix.system.unix import paths as unix_paths

KDB = StoreFile.KDB


def crowd(directory: Path, count: int, name: str) -> None:
    """So many empty files with names that begin so."""
    for number in range(count):
        os.close(os.open(directory / f"{name}{number}", os.O_CREAT | os.O_WRONLY, 0o644))


@pytest.mark.parametrize("more", [0, 1])
def test_names_in_a_directory(tmp_path: Path, more: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "NAMES", budgets.NAMES._replace(cap=50))
    crowd(tmp_path, 50 + more, "n")
    if not more:
        assert len(unix_paths.names(tmp_path)) == 50
        return
    with pytest.raises(OSError, match="more than 50 names"):
        unix_paths.names(tmp_path)


def test_a_file_of_a_cut_off_run_is_known_among_others_and_not_among_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "NAMES", budgets.NAMES._replace(cap=50))
    store = make_store(tmp_path / "store")
    (store.directory / "dsmcert.kdb.dsmcertfix-earlier-aside").hardlink_to(store.directory / "dsmcert.kdb")
    crowd(store.directory, 40, "dsmcert.kdb.dsmcertfix-x")
    with opened(store) as directory:
        assert directory.fact(KDB).present
    crowd(store.directory, 100, "dsmcert.kdb.dsmcertfix-y")
    with opened(store) as directory, pytest.raises(NotPermitted) as caught:
        directory.fact(KDB)
    assert caught.value.code == "file-has-another-name"
    assert "at most 50 names are looked at" in caught.value.context[0]


def test_what_this_run_laid_aside_is_known_whatever_else_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "NAMES", budgets.NAMES._replace(cap=50))
    store = make_store(tmp_path / "store")
    crowd(store.directory, 200, "dsmcert.kdb.dsmcertfix-x")
    with opened(store) as directory:
        directory.keep_aside(KDB)
        assert directory.fact(KDB).present
        assert directory.fact(KDB, "aside").present


def test_a_name_like_our_own_costs_no_call_unless_it_is_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(tmp_path / "store")
    (store.directory / "dsmcert.kdb.dsmcertfix-earlier-aside").hardlink_to(store.directory / "dsmcert.kdb")
    calls = []
    real = os.stat

    def counting(*arguments: object, **options: object) -> os.stat_result:
        calls.append(arguments)
        return real(*arguments, **options)  # type: ignore[arg-type]

    def count() -> int:
        calls.clear()
        with opened(store) as directory:
            monkeypatch.setattr(os, "stat", counting)
            directory.fact(KDB)
            monkeypatch.setattr(os, "stat", real)
        return len(calls)

    alone = count()
    crowd(store.directory, 3000, "dsmcert.kdb.dsmcertfix-x")
    assert count() == alone


def test_three_hundred_thousand_names_like_our_own_cost_nobody_his_repair(scene: Scene) -> None:
    user = scene.endpoint.user("mallory")
    store = scene.store_of(user)
    (store / "dsmcert.kdb.dsmcertfix-x-aside").hardlink_to(store / "dsmcert.kdb")
    crowd(store, 300_000, "dsmcert.kdb.dsmcertfix-x")
    give(user, store)
    scene.renew()
    start = time.monotonic()
    answer = scene.machine.fix()
    assert time.monotonic() - start < 120
    ended = answer.store(store)
    assert (ended["outcome"], (ended["problem"] or {}).get("code")) in (
        ("unchanged", "file-has-another-name"),
        # Where the kernel lists the other name among the first ones, it is found to be the same file.
        ("changed", None),
        ("rolled-back", "client-not-connected"),
    )
    for other in (scene.machine.ba, scene.bobs):
        assert answer.store(other)["outcome"] == "changed"
