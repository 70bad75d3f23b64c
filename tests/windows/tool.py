"""dsmcertfix as a program on Windows: called, and its answers held against the schema."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.answers import Answer, checked

assert sys.platform == "win32"

LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Tool:
    """The tool as somebody started it: `argv` comes before its arguments."""

    argv: Sequence[str]

    def text(self, *arguments: str) -> Answer:
        """The command has ended, whatever it printed. Its input is closed."""
        return ran([*self.argv, *arguments])

    def run(self, *arguments: str) -> Answer:
        """The command with --json has ended; its output keeps to the schema and to its exit code."""
        return checked(self.text(*arguments, "--json"))

    def fix(self, *arguments: str) -> Answer:
        """`fix --yes` with these arguments."""
        return self.run("fix", "--yes", "--trust-on-first-use", *arguments)


def ran(argv: Sequence[str]) -> Answer:
    """The program has ended, whatever it printed. Its input is closed."""
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
        cwd="C:\\",
    )
    return Answer(done.returncode, done.stdout, done.stderr, {})
