"""The child that works on users' files: what it can do, what it may take, and that it never outlives us."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.shown import not_shown

assert sys.platform == "win32"

from tests.windows import tasks
from tests.windows.test_windows_process import gone

from dsmcertfix.errors import InternalError, StoreUnreadable
from dsmcertfix.system.answers import ChildDied, LimitReached
from dsmcertfix.system.seen import NoAnswer, OwnerLimits, Task
from dsmcertfix.system.this import this_platform
from dsmcertfix.system.win32 import calls, files, jobs, security, shared
from dsmcertfix.system.windows import child as windows_child
from dsmcertfix.system.windows import lending
from dsmcertfix.system.windows.child import Child

LONG_S = 60.0
WINE = calls.exists("ntdll", "wine_get_version")


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    """A child that was asked before."""
    with closing(Child(OwnerLimits())) as made:
        yield made


def number(child: Child) -> int:
    """The process's."""
    told: Any = child.ask(Task(tasks.who), LONG_S)
    return int(told[0])


def only_on_windows(what: str) -> None:
    """Ends the test where nothing of it holds."""
    if WINE:
        not_shown(f"Wine does not hold what Windows is asked for: {what}")


class TestAnswers:
    def test_it_answers_one_task_after_the_other(self, child: Child) -> None:
        data = ["\udc80é", b"\0\1" * 100_000, None, {"a": [1.5, True]}]
        assert child.ask(Task(tasks.echo, *data), LONG_S) == data
        assert child.ask(Task(tasks.echo, 1), LONG_S) == [1]

    def test_errors_of_ours_are_raised_and_others_are_a_bug(self, child: Child) -> None:
        with pytest.raises(StoreUnreadable, match="told"):
            child.ask(Task(tasks.refuse), LONG_S)
        with pytest.raises(InternalError):
            child.ask(Task(tasks.fill, "x"), LONG_S)
        with pytest.raises(FileNotFoundError):
            child.ask(Task(open, r"C:\no\such\file"), LONG_S)

    def test_a_made_up_answer_is_no_answer(self, child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shared.Shared, "taken", lambda _: b"\xff" * 100)
        with pytest.raises(ChildDied):
            child.ask(Task(tasks.echo), LONG_S)

    def test_an_answer_cannot_be_longer_than_the_memory_for_it(self) -> None:
        with shared.section(1 << 16) as handle, closing(shared.Shared(handle, 1 << 16)) as memory:
            with pytest.raises(ValueError):
                memory.put((bytes(1 << 16),))
            memory.put((b"abc", b"d"))
            assert memory.taken() == b"abcd"
            # Who writes there may say anything of its length.
            memory.put((b"x" * 8,))
            ctypes.memmove(memory._at, b"\xff" * 8, 8)
            assert len(memory.taken()) == (1 << 16) - 8


class TestLimits:
    def test_who_takes_too_long_is_ended(self) -> None:
        with closing(Child(OwnerLimits())) as made:
            process = number(made)
            with pytest.raises(LimitReached, match="time"):
                made.ask(Task(tasks.wait), 0.5)
        assert gone(process)

    def test_who_says_too_much_is_not_heard(self) -> None:
        with closing(Child(OwnerLimits(answer=1000))) as made:
            with pytest.raises(LimitReached, match="what it has to tell"):
                made.ask(Task(tasks.say_much, 2000), LONG_S)
            with pytest.raises(LimitReached):
                made.ask(Task(tasks.say_much, 100 << 20), LONG_S)

    def test_one_that_ends_is_no_answer(self) -> None:
        with pytest.raises(ChildDied, match="0x7"):
            windows_child.run(Task(tasks.end), OwnerLimits())

    def test_memory_is_limited(self) -> None:
        only_on_windows("a job's memory")
        with pytest.raises(LimitReached, match="memory"):
            windows_child.run(Task(tasks.fill, 1024), OwnerLimits())

    def test_processor_time_is_limited(self) -> None:
        only_on_windows("a job's processor time")
        with pytest.raises(LimitReached, match="CPU time"):
            windows_child.run(Task(tasks.compute), OwnerLimits(cpu_s=1, wall_s=LONG_S))

    def test_it_starts_no_program(self, child: Child) -> None:
        only_on_windows("a job's number of processes")
        assert child.ask(Task(tasks.start_a_program), LONG_S) != 0

    def test_what_the_job_is_asked_for_stands_where_windows_reads_it(self) -> None:
        """JOBOBJECT_EXTENDED_LIMIT_INFORMATION of winnt.h, for 64 bits."""
        extended = jobs._Extended
        assert ctypes.sizeof(extended) == 144
        places = [getattr(jobs._Basic, name).offset for name in ("process_time", "flags", "processes")]
        assert (places, extended.memory.offset) == ([0, 16, 40], 112)


