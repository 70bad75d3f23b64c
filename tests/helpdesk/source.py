"""Walks the source for every place that makes an error, and the code it gives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dsmcertfix
from dsmcertfix.errors import KINDS

SOURCE = Path(dsmcertfix.__file__).parent


@dataclass(frozen=True, slots=True)
class Made:
    """An error that is made: where, of which kind (None where it is chosen at run time), with which code."""

    where: str
    kind: str | None
    code: str | None


def errors_made() -> tuple[Made, ...]:
    """Every error that the source makes. `code` is None where it comes from an error that was made before."""
    return tuple(
        made for path in sorted(SOURCE.rglob("*.py")) for made in _in_file(path, ast.parse(path.read_bytes()))
    )


def _in_file(path: Path, tree: ast.Module) -> Iterator[Made]:
    helpers = dict(_helpers(tree))
    for call in _calls(tree):
        name, where = _name(call), f"{path.relative_to(SOURCE)}:{call.lineno}"
        if name in helpers:
            position, kind = helpers[name]
            yield from (Made(where, kind, code) for code in _literals(call.args[position]))
        elif (name in KINDS or name == "kind") and call.args:
            code = call.args[0]
            if isinstance(code, ast.Name) and code.id == "code":
                continue  # a helper: its calls count
            chosen = name if name in KINDS else None
            yield from (Made(where, chosen, item) for item in _literals(code))


def _helpers(tree: ast.Module) -> Iterator[tuple[str, tuple[int, str]]]:
    """The functions that make an error with a `code` that they are given, and of which kind."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = [argument.arg for argument in function.args.args]
        if "code" in names:
            for call in _calls(function):
                first = call.args[0] if call.args else None
                if _name(call) in KINDS and isinstance(first, ast.Name) and first.id == "code":
                    yield function.name, (names.index("code"), _name(call))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _literals(code: ast.expr) -> tuple[str | None, ...]:
    match code:
        case ast.Constant(value=str(text)):
            return (text,)
        case ast.IfExp(body=body, orelse=orelse):
            return _literals(body) + _literals(orelse)
        case ast.Attribute(attr="code"):
            return (None,)
    raise AssertionError(f"line {code.lineno}: the code of an error is not written out: {ast.unparse(code)}")
