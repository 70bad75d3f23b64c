"""The questions that systems answer differently. Named by capability, never by system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dsmcertfix.errors import Problem
from dsmcertfix.model import Area, FileSet, FileT, Owner, Stanza
from dsmcertfix.system.seen import (
    READING,
    ClientService,
    Clue,
    Entry,
    Exposed,
    FileContent,
    FileTail,
    Home,
    Metadata,
    OwnerLimits,
    Resolved,
    Task,
)
from dsmcertfix.system.store_directory import SIZE_LIMIT, Slot, StoreDirectory

if TYPE_CHECKING:
    from dsmcertfix.system.servers import Servers

__all__ = [
    "READING",
    "SIZE_LIMIT",
    "ClientService",
    "Clue",
    "Entry",
    "Exposed",
    "FileContent",
    "FileTail",
    "Home",
    "LogStyle",
    "Metadata",
    "OwnerLimits",
    "Places",
    "Platform",
    "Resolved",
    "Slot",
    "StoreDirectory",
    "SystemLogs",
    "Task",
]


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
        """Which file systems of other machines, and which users, were left out so far, and why."""
        ...

    def excess(self) -> tuple[Problem, ...]:
        """Whose files took more than a user may cost a run so far, and were read no more."""
        ...

    def is_ours(self, uid: int) -> bool:
        """Whether this process reads itself what belongs to that user, and no child does."""
        ...

    def as_user(self, uid: int, task: Task, limits: OwnerLimits = READING) -> object:
        """See `Platform.as_owner`, for the user with that uid."""
        ...

    def read(self, path: Path, limit: int, word_of: int | None = None) -> FileContent:
        """The regular file at `path`, a path from `resolve`. Follows no link, opens nothing that can wait.

        With `word_of` it must be that user's, or one of root's that everyone may read where it is.

        Raises OSError, also for what is no regular file (EINVAL) and for more than `limit` bytes (EFBIG).
        """
        ...

    def names(self, path: Path) -> tuple[str, ...]:
        """The names in the directory at `path`, a path from `resolve`. Follows no link.

        Raises OSError, also for more than their budget (EFBIG).
        """
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

    @property
    def foreign(self) -> bool:
        """Whether the machine is a tree whose makers nobody vouches for: nothing of it is run or loaded."""
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
        """Where journals, backups and the lock are: the machine's, one's own; of a foreign tree below."""
        ...

    def configuration(self) -> Path | None:
        """Where the machine's administrators tell what holds for it; None for a foreign tree."""
        ...

    def vouched(self, file: Path) -> Path:
        """The file of ours, links followed, if nobody but the system and ourselves can change it.

        Raises as `trusted` does; a foreign tree has no part in it.
        """
        ...

    def own_programs(self, name: str) -> tuple[Path, ...]:
        """Where a program of this system, none of IBM's, may be, in order of preference."""
        ...

    def private_directory(self, path: Path) -> None:
        """The directory exists, is ours and closed. Raises NotPermitted when somebody else prepared it."""
        ...

    def require_state(self, state: Path) -> None:
        """What there is of the state directory is ours. Raises NotPermitted otherwise."""
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

        Empty where somebody else could put a library there, or change one, and in a foreign tree.
        """
        ...

    @property
    def services_at_hand(self) -> bool:
        """Whether every command tells of the client's services; else programs must be asked for them."""
        ...

    def services(self) -> tuple[ClientService, ...]:
        """The client's services and their states now; "unknown" where nothing says whether one runs."""
        ...

    def restart(self, name: str, limit_s: float) -> Problem | None:
        """The running service was stopped and runs again, within `limit_s` seconds each; or why not."""
        ...

    def start(self, name: str, limit_s: float) -> Problem | None:
        """The service runs; or why not."""
        ...

    def as_owner(self, owner: Owner, task: Task, limits: OwnerLimits = READING) -> object:
        """What the task returned, done within limits, and with an ordinary user's rights where that can be.

        It returns JSON-ready data, in which bytes may stand. The answer may be that user's invention: it is
        data of the right form and size, and no more is sure of it. Other threads must not run meanwhile, and
        the task imports nothing new: that user may not be able to read where we are installed.

        Raises OSError and what the task raises of ours, InternalError for another error; StoreUnreadable when
        the user's files took more than the limits, in this run so far, or the user ended it.
        """
        ...

    def from_store(
        self,
        store: FileSet[FileT],
        look: Callable[[StoreDirectory[FileT]], object],
        judge: Callable[[Any], object] | None = None,
        run: str = "none",
    ) -> object:
        """What `look` returned of the store's directory, or what `judge` made of that, as by `as_owner`.

        `run` is whose files beside the live ones `look` can see.

        Where nobody can be another user, only `judge`, a function of a module, is held to limits: `look` is
        to read, and no more. Whose the files are, we looked at. Raises as `as_owner` and `reading` do.
        """
        ...

    def edited(
        self, store: FileSet[FileT], directory: Path, files: Mapping[str, bytes], edit: Callable[[Path], None]
    ) -> bytes:
        """What the first of these files holds after `edit` was done where they are alone.

        That is a private directory of ours, or one below it in which the store's owner works, within limits,
        and nobody else: by its path in a child it cannot be reached. Raises OSError, and as `as_owner`.
        """
        ...

    def apart(self, owner: Owner | None, task: Task, limits: OwnerLimits) -> object:
        """What the task returned, in a child of its own: that of the owner where that can be, else ours.

        As in `as_owner`, but never in this process, and whatever the owner cost before. Raises what the task
        raises of ours, and NoAnswer.
        """
        ...

    def lent(self, databases: tuple[Path, ...]) -> AbstractContextManager[tuple[Path, ...]]:
        """Paths by which a child made by `apart` can open these key databases and their stash files.

        As long as the block lasts. Raises OSError.
        """
        ...

    def reading(self, store: FileSet[FileT]) -> AbstractContextManager[StoreDirectory[FileT]]:
        """The store's directory, for reading.

        Raises PlanOutdated when it was exchanged, NotPermitted for a link in its way, or outside the root.
        """
        ...

    def in_store(
        self, store: FileSet[FileT], run: str, work: Callable[[StoreDirectory[FileT]], None]
    ) -> None:
        """`work` was done in the store's directory, with the rights of its owner where that can be.

        What `work` raises is raised here: errors of ours as they are, an OSError as SwapFailed.
        """
        ...
