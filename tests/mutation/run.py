"""One run: which of the changes are tried, by which tests, and what became of each."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.mutation import changes, equivalent, trials
from tests.mutation.changes import Mutant
from tests.mutation.equivalent import Equivalents
from tests.mutation.lines import Test, digest, recorded

TESTS_AT_MOST = 300
ALONE_AT_MOST = 250
SECONDS_AT_MOST = 30.0
GOAL = 95
DIED, LIVED, SAME, NOT_COVERED = "died", "lived", "equivalent", "not covered"
NOT_TRIED = "could not be tried"


class Project(NamedTuple):
    """What is changed, and what tests it."""

    top: Path
    source: Path
    """The directory of the package."""
    changed: tuple[str, ...]
    """Patterns of files below it."""
    tests: tuple[str, ...]
    kept: Path
    """The directory of what a run has found out."""
    equivalent: Path

    def sources(self) -> dict[Path, bytes]:
        """The files that are changed."""
        return {
            path: path.read_bytes() for pattern in self.changed for path in sorted(self.source.glob(pattern))
        }

    def mutants(self) -> list[Mutant]:
        """All changes of all files."""
        return [
            mutant
            for path, source in self.sources().items()
            for mutant in changes.mutants(self.name(path), source)
        ]

    def name(self, path: Path) -> str:
        """What the file is called here."""
        return path.relative_to(self.source).as_posix()

    def around(self) -> list[Path]:
        """What else a test's result hangs on, but for its own file."""
        helpers = (path for path in self.top.glob("tests/**/*.py") if not path.name.startswith("test_"))
        return [
            *self.source.rglob("*.py"),
            *(path for path in helpers if Path(__file__).parent not in path.parents),
        ]


class Asked(NamedTuple):
    """What the command was asked for."""

    sample: int | None = None
    seed: int = 1
    jobs: int = 2
    only: str = ""
    forget: bool = False


def names(mutants: Iterable[Mutant]) -> list[str]:
    """What each is called wherever it stands in its file: of those that look alike, by their order."""
    count: Counter[tuple[str, ...]] = Counter()
    found: list[str] = []
    for mutant in mutants:
        looks = (mutant.file, mutant.function, mutant.kind, changes.one_line(mutant.old), mutant.new)
        found.append(hashlib.sha256(repr((*looks, count[looks])).encode()).hexdigest()[:10])
        count[looks] += 1
    return found


def drawn(mutants: Sequence[Mutant], asked: Asked, samples: Path | None = None) -> list[Mutant]:
    """Those that are tried. The same seed draws the same, but for changes of code that is new or gone.

    `samples` has a file for each seed that was drawn at another time, and stays what it was.
    """
    wanted = dict(zip(names(mutants), mutants, strict=True))
    wanted = {name: mutant for name, mutant in wanted.items() if asked.only in mutant.shown}
    if asked.sample is None or asked.sample >= len(wanted):
        return list(wanted.values())
    page = samples / f"{asked.seed}.txt" if samples else None
    if page is not None and page.exists():
        first = page.read_text().split()
    else:
        first = sorted(wanted, key=lambda name: hashlib.sha256(f"{asked.seed} {name}".encode()).digest())
    chosen = set(first[: asked.sample])
    return [mutant for name, mutant in wanted.items() if name in chosen]


def tests_of(mutant: Mutant, tests: Iterable[Test], kills: Counter[str]) -> list[Test]:
    """Those that run its statement: first what has noticed most changes, then what runs little else.

    What stands outside of functions runs with the import: all tests that run something of that file.
    """
    first, last = mutant.lines
    wanted = set(range(min(first, mutant.line), max(last, mutant.line) + 1))
    outside = not mutant.in_function
    covering = [
        test
        for test in tests
        if mutant.file in test.lines and (outside or not wanted.isdisjoint(test.lines[mutant.file]))
    ]
    covering.sort(key=lambda test: (-kills[test.name], -test.share(mutant.file), test.seconds))
    chosen: list[Test] = []
    for test in covering[: ALONE_AT_MOST if outside else TESTS_AT_MOST]:
        if sum(one.seconds for one in chosen) < SECONDS_AT_MOST:
            chosen.append(test)
    return chosen


class Results:
    """What earlier runs have found out, as long as it must be the same again."""

    def __init__(self, project: Project, *, forget: bool) -> None:
        self.page = project.kept / "results.jsonl"
        self.versions = {project.name(path): digest([path]) for path in project.sources()}
        lines = self.page.read_text().splitlines() if self.page.exists() and not forget else []
        self.known = {tuple(one[:-1]): str(one[-1]) for line in lines if (one := json.loads(line))}

    def state(self, mutant: Mutant, tests: Sequence[Test]) -> str | None:
        """What became of it; None where that is not known any more."""
        return self.known.get(self._key(mutant, ())) or self.known.get(self._key(mutant, tests))

    def keep(self, mutant: Mutant, tests: Sequence[Test], state: str) -> None:
        """One that died is dead; one that lived did so with those tests."""
        key = self._key(mutant, tests if state == LIVED else ())
        self.known[key] = state
        with self.page.open("a") as page:
            page.write(json.dumps([*key, state]) + "\n")

    def _key(self, mutant: Mutant, tests: Sequence[Test]) -> tuple[str, ...]:
        of_tests = sorted({f"{test.name} {test.version}" for test in tests})
        return (self.versions[mutant.file], mutant.key, " ".join(of_tests) and trials.digest_of(of_tests))


