"""The questions that systems answer differently. Named by capability, never by system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from dsmcertfix.errors import Problem
from dsmcertfix.model import Area, FileFact, FileSet, FileT, Owner, Stanza
from dsmcertfix.platforms.seen import (
    ClientService,
    Clue,
    Entry,
    FileContent,
    FileTail,
    Home,
    Metadata,
    Resolved,
)

if TYPE_CHECKING:
    from dsmcertfix.platforms.servers import Servers

__all__ = [
    "SIZE_LIMIT",
    "ClientService",
    "Clue",
    "Entry",
    "FileContent",
    "FileTail",
    "Home",
    "LogStyle",
    "Metadata",
    "Places",
    "Platform",
    "Resolved",
    "Slot",
    "StoreDirectory",
    "SystemLogs",
]

Slot = Literal["live", "aside", "new"]

SIZE_LIMIT = 64 * 1024 * 1024
"""Bytes of a file of a store; a key database of 10,000 certificates stays below it."""


class Places(Protocol):
    """Where IBM's files and programs are on this system, below `root`."""

    @property
    def root(self) -> Path:
        """The directory taken as the root of the machine's file system."""
        ...

    def below(self, path: str) -> Path:
        """A path as written on that machine, as a real path below `root`.

        Never raises and never leads out of `root`: a `..` that would stays there, as it does at "/".
        """
        ...

    def resolve(self, path: Path | str) -> Resolved:
        """What is at `path`, with every link followed as that machine would.

        Raises OSError where the system does not let us look.
        """
        ...

    def look(self, path: Path) -> Entry:
        """What is at `path`, one from `resolve`. Raises OSError, FileNotFoundError when there is nothing."""
        ...

    def not_entered(self) -> tuple[str, ...]:
        """Which file systems of other machines were met so far and not looked into, and why."""
        ...

    def read(self, path: Path, limit: int, word_of: int | None = None) -> FileContent:
        """The regular file at `path`, a path from `resolve`. Follows no link, opens nothing that can wait.

        With `word_of` it must be that user's, or one of root's that everyone may read where it is.

        Raises OSError, also for what is no regular file (EINVAL) and for more than `limit` bytes (EFBIG).
        """
        ...

    def names(self, path: Path) -> tuple[str, ...]:
        """The names in the directory at `path`, a path from `resolve`. Follows no link. Raises OSError."""
        ...

    def tail(self, path: Path, limit: int) -> FileTail:
        """At most the last `limit` bytes of the regular file at `path`; otherwise as `read`."""
        ...

    def client_directories(self) -> tuple[tuple[Area, Path], ...]:
        """The directories that IBM's installers use, whether they exist or not."""
        ...

    def homes(self) -> tuple[Home, ...]:
        """Every home directory of a local user, root's among them, each once with the user whose it is."""
        ...

    def owner(self, uid: int) -> Owner | None:
        """The user with that uid and all their groups, None when the machine does not know them."""
        ...

    def store_owner(self, directory: Path, database: Entry) -> Owner:
        """Who the client runs as when it uses the store in that directory, whose key database is given."""
        ...

    def system_uids(self) -> frozenset[int]:
        """Who owns the system itself: root, and on some systems `bin`; SYSTEM and administrators."""
        ...

    @property
    def stanza_file(self) -> str:
        """Where stanzas stand: "dsm.sys", or "dsm.opt" where each such file is one stanza (Windows)."""
        ...

    def option_text(self, data: bytes) -> bytes:
        """The content of an option file as UTF-8, where the system tells how it is encoded; else as it is."""
        ...

    def option_directories(self) -> tuple[Path, ...]:
        """Further directories in which the client looks for dsm.sys and dsm.opt."""
        ...

    def home_stores(self) -> tuple[str, ...]:
        """Where a store lies below a home, as relative paths."""
        ...

    def default_passworddir(self) -> str | None:
        """The PASSWORDDIR of a stanza that names none; None where the client has no such option (Windows)."""
        ...

    def password_directories(self, stanza: Stanza) -> tuple[Path, ...]:
        """Where the client keeps the stanza's stored password, whether that exists or not."""
        ...

    def server_names(self, stanza: Stanza) -> tuple[str, ...]:
        """The names of the servers that the stanza's node has signed on to, where the client's files tell."""
        ...

    def starting_directories(self) -> tuple[Path, ...]:
        """Where services start that have no other directory: a client may have left its log there."""
        ...

    def clues(self) -> Iterator[Clue]:
        """DSM_DIR, DSMI_DIR and option files from the environment, running clients and services."""
        ...

    def gsk8capicmd(self) -> tuple[Path, ...]:
        """Where IBM's key database program may be, in order of preference."""
        ...

    def client_programs(self, name: str) -> tuple[Path, ...]:
        """Where a client program ("dsmc", "dsmcert") may be, in order of preference."""
        ...

    def environment(self) -> Mapping[str, str]:
        """The environment of this process; empty when another root is looked at."""
        ...


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
        """What was in the slot `new` is live, and what was live is aside, as by `keep_aside`."""
        ...

    def move(self, file: FileT, source: Slot, target: Slot) -> None:
        """The file has changed its slot, atomically; what was in the target slot is gone."""
        ...

    def keep_access(self, file: FileT, like: Metadata) -> None:
        """Who could use the live file before can use it now, and nobody else: `like` is what it was.

        Where the system does not let us say so, it is its owner's alone, and its mode is another one.
        Raises as `fact`, also for a second name.
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


LogStyle = Literal["plain", "cmtrace"]


class SystemLogs(Protocol):
    """A system's own log: the journal, syslog, the Application event log. Never in anybody's way."""

    def write(self, priority: int, message: str, fields: Mapping[str, str]) -> bool:
        """Whether it took the message; `priority` is that of syslog (3 error, 4 warning, 6 information)."""
        ...

    def close(self) -> None:
        """Nothing is open any more; the next message opens it again."""
        ...


class Platform(Protocol):
    """What this process can do on a machine: who we are, whose store it is, and acting there."""

    @property
    def places(self) -> Places:
        """Where IBM's files are on that machine."""
        ...

    def may_act_for_others(self) -> bool:
        """Whether this process can work in other users' stores."""
        ...

    def may_change(self, store: FileSet[FileT]) -> bool:
        """Whether this process can change what is in the store's directory."""
        ...

    def may_sign_on_as(self, owner: Owner) -> bool:
        """Whether a client of that user can be started: nobody can be another user on Windows."""
        ...

    def state_directory(self) -> Path:
        """Where journals, backups and the lock are: the machine's for its administrator, else one's own."""
        ...

    def private_directory(self, path: Path) -> None:
        """The directory exists, is ours and closed. Raises NotPermitted when somebody else prepared it."""
        ...

    def require_state(self, state: Path) -> None:
        """What there is of the state directory is ours. Raises NotPermitted otherwise."""
        ...

    def lock(self, path: Path, wait_s: float) -> AbstractContextManager[None]:
        """Only one run at a time is inside. Raises Busy when another one is for longer than `wait_s`."""
        ...

    def locked(self, path: Path) -> bool:
        """Whether a run holds the lock now."""
        ...

    @property
    def log_style(self) -> LogStyle:
        """How the machine's administrators read logs."""
        ...

    def system_log(self) -> SystemLogs:
        """The system's own log."""
        ...

    def console_directories(self) -> tuple[Path, ...]:
        """Where management consoles collect logs on this machine, if they do; nobody else can write there."""
        ...

    def servers(self) -> Servers:
        """What is known about the servers on this machine."""
        ...

    def trusted(self, program: Path) -> Path:
        """The program, links followed, if nobody but the system and ourselves can change it.

        Raises NotFound when there is nothing, NotPermitted with the path, the reason and the cure.
        """
        ...

    def libraries_of(self, program: Path) -> dict[str, str]:
        """The setting of the environment that leads a program of IBM's to the libraries installed with it.

        Empty where somebody else could put a library there, or change one.
        """
        ...

    def services(self) -> tuple[ClientService, ...]:
        """The client's services and their states now; none where the tool does not know services."""
        ...

    def restart(self, name: str, limit_s: float) -> Problem | None:
        """The running service was stopped and runs again, within `limit_s` seconds each; or why not."""
        ...

    def start(self, name: str, limit_s: float) -> Problem | None:
        """The service runs; or why not."""
        ...

    def reading(self, store: FileSet[FileT]) -> AbstractContextManager[StoreDirectory[FileT]]:
        """The store's directory, for reading.

        Raises PlanOutdated when it was exchanged, NotPermitted when a link stands in its way.
        """
        ...

    def in_store(
        self, store: FileSet[FileT], run: str, work: Callable[[StoreDirectory[FileT]], None]
    ) -> None:
        """`work` was done in the store's directory, with the rights of its owner where that can be.

        What `work` raises is raised here: errors of ours as they are, an OSError as SwapFailed.
        """
        ...
