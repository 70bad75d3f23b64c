"""The scenes of docs/screens.md: what the commands say of machines with 1, 13 and 200 stores, at every width.

python scripts/results.py NAME...    prints these scenes
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import typer
from scenes import Machine, as_shown, machine
from terminal import terminal

import dsmcertfix
from dsmbench.runtime import runtime

WIDTHS: dict[str, int | None] = {
    "80 columns": 80,
    "40 columns": 40,
    "120 columns": 120,
    "a pipe": None,
}
ROWS = 24
_QUESTION = "[y/N]:"
_FIX = ("fix", "--yes", "--trust-on-first-use")


@dataclass(frozen=True, slots=True)
class Result:
    """A command on a machine. `user` types it. What `waits` for a server is run at all widths at once."""

    prepare: Callable[[Machine], None]
    words: tuple[str, ...]
    user: str | None = None
    waits: bool = False


def stores(count: int, end: str) -> Callable[[Machine], None]:
    """A machine with so many stores of one server, which was renewed and then came to that `end`."""

    def prepare(made: Machine) -> None:
        endpoint, server = made.endpoint, made.serve("TSM01")
        if end == "fine":
            server.renew()
        endpoint.stanza("TSM01", server, node="PC17")
        endpoint.store(certificates=[endpoint.trusted("TSM01", server)])
        for number in range(1, count):
            user, name = endpoint.user(f"user{number:03}"), f"TSM01_U{number:03}"
            endpoint.stanza(
                name, server, node=f"NODE{number:03}", passworddir=f"/home/{user.name}/adsm", owner=user
            )
            # A label of their own means a run of IBM's library each: of many stores all have the first one's.
            label = endpoint.label(name if count < 100 else "TSM01")
            endpoint.store(user=user, certificates=[(label, server.certificate_der)])
        if end != "fine":
            server.renew()
        for node in server.state.nodes if end == "strict" else ():
            server.update_node(node, "STRICT")
        if end == "down":
            server.stop()
        if end == "hanging":
            server.behave("hang")

    return prepare


def no_client(made: Machine) -> None:
    """The client is there, and was never used."""


def killed(made: Machine) -> None:
    """A repair was killed while it waited for the client."""
    stores(1, "outdated")(made)
    made.endpoint.misbehave(dsmc="hang-hard")
    with subprocess.Popen(
        [*command(made.root), *_FIX], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "reconnect once" in line:
                break
        process.kill()
    made.endpoint.misbehave()


def _results() -> Iterator[tuple[str, Result]]:
    for count in (1, 13, 200):
        many = "one store" if count == 1 else f"{count} stores"
        for end in ("fine", "outdated", "down", *(("hanging",) if count < 200 else ())):
            yield f"detect, {end}, {many}", Result(stores(count, end), ("detect",), waits=end == "hanging")
        if count < 200:
            yield f"plan, outdated, {many}", Result(stores(count, "outdated"), ("plan",))
    yield "fix, STRICT, one store", Result(stores(1, "strict"), _FIX)
    yield "fix, STRICT, 13 stores", Result(stores(13, "strict"), _FIX)
    yield "detect, no rights", Result(stores(4, "outdated"), ("detect",), "user001")
    yield "detect, no client", Result(no_client, ("detect",))
    yield "detect, a repair was killed before", Result(killed, ("detect",))


RESULTS = dict(_results())
"""By name, as in the page's marks, which have the width besides."""


def command(root: Path) -> tuple[str, ...]:
    """The program, for the machine there."""
    return (sys.executable, "-m", "dsmcertfix", "--trust-root", "--root", str(root))


def _as(made: Machine, user: str | None) -> tuple[str, ...]:
    """The program as that user starts it: with an interpreter that others can run."""
    if user is None:
        return command(made.root)
    who, python = made.endpoint.user(user), runtime()
    packages = (Path(dsmcertfix.__file__).parents[1], Path(typer.__file__).parents[1])
    return (
        *("setpriv", f"--reuid={who.uid}", f"--regid={who.gid}", "--clear-groups", "env"),
        f"PYTHONPATH={os.pathsep.join(map(str, packages))}",
        *(f"LD_LIBRARY_PATH={python.libraries}", f"HOME={who.home}", str(python.python)),
        *command(made.root)[1:],
    )


def captured(name: str) -> Iterator[tuple[str, str]]:
    """The scene at every width: the page's mark, and what is on the screen or comes out of the pipe."""
    scene = RESULTS[name]
    with machine() as made, ThreadPoolExecutor(len(WIDTHS) if scene.waits else 1) as pool:
        scene.prepare(made)
        screens = pool.map(lambda columns: _screen(made, scene, columns), WIDTHS.values())
        for width, screen in zip(WIDTHS, screens, strict=True):
            yield f"{name}, {width}", as_shown(screen, made.root)


def _screen(made: Machine, scene: Result, columns: int | None) -> str:
    """What is in the window, or comes out of the pipe."""
    words = (*_as(made, scene.user), *scene.words)
    if columns is None:
        done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False, timeout=600)
        return done.stdout.rstrip("\n") or done.stderr.rstrip("\n")
    # What the progress of a repair says is on standard error, and scrolls away.
    quiet = ("sh", "-c", '"$@" 2>/dev/null', "sh") if scene.words == _FIX else ()
    with terminal((*quiet, *words), columns, ROWS) as window:
        return window.ended()[1]


def main() -> None:
    """The command line."""
    for name in sys.argv[1:] or RESULTS:
        begun = time.monotonic()
        for mark, screen in captured(name):
            print(f"=== {mark}\n{screen}")
        print(f"({time.monotonic() - begun:.0f} s)")


if __name__ == "__main__":
    main()
