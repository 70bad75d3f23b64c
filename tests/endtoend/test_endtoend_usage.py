"""What a command line that cannot be carried out is answered, and help: both are told before any work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.answers import Answer, checked
from tests.endtoend.machine import LIMIT_S


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine without anything."""
    made = tmp_path / "root"
    made.mkdir()
    return made


def run(*words: str | Path) -> Answer:
    """The command has ended, whatever it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", *map(str, words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr, {})


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("--root", "ROOT", "fix", "--jobs", "0"), "fix"),
        (("--root=ROOT", "-v", "fix", "--jobs", "0"), "fix"),
        (("--state-dir", "detect", "plan", "--nonsense"), "plan"),
        (("--root", "ROOT", "server", "inspect", "--nonsense"), "server inspect"),
        (("server", "macro"), "server macro"),
        (("server", "nonsense"), "server"),
        (("--root", "ROOT", "nonsense"), ""),
        (("--nonsense", "fix"), "fix"),
        (("--nonsense",), ""),
    ],
    ids=str,
)
def test_the_hint_is_a_command_that_lists_the_options(
    root: Path, words: tuple[str, ...], command: str
) -> None:
    words = tuple(word.replace("ROOT", str(root)) for word in words)
    answer = run(*words)
    assert answer.code == 2
    assert f"hint: `dsmcertfix {command}{' ' if command else ''}--help` lists the options." in answer.stderr
    (hint,) = (line for line in answer.stderr.splitlines() if line.startswith("hint: "))
    assert run(*hint.split("`")[1].split()[1:]).code == 0
    # What the option says is one line, whatever it was wrapped to.
    assert "\\n" not in answer.stderr and "\\t" not in answer.stderr
    report = checked(run(*words, "--json")).report
    assert report["command"] == ("" if command == "server" else command)


@pytest.mark.parametrize("words", [("fix",), ("rollback",), ("server", "renew"), ("prune",)], ids=" ".join)
def test_what_nobody_was_asked_says_which_command_it_was(root: Path, words: tuple[str, ...]) -> None:
    report = checked(run("--root", root, *words, "--json")).report
    assert (report["command"], report["problem"]["code"]) == (" ".join(words), "nobody-to-ask")


@pytest.mark.parametrize(
    "words", [("--help",), ("fix", "--help"), ("server", "-h"), ("--version",)], ids=" ".join
)
def test_help_that_cannot_be_written_is_told_in_a_line(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dsmcertfix", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
    told = "the result cannot be written to standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (0, told)
