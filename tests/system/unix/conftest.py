"""A store's directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsmcertfix.model import StoreFile
from dsmcertfix.system.unix.directory import UnixDirectory, open_directory


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "store"
    path.mkdir(mode=0o755)
    (path / "dsmcert.kdb").write_bytes(b"live")
    return path


@pytest.fixture
def directory(place: Path) -> Iterator[UnixDirectory[StoreFile]]:
    with open_directory(place, StoreFile, "run") as opened:
        yield opened
