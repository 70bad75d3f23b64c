"""The changes that a source file can get, as people make them by mistake. Reads text, and runs nothing.

Each stands at a position of the text: nothing is written anew, and what stands before it keeps its line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

NEGATED = {
    "==": "!=",
    "!=": "==",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "is": "is not",
    "is not": "is",
    "in": "not in",
    "not in": "in",
}
BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OTHER_NAME = {"any": "all", "all": "any", "min": "max", "max": "min"}
ARITHMETIC = {"+": "-", "-": "+", "*": "//", "//": "*", "&": "|", "|": "&", "<<": ">>", ">>": "<<"}
_COMPARED = re.compile(r"\bnot\s+in\b|\bis\s+not\b|\bis\b|\bin\b|==|!=|<=|>=|<|>")
_CALCULATED = re.compile(r"//|<<|>>|[-+*&|]")

Changes = Iterator[tuple[str, tuple[int, int], str]]
"""Of what kind, from where to where, and what stands there then."""


class Mutant(NamedTuple):
    """One change of one file."""

    file: str
    function: str
    """Its name with those of its classes and outer functions; empty outside of functions."""
    in_function: bool
    lines: tuple[int, int]
    """Of the smallest statement around it, without its body: a test that runs one of them may notice it."""
    line: int
    kind: str
    old: str
    new: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """The same as long as the file is."""
        return f"{self.file}:{self.start}-{self.end} {self.kind} {self.new}"

    @property
    def shown(self) -> str:
        """For people."""
        return f"{self.file}:{self.line} {self.kind}: `{one_line(self.old)}` -> `{one_line(self.new)}`"

    def applied(self, source: bytes) -> bytes:
        """The whole file with the change."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def one_line(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def mutants(file: str, source: bytes) -> list[Mutant]:
    """Every change of the file."""
    return list(_Reader(file, source).found())


class _Reader:
    """Walks through the syntax tree of one file."""

    def __init__(self, file: str, source: bytes) -> None:
        self.file = file
        self.source = source
        self.beginnings = [0]
        for line in source.splitlines(keepends=True):
            self.beginnings.append(self.beginnings[-1] + len(line))

    def found(self) -> Iterator[Mutant]:
        known = set()
        for node, place in _walk(ast.parse(self.source), _Place()):
            for kind, (start, end), new in self._changes(node):
                old = self.source[start:end].decode()
                if old != new and (start, end, new) not in known:
                    known.add((start, end, new))
                    line = self.source.count(b"\n", 0, start) + 1
                    where = (self.file, place.function, place.in_function, place.lines, line)
                    yield Mutant(*where, kind, old, new, start, end)

    def _changes(self, node: ast.AST) -> Changes:
        match node:
            case ast.Compare() | ast.BinOp():
                yield from self._operators(node)
            case ast.BoolOp():
                yield from self._and_or(node)
            case ast.UnaryOp(op=ast.Not()):
                yield "not", self._at(node), f"({self._text(node.operand)})"
            case ast.If():
                yield from self._condition(node)
            case ast.IfExp():
                yield "ternary-body", self._at(node), f"({self._text(node.body)})"
                yield "ternary-else", self._at(node), f"({self._text(node.orelse)})"
            case ast.comprehension(ifs=tests) if tests:
                for test in tests:
                    yield "filter-true", self._at(test), "True"
            case ast.match_case(guard=ast.expr() as guard):
                yield "guard-true", self._at(guard), "True"
                yield "guard-false", self._at(guard), "False"
            case ast.Call():
                yield from self._call(node)
            case ast.Constant() | ast.Subscript() | ast.Slice():
                yield from self._value(node)
            case ast.With() | ast.ExceptHandler():
                yield from self._handling(node)
            case ast.stmt():
                yield from self._statement(node)

    def _operators(self, node: ast.Compare | ast.BinOp) -> Changes:
        compared = isinstance(node, ast.Compare)
        operands = [node.left, *(node.comparators if isinstance(node, ast.Compare) else [node.right])]
        if not compared and any(_is_text(one) for one in operands):
            return
        for left, right in pairwise(operands):
            start, end = self._at(left)[1], self._at(right)[0]
            between = self.source[start:end].decode()
            pattern = _COMPARED if compared else _CALCULATED
            operator = pattern.search(between)
            if operator is None or "#" in between:
                continue
            whole, name = self._at(node), one_line(operator.group())
            before = self.source[whole[0] : start + operator.start()].decode()
            behind = self.source[start + operator.end() : whole[1]].decode()
            if not compared:
                yield "arithmetic", whole, before + ARITHMETIC[name] + behind
                continue
            yield "compare", whole, before + NEGATED[name] + behind
            if name in BOUNDARY:
                yield "boundary", whole, before + BOUNDARY[name] + behind

    def _and_or(self, node: ast.BoolOp) -> Changes:
        values = [f"({self._text(value)})" for value in node.values]
        this, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        yield "boolop", self._at(node), "(" + f" {other} ".join(values) + ")"
        for index in range(len(values)):
            rest = values[:index] + values[index + 1 :]
            yield "drop-operand", self._at(node), "(" + f" {this} ".join(rest) + ")"

    def _condition(self, node: ast.If) -> Changes:
        yield "cond-true", self._at(node.test), "True"
        # Where nothing but an exception hangs on it, its removal is the same.
        if len(node.body) > 1 or node.orelse or not isinstance(node.body[0], ast.Raise):
            yield "cond-false", self._at(node.test), "False"

    def _call(self, node: ast.Call) -> Changes:
        match node.func:
            case ast.Name(id=name) if name in OTHER_NAME:
                yield "other-function", self._at(node.func), OTHER_NAME[name]
        either_way = isinstance(node.func, ast.Name) and node.func.id in ("max", "min")
        starred = any(isinstance(one, ast.Starred) for one in node.args[:2])
        if len(node.args) >= 2 and not either_way and not starred:
            (first, end), (start, last) = self._at(node.args[0]), self._at(node.args[1])
            between = self.source[end:start].decode()
            new = self._text(node.args[1]) + between + self._text(node.args[0])
            if "(" not in between and ")" not in between:
                yield "swap-args", (first, last), new

    def _value(self, node: ast.Constant | ast.Subscript | ast.Slice) -> Changes:
        match node:
            case ast.Constant(value=bool() as value):
                yield "constant", self._at(node), str(not value)
            case ast.Constant(value=int() as value):
                yield "constant", self._at(node), str(value + 1)
            case ast.Constant(value=bytes() as value):
                yield "constant", self._at(node), repr(value + b"x")
            case ast.Subscript(slice=ast.Constant(value=int() as index)):
                yield "index", self._at(node.slice), "-1" if index == 0 else str(index - 1)
            case ast.Subscript(slice=ast.UnaryOp(op=ast.USub())):
                yield "index", self._at(node.slice), "0"
            case ast.Slice():
                for bound in (node.lower, node.upper):
                    if bound is not None:
                        yield "slice", self._at(bound), ""

    def _handling(self, node: ast.With | ast.ExceptHandler) -> Changes:
        match node:
            case ast.With():
                for item in node.items:
                    match item.context_expr:
                        case ast.Call(func=ast.Attribute(attr="suppress") as name):
                            end = self._at(name)[1]
                            yield "no-suppress", (end - len("suppress"), end), "nullcontext"
            case ast.ExceptHandler(type=ast.Tuple(elts=kinds) as caught):
                for kind in kinds:
                    rest = ", ".join(self._text(other) for other in kinds if other is not kind)
                    yield "except-less", self._at(caught), f"({rest},)"

    def _statement(self, node: ast.stmt) -> Changes:
        match node:
            case ast.Raise():
                yield "no-raise", self._at(node), "pass"
            case ast.Continue() | ast.Break():
                yield f"no-{self._text(node)}", self._at(node), "pass"
            case ast.Return(value=ast.Tuple(elts=[_, *_]) as value):
                yield "return", self._at(value), "()"
            case ast.Return(value=ast.Call() | ast.Name() | ast.Attribute() | ast.Subscript() as value):
                yield "return", self._at(value), "None"
            case ast.Expr(value=ast.Call() as call):
                kind = "remove-sync" if "sync" in self._text(call.func) else "remove-call"
                yield kind, self._at(node), "pass"
            case ast.AugAssign() | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                yield "remove-assignment", self._at(node), "pass"

    def _at(self, node: ast.AST) -> tuple[int, int]:
        assert isinstance(node, (ast.expr, ast.stmt))
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = self.beginnings[node.lineno - 1] + node.col_offset
        return start, self.beginnings[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.AST) -> str:
        start, end = self._at(node)
        return self.source[start:end].decode()


