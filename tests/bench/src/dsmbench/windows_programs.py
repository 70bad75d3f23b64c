"""Real .exe files that are the played programs: pip's launcher, a line that names this Python, and a small
script.

The launcher starts this Python as a child, hands everything on, ends with its exit code, and takes it along
when it is killed: to whoever calls it, it is one program.
"""

from __future__ import annotations

import io
import os
import runpy
import shutil
import sys
import zipfile
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from dsmbench import gskit

DLL_NOT_FOUND = 0xC0000135 - (1 << 32)


def write_program(path: Path, module: str, *arguments: str | Path) -> None:
    """`path` is a program that runs `python -m module arguments…` and what it is given.

    Neither the environment's Python settings nor the current directory matter to it.
    """
    launcher = (files("pip._vendor.distlib") / "t64.exe").read_bytes()
    script = (
        "import sys\n"
        "from dsmbench.windows_programs import run\n"
        f"run({module!r}, {[str(argument) for argument in arguments]!r})\n"
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("__main__.py", script)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(launcher + f'#!"{sys.executable}" -I\r\n'.encode() + archive.getvalue())


def run(module: str, arguments: list[str]) -> None:
    """Inside such a program: the module runs as the main one. Does not return."""
    if module == "dsmbench.gsk8capicmd":
        _require_libraries()
    else:  # the client finds its own GSKit
        os.environ.update(gskit.environment())
    sys.argv[1:1] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def install_libraries(directory: Path) -> None:
    """IBM's libraries are in `directory`."""
    shutil.copytree(gskit.library_directory(), directory, copy_function=_linked)


def _linked(source: str, target: str) -> None:
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copy2(source, target)


def _require_libraries() -> None:
    """The program's libraries come from `lib64` beside its bin; without that on PATH, or as current
    directory,
    the real program does not start (IBM's cert_distribute sets PATH, other guides change the directory)."""
    libraries = Path(sys.argv[0]).resolve().parent.parent / "lib64"
    searched = [Path.cwd(), *map(Path, filter(None, os.environ.get("PATH", "").split(os.pathsep)))]
    if not any(os.path.normcase(place) == os.path.normcase(libraries) for place in searched):
        os._exit(DLL_NOT_FOUND)
    gskit.use(libraries)
    os.environ.update(gskit.environment())
