"""systemd, by its own program: where that is, and what it says of a unit; never which unit is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsmcertfix.system.process.run import clean_environment, run

if TYPE_CHECKING:
    from dsmcertfix.system.base import Places

_PROGRAMS = ("/usr/bin/systemctl", "/bin/systemctl")
_ASK_S = 20.0


def programs(places: Places) -> Iterator[Path]:
    """Where systemctl is on that machine; who could have changed it is for the caller to ask."""
    for path in _PROGRAMS:
        found = places.resolve(places.below(path)).path
        if found is not None:
            yield found


def shown(program: Path, unit: str) -> Mapping[str, str]:
    """What systemctl shows of the unit: FragmentPath, SourcePath, ActiveState. Nothing where it fails."""
    asked = run(
        (str(program), "show", "--property=FragmentPath,SourcePath,ActiveState", unit),
        env=clean_environment(),
        timeout_s=_ASK_S,
    )
    return dict(line.split("=", 1) for line in asked.stdout.splitlines() if "=" in line)