class TestRights:
    def test_it_is_our_user_and_no_administrator(self, child: Child) -> None:
        told: Any = child.ask(Task(tasks.who), LONG_S)
        assert told[1:] == [security.own_sid(), False]
        assert security.is_administrator()

    def test_its_environment_is_windows_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("PATH", "TEMP", "PYTHONPATH", "PYTHONSTARTUP", "SECRET"):
            monkeypatch.setenv(name, r"C:\evil")
        assert "evil" not in str(windows_child.run(Task(tasks.environment), OwnerLimits()))

    def test_it_has_no_open_file_of_ours(self, tmp_path: Path) -> None:
        path = tmp_path / "open"
        path.write_bytes(b"")
        with files.holding(str(path), files.READ_DATA) as handle:
            # HANDLE_FLAG_INHERIT: what is started without a list of handles inherits it.
            inherits = calls.function(
                "kernel32", "SetHandleInformation", calls.BOOL, calls.HANDLE, *(calls.DWORD,) * 2
            )
            calls.check(inherits(handle, 1, 1))
            here = tasks.what_is_open(handle)
            assert here is not None
            assert windows_child.run(Task(tasks.what_is_open, handle), OwnerLimits()) != here

    def test_it_writes_nothing_of_ours(self, child: Child, tmp_path: Path) -> None:
        only_on_windows("integrity")
        assert child.ask(Task(tasks.write, str(tmp_path / "new")), LONG_S) is False


OUTLIVES = """
import os, sys
from tests.windows import tasks
from dsmcertfix.system.seen import OwnerLimits, Task
from dsmcertfix.system.windows.child import Child
child = Child(OwnerLimits())
print(child.ask(Task(tasks.who), 60)[0], flush=True)
os._exit(1)
"""


def test_it_ends_with_us() -> None:
    done = subprocess.run([sys.executable, "-c", OUTLIVES], capture_output=True, text=True, check=False)
    assert gone(int(done.stdout)), done.stderr


def test_apart_says_that_there_was_no_answer() -> None:
    platform = this_platform(None, network_homes=False)
    with pytest.raises(NoAnswer, match="more time than is allowed"):
        platform.apart(None, Task(tasks.wait), OwnerLimits(wall_s=0.5))
    with pytest.raises(NoAnswer, match="without an answer"):
        platform.apart(None, Task(tasks.end), OwnerLimits())


def test_what_is_lent_is_a_copy_that_is_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "dsmcert.kdb").write_bytes(b"key database")
    (tmp_path / "dsmcert.sth").write_bytes(b"stash file")
    (tmp_path / "other.kdb").write_bytes(b"another one")
    places = this_platform(None, network_homes=False).places
    databases = (tmp_path / "dsmcert.kdb", tmp_path / "other.kdb")
    with lending.lent(places, databases) as (one, other):
        assert one.read_bytes() == b"key database"
        assert one.with_suffix(".sth").read_bytes() == b"stash file"
        assert (other.read_bytes(), other.with_suffix(".sth").exists()) == (b"another one", False)
        top = one.parents[1]
    assert not top.exists()
