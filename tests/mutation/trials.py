"""Runs tests on changed code: in forks of a process that has collected them, where a change costs no start.

A function of a module that is loaded gets the code of the changed file; a module that is not loaded yet is
loaded from it. What changes a module outside of its functions is tried by a process of its own.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import pytest
from tests.mutation.changes import Mutant

DIED, LIVED, HUNG, NOT_APPLIED = 1, 0, 9, 3
"""How a child ends."""
SPACE = 6 << 30
"""Bytes of memory, for a change that takes all there is."""
FILE_SIZE = 1 << 28
PROCESSOR_S = 120
TOLD = "told"
"""The file in which a child says more than how it ended: the test that failed."""


class Child(NamedTuple):
    """One trial that is under way."""

    pid: int
    until: float
    scratch: Path
    ended: Callable[[int, str], None]


class Forks:
    """At most so many children at a time, each with a limit for what hangs."""

    def __init__(self, jobs: int, scratch: Path) -> None:
        self.jobs = jobs
        self.scratch = scratch
        self.count = 0
        self.running: dict[int, Child] = {}

    def start(self, work: Callable[[Path], int], limit: float, ended: Callable[[int, str], None]) -> None:
        """`work` runs in a child as soon as there is room; `ended` hears how it ended, here."""
        while len(self.running) >= self.jobs:
            self._wait()
        self.count += 1
        scratch = self.scratch / str(self.count)
        pid = os.fork()
        if pid == 0:
            _in_the_child(work, scratch)
        self.running[pid] = Child(pid, time.monotonic() + limit, scratch, ended)

    def finish(self) -> None:
        """All have ended."""
        while self.running:
            self._wait()

    def _wait(self) -> None:
        """At least one has ended, or was ended."""
        while True:
            for child in list(self.running.values()):
                pid, status = os.waitpid(child.pid, os.WNOHANG)
                late = time.monotonic() > child.until
                if pid == 0 and not late:
                    continue
                _end_group(child.pid)
                if pid == 0:
                    os.waitpid(child.pid, 0)
                del self.running[child.pid]
                told = child.scratch / TOLD
                text = told.read_text() if told.exists() else ""
                shutil.rmtree(child.scratch, ignore_errors=True)
                child.ended(HUNG if pid == 0 else _code(status), text)
                return
            time.sleep(0.002)


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    # A signal ended it: the tests did not come through.
    return DIED if code < 0 else code


def _end_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _in_the_child(work: Callable[[Path], int], scratch: Path) -> None:
    code = NOT_APPLIED
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))
        # What hangs ends also where nobody waits for it any more.
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, resource.RLIM_INFINITY))
        scratch.mkdir(parents=True)
        code = work(scratch)
    except BaseException:
        (scratch / TOLD).write_text(traceback.format_exc())
    finally:
        os._exit(code)


class Failures:
    """A plugin: which test has failed."""

    failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up and tear-down count, too."""
        if report.failed:
            self.failed = report.nodeid


class Tests:
    """The collected tests of this process."""

    def __init__(self, session: pytest.Session, failures: Failures) -> None:
        self.session = session
        self.failures = failures
        self.items = {item.nodeid: item for item in session.items}

    def run(self, names: Sequence[str], scratch: Path) -> int:
        """In a child: whether one of them failed; none runs after that."""
        # tmp_path is below a directory of the child's own.
        factory: Any = getattr(self.session.config, "_tmp_path_factory")  # noqa: B009
        factory._basetemp = scratch / "tests"
        factory._basetemp.mkdir()
        items = [self.items[name] for name in names]
        for item, following in zip(items, [*items[1:], None], strict=True):
            self.session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failures.failed:
                (scratch / TOLD).write_text(self.failures.failed)
                return DIED
        return LIVED


class Loaded:
    """The functions of this process that come from those files."""

    def __init__(self, files: Sequence[Path]) -> None:
        wanted = {str(file) for file in files}
        self.functions: dict[tuple[str, str, int], list[FunctionType]] = {}
        for found in gc.get_objects():
            if isinstance(found, FunctionType) and found.__code__.co_filename in wanted:
                self.functions.setdefault(_where(found.__code__), []).append(found)

    def change(self, file: Path, mutant: Mutant, source: bytes) -> bool:
        """In a child: the function has the code of the changed source; False where that cannot be."""
        if not mutant.in_function:
            return False
        if _module(file) is None:
            sys.meta_path.insert(0, Changed(file, source))
            return True
        changed = False
        for code in _codes(compile(source, str(file), "exec", dont_inherit=True)):
            name = code.co_qualname.replace(".<locals>", "")
            around = f"{mutant.function}.".startswith(f"{name}.")
            for known in self.functions.get(_where(code), []) if around else []:
                try:
                    known.__code__ = code
                except ValueError:
                    # It has another number of cells, as without its `super()`.
                    return False
                changed = True
        return changed


def _where(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _codes(code: CodeType) -> Iterator[CodeType]:
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield part
            yield from _codes(part)


def _module(file: Path) -> ModuleType | None:
    return next(
        (one for one in list(sys.modules.values()) if getattr(one, "__file__", None) == str(file)), None
    )


def forget(package: str) -> None:
    """In a child: what functions of the package had kept of earlier calls is gone."""
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper) and found.__module__.startswith(package):
            found.cache_clear()


class Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):  # type: ignore[misc]
    """Loads one module from other text than its file's."""

    def __init__(self, file: Path, source: bytes) -> None:
        self.file = file
        self.source = source

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """Of the module that has that file, and of no other."""
        if name.rpartition(".")[2] not in (self.file.stem, self.file.parent.name):
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        if found is None or found.origin != str(self.file):
            return None
        return importlib.util.spec_from_file_location(
            name, self.file, loader=self, submodule_search_locations=found.submodule_search_locations
        )

    def get_filename(self, fullname: str) -> str:
        """Of the file as it is."""
        return str(self.file)

    def get_data(self, path: str | bytes) -> bytes:
        """The other text; nothing compiled is read or kept."""
        if Path(os.fsdecode(path)) != self.file:
            raise OSError("nothing is kept")
        return self.source


def digest_of(texts: Sequence[str]) -> str:
    """Short for all of them."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def run_alone(file: Path, source: Path, scratch: Path, tests: Sequence[str]) -> int:
    """In a process of its own: whether one of the tests fails, or cannot even be loaded, with that source."""
    sys.meta_path.insert(0, Changed(file, source.read_bytes()))
    ended = pytest.main(["-x", "-q", f"--basetemp={scratch}", *tests])
    return LIVED if ended == pytest.ExitCode.OK else DIED


def start_alone(file: Path, source: bytes, tests: Sequence[str], scratch: Path, top: Path) -> int:
    """In a child: the same, from its start."""
    text = scratch / "changed.py"
    text.write_bytes(source)
    places = (str(file), str(text), str(scratch / "tests"))
    command = [sys.executable, "-m", "tests.mutation", "alone", *places, *tests]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(command, cwd=top, env=environment, check=False).returncode
