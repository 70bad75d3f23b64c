"""Measures the tool against programs that everybody has, and prints one table; run it with bench.sh.

Each row is one number from one run of this program: a ratio of two things measured in turn, or an amount.
What a row compares with stands in it. A bound that is missed makes the exit code 1. On a busy machine both
sides of a ratio wait, so each pair that ran in turn gives a ratio, and the median of those counts; the load
is printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import bench_fleet
import bench_locate
import bench_plots
from bench_fix import Machine
from bench_trees import HOME_STORE, Certificates, build

from dsmbench.endpoint import Endpoint
from dsmbench.runtime import scratch
from dsmbench.server import Server

PASS = ("-c", "pass")
REFERENCE = ("-c", "import typer, cryptography.x509, psutil")
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a program: seconds by the clock and of the processor, and its largest memory in MiB."""

    wall_s: float
    processor_s: float
    memory: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `at_most` says on which side of the bound the value has to be."""

    what: str
    value: float
    bound: float | None
    unit: str
    against: str
    at_most: bool = True

    @property
    def kept(self) -> bool:
        """Whether the value keeps to its bound."""
        return self.bound is None or (self.value <= self.bound if self.at_most else self.value >= self.bound)


class Programs:
    """Runs programs as they run once installed: from compiled files, which are made by the first run."""

    def __init__(self, compiled: Path):
        left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
        self.environment = {name: value for name, value in os.environ.items() if name not in left_out}
        self.environment["PYTHONPYCACHEPREFIX"] = str(compiled)

    def run(
        self, argv: Sequence[str | Path], expected: Iterable[int] = (0,), *, quiet: bool = False
    ) -> Sample:
        """The program has ended; its output is thrown away, its complaints too when it is to be `quiet`.

        Raises RuntimeError for another exit code.
        """
        words = [os.fspath(word) for word in argv]
        handles = (1, 2) if quiet else (1,)
        nowhere = [(os.POSIX_SPAWN_OPEN, handle, os.devnull, os.O_WRONLY, 0) for handle in handles]
        start = perf_counter()
        child = os.posix_spawn(words[0], words, self.environment, file_actions=nowhere)
        _, status, used = os.wait4(child, 0)
        wall_s = perf_counter() - start
        if os.waitstatus_to_exitcode(status) not in expected:
            raise RuntimeError(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
        return Sample(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)

    def python(self, words: Sequence[str | Path], expected: Iterable[int] = (0,)) -> Sample:
        """This Python with those arguments has ended."""
        return self.run((sys.executable, *words), expected)

    def tool(self, *words: str | Path, expected: Iterable[int] = (0,)) -> Sample:
        """The tool with those arguments has ended."""
        return self.python(("-m", "dsmcertfix", *words), expected)

    def pairs(self, one: Sequence[str | Path], other: Sequence[str | Path], runs: int) -> Compared:
        """Both, in turn; the first run of each, which compiles, is not counted."""
        self.python(one, (0, 3))
        self.python(other)
        return Compared([(self.python(one, (0, 3)), self.python(other)) for _ in range(runs)])


class Compared:
    """Two programs that ran in turn."""

    def __init__(self, pairs: list[tuple[Sample, Sample]]):
        self._pairs = pairs

    @property
    def by_clock(self) -> float:
        """The median of the ratios of the times by the clock."""
        return statistics.median(one.wall_s / other.wall_s for one, other in self._pairs)

    @property
    def by_processor(self) -> float:
        """The median of the ratios of the processor times."""
        return statistics.median(one.processor_s / other.processor_s for one, other in self._pairs)

    @property
    def processor_s(self) -> float:
        """The median of the processor times of the first one, in seconds."""
        return statistics.median(one.processor_s for one, _ in self._pairs)

    @property
    def memory(self) -> float:
        """The largest memory of the first one, in MiB."""
        return max(one.memory for one, _ in self._pairs)

    @property
    def times(self) -> str:
        """The medians, to be printed."""
        one, other = (
            statistics.median(item.wall_s for item in side) for side in zip(*self._pairs, strict=True)
        )
        return f"{one * 1000:.0f} ms to {other * 1000:.0f} ms; processor time {self.by_processor:.2f} times"


def start_up(programs: Programs, runs: int) -> Iterator[Row]:
    """The trivial commands, which every inventory asks."""
    for option, bound in (("--version", 8), ("--help", 25)):
        compared = programs.pairs(("-m", "dsmcertfix", option), PASS, runs)
        against = f"`python -c pass` ({compared.times})"
        yield Row(f"{option}", compared.by_clock, bound, "times", against)


def detection(programs: Programs, runs: int, directory: Path) -> Iterator[Row]:
    """`detect` on a machine with three stores, whose two servers answer."""
    with Server("TSM01") as first, Server("TSM02") as second:
        endpoint = Endpoint(directory / "three", client_mode="8.2.2")
        for name, server in (("TSM01", first), ("TSM02", second)):
            endpoint.stanza(name, server, node="ROOT")
        api, user = endpoint.add_api(), endpoint.user("alice")
        both = [endpoint.trusted("TSM01", first), endpoint.trusted("TSM02", second)]
        for place, owner in ((None, None), (api, None), (None, user)):
            endpoint.store(place, user=owner, certificates=both)
        words = ("-m", "dsmcertfix", "--trust-root", "--root", endpoint.root, "detect", "--json")
        compared = programs.pairs(words, REFERENCE, runs)
    what = "detect --json, three stores, two servers"
    yield Row(what, compared.by_clock, 1.3, "times", f"`python {' '.join(REFERENCE)}` ({compared.times})")
    yield Row(f"{what}: memory", compared.memory, 60, "MiB", "its largest of all runs")


def reading(programs: Programs, runs: int, directory: Path, pool: Certificates) -> Iterator[Row]:
    """A thousand stores read natively, and by IBM's library one program after the other."""
    stores, each = 1000, 20
    root = build(directory / "thousand", homes=stores, stores=stores, each=each, pool=pool)
    programs.tool("--trust-root", "--root", root, "inspect", "--json")
    found = [programs.tool("--trust-root", "--root", root, "inspect", "--json") for _ in range(runs)]
    native_s = statistics.median(item.wall_s for item in found)
    program = Endpoint(directory / "program", programs=("gsk8capicmd_64",)).gsk8capicmd_program
    programs.run((program, "-version"), range(256), quiet=True)
    lists, details, starts = [], [], []
    for number in range(runs):
        database = root / "home" / f"u{number:05}" / HOME_STORE / "dsmcert.kdb"
        common = ("-db", database, "-stashed")
        label = f"TSM server T{number % each:02} self-signed key"
        starts.append(programs.run((program, "-version"), range(256), quiet=True).wall_s)
        lists.append(programs.run((program, "-cert", "-list", *common)).wall_s)
        details.append(programs.run((program, "-cert", "-details", "-label", label, *common)).wall_s)
    start_s = statistics.median(starts)
    list_s, detail_s = statistics.median(lists), statistics.median(details)
    whole_s = stores * (list_s + each * detail_s)
    without_s = stores * (max(0, list_s - start_s) + each * max(0, detail_s - start_s))
    what = f"inspect --json, {stores} stores of {each} certificates, all different ({native_s:.1f} s)"
    scaled = f"scaled from the medians of {runs} -list and {runs} -details"
    against = f"one gsk8capicmd_64 -list a store and one -details a label ({whole_s:.0f} s, {scaled})"
    yield Row(what, whole_s / native_s, 50, "times faster", against, at_most=False)
    less = f"the same less the start of the bench's program, {start_s * 1000:.0f} ms each time"
    yield Row("the same", without_s / native_s, None, "times faster", less)
    yield Row("the same: memory", max(item.memory for item in found), None, "MiB", "its largest of all runs")


