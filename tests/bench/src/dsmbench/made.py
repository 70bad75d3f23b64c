"""Key databases for stores, made by IBM's library: each kind once in a process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal

from dsmbench import gskit

Certificates = Iterable[tuple[str, bytes]]
Version = Literal[3, 4, 6]
INDEX = b"played index\0 of the builder"
PASSWORD = "played password"


@lru_cache(maxsize=256)
def made_store(
    version: Version, cas: bool, certificates: tuple[tuple[str, bytes], ...]
) -> tuple[tuple[str, bytes], ...]:
    """Name and content of the files of such a store, made by IBM's library once in this process."""
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "dsmcert.kdb")
        create = {
            "op": "create",
            "path": str(made),
            "password": PASSWORD,
            "version": version,
            "cas": cas,
        }
        gskit.run([create, *(gskit.adding(made, label, der) for label, der in certificates)])
        return tuple((file.name, file.read_bytes()) for file in sorted(Path(scratch).iterdir()))
