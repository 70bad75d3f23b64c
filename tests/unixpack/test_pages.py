"""Man page, completion, `--help` and docs say the same: one source, and nothing lost on the way."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from tests.shown import not_shown

from dsmcertfix.cli.examples import EXAMPLES, EXIT_CODES
from dsmcertfix.errors import MEANINGS
from dsmpack.pages import Texts

TOP = Path(__file__).resolve().parents[2]
LIMIT_S = 300.0
PROGRAM = ""
COMMANDS = sorted({*EXAMPLES, *(name.split()[0] for name in EXAMPLES)})
DOCS = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
# Written before the program, or about something else.
NOT_ABOUT_IT = {"design.md", "assumptions.md"}


@cache
def told_by_help(command: str) -> str:
    """What the real `--help` prints."""
    words = [sys.executable, "-m", "dsmcertfix", *command.split(), "--help"]
    return subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=True).stdout


def listed_commands() -> list[str]:
    """The commands in the order of the general help, a group's with the group's name."""
    groups = told_by_help("").partition("  Show this message and exit.\n")[2].partition("\n  Examples:")[0]
    return [match.strip() for match in re.findall(r"^  ([a-z]\S*(?: [a-z]\S*)?)(?=  )", groups, re.MULTILINE)]


def options_of_help(command: str) -> set[str]:
    """Every name of every option that `--help` lists."""
    block = told_by_help(command).partition("\nOptions:\n")[2].partition("\n\n")[0]
    lines = re.findall(r"^  (-[\w-]+(?:, -[\w-]+)*)", block, re.MULTILINE)
    return {name for line in lines for name in line.split(", ")}


def section(manual: str, command: str) -> str:
    """The part of the man page about a command; about the program without one."""
    plain = manual.replace("\\-", "-").replace("\\(aq", "'").replace("\\&", "")
    if not command:
        return plain.partition("\n.SH OPTIONS\n")[2].partition("\n.SH ")[0]
    return re.split(r"\n\.S[SH] ", plain.partition(f"\n.SS {command}\n")[2])[0]


def options_of_manual(manual: str, command: str) -> set[str]:
    """Every name of every option in the man page's part."""
    lines = re.findall(r"^\.TP\n(\\fB-.*)$", section(manual, command), re.MULTILINE)
    return {name for line in lines for name in re.findall(r"\\fB(-\S+?)\\fR", line)}


@pytest.mark.parametrize("command", [PROGRAM, *COMMANDS])
def test_the_man_page_has_the_options_of_the_help(command: str, texts: Texts) -> None:
    assert options_of_help(command) >= {"-h", "--help"}
    assert options_of_manual(texts.manual, command) == options_of_help(command)


def test_the_man_page_has_every_command_in_the_order_of_the_help(texts: Texts) -> None:
    listed = dict.fromkeys(line.split()[0] for line in listed_commands())
    assert re.findall(r"^\.SS (\S+)$", texts.manual.replace("\\-", "-"), re.MULTILINE) == list(listed)


@pytest.mark.parametrize("command", sorted(EXAMPLES))
def test_the_man_page_has_the_examples_and_exit_codes_of_the_help(command: str, texts: Texts) -> None:
    told, help_text = section(texts.manual, command), told_by_help(command)
    for example in EXAMPLES[command]:
        assert f"\ndsmcertfix {example}\n" in told
        assert f" dsmcertfix {example}\n" in help_text.replace(" \\\n       ", "")
    codes = [int(code) for code in re.findall(r"^ {2,6}(\d+)  ", help_text.partition("Exit codes:")[2], re.M)]
    assert f"Exit status: {', '.join(map(str, codes))}." in told
    assert codes == sorted(EXIT_CODES[command])


def test_exit_codes_of_source_man_page_and_docs_are_the_same(texts: Texts) -> None:
    plain = texts.manual.replace("\\-", "-").replace("\\(aq", "'")
    status = plain.partition(".SH EXIT STATUS\n")[2].partition("\n.SH ")[0]
    in_manual = dict(re.findall(r"^\.TP\n\.B (\d+)\n(.*)$", status, re.MULTILINE))
    rows = (TOP / "docs/exit-codes.md").read_text(encoding="utf-8")
    in_docs = dict(re.findall(r"^\| (\d+) \| ([^|]+?) \|", rows, re.MULTILINE))
    expected = {str(code): meaning for code, meaning in MEANINGS.items()}
    assert in_docs == expected
    assert in_manual == {code: meaning.replace("`", "") for code, meaning in expected.items()}


def every_option() -> set[str]:
    return set().union(*(options_of_help(command) for command in (PROGRAM, *COMMANDS)))


@pytest.mark.parametrize(
    "page", [page for page in DOCS if page.name not in NOT_ABOUT_IT], ids=lambda p: p.name
)
def test_the_docs_name_only_options_and_commands_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^(?:# |\$ |sudo )?(dsmcertfix .*)$", text, re.M)
    for span in spans:
        words = span.split()
        if words[0].startswith("--"):
            named = re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", span)
            assert set(named) <= every_option(), span
        elif words[0] == "dsmcertfix" and len(words) > 1:
            pairs = (f"{one} {other}" for one, other in itertools.pairwise(words))
            command = next((name for name in (*pairs, *words[1:]) if name in COMMANDS), PROGRAM)
            known = options_of_help(command) | options_of_help(PROGRAM)
            named = re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", span.partition("#")[0])
            assert set(named) <= known, span


def test_the_page_of_commands_has_the_help_of_every_one(texts: Texts) -> None:
    page = (TOP / "docs/commands.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == list(
        dict.fromkeys(re.findall(r"^\.SS (.+)$", texts.manual.replace("\\-", "-"), re.MULTILINE))
    )
    for name in (PROGRAM, *COMMANDS):
        shown = told_by_help(name).replace("python -m dsmcertfix", "dsmcertfix")
        # The usage line breaks elsewhere: the program has another name here.
        assert " ".join(f"```text {shown} ```".split()) in " ".join(page.split()), name


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = (TOP / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert len(links) > 10 and [link for link in links if not (TOP / link).exists()] == []


def test_the_man_page_is_read_without_a_warning(texts: Texts, tmp_path: Path) -> None:
    if shutil.which("man") is None:
        not_shown("there is no man program")
    file = tmp_path / "dsmcertfix.1"
    file.write_text(texts.manual, encoding="utf-8")
    done = subprocess.run(
        ["man", "--warnings=all", "--local-file", str(file)],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert done.stderr == ""
    assert "dsmcertfix fix --server TSM01 --expect-file cert256.arm --yes" in done.stdout
    assert "2x as before" in done.stdout
