"""The house as docs/design.md shows it, and the bounds that its rooms keep to."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.shown import not_shown

TOP = Path(__file__).resolve().parents[1]
SOURCES = sorted((TOP / "src" / "dsmcertfix").rglob("*.py"))
ALL = sorted(
    path
    for top in ("src", "tests", "scripts", "packaging")
    for path in (TOP / top).rglob("*.py")
    if "build" not in path.relative_to(TOP).parts
)


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    if importlib.util.find_spec("grimp") is None:
        not_shown("grimp is not installed here (the extra `lint` has it)")
    spec = importlib.util.spec_from_file_location("draw_house", TOP / "scripts" / "draw_house.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_that_of_the_code(drawing: ModuleType) -> None:
    checked = subprocess.run(
        [sys.executable, str(TOP / "scripts" / "draw_house.py"), "--check"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_there_is_no_circle_of_imports(drawing: ModuleType) -> None:
    assert drawing.circle(drawing.imports()) == []


def test_a_circle_would_be_found(drawing: ModuleType) -> None:
    found = drawing.circle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}})
    assert found == ["b", "d", "b"]


def test_at_most_four_modules_are_loose() -> None:
    loose = {path.stem for path in (TOP / "src" / "dsmcertfix").glob("*.py")} - {"__init__", "__main__"}
    assert loose <= {"model", "errors", "wording", "budgets"}


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        str(path.relative_to(TOP)): count
        for path in ALL
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_no_function_is_longer_than_40_lines() -> None:
    """From `def` to its last line, docstring and all."""
    long = {
        f"{path.name}: {node.name}": length
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and (length := node.end_lineno - node.lineno + 1) > 40
    }
    assert long == {}
