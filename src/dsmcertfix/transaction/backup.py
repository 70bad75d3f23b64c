"""A backup set: the files of a store or a server's key database as they were, which were absent, the proof.

Owns the set's directory and its manifest. A set is complete when its manifest is there; it is never changed.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any, Generic

from dsmcertfix.errors import BackupFailed
from dsmcertfix.lenient import text
from dsmcertfix.model import FileFact, FileT
from dsmcertfix.platforms.base import Metadata, StoreDirectory

SCHEMA = "dsmcertfix.backup/1"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class SavedFile(Generic[FileT]):
    """One file as it was. `metadata` is None for one that was absent."""

    fact: FileFact[FileT]
    metadata: Metadata | None


@dataclass(frozen=True, slots=True)
class Backup(Generic[FileT]):
    """A complete backup set in `path`, of the store in `directory`."""

    path: Path
    directory: Path
    made_at: datetime
    files: tuple[SavedFile[FileT], ...]

    def content(self, file: FileT) -> bytes:
        """The content of a saved file, proved by its hash. Raises BackupFailed when it is damaged."""
        fact = self.saved(file).fact
        try:
            content = (self.path / str(file.value)).read_bytes()
        except OSError as error:
            raise _damaged(self.path / file.value, error.strerror or "unreadable") from error
        if sha256(content).hexdigest() != fact.sha256:
            raise _damaged(self.path / file.value, "its content changed since it was made")
        return content

    def contents(self) -> dict[FileT, bytes | BackupFailed]:
        """The content of every saved file, or why it cannot be used.

        For a child that works as another user and may not read the set itself.
        """
        found: dict[FileT, bytes | BackupFailed] = {}
        for item in self.files:
            if item.fact.present:
                try:
                    found[item.fact.file] = self.content(item.fact.file)
                except BackupFailed as error:
                    found[item.fact.file] = error
        return found

    def saved(self, file: FileT) -> SavedFile[FileT]:
        """What is known of one file."""
        return next(item for item in self.files if item.fact.file == file)

    def verify(self) -> None:
        """Every saved file is there and intact. Raises BackupFailed otherwise."""
        for item in self.files:
            if item.fact.present:
                self.content(item.fact.file)

    def differences(self, directory: StoreDirectory[FileT]) -> tuple[str, ...]:
        """How the live store differs from this set, a line for each file; empty when it is the same."""
        return tuple(line for item in self.files if (line := _difference(item, directory)) is not None)


def make_backup(
    directory: StoreDirectory[FileT], facts: tuple[FileFact[FileT], ...], path: Path
) -> Backup[FileT]:
    """A complete set in `path`, read back and on the disk, of exactly the files that were inventoried.

    Raises BackupFailed when it cannot be written or read back, or when a file is not as inventoried.
    """
    if {fact.file for fact in facts} != set(directory.kind):
        raise BackupFailed("store-not-seen", f"the files in `{directory.path}` could not all be looked at")
    try:
        saved = tuple(_save(directory, fact, path) for fact in facts)
        backup = Backup(path, directory.path, datetime.now(timezone.utc), saved)
        backup.verify()
        # By a rename: a set is complete when its manifest is there, so half a manifest must not be.
        unnamed = path / f"{MANIFEST}.new"
        _write(unnamed, json.dumps(_to_json(backup), indent=1).encode())
        unnamed.replace(path / MANIFEST)
        _sync(path)
        _sync(path.parent)
    except OSError as error:
        raise BackupFailed(
            "backup-not-written",
            f"the backup in `{path}` could not be written: {error.strerror}",
            hint="Make room there, or give another place with `--state-dir`.",
        ) from error
    return backup


def load_backup(path: Path, kind: type[FileT]) -> Backup[FileT]:
    """The set in `path`, as its manifest describes it. Raises BackupFailed when there is no complete set."""
    try:
        data = json.loads((path / MANIFEST).read_bytes())
        files = tuple(_saved_from(item, kind) for item in data["files"])
        if {item.fact.file for item in files} != set(kind) or len(files) != len(kind):
            raise ValueError("it does not tell of each file of a store")
        return Backup(path, Path(data["directory"]), datetime.fromisoformat(data["made_at"]), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path / MANIFEST, str(error)) from error


def _save(directory: StoreDirectory[FileT], fact: FileFact[FileT], path: Path) -> SavedFile[FileT]:
    if directory.present(fact.file) != fact.present:
        raise _changed(directory.path / fact.file.value)
    if not fact.present:
        return SavedFile(fact, None)
    try:
        content, metadata = directory.read(fact.file), directory.metadata(fact.file)
    except FileNotFoundError as error:
        raise _changed(directory.path / fact.file.value) from error
    except OSError as error:
        raise BackupFailed(
            "store-not-read", f"`{directory.path / fact.file.value}` could not be read: {error.strerror}"
        ) from error
    if sha256(content).hexdigest() != fact.sha256:
        raise _changed(directory.path / fact.file.value)
    _write(path / fact.file.value, content)
    return SavedFile(fact, metadata)


def _difference(saved: SavedFile[FileT], directory: StoreDirectory[FileT]) -> str | None:
    file = saved.fact.file
    name = str(directory.path / file.value)
    if not saved.fact.present:
        return f"{name}: was absent, is there" if directory.present(file) else None
    if not directory.present(file):
        return f"{name}: is missing"
    if directory.fact(file) != saved.fact:
        return f"{name}: content, owner or mode differs"
    now = directory.metadata(file)
    if saved.metadata is not None and now._replace(mtime_ns=saved.metadata.mtime_ns) != saved.metadata:
        return f"{name}: owner, ACL or extended attributes differ"
    return None


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _to_json(backup: Backup[FileT]) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "directory": str(backup.directory),
        "made_at": backup.made_at.isoformat(),
        "files": [_saved_to(item) for item in backup.files],
    }


def _saved_to(item: SavedFile[FileT]) -> dict[str, object]:
    fact, meta = item.fact, item.metadata
    data: dict[str, object] = {"file": fact.file.value, "present": fact.present}
    if meta is not None:
        data |= {
            "size": fact.size,
            "sha256": fact.sha256,
            "mode": meta.mode,
            "uid": meta.uid,
            "gid": meta.gid,
            "mtime_ns": meta.mtime_ns,
            "xattrs": {name: base64.b64encode(value).decode() for name, value in meta.xattrs},
        }
        data |= {"security": meta.security} if meta.security is not None else {}
    return data


def _saved_from(data: Mapping[str, Any], names: type[FileT]) -> SavedFile[FileT]:
    file = names(data["file"])
    if not data["present"]:
        return SavedFile(FileFact(file, False), None)
    xattrs = tuple((name, base64.b64decode(value)) for name, value in sorted(data.get("xattrs", {}).items()))
    meta = Metadata(
        data["mode"], data["uid"], data["gid"], data.get("mtime_ns"), xattrs, text(data.get("security"))
    )
    fact = FileFact(file, True, data["size"], data["sha256"], meta.mode, meta.uid, meta.gid)
    return SavedFile(fact, meta)


def _changed(path: Path) -> BackupFailed:
    return BackupFailed(
        "store-changed-meanwhile",
        f"`{path}` changed while it was looked at",
        hint="A client is at work in the store; run this again when it is done.",
    )


def _damaged(path: Path, why: str) -> BackupFailed:
    return BackupFailed("backup-damaged", f"the backup file `{path}` cannot be used: {why}")
