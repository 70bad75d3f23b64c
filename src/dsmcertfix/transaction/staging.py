"""The private copy of a set, in which a key database is edited and checked before anything live is touched.

Owns its directory. What an engine writes is never believed: the copy is read natively and compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from dsmcertfix.client.engine import Engine
from dsmcertfix.errors import EditFailed, StoreUnreadable
from dsmcertfix.model import Certificate, FileT
from dsmcertfix.transaction.backup import Backup
from dsmcertfix.transaction.checks import check_edit

COPIED = ("KDB", "STH", "RDB", "CRL")
"""What GSKit opens together; the index file and cert256.arm are no part of it."""


@dataclass(frozen=True, slots=True)
class Staged(Generic[FileT]):
    """The private copy in `directory`, edited by the first of `engines` whose result stands the check."""

    directory: Path
    kind: type[FileT]
    engines: tuple[Engine, ...]

    @property
    def database(self) -> Path:
        """The copy's key database."""
        return self.directory / str(self.kind["KDB"].value)

    def fill(self, backup: Backup[FileT]) -> None:
        """The copy is there, as the backup has it. Raises OSError and BackupFailed."""
        for name in COPIED:
            file = self.kind[name]
            if backup.saved(file).fact.present:
                (self.directory / file.value).write_bytes(backup.content(file))

    def edit(
        self,
        act: Callable[[Engine, Path], None],
        removed: tuple[Certificate, ...] = (),
        added: tuple[tuple[str, bytes], ...] = (),
    ) -> str:
        """`removed` is gone, `added` (label, DER) is there, and nothing else changed; says by which engine.

        Raises EditFailed and StoreUnreadable.
        """
        path, stash_path = self.database, self.directory / self.kind["STH"].value
        before, stash_file = path.read_bytes(), stash_path.read_bytes()
        failures: list[str] = []
        last: EditFailed | StoreUnreadable | None = None
        for engine in self.engines:
            path.write_bytes(before)
            stash_path.write_bytes(stash_file)
            try:
                act(engine, path)
                check_edit(before, path.read_bytes(), stash_file, removed, added)
            except (EditFailed, StoreUnreadable) as error:
                failures.append(f"{engine.name}: {error.message}")
                last = error
                continue
            return "; ".join((*failures, f"done by {engine.name}"))
        if last is None:
            raise EditFailed("no-engine", "there is nothing to edit the key database with")
        raise EditFailed(last.code, last.message, context=(*failures, *last.context), hint=last.hint)

    def check(
        self, backup: Backup[FileT], removed: tuple[Certificate, ...], added: tuple[tuple[str, bytes], ...]
    ) -> None:
        """Compared with the backup only `removed` went and `added` came. Raises as `edit` does."""
        check_edit(
            backup.content(self.kind["KDB"]),
            self.database.read_bytes(),
            backup.content(self.kind["STH"]),
            removed,
            added,
        )
