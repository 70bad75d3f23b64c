"""What is done as an ordinary user has that user's rights, and costs the run no more than its limits."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest
from tests.shown import not_shown

from dsmbench.runtime import scratch
from dsmcertfix import budgets
from dsmcertfix.errors import Busy, Interrupted, NotPermitted, Problem, StoreUnreadable, Unrecovered
from dsmcertfix.model import Owner
from dsmcertfix.system.answers import ChildDied
from dsmcertfix.system.base import OwnerLimits
from dsmcertfix.system.seen import NoAnswer
from dsmcertfix.system.unix import child as unix_child
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.platform import Unix

ALICE = Owner(54321, 54322, "alice", None, (54323,))
BRIEF = OwnerLimits(wall_s=1.0, cpu_s=1)
LONG_S = 60.0


@pytest.fixture
def unix() -> Unix:
    if os.geteuid() != 0:
        not_shown("acting as another user: it needs root")
    return Unix(UnixPlaces())


def refused(act: Callable[[], object]) -> Problem:
    with pytest.raises(StoreUnreadable) as raised:
        act()
    return raised.value.problem()


def children() -> set[int]:
    """Of this process, which has those of other tests' fixtures, too."""
    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}


@pytest.fixture
def no_child_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


# --- rights


def test_the_work_has_the_user_s_ids_and_groups_and_its_answer_comes_back(unix: Unix) -> None:
    told = unix.as_owner(ALICE, lambda: {"ids": [*os.getresuid(), *os.getresgid()], "groups": os.getgroups()})
    assert told == {"ids": [54321] * 3 + [54322] * 3, "groups": [54323]}
    assert os.geteuid() == 0


def test_what_only_root_may_read_the_work_cannot(unix: Unix, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("root's")
    secret.chmod(0o600)
    with pytest.raises(Exception, match="Permission denied"):
        unix.as_owner(ALICE, secret.read_text)


@pytest.mark.parametrize("told", [None, [], ["0", "1", "2"]])
def test_the_work_has_no_open_file_of_ours_and_can_gain_no_rights(
    unix: Unix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str] | None
) -> None:
    """Also where /dev/fd does not tell which are open."""
    if told is not None:
        listdir = os.listdir
        monkeypatch.setattr(os, "listdir", lambda path: told if path == "/dev/fd" else listdir(path))
    with (tmp_path / "journal").open("wb") as ours:
        handle = ours.fileno()

        def work() -> list[Any]:
            status = Path("/proc/self/status").read_text(encoding="utf-8")
            try:
                os.fstat(handle)
            except OSError:
                return ["closed", "NoNewPrivs:\t1" in status]
            return ["open"]

        assert unix.as_owner(ALICE, work) == ["closed", True]


def test_its_user_cannot_trace_the_process_that_has_a_copy_of_root_s_memory(unix: Unix) -> None:
    def look() -> str:
        other = os.fork()
        if other == 0:
            try:
                Path(f"/proc/{os.getppid()}/mem").open("rb").close()
            except PermissionError:
                os._exit(7)
            os._exit(0)
        return str(os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]))

    assert unix.as_owner(ALICE, look) == "7"


def test_for_the_system_s_own_and_for_ourselves_there_is_no_child(unix: Unix) -> None:
    assert unix.as_owner(Owner(0, 0, "root"), os.getpid) == os.getpid()


# --- what comes back


def test_an_answer_that_comes_right_before_the_end_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    rests = unix_child._rests

    def slow_to_look(child: int) -> bool:
        os.write(writer, b".")
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        return rests(child)

    monkeypatch.setattr(unix_child, "_LOOK_S", 0.0)
    monkeypatch.setattr(unix_child, "_rests", slow_to_look)
    try:
        assert unix_child.run(lambda: os.read(reader, 1), OwnerLimits(wall_s=LONG_S), keep=[reader]) == b"."
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "ü\udcff\0",
        {"kdb": b"\0\xff" * 100_000, "more": [b"", b"x", {"a": b"y"}], "number": 7, "none": None},
        b"alone",
        {"bytes": "text", "n": {"bytes": [1]}},
    ],
)
def test_data_and_bytes_come_back_as_they_were(unix: Unix, data: object) -> None:
    assert unix.as_owner(ALICE, lambda: data) == data