class _Place(NamedTuple):
    function: str = ""
    in_function: bool = False
    lines: tuple[int, int] = (0, 0)


def _walk(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """Every node that does something, with where it is."""
    for child in ast.iter_child_nodes(node):
        if _does_nothing(node, child):
            continue
        here = place
        if isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            here = place._replace(lines=_own_lines(child))
        yield child, here
        inner = here
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            inner = here._replace(function=f"{here.function}.{child.name}".lstrip("."))
        if isinstance(child, ast.FunctionDef):
            # What an argument is without being given is decided outside.
            yield from _walk(child.args, here)
            child.args = ast.arguments([], [], None, [], [], None, [])
            inner = inner._replace(in_function=True)
        yield from _walk(child, inner)


def _does_nothing(parent: ast.AST, node: ast.AST) -> bool:
    """Annotations, decorators, what only type checkers read, and texts (where positions are not right)."""
    match parent:
        case ast.FunctionDef() | ast.ClassDef() if node in parent.decorator_list or node is getattr(
            parent, "returns", None
        ):
            return True
        case ast.arg() | ast.MatchValue():
            return True
        case ast.AnnAssign() if node is parent.annotation:
            return True
        case ast.Subscript() if node is parent.slice and isinstance(node, (ast.Constant, ast.UnaryOp)):
            return True
    match node:
        case ast.JoinedStr() | ast.Assert() | ast.Import() | ast.ImportFrom():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Call(func=ast.Name(id="cast" | "TypeVar")):
            return True
        case ast.Expr(value=ast.Constant()):
            return True
    return False


def _own_lines(node: ast.AST) -> tuple[int, int]:
    """From the statement's first line to the last before its body."""
    first = node.pattern.lineno if isinstance(node, ast.match_case) else getattr(node, "lineno", 0)
    body = getattr(node, "body", None)
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return first, first
    if isinstance(body, list) and body:
        return first, max(first, body[0].lineno - 1)
    return first, getattr(node, "end_lineno", first)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
