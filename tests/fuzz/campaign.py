"""Fuzzes every target with atheris, one process after the other, and prints a table of what came of it.

    python -m tests.fuzz.campaign [--executions N] [--findings DIR] [TARGET ...]

A crash is any error that the target lets through; an input that takes longer than a second, or more than
200 MB, is one, too. Exits with 1 when there was any, or when a target did not get as far as it should.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 1
LIMIT_MB = 200
EXECUTIONS = 1_000_000
CHILD = "--in-this-process"
TARGETS = "tests.fuzz.targets"
COLUMNS = "{:<18} {:>11} {:>9} {:>8} {:>8}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one target; `said` is the end of what libFuzzer said."""

    target: str
    executions: int
    seconds: float
    peak_mb: int
    crashes: int
    said: str


def main() -> int:
    """The command line."""
    if sys.argv[1:2] == [CHILD]:
        return _fuzz(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.campaign", description=__doc__.split("\n")[0])
    parser.add_argument("--executions", type=int, default=EXECUTIONS, help="of each target (a million)")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"), help="where inputs are kept")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    options = parser.parse_args()
    wanted = options.targets or [target.name for target in importlib.import_module(TARGETS).TARGETS]
    options.findings.mkdir(parents=True, exist_ok=True)
    print(COLUMNS.format("target", "executions", "seconds", "crashes", "peak MB"), flush=True)
    good = True
    for name in wanted:
        outcome = _run(name, options.executions, options.findings.absolute())
        row = (name, outcome.executions, f"{outcome.seconds:.0f}", outcome.crashes, outcome.peak_mb)
        print(COLUMNS.format(*row), flush=True)
        if outcome.crashes or outcome.executions < options.executions or outcome.peak_mb > LIMIT_MB:
            good = False
            print(outcome.said, file=sys.stderr, flush=True)
    return 0 if good else 1


def _run(name: str, executions: int, findings: Path) -> Outcome:
    """The target was run so many times, or until it could not take an input."""
    with tempfile.TemporaryDirectory(prefix="dsmcertfix-fuzz-", dir=_memory()) as directory:
        corpus, scratch = Path(directory, "corpus"), Path(directory, "scratch")
        corpus.mkdir()
        scratch.mkdir()
        command = [
            sys.executable, "-m", "tests.fuzz.campaign", CHILD, name, str(corpus), f"-runs={executions}",
            f"-timeout={LIMIT_S}", f"-rss_limit_mb={LIMIT_MB}", "-print_final_stats=1",
            f"-artifact_prefix={findings}/{name}-",
        ]  # fmt: skip
        environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
        started = time.monotonic()
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=environment
        )
    said = (ended.stderr + ended.stdout).decode("utf-8", "replace")
    counts = [
        int(number)
        for number in re.findall(r"^(?:#|Done |stat::number_of_executed_units: )(\d+)\b", said, re.MULTILINE)
    ]
    peak = re.findall(r"stat::peak_rss_mb:\s+(\d+)|\brss: (\d+)Mb", said)
    return Outcome(
        name,
        max(counts, default=0),
        time.monotonic() - started,
        max((int(one or other) for one, other in peak), default=0),
        int(ended.returncode != 0),
        "\n".join(line for line in said.splitlines() if not line.startswith(("#", "INFO: I")))[-3000:],
    )


def _memory() -> str | None:
    """Where files are cheap: the corpus and what the targets write."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _fuzz(name: str, arguments: list[str]) -> int:
    """Runs the target in this process until libFuzzer ends it."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["dsmcertfix", "tests.fuzz.draw"]):
        targets = importlib.import_module(TARGETS)
    target = targets.named(name)
    corpus = Path(arguments[0])
    for number, seed in enumerate(targets.seeds(target)):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *arguments, f"-max_len={target.longest}"], target.read)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