def test_an_error_of_ours_comes_back_whole(unix: Unix) -> None:
    error = NotPermitted("told", "in words ü\udcff", context=("one",), hint="do")

    def work() -> NoReturn:
        raise error

    with pytest.raises(NotPermitted) as raised:
        unix.as_owner(ALICE, work)
    assert raised.value.problem() == error.problem()


def _frame(head: bytes, rest: bytes = b"") -> bytes:
    return len(head).to_bytes(8, "big") + head + rest


MADE_UP = [
    b"",
    b"short",
    _frame(b"{"),
    _frame(b"[]"),
    _frame(b"{}"),
    _frame(b'{"data": 1, "problem": 2}'),
    _frame(b'{"data": {"bytes": 5}}', b"four"),
    _frame(b'{"data": {"bytes": -1}}'),
    _frame(b'{"data": {"bytes": true}}', b"x"),
    _frame(b'{"data": 1}', b"left over"),
    _frame(b'{"problem": 7}'),
    _frame(b"[" * 100_000),
    (1 << 62).to_bytes(8, "big") + b"{}",
    _frame(b'{"data": ' + b"9" * 5000 + b"}"),
    _frame(json.dumps({"problem": Unrecovered("made-up", "told").problem().to_data()}).encode()),
    _frame(json.dumps({"problem": Interrupted("made-up", "told").problem().to_data()}).encode()),
]


@pytest.mark.parametrize("answer", MADE_UP, ids=range(len(MADE_UP)))
def test_a_made_up_answer_is_no_answer(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    """Also one that tells of an error which only this process can have."""

    def say(_work: object, writer: int) -> NoReturn:
        os.write(writer, answer)
        os._exit(0)

    monkeypatch.setattr(unix_child, "_answer", say)
    with pytest.raises(ChildDied):
        unix_child.run(lambda: None, OwnerLimits())


# --- limits


def _fills_memory() -> int:
    return len([bytearray(1 << 20) for _ in range(200)])


def _takes_cpu() -> NoReturn:
    while True:
        pass


def _waits() -> None:
    time.sleep(LONG_S)


@pytest.mark.usefixtures("no_child_left")
@pytest.mark.parametrize(
    ("work", "limits", "what"),
    [
        (_fills_memory, OwnerLimits(), "memory"),
        (_takes_cpu, OwnerLimits(cpu_s=1), "CPU time"),
        (_waits, BRIEF, "time"),
        (lambda: b"x" * 300_000, OwnerLimits(answer=200_000), "what it has to tell"),
    ],
    ids=["memory", "cpu", "time", "answer"],
)
def test_more_than_the_limit_is_that_user_s_problem(
    unix: Unix, work: Callable[[], object], limits: OwnerLimits, what: str
) -> None:
    begun = time.monotonic()
    problem = refused(lambda: unix.as_owner(ALICE, work, limits))
    assert (problem.kind, problem.code) == ("StoreUnreadable", "too-much-to-read")
    assert f"more {what} than" in problem.message and "alice" in problem.message
    assert time.monotonic() - begun < LONG_S


def test_below_the_limits_work_is_done(unix: Unix) -> None:
    assert unix.as_owner(ALICE, lambda: len(bytearray(48 << 20))) == 48 << 20


def test_nothing_can_be_written_and_few_files_opened(unix: Unix) -> None:
    with scratch() as directory:
        directory.chmod(0o777)
        assert unix.as_owner(ALICE, _writing(directory)) == ["File too large", "Too many open files"]


def _writing(directory: Path) -> Callable[[], list[str]]:
    def write() -> list[str]:
        told = []
        handle = os.open(directory / "new", os.O_WRONLY | os.O_CREAT)
        try:
            os.write(handle, b"x")
        except OSError as error:
            told.append(str(error.strerror))
        try:
            for _ in range(1000):
                os.dup(handle)
        except OSError as error:
            told.append(str(error.strerror))
        return told

    return write


def test_the_time_of_all_work_for_one_user_is_counted_and_others_have_their_own(unix: Unix) -> None:
    limits = OwnerLimits(wall_s=1.0)
    for _ in range(2):
        assert refused(lambda: unix.as_owner(ALICE, _waits, limits)).code == "too-much-to-read"
    begun = time.monotonic()
    assert refused(lambda: unix.as_owner(ALICE, lambda: 1, limits)).code == "too-much-to-read"
    assert time.monotonic() - begun < 0.5
    assert unix.as_owner(ALICE._replace(uid=54400), lambda: 1, limits) == 1


def test_reading_editing_and_changing_share_one_account_and_the_way_back_has_time(
    unix: Unix, tmp_path: Path
) -> None:
    owners, cap = unix.places.owners, budgets.OWNER_S.cap
    handle = os.open(tmp_path, os.O_RDONLY)
    begun = time.monotonic()
    try:
        for _ in range(4):
            assert refused(lambda: owners.edit(ALICE, _waits, handle)).code == "too-much-to-read"
        assert time.monotonic() - begun < budgets.OWNER_EDITING_S.cap + cap / 4
        assert owners.read(ALICE, lambda: 1) == 1, "what was changed is read again"
        assert refused(lambda: owners.read(ALICE, _waits)).code == "too-much-to-read"
        for _ in range(2):
            with pytest.raises(Busy):
                owners.write(ALICE, _waits)
            # Whatever came before, a change that takes no time is made: the way back is one.
            owners.write(ALICE, lambda: None)
    finally:
        os.close(handle)
    assert budgets.OWNER_S.cap / 2 < time.monotonic() - begun < 2 * cap


def test_an_edit_that_hangs_leaves_time_for_another_engine(unix: Unix, tmp_path: Path) -> None:
    owners = unix.places.owners
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        refused(lambda: owners.edit(ALICE, _waits, handle))
        owners.edit(ALICE, lambda: None, handle)
        assert owners.problems == ()
    finally:
        os.close(handle)


def test_what_is_proved_for_a_user_has_a_time_of_its_own(unix: Unix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "OWNER_PROVING_S", budgets.OWNER_PROVING_S._replace(cap=1))
    begun = time.monotonic()
    for _ in range(2):
        with pytest.raises(NoAnswer, match="more time"):
            unix.apart(ALICE, _waits, OwnerLimits(wall_s=LONG_S))
    assert time.monotonic() - begun < LONG_S / 2
    assert unix.as_owner(ALICE, lambda: 1) == 1


@pytest.mark.usefixtures("no_child_left")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV], ids=str)
def test_a_user_who_ends_or_stops_the_process_gains_nothing(unix: Unix, number: signal.Signals) -> None:
    def work() -> None:
        os.kill(os.getpid(), number)
        time.sleep(LONG_S)

    begun = time.monotonic()
    problem = refused(lambda: unix.as_owner(ALICE, work, OwnerLimits(wall_s=LONG_S)))
    assert problem.code == "reading-was-ended"
    assert time.monotonic() - begun < LONG_S / 2


