"""What systems tell of files, services and settings: the values that `system.base` speaks in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from dsmcertfix import NamedTuple, budgets


class Clue(NamedTuple):
    """A setting that a running client, a service or the environment carries, and where it was seen.

    `setting` is DSM_DIR, DSM_CONFIG, DSM_LOG, DSMI_DIR, DSMI_CONFIG, DSMI_LOG or optfile; `value` is as
    written there;
    `user` is who runs the client, None when that is not known. Where `setting` is "left-out", `value` says
    what of it was not read. `word_of` is the uid of the ordinary user who
    could have made it up: it may lead to what is theirs, and to what everyone may read of root's.
    """

    setting: str
    value: str
    because: str
    user: str | None = None
    word_of: int | None = None


class ClientService(NamedTuple):
    """A service of the client: the system's name for it, the one that people see, and its state now.

    `state` is "running", "stopped", or what is between them. `account` is who it runs as.
    """

    name: str
    display: str
    state: str
    account: str = ""
    option_files: tuple[str, ...] = ()


class Home(NamedTuple):
    """A user's home directory, a real path as text, and whose it is: there may be tens of thousands."""

    path: str
    user: str
    uid: int


class Resolved(NamedTuple):
    """A path without symbolic links, and whether everyone who placed a link on the way may lead there.

    `path` is None when there is nothing. `refused` says which link leads where its owner may not lead: a link
    that is not root's may only lead to what belongs to the link's owner.
    """

    path: Path | None
    refused: str | None = None


class Entry(NamedTuple):
    """What stands under a name, no link followed: (device, inode), and whose it is.

    `uid` and `gid` are those of FileFact.
    """

    kind: Literal["file", "directory", "other"]
    identity: tuple[int, int]
    uid: int
    gid: int = 0


class FileTail(NamedTuple):
    """The end of a file, whose it is, and when it was written; `cut` says that there is more before."""

    data: bytes
    uid: int
    identity: tuple[int, int]
    modified_s: float
    cut: bool


class Exposed(NamedTuple):
    """A file, or a directory on the way to it, that others than its owner can change; and who they are."""

    path: Path
    to: str


class FileContent(NamedTuple):
    """A small file as it was read: its bytes, whose word it is, who may write it, and (device, inode).

    `uid` is the file's owner, or for a file of root's the ordinary user who owns a directory on the way and
    could have put it there. `open_to` says who else could have written it, None when nobody could.
    """

    data: bytes
    uid: int
    open_to: Exposed | None
    identity: tuple[int, int]


class Metadata(NamedTuple):
    """What a file carries besides its content. `xattrs` holds ACLs too, where the system keeps them there.

    `mtime_ns` is None for a file whose time is to be that of its writing. On Windows `mode` has the file's
    attributes, and `security` its owner and its DACL (SDDL); elsewhere that is None.
    """

    mode: int
    uid: int
    gid: int
    mtime_ns: int | None
    xattrs: tuple[tuple[str, bytes], ...] = ()
    security: str | None = None


class NoAnswer(Exception):
    """A child of its own gave no answer, or cannot be had on this system; the text says why."""


class Task:
    """A function of a module of ours, and what it is called with: JSON-ready data, in which bytes may stand.

    It can be done by a process that has nothing of this one's memory.
    """

    __slots__ = ("_arguments", "_function")

    def __init__(self, function: Callable[..., object], *arguments: object):
        self._function = function
        self._arguments = arguments

    def __call__(self) -> object:
        """What the function returned, called in this process."""
        return self._function(*self._arguments)

    def told(self) -> tuple[str, str, tuple[object, ...]]:
        """It as data: the module's name, the function's, and the arguments."""
        return self._function.__module__, self._function.__qualname__, self._arguments


class OwnerLimits(NamedTuple):
    """What reading and working as the owner of files may take, in a child of its own.

    `memory` is in bytes, beyond what this process has mapped at its start; `wall_s` is what the owner may
    cost one run in all, `cpu_s` one child. `file_size`, of a file that is written, and `answer` are in bytes.
    With `finishes` the child goes on through a signal that ends others.
    """

    memory: int = 64 << 20
    cpu_s: int = 10
    wall_s: float = budgets.OWNER_S.cap
    file_size: int = 0
    open_files: int = 64
    answer: int = 16 << 20
    finishes: bool = False


EXCESS = frozenset(("too-much-to-read", "reading-was-ended"))
"""The codes of a user who took more than that, or ended what reads."""

READING = OwnerLimits(wall_s=budgets.OWNER_READING_S.cap)
"""What reading an ordinary user's files may take."""

EDITING = READING._replace(file_size=16 << 20)
"""What an edit of an ordinary user's key database may take, by IBM's program or natively."""
