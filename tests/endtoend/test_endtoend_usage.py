"""What a command line that cannot be carried out is answered, and help: both are told before any work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.answers import Answer, checked
from tests.endtoend.machine import LIMIT_S, started

TOOL = (sys.executable, *started(Path("/")))
"""The tool, on no machine in particular."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine without anything."""
    made = tmp_path / "root"
    made.mkdir()
    return made


def run(*words: str | Path) -> Answer:
    """The command has ended, whatever it printed."""
    done = subprocess.run(
        [*TOOL, *map(str, words)],
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
    hint = f"`dsmcertfix {command} --help` lists the options." if command else "`dsmcertfix help` lists"
    assert f"hint: {hint}" in answer.stderr
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
            [*TOOL, *words],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
    told = "the result cannot be written to standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (0, told)


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "1e300", "-1"])
@pytest.mark.parametrize(
    "words",
    [
        ("detect", "--timeout"),
        ("plan", "--timeout"),
        ("fix", "--yes", "--trust-on-first-use", "--timeout"),
        ("fix", "--yes", "--trust-on-first-use", "--wait"),
        ("probe", "localhost:1", "--timeout"),
        ("support-bundle", "--yes", "--timeout"),
        ("recover", "--wait"),
        ("server", "inspect", "--timeout"),
        ("server", "renew", "--yes", "--timeout"),
    ],
    ids=" ".join,
)
def test_what_is_no_number_of_seconds_is_a_wrong_command_line(words: tuple[str, ...], seconds: str) -> None:
    answer = checked(run(*words, seconds, "--json"))
    assert (answer.code, answer.report["problem"]["code"]) == (2, "usage")
    assert words[-1] in answer.report["problem"]["message"]


@pytest.mark.parametrize(
    ("words", "look"),
    [
        (("fix",), "`plan`"),
        (("rollback",), "`history`"),
        (("prune",), "`backups`"),
        (("support-bundle",), "docs/guide.md"),
        (("trust", "--server", "TSM01", "--file", "cert256.arm"), "`probe`"),
        (("server", "renew"), "`--dry-run`"),
    ],
    ids=str,
)
def test_where_nobody_can_be_asked_it_says_what_to_look_at(
    root: Path, words: tuple[str, ...], look: str
) -> None:
    answer = run("--root", root, *words)
    (hint,) = (line for line in answer.stderr.splitlines() if line.startswith("hint: "))
    assert answer.code == 2 and look in hint and hint.endswith("; then give `--yes`.")
    assert ("plan" in hint) == (words == ("fix",))


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (("probe",), ""),
        (("server", "inspect"), ""),
        (("detect",), ", 10 seconds at most"),
        (("support-bundle",), ", 10 seconds at most"),
    ],
    ids=str,
)
def test_the_wait_for_a_server_is_called_so(words: tuple[str, ...], most: str) -> None:
    told = " ".join(run(*words, "--help").stdout.split())
    wait = f"Wait so long for a server's answer{most}. [default: 10.0;"
    assert wait in told
    assert "client program" not in told


def test_help_says_what_is_meant() -> None:
    assert "Renew when fewer days than these are left." in " ".join(
        run("server", "renew", "--help").stdout.split()
    )
    assert "\n     31  " in run("server", "inspect", "--help").stdout


@pytest.mark.parametrize("words", [("",), (" ", ""), ("\t",)], ids=repr)
def test_no_code_is_not_explained(root: Path, words: tuple[str, ...]) -> None:
    answer = checked(run("--root", root, "explain", *words, "--json"))
    assert (answer.code, answer.report["problem"]["code"]) == (2, "no-code-given")


@pytest.mark.parametrize("how", ["the same", "by another way", "a link", "a second name", "the inventory"])
def test_one_file_is_not_written_for_two_things(tmp_path: Path, how: str) -> None:
    results, page, other = tmp_path / "results.json", tmp_path / "page.html", tmp_path / "other"
    results.write_text(run("--root", tmp_path, "detect", "--json").stdout)
    page.write_text("precious\n")
    if how == "a link":
        other.symlink_to(page)
    elif how == "a second name":
        other.hardlink_to(page)
    else:
        other = tmp_path / "x" / ".." / page.name if how == "by another way" else page
        (tmp_path / "x").mkdir()
    option = "--inventory" if how == "the inventory" else "--csv"
    answer = checked(run("report", results, "-o", page, option, other, "--json"))
    assert (answer.code, answer.report["problem"]["code"]) == (2, "same-file-twice")
    assert page.read_text() == "precious\n"


def test_help_says_how_selectors_are_joined() -> None:
    told = " ".join(run("fix", "--help").stdout.split())
    assert "taken that any of --server, --label, --fingerprint and --expired names" in told
