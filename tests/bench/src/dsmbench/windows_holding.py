"""Another program that holds a file open and shares it with nobody, as a virus scanner or a backup does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dsmbench import gskit

assert sys.platform == "win32"

_HOLD = """
import ctypes, sys
create = ctypes.WinDLL("kernel32", use_last_error=True).CreateFileW
create.restype = ctypes.c_void_p
handle = create(sys.argv[1], 0x80000000, 0, None, 3, 0, None)
print("held" if handle != ctypes.c_void_p(-1).value else f"error {ctypes.get_last_error()}", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(file: Path) -> Iterator[None]:
    """The file is held open by another process, which shares it neither for reading nor for writing.

    Raises RuntimeError when that process cannot open it.
    """
    command = [*gskit.interpreter(), "-c", _HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin and holder.stdout
        if (said := holder.stdout.readline().strip()) != "held":
            raise RuntimeError(f"{file} was not held: {said}")
        try:
            yield
        finally:
            holder.stdin.close()
