"""What comes before and after a change: the machine's turn, hooks, and who keeps the old certificate."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.endtoend.machine import Machine
from tests.policy.conftest import certificate, fix_by, next_one, server, write_policy

from dsmcertfix.commands import fix as at_work
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.spread import delay_s, in_words
from dsmcertfix.planning.steps import RunOptions
from dsmcertfix.system.holders import holders
from dsmcertfix.system.host import Limits, host_name, open_host


def staged(machine: Machine, rest: str = "") -> Path:
    """A policy by which a certificate is put in, and what it says of machines."""
    new, file = next_one(machine, "TSMA")
    now = machine.servers["TSMA"].state.identity.sha256
    return write_policy(machine, server("TSMA", certificate(now), certificate(new, file=file)) + rest)


def hook(machine: Machine, body: str, mode: int = 0o755) -> Path:
    path = machine.directory / "hook"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(mode)
    return path


class TestHooks:
    def test_it_is_told_of_the_run_and_the_stores_once_and_only_after_a_change(
        self, machine: Machine
    ) -> None:
        said = machine.directory / "said"
        program = hook(machine, f'echo "$#|$DSMCERTFIX_RUN|$DSMCERTFIX_STORES|$SECRET" >> {said}')
        policy = staged(machine, f'\n[machine]\nhooks = ["{program}"]\n')
        machine.run("detect", "--policy", policy)
        machine.run("plan", "--policy", policy)
        assert not said.exists()
        answer = fix_by(machine, policy)
        assert answer.code == 0
        assert said.read_text() == f"0|{answer.report['run']}|{machine.ba}|\n"
        assert answer.report["hooks"] == [{"program": str(program), "ended": 0, "problem": None}]
        assert fix_by(machine, policy).report["changed"] is False
        assert len(said.read_text().splitlines()) == 1

    @pytest.mark.parametrize(
        ("body", "mode", "limit", "ended", "problem"),
        [
            ("exit 7", 0o755, "60s", 7, "it ended with 7"),
            ("sleep 600", 0o755, "1s", None, "was stopped"),
            ("exit 0", 0o777, "60s", None, "everyone may write to it"),
            ("exit 0", 0o644, "60s", None, "cannot be started"),
        ],
        ids=["fails", "hangs", "anybody-s", "no-program"],
    )
    def test_one_that_fails_is_told_and_changes_no_outcome(
        self, machine: Machine, body: str, mode: int, limit: str, ended: int | None, problem: str
    ) -> None:
        program = hook(machine, body, mode)
        policy = staged(machine, f'\n[machine]\nhooks = ["{program}"]\nhook_timeout = "{limit}"\n')
        answer = fix_by(machine, policy)
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        (told,) = answer.report["hooks"]
        assert told["ended"] == ended and problem in told["problem"]
        assert any("the hook" in line and problem in line for line in answer.report["warnings"])


class TestSpread:
    def test_a_host_has_its_turn_by_its_name_and_all_turns_are_spread_evenly(self) -> None:
        hosts = [f"node{number}" for number in range(20_000)]
        turns = [delay_s(host, 14_400.0) for host in hosts]
        assert delay_s("NODE7", 14_400.0) == turns[7] and min(turns) >= 0 and max(turns) < 14_400
        per_minute = [0] * 240
        for turn in turns:
            per_minute[int(turn // 60)] += 1
        # 83 a minute on average.
        assert min(per_minute) > 40 and max(per_minute) < 140

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [(0, "0 s"), (45.4, "45 s"), (61, "1 min 1 s"), (4321, "1 h 12 min"), (3600, "1 h")],
    )
    def test_times_are_told_in_words(self, seconds: float, words: str) -> None:
        assert in_words(seconds) == words

    def test_the_plan_tells_the_turn_where_a_session_is_to_begin(self, machine: Machine) -> None:
        machine.renew("TSMA")
        told = machine.run("plan", "--spread", "4h").report["warnings"]
        assert any("unattended `fix` waits" in line and "of the 4 h" in line for line in told)
        assert machine.fix("--spread", "1s").report["outcome"] == "changed"

    @pytest.mark.parametrize("asked", [False, True], ids=["unattended", "a-person-is-asked"])
    def test_fix_waits_for_its_turn_before_the_session_where_nobody_is_asked(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch, asked: bool
    ) -> None:
        new = machine.renew("TSMA")
        waited: list[tuple[float, list[str]]] = []

        def sleep(seconds: float) -> None:
            waited.append((seconds, machine.sign_ons("TSMA")))

        monkeypatch.setattr(at_work, "time", SimpleNamespace(sleep=sleep))
        confirm = (lambda _: True) if asked else None
        host = open_host(machine.root, machine.state, trust_root=True)
        done = at_work.fix(
            host, Selection(), RunOptions(spread_s=14_400.0), Limits(), lambda _: None, confirm
        )
        assert done.outcome == "changed" and new in machine.held().values()
        assert waited == ([] if asked else [(delay_s(host_name(), 14_400.0), [])])

    def test_what_begins_no_session_does_not_wait(self, machine: Machine) -> None:
        policy = staged(machine, '\n[machine]\nspread = "24h"\n')
        assert not any(
            "unattended" in line for line in machine.run("plan", "--policy", policy).report["warnings"]
        )
        assert fix_by(machine, policy).report["outcome"] == "changed"

    def test_what_is_no_time_is_refused(self, machine: Machine) -> None:
        answer = machine.run("fix", "--yes", "--trust-on-first-use", "--spread", "soon")
        assert (answer.code, answer.problem) == (2, "not-a-time")


@contextmanager
def holding(library: Path) -> Iterator[int]:
    """A process that has loaded the library; its number."""
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1]); print('loaded', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(library)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"loaded\n"
        try:
            yield process.pid
        finally:
            process.kill()


def a_library() -> Path:
    """Some shared library of this machine: that of its C."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return Path(next(line.split(None, 5)[-1] for line in lines if "/libm.so" in line or "/libm-" in line))


class TestHolders:
    def test_who_loaded_the_api_before_the_change_is_told(self, machine: Machine) -> None:
        library = machine.root / "opt/tivoli/tsm/client/api/bin64/libApiTSM64.so"
        library.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(a_library(), library)
        policy = staged(machine)
        with holding(library) as pid:
            answer = fix_by(machine, policy)
            (told,) = answer.report["holders"]
            assert (told["pid"], told["library"]) == (pid, str(library))
            assert any(f"({pid})" in line and "until restarted" in line for line in answer.report["warnings"])
            assert fix_by(machine, policy).report["holders"] == []

    def test_who_came_after_it_or_is_of_another_tree_is_not(self, tmp_path: Path) -> None:
        library = tmp_path / "libApiTSM64.so"
        shutil.copy(a_library(), library)
        before = time.time() - 60
        with holding(library) as pid:
            assert pid not in {one.pid for one in holders(before, tmp_path)}
            assert pid in {one.pid for one in holders(time.time() + 60, tmp_path)}
            assert pid not in {one.pid for one in holders(time.time() + 60, tmp_path / "other")}
