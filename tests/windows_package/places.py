"""Where the Windows package's files are, and its Python files as modules."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from filelock import FileLock

TOP = Path(__file__).resolve().parents[2]
PACKAGING = TOP / "packaging"
WINDOWS = PACKAGING / "windows"


def module(file: Path) -> Any:
    """The module in that file. (`packaging` is the name of a library, too.)"""
    spec = spec_from_file_location(f"windows_package_{file.stem}", file)
    assert spec
    assert spec.loader
    found = module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


def built() -> Path:
    """What packaging/windows/test-wine.sh leaves, once it is whole.

    `scripts/test.sh --all` runs that at the same time.
    """
    directory = TOP / "build" / "windows"
    directory.parent.mkdir(exist_ok=True)
    with FileLock(directory.with_suffix(".lock")):
        return directory
