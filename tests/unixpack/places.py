"""What the tests here keep below .cache/: made by one of them at a time."""

from __future__ import annotations

from filelock import BaseFileLock, FileLock

from dsmpack.places import CACHE


def alone(name: str) -> BaseFileLock:
    """Whoever holds it makes that environment, or finds it made; other workers wait."""
    CACHE.mkdir(exist_ok=True)
    return FileLock(CACHE / f"{name}.lock")