def large(programs: Programs, runs: int, directory: Path, pool: Certificates) -> Iterator[Row]:
    """A terminal server: ten thousand homes, two thousand stores."""
    homes, stores, each = 10_000, 2_000, 2
    with Server("T00") as server:
        root = build(directory / "large", homes=homes, stores=stores, each=each, pool=pool, port=server.port)
        words = ("--trust-root", "--root", root, "detect", "--json")
        found = [programs.tool(*words, expected=(0, 3)) for _ in range(runs)]
    wall_s = statistics.median(item.wall_s for item in found)
    what = f"detect --json, {homes} homes, {stores} stores of {each} different certificates: memory"
    yield Row(what, max(item.memory for item in found), 150, "MiB", f"its largest of {len(found)} runs")
    yield Row("the same: time", wall_s, None, "s", f"median of {len(found)} runs")


def locating(programs: Programs, runs: int, directory: Path, pool: Certificates) -> Iterator[Row]:
    """Finding two hundred stores among ten thousand homes."""
    homes, stores = bench_locate.HOMES, bench_locate.STORES
    root = build(directory / "homes", homes=homes, stores=stores, each=2, pool=pool)
    what = f"locate, {homes} homes, {stores} stores"
    found = bench_locate.finding(root, runs, directory, programs.environment)
    if found is None:
        print(f"| {what} | not measured: strace is not installed | | |", flush=True)
    else:
        one, other = (statistics.median(side) * 1000 for side in zip(*found.pairs, strict=True))
        ratio = statistics.median(mine / bare for mine, bare in found.pairs)
        against = (
            f"`os.lstat` of the same {found.calls} paths in a bare loop ({one:.0f} ms to {other:.0f} ms)"
        )
        yield Row(f"{what}: the finding", ratio, 2, "times", against)
    tree = bench_locate.furnish(directory / "furnished")
    words = ("--trust-root", "--root", root, "locate", "--json")
    programs.tool(*words)
    bench_locate.find_s(tree)
    pairs = [(bench_locate.find_s(tree), programs.tool(*words).wall_s) for _ in range(runs)]
    scale = homes / bench_locate.SAMPLE
    ratio = statistics.median(find_s * scale / wall_s for find_s, wall_s in pairs)
    find_s, wall_s = (statistics.median(side) for side in zip(*pairs, strict=True))
    files, places = bench_locate.DIRECTORIES * bench_locate.FILES, bench_locate.DIRECTORIES
    against = (
        f"`find -name dsmcert.kdb` through homes of {files} files in {places} directories "
        f"({find_s * scale:.1f} s, scaled from {bench_locate.SAMPLE} such homes, to {wall_s:.2f} s)"
    )
    yield Row(f"{what}: the command, with its JSON", ratio, 20, "times faster", against, at_most=False)


