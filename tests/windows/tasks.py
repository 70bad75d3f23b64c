"""What tests let a child do: work that takes too much, and looks at what the child is and has."""

from __future__ import annotations

import os
import sys
import time
from typing import NoReturn

assert sys.platform == "win32"

from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.system.win32 import files, security


def echo(*data: object) -> object:
    """The same."""
    return [*data]


def refuse() -> NoReturn:
    """An error of ours."""
    raise StoreUnreadable("made-up", "told")


def wait() -> NoReturn:
    """No end."""
    while True:
        time.sleep(1)


def compute() -> NoReturn:
    """Processor time without end."""
    while True:
        pass


def fill(mebibytes: int) -> int:
    """So much memory."""
    return len([bytearray(1 << 20) for _ in range(mebibytes)])


def end() -> NoReturn:
    """The child, by itself."""
    os._exit(7)


def say_much(size: int) -> bytes:
    """An answer of that size."""
    return bytes(size)


def who() -> object:
    """Who the child is, and whether as an administrator."""
    return [os.getpid(), security.own_sid(), security.is_administrator()]


def environment() -> object:
    """The child's environment."""
    return dict(os.environ)


def what_is_open(handle: int) -> str | None:
    """Which file that handle is of, here."""
    try:
        return files.final_path(handle)
    except OSError:
        return None


def start_a_program() -> object:
    """What a program said that the child started, or why it could not."""
    import subprocess

    try:
        return subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, check=False).returncode
    except OSError as error:
        return [error.winerror]


def write(path: str) -> object:
    """Whether the file could be written."""
    try:
        with open(path, "wb"):
            return True
    except OSError:
        return False
