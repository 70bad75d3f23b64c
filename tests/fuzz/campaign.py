"""Fuzzes every target with atheris, some processes side by side, and prints a table of what came of it.

    python -m tests.fuzz.campaign [--minutes N] [--side-by-side N] [--corpus DIR] [TARGET ...]

atheris counts the edges of the code that an input reaches, and libFuzzer makes new inputs of those that reach
new ones. Every input is read in this process; some are read in the child that reads for a user, and some
repeated to 64 KiB (tests/fuzz/measured.py). A finding is any error that the target lets through, more than
a second of processor time for an input, or more memory than LIMIT_MB. Exits with 1 when there was any, or
when a target did not get as far as it should.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

LIMIT_MB = 400
HANGS_S = 300
MINUTES = 3.0
CHILD = "--in-this-process"
TARGETS = "tests.fuzz.targets"
HEADINGS = (
    "target",
    "executions",
    "in the child",
    "of 64 KiB",
    "minutes",
    "edges",
    "slowest",
    "MB",
    "findings",
)
SEEDS, LONGEST_SEED = 24, 160


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one target; `minutes` are of processor time, `said` is the end of what libFuzzer said."""

    target: str
    edges: int = 0
    said: str = ""
    executions: int = 0
    in_child: int = 0
    long: int = 0
    minutes: float = 0.0
    slowest_s: float = 0.0
    peak_mb: int = 0
    findings: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether it came to its end, and nothing was found."""
        return bool(self.executions) and not self.findings and self.peak_mb <= LIMIT_MB

    def row(self) -> str:
        """As a line of a Markdown table."""
        cells = (
            f"`{self.target}`", f"{self.executions:,}", f"{self.in_child:,}", f"{self.long:,}",
            f"{self.minutes:.1f}", f"{self.edges:,}", f"{self.slowest_s:.2f} s", f"{self.peak_mb}",
            str(len(self.findings)) if self.executions else "no end",
        )  # fmt: skip
        return f"| {' | '.join(cells)} |"


def main() -> int:
    """The command line."""
    if sys.argv[1:2] == [CHILD]:
        return _fuzz(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.campaign", description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of processor time for each target")
    parser.add_argument("--side-by-side", type=int, default=2, metavar="N", help="processes at the same time")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"), help="where inputs are kept")
    parser.add_argument("--corpus", type=Path, help="where what was found is kept for the next campaign")
    parser.add_argument(
        "--keep-seeds", action="store_true", help="small inputs become seeds of the repository"
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    options = parser.parse_args()
    wanted = options.targets or [target.name for target in importlib.import_module(TARGETS).TARGETS]
    findings = options.findings.absolute()
    findings.mkdir(parents=True, exist_ok=True)
    print(f"| {' | '.join(HEADINGS)} |\n| --- {'| ---: ' * (len(HEADINGS) - 1)}|", flush=True)
    good = True
    with ThreadPoolExecutor(options.side_by_side) as side_by_side:

        def run(name: str) -> Outcome:
            with tempfile.TemporaryDirectory(prefix="dsmcertfix-fuzz-", dir=_memory()) as directory:
                corpus = (options.corpus or Path(directory)).absolute() / name
                outcome = _run(name, options.minutes * 60, findings, corpus, Path(directory))
                if options.keep_seeds:
                    _keep(name, (path.read_bytes() for path in corpus.iterdir()))
                return outcome

        for outcome in side_by_side.map(run, wanted):
            print(outcome.row(), flush=True)
            if not outcome.is_good:
                good = False
                print(outcome.target, outcome.findings, outcome.said, file=sys.stderr, flush=True)
    return 0 if good else 1


def _run(name: str, budget_s: float, findings: Path, corpus: Path, scratch: Path) -> Outcome:
    """The target was run for so many seconds of processor time."""
    corpus.mkdir(parents=True, exist_ok=True)
    result = scratch / "result"
    command = [
        sys.executable, "-m", "tests.fuzz.campaign", CHILD, name, str(budget_s), str(findings), str(result),
        str(corpus), f"-timeout={HANGS_S}", "-rss_limit_mb=0", f"-artifact_prefix={findings}/{name}-",
    ]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=environment
    )
    said = (ended.stderr + ended.stdout).decode("utf-8", "replace")
    edges = max(map(int, re.findall(r"\bcov: (\d+)", said)), default=0)
    rest = "\n".join(line for line in said.splitlines() if not line.startswith(("#", "INFO: I")))[-3000:]
    counts = json.loads(result.read_text()) if result.exists() else {}
    return Outcome(name, edges, rest, **counts)


def _keep(name: str, inputs: Iterable[bytes]) -> None:
    """The shortest inputs of a corpus, each of which reached something that none before it did, are seeds."""
    from tests.fuzz import seeds_of

    short = sorted({one for one in inputs if 0 < len(one) <= LONGEST_SEED}, key=lambda one: (-len(one), one))
    step = max(1, len(short) // SEEDS)
    seeds_of.keep(name, short[::step][:SEEDS])


def _memory() -> str | None:
    """Where files are cheap: the corpus and what the targets write."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _fuzz(name: str, arguments: list[str]) -> int:
    """Runs the target in this process until its time is over, and writes down what was run."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    budget_s, findings, result, corpus, *of_libfuzzer = arguments
    with atheris.instrument_imports(include=["dsmcertfix", "tests.fuzz.draw", "plistlib", "shlex"]):
        targets = importlib.import_module(TARGETS)
    from tests.fuzz import measured

    target = targets.named(name)
    for number, seed in enumerate(targets.seeds(target)):
        Path(corpus, f"seed-{number}").write_bytes(seed)

    measure = measured.Measured(target)

    def run(data: bytes) -> None:
        measure.tried(data, Path(findings))
        if measured.spent_s() >= float(budget_s):
            told = asdict(measure.counts) | {
                "minutes": measured.spent_s() / 60,
                "peak_mb": measured.peak_mb(),
            }
            Path(result).write_text(json.dumps(told))
            sys.stderr.flush()
            os._exit(0)

    atheris.Setup([sys.argv[0], corpus, *of_libfuzzer, f"-max_len={target.longest}"], run)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
