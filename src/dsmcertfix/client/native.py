"""Our own writer as an engine: when IBM's program is missing, hangs (IT41127), or cannot take the label."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dsmcertfix.client.engine import read_copy
from dsmcertfix.model import Certificate


@dataclass(frozen=True, slots=True)
class NativeEngine:
    """Edits without any program. See Engine."""

    name: str = "native"

    def delete(self, database: Path, certificate: Certificate) -> None:
        """See Engine."""
        from dsmcertfix.store import kdb

        read, password = read_copy(database)
        _write(database, kdb.remove(read, password, label=certificate.label, sha256=certificate.sha256))

    def add(self, database: Path, label: str, der: bytes) -> None:
        """See Engine."""
        from dsmcertfix.store import kdb

        read, password = read_copy(database)
        _write(database, kdb.add(read, password, label=label, certificate=der))


def _write(database: Path, content: bytes) -> None:
    """The key database is `content`, on disk, or it is what it was."""
    new = database.with_name(f"{database.name}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(database)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
