"""The bill of materials of what is built here (scripts/sbom.py)."""

from __future__ import annotations

import platform
import sys

from dsmpack.places import TOP, run, version

FILE = "dsmcertfix.cdx.json"


def text(*, with_python: bool) -> str:
    """The bill as JSON; `with_python` for what has the Python that builds it inside."""
    inside = ("--python-in-it", platform.python_version()) if with_python else ()
    command = (sys.executable, TOP / "scripts" / "sbom.py", "--version", version())
    return run(*command, "--system", "Linux", "--machine", platform.machine(), *inside)
