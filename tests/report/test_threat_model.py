"""The threat model names tests that are there, and says nothing without one."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).parents[2]
TEXT = (TOP / "docs" / "threat-model.md").read_text(encoding="utf-8")


def cells(text: str) -> list[list[str]]:
    """The cells of every row of a table."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def rows() -> list[list[str]]:
    """The cells of every row that says what an attacker may not."""
    tables = [block for block in TEXT.split("\n\n") if block.startswith("| he may not ")]
    return [row for table in tables for row in cells(table)[2:]]


def test_every_row_has_a_mechanism_and_a_test_that_is_there() -> None:
    assert len(rows()) > 20
    for row in rows():
        assert len(row) == 3 and all(row), row
        require_tests(row)


def test_each_of_the_sixteen_attacks_is_told_with_its_test() -> None:
    found = cells(TEXT.partition("## The attacks, before and now")[2].partition("## Budgets")[0])[2:]
    assert {row[0] for row in found} == {*map(str, range(1, 17)), "low"}
    for row in found:
        assert len(row) == 5 and all(row), row
        require_tests(row)


def require_tests(row: list[str]) -> None:
    """The last cell names tests, and they are there."""
    named = re.findall(r"`([\w/]+\.py)`", row[-1])
    assert named, row
    for name in named:
        path = TOP / (name if "/" in name else f"tests/attack/{name}")
        assert path.is_file(), name
