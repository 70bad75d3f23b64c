"""Built twice, in different places by different builders, everything is the same, byte by byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.unixpack.conftest import Built

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("pattern", ["*.pyz", "*.tar.gz", "*-1_*.deb", "*-1.*.rpm"])
def test_built_twice_it_has_the_same_hash(pattern: str, built_twice: tuple[Built, Built]) -> None:
    one, other = (found.one(pattern) for found in built_twice)
    assert one.name == other.name
    assert _sha256(one) == _sha256(other)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
