"""The session that docs/administrator.md shows: typed into a real shell, in a real terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scenes import machine
from terminal import terminal

SESSION = "session"
_COLUMNS = 140
_TYPED = ("dsmcertfix detect", "echo $?", "dsmcertfix fix --yes --expect-file cert256.arm")


def recorded() -> str:
    """What stands on the screen after the commands; the played machine's root is left out of paths."""
    with machine() as made:
        endpoint, one, two = made.endpoint, made.serve("TSM01"), made.serve("TSM02")
        one.renew()
        for name, server in (("TSM01", one), ("TSM02", two)):
            endpoint.stanza(name, server, node="PC17", options={"TCPServeraddress": "localhost"})
        endpoint.store(certificates=[endpoint.trusted("TSM01", one), endpoint.trusted("TSM02", two)])
        two.renew()
        arm = made.root / "cert256.arm"
        arm.write_bytes(two.state.identity.arm)
        with _shell(made.root) as shell, terminal(("sh", "-i"), _COLUMNS, 60, {"ENV": str(shell)}) as window:
            for number, line in enumerate(_TYPED, 1):
                window.wait(lambda screen, count=number: _prompts(screen) == count)
                window.type(line, "Enter")
            screen = window.wait(lambda screen: _prompts(screen) == len(_TYPED) + 1)
        shown = screen.removesuffix("#").rstrip().replace(f" --trust-root --root {made.root}", "")
        return shown.replace(os.fspath(made.root), "")


def _prompts(screen: str) -> int:
    return sum(line == "#" or line.startswith("# ") for line in screen.splitlines())


@contextmanager
def _shell(root: Path) -> Iterator[Path]:
    """What makes a shell's `dsmcertfix` work on that machine, in its root directory."""
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
        file.write(f'cd "{root}"\nPS1="# "\n')
        file.write(
            f'dsmcertfix() {{ "{sys.executable}" -m dsmcertfix --trust-root --root "{root}" "$@"; }}\n'
        )
        file.flush()
        yield Path(file.name)