class Run:
    """The plugin: instead of running the tests, it tries them on changed code."""

    def __init__(self, project: Project, asked: Asked) -> None:
        self.project = project
        self.asked = asked
        self.code = 2
        self.failures = trials.Failures()
        self.kills: Counter[str] = Counter()
        self.states: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """A failing example is not made smaller: that it fails is enough."""
        from hypothesis import Phase, settings

        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("mutants", settings(), phases=phases)
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Records, tries, tells."""
        session.config.pluginmanager.register(self.failures)
        self.project.kept.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="mutants-"))
        try:
            self._run(session, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return True

    def _run(self, session: pytest.Session, scratch: Path) -> None:
        runner = trials.Tests(session, self.failures)
        forks = trials.Forks(self.asked.jobs, scratch)
        project = self.project
        names = {str(path): project.name(path) for path in project.sources()}
        tests = recorded(session.items, runner, forks, names, project.kept, digest(project.around()))
        print(f"{len(session.items)} tests, {len(tests)} of them fast and about this code", flush=True)
        self._try(tests, runner, forks)

    def _try(self, tests: list[Test], runner: trials.Tests, forks: trials.Forks) -> None:
        everywhere = self.project.mutants()
        same = equivalent.read(self.project.equivalent.read_text(encoding="utf-8"))
        results = Results(self.project, forget=self.asked.forget)
        loaded = trials.Loaded(list(self.project.sources()))
        mine = drawn(everywhere, self.asked, self.project.equivalent.parent / "samples")
        began = time.monotonic()
        for number, mutant in enumerate(mine, 1):
            covering = tests_of(mutant, tests, self.kills)
            before = results.state(mutant, covering)
            if same.reason(mutant) is not None:
                self.states[mutant.key] = SAME
            elif not covering:
                self.states[mutant.key] = NOT_COVERED
            elif before is not None:
                self.states[mutant.key] = before
            else:
                self._start(mutant, covering, loaded, runner, forks, results)
            if number % 100 == 0:
                print(f"{number} of {len(mine)}, {time.monotonic() - began:.0f} s", flush=True)
        forks.finish()
        self._tell(mine, everywhere, same)

    def _start(
        self,
        mutant: Mutant,
        covering: Sequence[Test],
        loaded: trials.Loaded,
        runner: trials.Tests,
        forks: trials.Forks,
        results: Results,
    ) -> None:
        names = [test.name for test in covering]
        path = self.project.source / mutant.file
        changed = mutant.applied(path.read_bytes())

        def work(scratch: Path) -> int:
            if loaded.change(path, mutant, changed):
                trials.forget(self.project.source.name)
                return runner.run(names, scratch)
            return trials.start_alone(path, changed, names, scratch, self.project.top)

        def ended(code: int, told: str) -> None:
            state = {trials.LIVED: LIVED, trials.NOT_APPLIED: NOT_TRIED}.get(code, DIED)
            self.states[mutant.key] = state
            if state == NOT_TRIED:
                print(f"{state}: {mutant.shown}: {told}")
            else:
                self.kills[told] += 1
                results.keep(mutant, covering, state)

        try:
            compile(changed, mutant.file, "exec", dont_inherit=True)
        except SyntaxError:
            return
        forks.start(work, 30 + 10 * sum(test.seconds for test in covering), ended)

    def _tell(self, mine: Sequence[Mutant], everywhere: Sequence[Mutant], same: Equivalents) -> None:
        counts = Counter(self.states.values())
        for state in (LIVED, NOT_COVERED):
            for mutant in mine:
                if self.states.get(mutant.key) == state:
                    print(f"{state}: {mutant.shown}  [{mutant.function}]")
        judged = counts[DIED] + counts[LIVED] + counts[NOT_COVERED]
        share = 100 * counts[DIED] / judged if judged else 100.0
        print(
            f"{len(everywhere)} changes, {sum(counts.values())} tried: {counts[DIED]} died, "
            f"{counts[LIVED]} lived, "
            f"{counts[NOT_COVERED]} on lines that no fast test runs, {counts[SAME]} equivalent; "
            f"of those that are not, {share:.1f} of 100 died"
        )
        unused = same.unused(everywhere)
        for entry in unused:
            print(f"fits no change any more: {entry}")
        self.code = 0 if share >= GOAL and not unused else 1


def carry_out(project: Project, asked: Asked) -> int:
    """The exit code: 0 when at least so many of 100 died as are wanted."""
    plugin = Run(project, asked)
    ended = pytest.main(["-s", "-q", f"--rootdir={project.top}", *project.tests], plugins=[plugin])
    return plugin.code if ended in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) else int(ended)
