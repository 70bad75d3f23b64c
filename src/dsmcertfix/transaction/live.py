"""What happens to a live store, through its directory's handle: swap, move out, restore, finish.

Each function may be cut off at any line; `restore` with the same backup brings the old set back from there.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping

from dsmcertfix.errors import (
    BackupFailed,
    DsmcertfixError,
    NotPermitted,
    NotRestored,
    PlanOutdated,
    StoreUnreadable,
    SwapFailed,
)
from dsmcertfix.model import FileSet, FileT, StoreFile
from dsmcertfix.system.base import Platform, Slot, StoreDirectory
from dsmcertfix.system.private import sync_directory
from dsmcertfix.transaction.backup import Backup, SavedFile
from dsmcertfix.transaction.journal import Journal

Contents = Mapping[FileT, "bytes | BackupFailed"]

_OURS: tuple[Slot, ...] = ("aside", "new")
CHANGED = "store-changed"
"""The code of what somebody else changed: it is as they left it, and nothing is to be undone."""


def swap(directory: StoreDirectory[FileT], backup: Backup[FileT], content: bytes, away: FileT | None) -> None:
    """The key database has that content and the old one's owner, mode, ACL and attributes.

    The file `away`, if any, is gone (moved aside): client or server make a new one (IT42905).
    Raises OSError when the disk is full, PlanOutdated when there is no key database, as `_require_expected`.
    """
    database = directory.kind["KDB"]
    old = backup.saved(database).metadata
    if old is None:
        raise PlanOutdated("key-database-gone", f"`{directory.path}` holds no key database")
    directory.write_new(database, content, old._replace(mtime_ns=None))
    directory.exchange(database)
    _require_expected(directory, backup)
    if away is not None and directory.present(away):
        directory.move(away, "live", "aside")
        _require_expected(directory, backup)
    directory.sync()


def move_out(directory: StoreDirectory[FileT], backup: Backup[FileT]) -> None:
    """No file of the store has its own name: each lies aside. Raises as `_require_expected`."""
    for item in backup.files:
        if directory.present(item.fact.file):
            directory.move(item.fact.file, "live", "aside")
    _require_expected(directory, backup)
    directory.sync()


def _require_expected(directory: StoreDirectory[FileT], backup: Backup[FileT]) -> None:
    """What was set aside is what was backed up: nobody wrote after the last look.

    Otherwise all of it is live again and PlanOutdated is raised; or NotRestored, where it stays aside.
    """
    aside = [item.fact for item in backup.files if directory.present(item.fact.file, "aside")]
    others = [fact.file for fact in aside if _hash_aside(directory, fact.file) != fact.sha256]
    if not others:
        return
    names = tuple(str(directory.path / file.value) for file in others)
    try:
        for fact in aside:
            directory.move(fact.file, "aside", "live")
        directory.sync()
    except (OSError, DsmcertfixError) as error:
        raise NotRestored(
            "not-restored",
            f"what somebody wrote in `{directory.path}` at this moment could not be put back: {error}",
            context=(*names, f"backup: {backup.path}"),
            hint="Free the way, then run `dsmcertfix recover`: it keeps a copy of that.",
        ) from error
    raise _changed(directory, tuple(f"{name}: was written at this moment" for name in names))


def _hash_aside(directory: StoreDirectory[FileT], file: FileT) -> str | None:
    try:
        return directory.fact(file, "aside").sha256
    except (NotPermitted, StoreUnreadable):
        return None


def _changed(directory: StoreDirectory[FileT], differences: tuple[str, ...]) -> PlanOutdated:
    return PlanOutdated(
        "store-changed",
        f"the store in `{directory.path}` changed since it was looked at",
        context=differences,
        hint="A client or an administrator is at work there; run this again.",
    )


def keep_access(directory: StoreDirectory[FileT], backup: Backup[FileT]) -> None:
    """Every file that was there before and is there now is open to whom it was open, and to nobody else.

    Raises NotPermitted for one that somebody has put there since.
    """
    for item in backup.files:
        if item.metadata is not None and directory.present(item.fact.file):
            directory.keep_access(item.fact.file, item.metadata, backup.made_at)


def access_lost(directory: StoreDirectory[FileT], backup: Backup[FileT]) -> tuple[str, ...]:
    """Which files `keep_access` had to close, a line for each; one that cannot be looked at is not told."""
    lines: list[str] = []
    for item in backup.files:
        file, old = item.fact.file, item.metadata
        if old is None:
            continue
        with contextlib.suppress(OSError, DsmcertfixError):
            if directory.present(file) and directory.metadata(file).mode != old.mode:
                lines.append(
                    f"`{directory.path / file.value}` is its owner's alone now: its group {old.gid}, mode "
                    f"{old.mode:04o} and ACL could not be given to it again"
                )
    return tuple(lines)


def drop_new_index(directory: StoreDirectory[FileT], backup: Backup[FileT]) -> None:
    """A client's index file is the one of the backup, or gone: then the client makes a new one (IT42905)."""
    for item in backup.files:
        file = item.fact.file
        if file is StoreFile.IDX and not _intact(directory, item, "live"):
            # A mount of its own stays: nobody can take it away, a client neither.
            if directory.mounted(file):
                continue
            directory.discard(item.fact.file, "live")


def settle(directory: StoreDirectory[FileT]) -> None:
    """The live files survive a power cut as they are: IBM's programs leave that to the system.

    It goes on past failures. Raises OSError when the disk cannot take one of them.
    """
    failed: OSError | DsmcertfixError | None = None
    for file in directory.kind:
        try:
            if directory.present(file):
                directory.sync_content(file)
        except (OSError, DsmcertfixError) as error:
            failed = error
    directory.sync()
    if failed is not None:
        raise failed


