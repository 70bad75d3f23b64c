"""The client's environment variables, which name directories, option files and logs on every system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dsmcertfix.platforms.base import Clue

SETTINGS = ("DSM_DIR", "DSM_CONFIG", "DSM_LOG", "DSMI_DIR", "DSMI_CONFIG", "DSMI_LOG")
"""The environment variables that name directories, option files and logs (8.1.22 and 8.2.2 manuals)."""


def from_environment(environ: Mapping[str, str], because: str, user: str | None) -> Iterator[Clue]:
    """A clue for each of the client's variables that has a value."""
    for setting in SETTINGS:
        value = environ.get(setting)
        if value:
            yield Clue(setting, value, because, user)