def fixing(programs: Programs, runs: int, directory: Path) -> Iterator[Row]:
    """What `fix` itself takes, without the client, IBM's program and the server."""
    with Server("TSM01") as server:
        one = Machine(directory / "fix1", [server], 1, environment=programs.environment)
        one.fix()
        found = [one.fix() for _ in range(runs)]
    total_s = statistics.median(item.total_s for item in found)
    processor_s = statistics.median(item.processor_s for item in found)
    against = f"{total_s:.2f} s in all, less gsk8capicmd, dsmc and the server; processor {processor_s:.2f} s"
    own_s = statistics.median(item.own_s for item in found)
    yield Row("fix --yes, one store: its own time", own_s, 0.4, "s", against)
    few, many = 10, 100
    with Server("TSM01") as server:
        machines = [
            Machine(directory / f"fix{n}", [server], n, environment=programs.environment, waits_s=0)
            for n in (few, many)
        ]
        pairs = [[item.fix("--engine", "native").own_s for item in machines] for _ in range(runs)]
    each = [
        statistics.median(pair[place] / stores for pair in pairs) for place, stores in enumerate((few, many))
    ]
    times = " and ".join(f"{item * 1000:.0f} ms" for item in each)
    ratio = statistics.median((pair[1] / many) / (pair[0] / few) for pair in pairs)
    what = f"fix --yes --engine native, own time a store: {many} stores"
    yield Row(what, ratio, 1.5, "times", f"a store of {few} ({times})")


def waiting(programs: Programs, runs: int, directory: Path) -> Iterator[Row]:
    """What `--jobs` makes of the waiting, for stores of different servers and of the same one."""
    count, waits_s = 8, 0.5
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(f"TSM{number:02}")) for number in range(count)]
        for names, at_most, bound in ((servers, True, 0.35), (servers[:1], False, 0.9)):
            where = directory / f"jobs{len(names)}"
            made = Machine(where, names, count, environment=programs.environment, waits_s=waits_s)
            words = ("--engine", "native", "--jobs", str(count))
            made.fix(*words)
            pairs = [(made.fix(*words).total_s, made.fix(*words[:2]).total_s) for _ in range(runs)]
            ratio = statistics.median(one / other for one, other in pairs)
            both = [statistics.median(side) for side in zip(*pairs, strict=True)]
            what = (
                f"fix --yes --jobs {count}, {count} stores of {len(names)} server(s), clients of {waits_s} s"
            )
            against = f"the same one after the other ({both[0]:.1f} s to {both[1]:.1f} s)"
            yield Row(what, ratio, bound, "times", against, at_most=at_most)