def require_unchanged(directory: StoreDirectory[FileT], backup: Backup[FileT]) -> None:
    """Raises PlanOutdated when the store is not as it was backed up, Busy when somebody holds a file."""
    differences = backup.differences(directory)
    if differences:
        raise _changed(directory, differences)
    for item in backup.files:
        if item.fact.present:
            directory.require_free(item.fact.file)


def restoring(backup: Backup[FileT]) -> Callable[[StoreDirectory[FileT]], None]:
    """What restores a store from that set: it is read now, by us, and put back by whoever owns the store."""
    contents = backup.contents()
    return lambda directory: restore(directory, backup, contents)


def restore(directory: StoreDirectory[FileT], backup: Backup[FileT], contents: Contents[FileT]) -> None:
    """The store is as the backup's manifest says, file by file: content, owner, mode, ACL, attributes.

    It goes on past failures. Raises NotRestored, with every difference that is left.
    """
    _put_back(directory, backup, contents)
    with contextlib.suppress(SwapFailed):
        finish(directory)


def exchanging(backup: Backup[FileT], earlier: Backup[FileT]) -> Callable[[StoreDirectory[FileT]], None]:
    """What puts an earlier set in place of what is there, and was just backed up.

    What was there lies aside, so that it can come back without room on the disk. Raises SwapFailed when the
    earlier set cannot be put there, and as `_require_expected`.
    """
    contents = earlier.contents()

    def exchange(directory: StoreDirectory[FileT]) -> None:
        for item in backup.files:
            if directory.present(item.fact.file):
                directory.keep_aside(item.fact.file)
        _require_expected(directory, backup)
        try:
            _put_back(directory, earlier, contents)
        except NotRestored as error:
            # Not "broken": the undo that follows brings back what was there a moment ago.
            raise SwapFailed("backup-not-put-back", error.message, context=error.context) from error

    return exchange


def _put_back(directory: StoreDirectory[FileT], backup: Backup[FileT], contents: Contents[FileT]) -> None:
    failures: list[str] = []
    for item in backup.files:
        try:
            _restore_file(directory, item, contents)
        except (OSError, DsmcertfixError) as error:
            failures.append(f"{directory.path / item.fact.file.value}: {error}")
    with contextlib.suppress(OSError, DsmcertfixError):
        settle(directory)
    left = _differences(directory, backup)
    if left:
        raise NotRestored(
            "not-restored",
            f"the store in `{directory.path}` could not be put back whole",
            context=(*failures, *left, f"backup: {backup.path}"),
            hint=f"Free the way, then run `dsmcertfix recover`; or copy the files from `{backup.path}`.",
        )


def finish(directory: StoreDirectory[FileT]) -> None:
    """Nothing of the run is left in the store's directory.

    It goes on past failures. Raises SwapFailed when something stays; it is harmless.
    """
    left: list[str] = []
    for file in directory.kind:
        for slot in _OURS:
            try:
                directory.discard(file, slot)
            except OSError as error:
                left.append(f"{slot} of {directory.path / file.value}: {error.strerror}")
    with contextlib.suppress(OSError):
        directory.sync()
    if left:
        raise SwapFailed("left-behind", "files of this run could not be removed: " + ", ".join(left))


def _differences(directory: StoreDirectory[FileT], backup: Backup[FileT]) -> tuple[str, ...]:
    try:
        return backup.differences(directory)
    except (OSError, DsmcertfixError) as error:
        return (f"{directory.path}: {error}",)


def _restore_file(
    directory: StoreDirectory[FileT], item: SavedFile[FileT], contents: Contents[FileT]
) -> None:
    file = item.fact.file
    if item.metadata is None:
        directory.discard(file, "live")
        return
    if _intact(directory, item, "live"):
        return
    if _intact(directory, item, "aside"):
        directory.move(file, "aside", "live")
        return
    content = contents[file]
    if isinstance(content, BackupFailed):
        raise content
    directory.write_new(file, content, item.metadata)
    directory.move(file, "new", "live")


def _intact(directory: StoreDirectory[FileT], item: SavedFile[FileT], slot: Slot) -> bool:
    """Whether the file in that slot is the saved one. One that cannot be read is not."""
    try:
        if not directory.present(item.fact.file, slot):
            return False
        same = directory.fact(item.fact.file, slot) == item.fact
        return same and directory.metadata(item.fact.file, slot) == item.metadata
    except (OSError, DsmcertfixError):
        return False


LEFT, TIDIED = "left-behind", "tidied"


def tidy(platform: Platform, journal: Journal, store: str, located: FileSet[FileT], *, touched: bool) -> bool:
    """Neither a private copy nor, beside a `touched` store, a file of the run is there any more.

    Never raises. Where something stays the journal says so, for the next run to try again, and the answer is
    False.
    """
    run = journal.path.parent
    staged = run / "stores" / store / "stage"
    left: list[str] = []
    shutil.rmtree(staged, ignore_errors=True)
    if staged.exists():
        left.append(str(staged))
    with contextlib.suppress(OSError):
        sync_directory(staged.parent)
    if touched:
        try:
            platform.in_store(located, run.name, finish)
        except (DsmcertfixError, OSError) as error:
            left.append(str(error))
    if left:
        journal.note(LEFT, store, note="; ".join(left))
    return not left
