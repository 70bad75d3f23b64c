"""An open file of a store, and where it is."""

from pathlib import Path
from typing import NamedTuple


class Opened(NamedTuple):
    """An open file, the open directory in which its name is, and its path: for words, and its last name."""

    handle: int
    directory: int
    path: Path
