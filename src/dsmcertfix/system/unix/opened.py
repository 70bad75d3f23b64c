"""An open file of a store, and where it is."""

from __future__ import annotations

from pathlib import Path

from dsmcertfix import NamedTuple


class Opened(NamedTuple):
    """An open file, the open directory in which its name is, and its path: for words, and its last name."""

    handle: int
    directory: int
    path: Path
