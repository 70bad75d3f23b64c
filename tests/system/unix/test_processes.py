"""Processes without psutil: what /proc and `ps` tell is what psutil tells."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.endtoend.machine import Machine
from tests.shown import not_shown

import dsmcertfix
from dsmbench.runtime import scratch
from dsmcertfix.system import processes

SOURCE = Path(dsmcertfix.__file__).parents[1]
BARE = """
import sys
for name in ("psutil", "cryptography"):
    sys.modules[name] = None
from dsmcertfix.cli import main
main()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[int]:
    """The number of a process with an environment, words with blanks, and a directory of its own."""
    words = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "two words", ""]
    with subprocess.Popen(
        words, cwd=tmp_path, env={"A": "b=c", "E": ""}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield started.pid
        started.kill()


@pytest.fixture
def only_ps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """There is no /proc, as on AIX and Solaris there is none of Linux's kind."""
    if not any(map(os.path.exists, processes.PS)):
        not_shown("there is no ps")
    monkeypatch.setattr(processes, "PROC", tmp_path / "no-proc")
    processes._listed.cache_clear()
    yield
    processes._listed.cache_clear()


def test_proc_tells_what_psutil_tells(other: int) -> None:
    ours, theirs = processes.Process(other), psutil.Process(other)
    for what in ("name", "username", "cmdline", "environ", "cwd", "exe"):
        assert getattr(ours, what)() == getattr(theirs, what)(), what
    assert tuple(ours.uids()) == tuple(theirs.uids())
    assert abs(ours.create_time() - theirs.create_time()) < 2
    assert abs(processes.boot_time() - psutil.boot_time()) < 2
    assert other in processes.pids() and os.getpid() in {item.pid for item in processes.process_iter()}


def test_what_ended_is_told_as_such(other: int) -> None:
    ours = processes.Process(other)
    assert ours.status() != processes.STATUS_ZOMBIE
    os.kill(other, 9)
    while psutil.Process(other).status() != psutil.STATUS_ZOMBIE:
        pass
    assert ours.status() == processes.STATUS_ZOMBIE
    os.waitpid(other, 0)
    with pytest.raises(processes.Error):
        processes.Process(other)
    with pytest.raises(OSError):
        ours.name()


@pytest.mark.usefixtures("only_ps")
def test_a_process_of_a_user_without_a_name_is_no_error() -> None:
    if os.geteuid() != 0:
        not_shown("a process of another user needs root")
    words = ["/bin/sh", "-c", "echo; read line"]
    with subprocess.Popen(words, user=54321, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        assert set(processes.Process(started.pid).uids()) == {54321}
        assert processes.Process(started.pid).username() == "54321"
        started.kill()
    with pytest.raises(processes.Error):
        processes._number_of("nobody-of-that-name")


@pytest.mark.usefixtures("only_ps")
def test_ps_tells_enough_where_there_is_no_proc(other: int) -> None:
    assert other in processes.pids()
    ours, theirs = processes.Process(other), psutil.Process(other)
    assert (ours.name(), ours.username()) == (theirs.name(), theirs.username())
    assert ours.cmdline()[0] == sys.executable and "words" in ours.cmdline()
    assert tuple(ours.uids())[:2] == tuple(theirs.uids())[:2]
    assert ours.environ() == {}
    assert abs(ours.create_time() - theirs.create_time()) < 5


@pytest.mark.parametrize(("text", "seconds"), [("00:07", 7), ("01:02:03", 3723), ("2-00:00:01", 172801)])
def test_how_long_a_process_runs_is_read(text: str, seconds: int) -> None:
    assert processes._elapsed(text) == seconds


def test_a_store_is_repaired_without_psutil_and_without_cryptography() -> None:
    with scratch() as directory:
        machine = Machine(directory)
        try:
            machine.stanzas("TSMA")
            machine.endpoint.store(certificates=machine.trusted("TSMA"))
            new = machine.renew("TSMA")
            for words, code in (
                (("detect",), 3),
                (("fix", "--yes", "--trust-on-first-use"), 0),
                (("detect",), 0),
            ):
                argv = [sys.executable, "-c", BARE, *machine.argv(*words)[3:]]
                assert machine.of(argv).code == code, words
            machine.require_proved("TSMA", new)
        finally:
            machine.stop()
