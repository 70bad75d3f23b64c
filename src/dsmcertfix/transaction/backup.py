"""A backup set: the files of a store or a server's key database as they were, which were absent, the proof.

Owns the set's directory and its manifest. A set is complete when its manifest is there; it is never changed.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic

from dsmcertfix.errors import BackupFailed
from dsmcertfix.model import FileFact, FileSet, FileT
from dsmcertfix.report.lenient import text
from dsmcertfix.system.base import Metadata, Platform, StoreDirectory
from dsmcertfix.system.private import sync_directory

SCHEMA = "dsmcertfix.backup/1"
MANIFEST = "manifest.json"

_BLOCK = 4096
_MARGIN = 4 * 1024 * 1024
"""Bytes that are left free when a set is made: for the journal, the log, and whoever else writes there."""

_LARGEST = 64 * 1024 * 1024
"""Bytes of a file in a set: what earlier releases took for a file of a store."""

_GIVES_RIGHTS = stat.S_ISUID | stat.S_ISGID
_CAPABILITIES = "security.capability"


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
            content = _read(self.path / str(file.value))
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


def manifest_hash(path: Path) -> str:
    """The SHA-256 of the manifest of the set in `path`, for the journal. Raises OSError."""
    return sha256((path / MANIFEST).read_bytes()).hexdigest()


def require_room(facts: tuple[FileFact[FileT], ...], path: Path) -> None:
    """There is room at `path` for a set of these files, and for a private copy. Raises BackupFailed."""
    needed = 2 * sum(fact.size for fact in facts) + _MARGIN
    try:
        free = shutil.disk_usage(path).free
    except OSError:
        # It can not be told: then the writing shows it.
        return
    if free < needed:
        raise BackupFailed(
            "no-room-for-backup",
            f"there is no room for a backup at `{path}`: {needed} bytes are needed, {free} are free",
        )


def read_as_owner(
    platform: Platform, store: FileSet[FileT], facts: tuple[FileFact[FileT], ...]
) -> dict[FileT, bytes]:
    """The content of each live file that was inventoried, read with its owner's rights.

    Raises BackupFailed, and as `Platform.from_store`.
    """
    return {fact.file: _content_of(platform, store, fact.file) for fact in facts if fact.present}


def _content_of(platform: Platform, store: FileSet[FileT], file: FileT) -> bytes:
    path = store.directory / str(file.value)
    try:
        # One at a time: all of them together may be more than a child has to tell.
        content = platform.from_store(store, lambda directory: directory.read(file))
    except FileNotFoundError as error:
        raise _changed(path) from error
    except OSError as error:
        raise _not_read(path, error.strerror or str(error)) from error
    if not isinstance(content, bytes):
        raise _not_read(path, "what was read of it is not in the form in which it is told")
    return content


def make_backup(
    directory: StoreDirectory[FileT],
    facts: tuple[FileFact[FileT], ...],
    path: Path,
    contents: Mapping[FileT, bytes] = MappingProxyType({}),
) -> Backup[FileT]:
    """A complete set in `path`, read back and on the disk, of exactly the files that were inventoried.

    What is in `contents` is not read here: a user's file is read by its owner (`read_as_owner`).

    Raises BackupFailed when it cannot be written or read back, or when a file is not as inventoried.
    """
    if {fact.file for fact in facts} != set(directory.kind):
        raise BackupFailed("store-not-seen", f"the files in `{directory.path}` could not all be looked at")
    try:
        saved = tuple(_save(directory, fact, path, contents) for fact in facts)
        backup = Backup(path, directory.path, datetime.now(timezone.utc), saved)
        backup.verify()
        # By a rename: a set is complete when its manifest is there, so half a manifest must not be.
        unnamed = path / f"{MANIFEST}.new"
        _write(unnamed, json.dumps(_to_json(backup), indent=1).encode())
        sync_directory(path)
        unnamed.replace(path / MANIFEST)
        sync_directory(path)
        sync_directory(path.parent)
    except OSError as error:
        raise BackupFailed(
            "backup-not-written", f"the backup in `{path}` could not be written: {error.strerror}"
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
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path / MANIFEST, str(error)) from error


def _save(
    directory: StoreDirectory[FileT], fact: FileFact[FileT], path: Path, contents: Mapping[FileT, bytes]
) -> SavedFile[FileT]:
    if directory.present(fact.file) != fact.present:
        raise _changed(directory.path / fact.file.value)
    if not fact.present:
        return SavedFile(fact, None)
    try:
        content = contents[fact.file] if fact.file in contents else directory.read(fact.file)
        metadata = directory.metadata(fact.file)
    except FileNotFoundError as error:
        raise _changed(directory.path / fact.file.value) from error
    except OSError as error:
        raise _not_read(directory.path / fact.file.value, error.strerror or str(error)) from error
    if sha256(content).hexdigest() != fact.sha256:
        raise _changed(directory.path / fact.file.value)
    if _gives_rights(metadata):
        raise BackupFailed(
            "file-gives-rights",
            f"`{directory.path / fact.file.value}` gives whoever runs it the rights of another",
        )
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
    """The file is new and on the disk; what is nothing but zeros takes no room where that can be."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "wb") as file:
        for start in range(0, len(content), _BLOCK):
            block = content[start : start + _BLOCK]
            if block.count(0) == len(block):
                file.seek(len(block), os.SEEK_CUR)
            else:
                file.write(block)
        file.truncate(len(content))
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    """The content of a regular file, not more than a file of a set can have. Raises OSError."""
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, os.O_RDONLY | flags)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return file.read(_LARGEST + 1)


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


def _gives_rights(meta: Metadata) -> bool:
    return bool(meta.mode & _GIVES_RIGHTS) or any(name == _CAPABILITIES for name, _ in meta.xattrs)


def _saved_from(data: Mapping[str, Any], names: type[FileT]) -> SavedFile[FileT]:
    file = names(data["file"])
    if not data["present"]:
        return SavedFile(FileFact(file, False), None)
    xattrs = tuple((name, base64.b64decode(value)) for name, value in sorted(data.get("xattrs", {}).items()))
    meta = Metadata(
        data["mode"], data["uid"], data["gid"], data.get("mtime_ns"), xattrs, text(data.get("security"))
    )
    fact = FileFact(file, True, data["size"], data["sha256"], meta.mode, meta.uid, meta.gid)
    if _gives_rights(meta) or not 0 <= fact.size <= _LARGEST:
        raise ValueError(f"{file.value} is no file of a store")
    return SavedFile(fact, meta)


def _changed(path: Path) -> BackupFailed:
    return BackupFailed("store-changed-meanwhile", f"`{path}` changed while it was looked at")


def _not_read(path: Path, why: str) -> BackupFailed:
    return BackupFailed("store-not-read", f"`{path}` could not be read: {why}")


def _damaged(path: Path, why: str) -> BackupFailed:
    return BackupFailed("backup-damaged", f"the backup file `{path}` cannot be used: {why}")
