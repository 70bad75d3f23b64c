"""Which system this is, decided once."""

from __future__ import annotations

import os
from pathlib import Path

from dsmcertfix.system.base import Platform


def this_platform(root: Path | None, *, network_homes: bool, trust_root: bool = False) -> Platform:
    """The machine whose file system starts at `root`, this one without it.

    Any root but this machine's own is foreign unless `trust_root`: see `Platform.foreign`.
    """
    if os.name == "nt":
        from dsmcertfix.system.windows.places import WindowsPlaces
        from dsmcertfix.system.windows.platform import Windows

        windows = WindowsPlaces(root, network_homes=network_homes)
        return Windows(windows, foreign=root is not None and not trust_root)
    from dsmcertfix.system.unix.places import UnixPlaces
    from dsmcertfix.system.unix.platform import Unix

    place = root.resolve() if root else Path("/")
    places = UnixPlaces(place, network_homes=network_homes, trust_root=trust_root)
    return Unix(places, foreign=str(places.root) != "/" and not trust_root)
