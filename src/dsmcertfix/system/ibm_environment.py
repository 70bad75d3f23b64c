"""The client's environment variables, which name directories, option files and logs on every system."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from dsmcertfix.system.base import Clue

SETTINGS = ("DSM_DIR", "DSM_CONFIG", "DSM_LOG", "DSMI_DIR", "DSMI_CONFIG", "DSMI_LOG")
"""The environment variables that name directories, option files and logs (8.1.22 and 8.2.2 manuals)."""


def from_environment(environ: Mapping[str, str], because: str, user: str | None) -> Iterator[Clue]:
    """A clue for each of the client's variables that has a value."""
    for setting in SETTINGS:
        value = environ.get(setting)
        if value:
            yield Clue(setting, value, because, user)


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
