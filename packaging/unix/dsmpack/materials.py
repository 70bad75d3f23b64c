"""The bill of materials of what is built here (scripts/sbom.py)."""

from __future__ import annotations

import platform
import sys

from dsmpack.places import TOP, run, version
from dsmpack.wheels import COMPILED

FILE = "dsmcertfix.cdx.json"


def text(*, with_python: bool) -> str:
    """The bill as JSON; `with_python` for what has a Python, and compiled libraries, inside."""
    without = [word for name in sorted(COMPILED) for word in ("--without", name)]
    inside = ["--python-in-it", platform.python_version()] if with_python else without
    command = (sys.executable, TOP / "scripts" / "sbom.py", "--version", version())
    return run(*command, "--system", "Linux", "--machine", platform.machine(), *inside)
