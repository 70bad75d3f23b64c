"""Which system this is, decided once."""

from __future__ import annotations

import os
from pathlib import Path

from dsmcertfix.platforms.base import Platform


def this_platform(root: Path | None, *, network_homes: bool) -> Platform:
    """The machine whose file system starts at `root`, this one without it."""
    if os.name == "nt":
        from dsmcertfix.platforms.windows import Windows
        from dsmcertfix.platforms.windows_places import WindowsPlaces

        return Windows(WindowsPlaces(root, network_homes=network_homes))
    from dsmcertfix.platforms.unix import Unix
    from dsmcertfix.platforms.unix_places import UnixPlaces

    return Unix(UnixPlaces(root.resolve() if root else Path("/"), network_homes=network_homes))
