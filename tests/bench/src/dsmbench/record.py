"""Which programs ran on an endpoint: as whom, with what arguments, environment and input."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

PLACE = Path(".dsmbench", "runs.jsonl")


@dataclass(frozen=True, slots=True)
class Run:
    """One start of a played program. `input` is "terminal", "null", "pipe", "file", "closed" or "other".

    On Windows there are no numbers for users: they are 0. `user` and `dll_directory` are known there only:
    who ran it, and what SetDllDirectory was told in this process or in one that it came from.
    """

    program: str
    arguments: list[str]
    uid: int
    gid: int
    groups: list[int]
    directory: str
    input: str
    environment: dict[str, str]
    user: str = ""
    dll_directory: str = ""


def prepare(root: Path) -> None:
    """Programs of every user can note their runs from now on."""
    (root / PLACE).touch()
    (root / PLACE).chmod(0o666)


def note(root: Path, program: str, arguments: Sequence[str]) -> None:
    """This run is noted, if the endpoint still stands."""
    with suppress(OSError):
        run = Run(program, list(arguments), *_who(), os.getcwd(), _input(), dict(os.environ), *_windows())
        with (root / PLACE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(run)) + "\n")


def runs(root: Path) -> list[Run]:
    """What ran, oldest first; a line that is being written is none yet."""
    lines = (root / PLACE).read_text(encoding="utf-8").split("\n")[:-1]
    return [Run(**json.loads(line)) for line in lines]


def _who() -> tuple[int, int, list[int]]:
    if sys.platform == "win32":
        return 0, 0, []
    return os.geteuid(), os.getegid(), os.getgroups()


def _windows() -> tuple[str, str]:
    if sys.platform != "win32":
        return "", ""
    import ctypes
    import getpass

    buffer = ctypes.create_unicode_buffer(32768)
    ctypes.WinDLL("kernel32").GetDllDirectoryW(len(buffer), buffer)
    return getpass.getuser(), buffer.value


def _input() -> str:
    if sys.platform == "win32" and _is_console():
        return "terminal"
    try:
        found = os.fstat(0)
    except OSError:
        return "closed"
    if sys.platform != "win32" and os.isatty(0):
        return "terminal"
    if stat.S_ISCHR(found.st_mode) and (
        sys.platform == "win32" or found.st_rdev == Path(os.devnull).stat().st_rdev
    ):
        return "null"
    kinds = {stat.S_IFIFO: "pipe", stat.S_IFREG: "file"}
    return kinds.get(stat.S_IFMT(found.st_mode), "other")


def _is_console() -> bool:
    """Whether the input is a console. (On Windows isatty says so of NUL, too.)"""
    if sys.platform != "win32":
        return False
    import ctypes
    import msvcrt

    try:
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(0))
    except OSError:
        return False
    return bool(ctypes.WinDLL("kernel32").GetConsoleMode(handle, ctypes.byref(ctypes.c_uint32())))
