"""What differs between systems, behind one protocol; every implementation imports on every system."""

from __future__ import annotations

import os
import sys


def no_colour_wanted() -> bool:
    """Whether the user asked for plain text: NO_COLOR is set and not empty, or the terminal is a dumb one."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def exit_codes_are_wide() -> bool:
    """Whether an exit code may be larger than 255: elsewhere only its last eight bits arrive."""
    return sys.platform == "win32"
