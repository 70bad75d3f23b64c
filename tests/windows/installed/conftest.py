"""The program as its MSI installs it: `packaging/windows/test-wine.sh` builds it and says where it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shown import not_shown

if sys.platform != "win32":
    collect_ignore_glob = ["*"]
else:
    from tests.windows.installed.msi import PROGRAM, Package, fresh_state, installed
    from tests.windows.tool import Tool

    @pytest.fixture(scope="session")
    def package() -> Package:
        """What was built: build.py's folder with its SHA256SUMS, and msi.sh's content."""
        named = os.environ.get("DSMCERTFIX_PACKAGE")
        if not named:
            not_shown("no package was named: packaging/windows/test-wine.sh builds one")
        return Package(Path(named))

    @pytest.fixture(autouse=True)
    def state() -> Iterator[None]:
        """The state directory is the test's own, and as the package closes it."""
        with fresh_state():
            yield

    @pytest.fixture(scope="module")
    def tool(package: Package) -> Iterator[Tool]:
        """dsmcertfix.exe in Program Files, installed for the tests of a file."""
        with installed(package.msi):
            yield Tool((str(PROGRAM),))
