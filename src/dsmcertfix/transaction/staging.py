"""The private copy of a set, in which a key database is edited and checked before anything live is touched.

Owns its directory. What an engine writes is never believed: the copy is read natively and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from dsmcertfix.errors import EditFailed, StoreUnreadable
from dsmcertfix.ibm.engines import Engine, read_copy
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.model import Certificate, FileSet, FileT
from dsmcertfix.system.base import Platform, Task
from dsmcertfix.system.seen import EXCESS
from dsmcertfix.transaction.backup import Backup
from dsmcertfix.transaction.checks import check_edit

COPIED = ("KDB", "STH", "RDB", "CRL")
"""What GSKit opens together; the index file and cert256.arm are no part of it."""


@dataclass(frozen=True, slots=True)
class Staged(Generic[FileT]):
    """The private copy in `directory`, edited by the first of `engines` whose result stands the check.

    Editing and checking is done as the owner of `located`, so far as `platform` can.
    """

    directory: Path
    located: FileSet[FileT]
    engines: tuple[Engine, ...]
    platform: Platform

    @property
    def database(self) -> Path:
        """The copy's key database."""
        return self.directory / str(self.located.kind["KDB"].value)

    def fill(self, backup: Backup[FileT]) -> None:
        """The copy is there, as the backup has it. Raises OSError and BackupFailed."""
        for name in COPIED:
            file = self.located.kind[name]
            if backup.saved(file).fact.present:
                (self.directory / file.value).write_bytes(backup.content(file))

    def edit(
        self,
        act: Callable[[Engine, Path], None],
        removed: tuple[Certificate, ...] = (),
        added: tuple[tuple[str, bytes], ...] = (),
    ) -> str:
        """`removed` is gone, `added` (label, DER) is there, and nothing else changed; says by which engine.

        Raises EditFailed, and StoreUnreadable where the owner had too much for each of the engines.
        """
        before = self._files()
        failures: list[str] = []
        errors: list[EditFailed | StoreUnreadable] = []
        for engine in self.engines:
            try:
                content = self._edited(engine, act, before)
                self._check(before[self.database.name], content, before[self._stash], removed, added)
            except (EditFailed, StoreUnreadable) as error:
                failures.append(f"{engine.name}: {error.message}")
                errors.append(error)
                continue
            self.database.write_bytes(content)
            return "; ".join((*failures, f"done by {engine.name}"))
        if not errors:
            raise EditFailed("no-engine", "there is nothing to edit the key database with")
        last = errors[-1]
        kind = StoreUnreadable if all(error.code in EXCESS for error in errors) else EditFailed
        raise kind(last.code, last.message, context=(*failures, *last.context), hint=last.hint)

    def keep_password(self) -> None:
        """The copy's password does not expire. Raises StoreUnreadable and EditFailed.

        IBM's program would need the password on its command line, and opens no copy whose password expired.
        """
        name = self.database.name
        content = self.platform.edited(
            self.located, self.directory, self._files(), lambda directory: _keep_password(directory / name)
        )
        self.database.write_bytes(content)

    def check(
        self, backup: Backup[FileT], removed: tuple[Certificate, ...], added: tuple[tuple[str, bytes], ...]
    ) -> None:
        """Compared with the backup only `removed` went and `added` came. Raises as `edit` does."""
        kind = self.located.kind
        before, stash_file = backup.content(kind["KDB"]), backup.content(kind["STH"])
        self._check(before, self.database.read_bytes(), stash_file, removed, added)

    @property
    def _stash(self) -> str:
        return str(self.located.kind["STH"].value)

    def _files(self) -> dict[str, bytes]:
        """The copy's files, the key database first. Raises FileNotFoundError without it or its stash file."""
        names = [str(self.located.kind[name].value) for name in COPIED]
        paths = [self.directory / name for name in names]
        return {path.name: path.read_bytes() for path in paths if path.name in names[:2] or path.exists()}

    def _edited(
        self, engine: Engine, act: Callable[[Engine, Path], None], files: Mapping[str, bytes]
    ) -> bytes:
        name = self.database.name
        return self.platform.edited(
            self.located, self.directory, files, lambda directory: act(engine, directory / name)
        )

    def _check(
        self,
        before: bytes,
        after: bytes,
        stash_file: bytes,
        removed: tuple[Certificate, ...],
        added: tuple[tuple[str, bytes], ...],
    ) -> None:
        gone = tuple((item.label, item.der) for item in removed)
        self.platform.as_owner(self.located.owner, Task(check_edit, before, after, stash_file, gone, added))


def _keep_password(database: Path) -> None:
    read, password = read_copy(database)
    database.write_bytes(kdb.keep_password(read, password))
    after, _ = read_copy(database)
    kdb.verify(after, password)
    if after.password_expires is not None or after.records != read.records:
        raise EditFailed("password-not-kept", "the password could not be set again")
