"""Where a program of IBM's finds its libraries, as settings for its environment."""

from __future__ import annotations

import sys
from pathlib import Path

_VARIABLES = (("aix", "LIBPATH"), ("darwin", "DYLD_LIBRARY_PATH"), ("win32", "PATH"))


def library_environment(program: Path, *, system: str = sys.platform) -> dict[str, str]:
    """The setting that leads `program` to the libraries installed with it (`lib64` or `lib` beside its bin).

    Empty when there are none. Never more than that one directory: another product's GSKit on the way breaks
    IBM's programs (IT23560).
    """
    variable = next((name for start, name in _VARIABLES if system.startswith(start)), "LD_LIBRARY_PATH")
    beside = program.resolve().parent.parent
    for directory in (beside / "lib64", beside / "lib"):
        if directory.is_dir():
            return {variable: str(directory)}
    return {}
