"""What can be done in the open directory of a store or a server's key database, on any system."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from dsmcertfix import budgets
from dsmcertfix.model import FileFact, FileT
from dsmcertfix.system.seen import Metadata

Slot = Literal["live", "aside", "new"]

SIZE_LIMIT = budgets.STORE_FILE.cap
"""Bytes of a file of a store: whoever owns it decides how large it is, and each run keeps a copy."""


class StoreDirectory(Protocol[FileT]):
    """An open directory with a set of files: every call that touches a live store is here.

    Each call names one of the five files of the set, of `kind`, and one of three slots; no other name can be
    formed.
    Links, and whatever else is no regular file with one name, are refused: NotPermitted. A file that others
    hold is waited for, a bounded time: then Busy is raised.
    """

    path: Path
    kind: type[FileT]
    owner: int

    def present(self, file: FileT, slot: Slot = "live") -> bool:
        """Whether anything has that name, of whatever type."""
        ...

    def fact(self, file: FileT, slot: Slot = "live") -> FileFact[FileT]:
        """Size, hash, owner and mode of the file as it is now.

        Raises StoreUnreadable for one that is too large or changes while it is read.
        """
        ...

    def mounted(self, file: FileT) -> bool:
        """Whether the live file is a mount of its own: it can be written, but not replaced or taken away."""
        ...

    def read(self, file: FileT, slot: Slot = "live") -> bytes:
        """The content. Raises as `fact` does, and FileNotFoundError when it is absent."""
        ...

    def metadata(self, file: FileT, slot: Slot = "live") -> Metadata:
        """What the file carries besides its content."""
        ...

    def require_free(self, file: FileT) -> None:
        """Raises Busy when somebody holds the live file so that it could not be replaced now."""
        ...

    def write_new(self, file: FileT, content: bytes, like: Metadata) -> None:
        """A file in the slot `new` has that content and metadata, and both are on the disk.

        A leftover of that name is removed first. Raises OSError when content or metadata cannot be written
        (then nothing is left), NotPermitted when an attribute cannot be set.
        """
        ...

    def keep_aside(self, file: FileT) -> None:
        """The live file has a second name, in the slot `aside`: its content and metadata outlive a swap.

        Where the file system has no hard links the backup alone must do.
        """
        ...

    def exchange(self, file: FileT) -> None:
        """What was in the slot `new` is live, and what was live is aside, as by `keep_aside`.

        A live file that is mounted is written in place, as by `move`.
        """
        ...

    def move(self, file: FileT, source: Slot, target: Slot) -> None:
        """The file has changed its slot, atomically; what was in the target slot is gone.

        A live file that is mounted is written in place: whoever reads it, or a power cut, may then see a part
        of it, and only the backup is the way back.
        """
        ...

    def keep_access(self, file: FileT, like: Metadata, since: datetime) -> None:
        """Who could use the live file before can use it now, and nobody else: `like` is what it was.

        Where the system does not let us say so, it is its owner's alone, and its mode is another one. Where
        others may put files into the directory, only what the owner's session made there `since` then is
        opened to anybody. Raises as `fact`, also for a second name and for what was put there: NotPermitted.
        """
        ...

    def discard(self, file: FileT, slot: Slot) -> None:
        """Nothing has that name any more."""
        ...

    def sync_content(self, file: FileT) -> None:
        """The live file's content survives a power cut, whoever wrote it. Raises as `fact` does."""
        ...

    def sync(self) -> None:
        """Every change of names so far survives a power cut."""
        ...
