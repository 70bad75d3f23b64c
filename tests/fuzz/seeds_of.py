"""The inputs that earlier campaigns found worth keeping: text files, one Python bytes literal a line."""

from __future__ import annotations

import ast
from pathlib import Path

DIRECTORY = Path(__file__).parent / "seeds"


def kept(target: str) -> list[bytes]:
    """The inputs of a target, none where none were kept."""
    path = DIRECTORY / f"{target}.txt"
    lines = path.read_text("ascii").splitlines() if path.exists() else []
    return [ast.literal_eval(line) for line in lines]


def keep(target: str, inputs: list[bytes]) -> None:
    """The target has these inputs and no others; it keeps what it has where there are none."""
    if not inputs:
        return
    DIRECTORY.mkdir(exist_ok=True)
    (DIRECTORY / f"{target}.txt").write_text("".join(f"{one!r}\n" for one in inputs), "ascii")