def test_what_the_work_starts_ends_with_it(unix: Unix) -> None:
    def work() -> int:
        other = os.fork()
        if other == 0:
            time.sleep(LONG_S)
            os._exit(0)
        return other

    other = unix.as_owner(ALICE, work)
    assert isinstance(other, int)
    end = time.monotonic() + LONG_S / 2
    while psutil.pid_exists(other) and psutil.Process(other).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.usefixtures("no_child_left")
def test_a_signal_that_ends_us_ends_the_work(unix: Unix) -> None:
    class Ended(Exception):
        pass

    def end(_number: int, _frame: object) -> NoReturn:
        raise Ended

    before = signal.signal(signal.SIGTERM, end)
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        timer.start()
        begun = time.monotonic()
        with pytest.raises(Ended):
            unix.as_owner(ALICE, _waits, OwnerLimits(wall_s=LONG_S))
        assert time.monotonic() - begun < LONG_S / 2
    finally:
        timer.cancel()
        signal.signal(signal.SIGTERM, before)


def test_the_work_ends_when_we_are_killed(unix: Unix, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    us = os.fork()
    if us == 0:
        os.close(reader)
        unix_child.run(_waits, OwnerLimits(wall_s=LONG_S), owner=ALICE, keep=[writer])
        os._exit(0)
    os.close(writer)
    try:
        end = time.monotonic() + LONG_S / 2
        while not psutil.Process(us).children():
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        os.kill(us, signal.SIGKILL)
        os.waitpid(us, 0)
    # At its end when nobody has the other end open any more.
    begun = time.monotonic()
    assert os.read(reader, 1) == b""
    os.close(reader)
    assert time.monotonic() - begun < LONG_S / 2
