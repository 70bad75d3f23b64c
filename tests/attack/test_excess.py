"""One user has too much to read, or what cannot be read: she is told so, and all others are repaired."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.answers import Answer
from tests.attack.scene import Scene, give
from tests.attack.test_costly_users import attacking

from dsmbench import certificates
from dsmbench.endpoint import User
from dsmcertfix import budgets
from dsmcertfix.ibm.key_database import kdb, stash

LEASES = """
import fcntl, os, sys, time
handles = [os.open(path, os.O_RDWR) for path in sys.argv[1:]]
for handle in handles:
    fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("up", flush=True)
time.sleep(600)
"""
"""Whoever opens one of these files waits for 45 seconds, or for as long as the kernel is told to."""


def put_in(store: Path, ders: list[bytes]) -> None:
    path = store / "dsmcert.kdb"
    content, password = path.read_bytes(), stash.password((store / "dsmcert.sth").read_bytes())
    for number, der in enumerate(ders):
        content = kdb.add(kdb.read(content), password, label=f"root {number}", certificate=der)
    path.write_bytes(content)


def fifo(user: User, path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    give(user, path)


@pytest.fixture
def mallory(scene: Scene) -> User:
    """A user with a store, and a Db2 profile that leads to option files of her own."""
    user = scene.endpoint.user("mallory")
    scene.store_of(user)
    scene.stanza_of(user)
    for name in ("sqllib", "tsm"):
        (user.home / name).mkdir()
        give(user, user.home / name)
    profile, options = user.home / "sqllib/userprofile", user.home / "tsm/dsm.sys"
    profile.write_text("export DSMI_DIR=/home/mallory/tsm\n")
    options.write_text("se A\n tcps a.example.com\n")
    give(user, profile, options)
    scene.renew()
    return user


def require_others_repaired(scene: Scene, answer: Answer) -> None:
    for store in (scene.bobs, scene.carols, scene.machine.ba):
        assert answer.store(store)["outcome"] == "changed", answer.store(store)


def require_hers_told(scene: Scene, mallory: User, answer: Answer, code: str) -> None:
    hers = answer.store(scene.endpoint.home_store(mallory))
    assert (hers["outcome"], (hers["problem"] or {}).get("code")) == ("unchanged", code)


def processor_s(act: Callable[[], object]) -> float:
    """Seconds of processor time that `act` took in children, and in theirs that ended before them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    act()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_more_memory_than_a_user_may_take_is_that_user_s_problem_alone(scene: Scene, mallory: User) -> None:
    put_in(scene.endpoint.home_store(mallory), [certificates.of_many_names(100_000, 1)])
    answer = scene.machine.fix("--no-reconnect")
    require_others_repaired(scene, answer)
    require_hers_told(scene, mallory, answer, "too-much-to-read")
    assert "memory" in answer.store(scene.endpoint.home_store(mallory))["problem"]["message"]
    assert answer.code == 14


def test_more_time_than_a_user_may_take_costs_the_run_no_more_than_the_budget(
    scene: Scene, mallory: User
) -> None:
    usual_s = processor_s(lambda: scene.machine.run("detect"))
    # Each reading of it takes 11 s of processor time, and a repair reads a store several times.
    put_in(
        scene.endpoint.home_store(mallory),
        [certificates.of_many_names(3000, serial) for serial in range(1, 101)],
    )
    answers: list[Answer] = []
    took_s = processor_s(lambda: answers.append(scene.machine.run("detect")))
    assert took_s < usual_s + budgets.OWNER_S.cap
    answer = scene.machine.fix("--no-reconnect")
    require_others_repaired(scene, answer)
    require_hers_told(scene, mallory, answer, "too-much-to-read")
    assert answer.code == 14


@pytest.mark.parametrize("name", ["dsmcert.kdb", "dsmcert.sth", "dsmcert.rdb"])
def test_a_fifo_in_a_store_is_its_user_s_problem_alone(scene: Scene, mallory: User, name: str) -> None:
    fifo(mallory, scene.endpoint.home_store(mallory) / name)
    answer = scene.machine.fix("--no-reconnect")
    require_others_repaired(scene, answer)
    hers = answer.store(scene.endpoint.home_store(mallory))
    assert hers["outcome"] == "unchanged"
    assert hers["problem"] is not None
    assert answer.code in (12, 14)


@pytest.mark.parametrize("name", ["sqllib/userprofile", "tsm/dsm.sys", "tsm/dsm.opt"])
def test_a_fifo_among_option_files_is_told_and_read_by_nobody(scene: Scene, mallory: User, name: str) -> None:
    fifo(mallory, mallory.home / name)
    answer = scene.machine.fix("--no-reconnect")
    require_others_repaired(scene, answer)
    assert answer.code == 0


def test_a_file_whose_opening_waits_for_its_user_holds_up_nobody(scene: Scene, mallory: User) -> None:
    store = scene.endpoint.home_store(mallory)
    with attacking(scene, mallory, LEASES, str(store / "dsmcert.kdb"), str(mallory.home / "tsm/dsm.sys")):
        answer = scene.machine.fix("--no-reconnect")
    require_others_repaired(scene, answer)
    hers = answer.store(store)
    assert hers["problem"] is None or answer.code == 14
    assert hers["outcome"] in ("changed", "unchanged")
