"""The pages about fleets and monitoring say what the program does: commands, metrics, states, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import promql_parser
import pytest
from tests.monitoring import reports

from dsmcertfix.cli.examples import EXAMPLES
from dsmcertfix.cli.formats import DetectFormat
from dsmcertfix.fleet.endpoints import STATES
from dsmcertfix.report.render import consoles, nagios, prometheus
from dsmcertfix.report.result import PresentedReport, Report

DOCS = Path(__file__).parents[2] / "docs"
FLEET, MONITORING, EXITS = (
    (DOCS / name).read_text(encoding="utf-8") for name in ("fleet.md", "monitoring.md", "exit-codes.md")
)
BLOCKS = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"dsmcertfix ([a-z-]+)((?: +[^|\n`>]+)?)")


def commands() -> list[tuple[str, str]]:
    """Every command of ours in the pages, in blocks and between back quotes, with its words."""
    found = []
    for text in (FLEET, MONITORING):
        pieces = [line for block in BLOCKS.findall(text) for line in block.splitlines()]
        pieces += re.findall(r"`(dsmcertfix [^`]+)`", BLOCKS.sub("", text))
        for piece in pieces:
            found += [(match[1], match[2]) for match in COMMAND.finditer(piece) if match[1] in EXAMPLES]
    return sorted(set(found))


@cache
def options(command: str) -> set[str]:
    """The options that the command's help lists."""
    words = [sys.executable, "-m", "dsmcertfix", command, "--help"]
    shown = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", shown.partition("Examples:")[0]))


@pytest.mark.parametrize(("command", "words"), commands())
def test_every_command_of_the_pages_has_its_options(command: str, words: str) -> None:
    assert set(re.findall(r"(?<!\S)--?[a-z][a-z0-9-]*", words)) <= options(command)


def test_the_pages_show_every_command_for_many_machines_and_every_format() -> None:
    assert {"detect", "plan", "fix", "report", "admin-macro"} <= {command for command, _ in commands()}
    for form in set(DetectFormat) - {DetectFormat.text, DetectFormat.json}:
        assert f"--format {form.value}" in MONITORING


def test_the_states_of_the_page_are_the_states_of_endpoints() -> None:
    rows = re.findall(r"^\| ([a-z-]+) \| [^|]+ \| [^|]+ \|$", FLEET, re.MULTILINE)
    assert sorted(set(rows) - {"how", "state", "---"}) == sorted(STATES)


def test_the_metrics_of_the_page_are_those_that_are_written_with_their_labels() -> None:
    servers = (PresentedReport("a:1", sha256="0" * 64, not_after="2036-11-20T00:00:00Z"),)
    told = Report("detect", "h", stores=reports.REPLACED.stores, servers=servers, at=reports.AT)
    written = {metric.name: set(metric.samples[0][0]) for metric in prometheus.metrics(told)}
    rows = re.findall(r"^\| `(dsmcertfix_\w+)` \|([^|]*)\|", MONITORING, re.MULTILINE)
    assert {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows} == written


def test_the_rules_of_the_page_are_promql_about_metrics_that_are_written() -> None:
    rules = re.findall(r"^ +expr: (.+)$", MONITORING, re.MULTILINE)
    written = {metric.name for metric in prometheus.metrics(reports.REPLACED)}
    assert len(rules) >= 5
    for rule in rules:
        promql_parser.parse(rule)
        assert set(re.findall(r"dsmcertfix_\w+", rule)) <= written


ROWS = {
    "nothing to repair": ("healthy",),
    "no store on the machine": ("absent",),
    "action needed, or a run that was cut off": ("replaced", "expired", "cut-off"),
    "a server did not answer": ("no-answer",),
    "anything else": ("unreadable", "not-permitted", "no-such-store", "interrupted", "bug"),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_table_of_exit_codes_by_format_is_true(row: str) -> None:
    (cells,) = re.findall(rf"^\| {row} \| (.*) \|$", EXITS, re.MULTILINE)
    sccm, item, intune, plugin, metrics = (cell.strip() for cell in cells.split("|"))
    for name in ROWS[row]:
        told = reports.STATES[name]
        for cell, answer in (
            (sccm, consoles.application(told)),
            (item, consoles.configuration_item(told)),
            (intune, consoles.intune(told)),
            (plugin, nagios.answer(told, 30)),
            (metrics, prometheus.answer(told)),
        ):
            expected = 70 if "70" in cell and name == "bug" else told.exit_code
            code = expected if cell.startswith("its code") else int(re.findall(r"\d+", cell)[0])
            if "1 for a bug" in cell and name == "bug":
                code = 1
            assert answer.code == code, (name, cell)
            assert ("on stderr" in cell) == bool(answer.stderr)
            for token in re.findall(r"`(\w+)`", cell):
                assert answer.stdout == token
            assert "no output" not in cell or answer.stdout == answer.stderr == ""
