"""Draws the house in docs/design.md from the code: the rooms by their layers, and what each imports.

With --check it only compares. --figures prints what the table in docs/design.md has, of this tree or another.
Needs grimp, the library below import-linter (the extra "lint").

python scripts/draw_house.py [--check | --figures [TREE]]
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import grimp

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP / "docs" / "design.md"
START = "<!-- house: drawn by scripts/draw_house.py -->"
END = "<!-- /house -->"
PACKAGE = "dsmcertfix"


def layers() -> list[list[str]]:
    """The rooms and loose modules, highest layer first, as import-linter is told them."""
    settings = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    written = next(one["layers"] for one in contracts if one["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in written]


def imports() -> dict[str, set[str]]:
    """Module -> the modules that it imports, at whatever place in its source."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def circle(edges: dict[str, set[str]]) -> list[str]:
    """The modules of one circle of imports; empty when there is none."""
    done: set[str] = set()
    for start in sorted(edges):
        path: list[str] = []
        waiting = [(start, iter(sorted(edges[start])))]
        while waiting:
            module, rest = waiting[-1]
            if module not in path:
                path.append(module)
            following = next(rest, None)
            if following is None:
                done.add(path.pop())
                waiting.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following not in done:
                waiting.append((following, iter(sorted(edges[following]))))
    return []


def longest_chain(edges: dict[str, set[str]]) -> int:
    """How many modules the longest chain of imports has. There must be no circle."""
    lengths: dict[str, int] = {}

    def length(module: str) -> int:
        if module not in lengths:
            lengths[module] = 1 + max(map(length, edges[module]), default=0)
        return lengths[module]

    return max(map(length, edges))


def room_of(module: str) -> str:
    """The room, or the loose module, that a module belongs to; empty for the package itself."""
    return ".".join(module.split(".")[1:2])


def picture() -> str:
    """One line for each room: the rooms below that it imports. A bar: beside the one above, not below it."""
    order = [room for layer in layers() for room in layer]
    used: dict[str, set[str]] = {room: set() for room in order}
    for module, targets in imports().items():
        used.get(room_of(module), set()).update(map(room_of, targets))
    rows = []
    for layer in layers():
        for number, room in enumerate(layer):
            below = " ".join(name for name in order if name in used[room] - {room})
            rows.append(f"{'|' if number else ' '} {room:12} imports {below or 'nothing'}")
    return "\n".join(("```", *rows, "```"))


def drawn(page: str) -> str:
    """The page with the picture as it should be."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{picture()}\n{END}{after}"


def long_functions(source: str, bound: int = 40) -> int:
    """How many functions have more lines than that, docstring and all."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, functions)]
    return sum((node.end_lineno or 0) - node.lineno + 1 > bound for node in nodes)


def figures(top: Path) -> dict[str, int | str]:
    """What can be counted of the house in that tree."""
    package = top / "src" / PACKAGE
    sources = [path.read_text(encoding="utf-8") for path in package.rglob("*.py")]
    sys.path.insert(0, str(package.parent))
    edges = imports()
    return {
        "files": len(sources),
        "lines": sum(len(source.splitlines()) for source in sources),
        "functions over 40 lines": sum(map(long_functions, sources)),
        "rooms": sum((path / "__init__.py").exists() for path in package.iterdir()),
        "loose modules": len({path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}),
        "imports between modules": sum(map(len, edges.values())),
        "longest chain of imports, in modules": " > ".join(circle(edges)) or longest_chain(edges),
    }


def main() -> None:
    """Writes the page; with --check ends with 1 when the picture is not that of the code."""
    if "--figures" in sys.argv[1:]:
        for what, count in figures(Path(*sys.argv[2:]) if sys.argv[2:] else TOP).items():
            print(f"{what}: {count}")
        return
    page = PAGE.read_text(encoding="utf-8")
    if "--check" in sys.argv[1:]:
        sys.exit(0 if drawn(page) == page else f"{PAGE.name} shows another house; run scripts/draw_house.py")
    PAGE.write_text(drawn(page), encoding="utf-8")


if __name__ == "__main__":
    main()
