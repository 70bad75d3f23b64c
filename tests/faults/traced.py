"""A run of the tool in a process that strace holds, so that any system call it makes can kill or fail it.

The process is forked from this one, which has the tool's modules loaded: hundreds of runs need no hundreds of
starts. Roles: "main" is the run itself, "child 1" the first process that it forks to work in a user's store.
IBM's programs are not held.
"""

from __future__ import annotations

import functools
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 180.0
CALLS = (
    *("write", "pwrite64", "truncate", "ftruncate", "fsync", "fdatasync", "openat"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "link", "linkat", "symlinkat"),
    *("mkdir", "mkdirat", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat"),
    *("setxattr", "fsetxattr", "utimensat"),
)
_CALL = re.compile(r"(\w+)\((.*)")
_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_HANDLE = re.compile(r"(?<=[( ])\d+(?=<)")
_STORE = re.compile(r"\b[0-9a-f]{10}\b")


@dataclass(frozen=True, slots=True)
class Point:
    """The `number`th call of `call` in that role; `what` is what it did when it was recorded."""

    role: str
    call: str
    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at a point: "kill" the run, "child-dies" alone, or a system error; once or for good."""

    point: Point
    kind: str
    for_good: bool = False

    def injection(self) -> str:
        """For strace's -e."""
        act = "signal=KILL" if self.kind in ("kill", "child-dies") else f"error={self.kind}"
        # How many files are read varies, so a process is held just before it creates one.
        number = 1 if self.point.call == "openat" else self.point.number
        return f"inject={self.point.call}:{act}:when={number}{'+' if self.for_good else ''}"

    def __str__(self) -> str:
        good = ", for good" if self.for_good else ""
        return f"{self.kind}{good} at {self.point.role} #{self.point.number} {self.point.what}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. `code` is negative for one that a signal ended. `logs` has a log for each role."""

    code: int
    stdout: str
    stderr: str
    logs: dict[str, str]
    hung: bool = False


@functools.cache
def can_trace() -> bool:
    """Whether strace is there and may hold a process."""
    program = shutil.which("strace")
    if program is None:
        return False
    command = [program, "-o", os.devnull, "-e", "inject=getpid:retval=1", "true"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


class Stage:
    """Runs commands; their outputs and logs are files in `directory`."""

    def __init__(self, directory: Path):
        self.directory = directory

    def run(self, arguments: Sequence[str], fault: Fault | None = None, *, record: bool = False) -> Ended:
        """The command has ended, by itself or by the fault."""
        return _Held(self.directory, fault, record).run(arguments)


def points(ended: Ended, area: Path) -> tuple[Point, ...]:
    """Every call of a recorded run that changes something below `area`, in order, role by role."""
    found: list[Point] = []
    for role, log in ended.logs.items():
        counts: dict[str, int] = {}
        for line in log.splitlines():
            match = _CALL.match(line)
            if match is None:
                continue
            call = match[1]
            if call == "openat" and "O_CREAT" not in line:
                continue
            counts[call] = counts.get(call, 0) + 1
            if f"<{area}" not in line and f'"{area}' not in line:
                continue
            found.append(Point(role, call, counts[call], told(line, area)))
    return tuple(found)


def told(line: str, area: Path) -> str:
    """A line of a log without what differs from run to run."""
    text = line.replace(str(area), "").partition(") = ")[0].partition(', ""...')[0]
    text = _HANDLE.sub("", text)
    return _STORE.sub("STORE", _RUN.sub("RUN", text))


class _Held:
    """One run. Three pipes: roles ask to be held, and main and child are told to go on."""

    def __init__(self, directory: Path, fault: Fault | None, record: bool):
        self._directory = directory
        self._fault = fault
        self._record = record
        self._ask, self._asks = os.pipe()
        self._main_waits, self._main_go = os.pipe()
        self._child_waits, self._child_go = os.pipe()
        self._logs: dict[str, str] = {}

    def run(self, arguments: Sequence[str]) -> Ended:
        """See Stage.run."""
        pid = hold_back(lambda: self._become(arguments))
        os.close(self._asks)
        hung = True
        try:
            hung = not self._serve(pid)
        finally:
            if hung:
                os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            for handle in (self._ask, self._main_waits, self._main_go, self._child_waits, self._child_go):
                os.close(handle)
        out, err = ((self._directory / name).read_text(errors="replace") for name in ("stdout", "stderr"))
        return Ended(os.waitstatus_to_exitcode(status), out, err, self._logs, hung)

    def _wanted(self, role: str) -> bool:
        return self._record or (self._fault is not None and self._fault.point.role == role)

    def _serve(self, pid: int) -> bool:
        """The run has closed its end of the pipe. False when it hangs."""
        end = time.monotonic() + LIMIT_S
        main_trace: subprocess.Popen[str] | None = None
        traced_role = "main"
        while True:
            ready, _, _ = select.select([self._ask], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return False
            asked = os.read(self._ask, 4096).decode()
            if not asked:
                break
            role, _, number = asked.strip().rpartition(" ")
            trace = self._attach(role, int(number)) if self._wanted(role) else None
            os.write(self._main_go if role == "main" else self._child_go, b"g")
            if role == "main":
                main_trace = trace
                continue
            if self._fault is not None and self._fault.point.call == "openat":
                main_trace, traced_role = trace, role
                continue
            if trace is not None and self._finish(trace, role) and self._kills():
                os.kill(pid, signal.SIGKILL)
            else:
                os.write(self._main_go, b"g")
        if main_trace is not None:
            self._finish(main_trace, traced_role)
        return True

    def _kills(self) -> bool:
        return self._fault is not None and self._fault.kind == "kill"

    def _attach(self, role: str, pid: int) -> subprocess.Popen[str]:
        calls = ",".join(CALLS) if self._fault is None else self._fault.point.call
        inject = ["-e", self._fault.injection()] if self._fault else []
        log = str(self._log(role))
        command = ["strace", "-p", str(pid), "-y", "-s", "0", "-o", log, "-e", f"trace={calls}", *inject]
        trace = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert trace.stderr is not None
        said = trace.stderr.readline()
        if "attached" not in said:
            trace.kill()
            raise RuntimeError(f"strace: {said}{trace.communicate()[1]}")
        return trace

    def _finish(self, trace: subprocess.Popen[str], role: str) -> bool:
        """The traced process is gone; whether it was killed."""
        trace.communicate(timeout=LIMIT_S)
        log = self._logs[role] = self._log(role).read_text(errors="replace")
        return "+++ killed by SIGKILL" in log

    def _log(self, role: str) -> Path:
        return self._directory / f"{role.replace(' ', '-')}.log"

    def _become(self, arguments: Sequence[str]) -> int:
        os.close(self._ask)
        redirect(self._directory)
        os.chdir("/")
        if self._fault is not None and self._fault.point.call == "openat":
            self._watch_creations(self._fault.point)
        else:
            if self._record or (self._fault and self._fault.point.role != "main"):
                self._follow_forks()
            if self._wanted("main"):
                self._ask_for("main", self._main_waits)
        return call(arguments)

    def _ask_for(self, role: str, waits: int) -> None:
        """This process is held when this returns, if it is to be."""
        os.write(self._asks, f"{role} {os.getpid()}\n".encode())
        os.read(waits, 1)

    def _watch_creations(self, point: Point) -> None:
        """The process asks to be held just before it creates that file."""
        from dsmcertfix.system.unix import child

        role, seen, forks = "main", 0, 0
        # A child that works as a user closes what is not its own: what it asks through stays open.
        close, ours = child._close_all_but, {self._asks, self._main_waits, self._child_waits}
        child._close_all_but = lambda keep: close(keep | ours)

        def audit(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if event != "open" or isinstance(arguments[0], int):
                return  # a file that is open already is opened a second time
            if isinstance(arguments[2], int) and arguments[2] & os.O_CREAT:
                seen += 1
                if (role, seen) == (point.role, point.number):
                    self._ask_for(role, self._main_waits if role == "main" else self._child_waits)

        def before() -> None:
            nonlocal forks
            forks += 1

        def in_child() -> None:
            nonlocal role, seen
            role, seen = f"child {forks}", 0

        sys.addaudithook(audit)
        os.register_at_fork(before=before, after_in_child=in_child)

    def _follow_forks(self) -> None:
        forks = 0

        def before() -> None:
            nonlocal forks
            forks += 1

        def in_child() -> None:
            self._ask_for(f"child {forks}", self._child_waits)

        def in_parent() -> None:
            os.read(self._main_waits, 1)

        os.register_at_fork(before=before, after_in_child=in_child, after_in_parent=in_parent)


def redirect(directory: Path) -> None:
    """This process reads nothing and writes to files in `directory`."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.close(null)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)


def call(arguments: Sequence[str]) -> int:
    """The tool's own command line was run in this process; its exit code. Raises what it raises."""
    from dsmcertfix.cli import main

    sys.argv = ["dsmcertfix", *arguments]
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 70
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    return code


def hit(ended: Ended, fault: Fault, area: Path) -> bool | None:
    """Whether the fault came at the recorded call; None when it did not come at all."""
    log = ended.logs.get(fault.point.role, "")
    killed = fault.kind in ("kill", "child-dies")
    lines = [line for line in log.splitlines() if _CALL.match(line)]
    if killed:
        lines = lines[-1:] if "+++ killed by SIGKILL" in log else []
    else:
        lines = [line for line in lines if "(INJECTED)" in line][:1]
    return told(lines[0], area) == fault.point.what if lines else None


def hold_back(work: Callable[[], int]) -> int:
    """A child of this process does that work and ends with its answer; returns its number."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = work()
        finally:
            os._exit(code)
    return pid