def fleet(programs: Programs, runs: int, directory: Path) -> Iterator[Row]:
    """The page and the CSV of a hundred thousand results."""
    found, page = bench_fleet.results(directory), directory / "report.html"
    outputs = ("-o", page, "--csv", directory / "report.csv")
    words = ("report", found, "--inventory", found / "inventory.txt", *outputs)
    compared = programs.pairs(("-m", "dsmcertfix", *words), bench_fleet.parsing(found), max(2, runs // 5))
    what = f"report, {bench_fleet.ENDPOINTS} results, page and CSV: processor time"
    against = f"`json.loads` of each line takes {compared.by_processor:.1f} times less; {compared.times}"
    yield Row(what, compared.processor_s, 10, "s", against)
    yield Row("the same: memory", compared.memory, 500, "MiB", "its largest of all runs")
    asked = bench_fleet.switch(found, directory)
    sample = programs.tool("forecast", found, *asked, expected=(0, 3))
    what = f"forecast, {bench_fleet.ENDPOINTS} results and as many nodes, page and CSV: processor time"
    yield Row(what, sample.processor_s, 10, "s", "one run")
    yield Row("the same: memory", sample.memory, 300, "MiB", "the same run")
    loaded_s = bench_fleet.opening_s(page)
    if loaded_s is None:
        print("| its page opens in Chromium | not measured: Chromium is not installed | | |", flush=True)
    else:
        size = f"a page of {page.stat().st_size / MIB:.1f} MiB"
        yield Row("its page opens in Chromium, table drawn", loaded_s, 3, "s", size)


def growth(programs: Programs, directory: Path, pool: Certificates, plots: Path) -> None:
    """Pictures of how the processor time and the memory of `inspect` grow."""
    series = (
        ("homes without a store", [(number, number, 0, 0) for number in (0, 2500, 5000, 7500, 10_000)]),
        ("stores of 2 certificates", [(number, number, number, 2) for number in (1, 500, 1000, 1500, 2000)]),
        (
            "certificates in each of 200 stores",
            [(number, 200, 200, number) for number in (1, 10, 20, 30, 40)],
        ),
    )
    drawn = []
    for place, (name, steps) in enumerate(series):
        points = []
        for at, homes, stores, each in steps:
            where = directory / f"growth-{place}-{at}"
            root = build(where, homes=homes, stores=stores, each=each, pool=pool)
            found = [
                programs.tool("--trust-root", "--root", root, "inspect", "--json", expected=(0, 10))
                for _ in range(3)
            ]
            points.append((at, statistics.median(i.processor_s for i in found), max(i.memory for i in found)))
        drawn.append((name, points))
    plots.mkdir(parents=True, exist_ok=True)
    (plots / "growth.svg").write_text(bench_plots.draw(drawn), encoding="utf-8")
    for name, points in drawn:
        print(f"{name}: " + ", ".join(f"{at}: {time:.2f} s {memory:.0f} MiB" for at, time, memory in points))


def table(rows: Iterable[Row]) -> bool:
    """The rows are printed as they come; returns whether all kept to their bounds."""
    print("| what | measured | bound | against what |\n| --- | --- | --- | --- |")
    kept = True
    for row in rows:
        sign = "at most" if row.at_most else "at least"
        bound = "" if row.bound is None else f"{sign} {row.bound:g}{'' if row.kept else ' **missed**'}"
        print(f"| {row.what} | {row.value:.2f} {row.unit} | {bound} | {row.against} |", flush=True)
        kept = kept and row.kept
    return kept


@contextmanager
def _compiled() -> Iterator[Programs]:
    with tempfile.TemporaryDirectory(prefix="bench-compiled-") as directory:
        yield Programs(Path(directory))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three runs where there are ten or more")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="draw how cost grows, and nothing else")
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="only this part")
    options = parser.parse_args()
    runs, pool = (3 if options.quick else 11), Certificates()
    print(f"Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with scratch() as directory, _compiled() as programs:
        if options.plots:
            growth(programs, directory, pool, options.plots)
            return 0
        parts: dict[str, Iterator[Row]] = {
            "start-up": start_up(programs, runs),
            "detect": detection(programs, runs, directory),
            "fix": fixing(programs, runs, directory),
            "jobs": waiting(programs, runs, directory),
            "large": large(programs, runs, directory, pool),
            "locate": locating(programs, runs, directory, pool),
            "reading": reading(programs, runs, directory, pool),
            "fleet": fleet(programs, runs, directory),
        }
        chosen = options.only or parts
        return 0 if table(row for name in chosen for row in parts[name]) else 1


if __name__ == "__main__":
    sys.exit(main())
