"""What systems tell of files, services and settings: the values that `platforms.base` speaks in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple


class Clue(NamedTuple):
    """A setting that a running client, a service or the environment carries, and where it was seen.

    `setting` is DSM_DIR, DSM_CONFIG, DSM_LOG, DSMI_DIR, DSMI_CONFIG, DSMI_LOG or optfile; `value` is as
    written there;
    `user` is who runs the client, None when that is not known. `word_of` is the uid of the ordinary user who
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


class FileContent(NamedTuple):
    """A small file as it was read: its bytes, whose word it is, who may write it, and (device, inode).

    `uid` is the file's owner, or for a file of root's the ordinary user who owns a directory on the way and
    could have put it there. `open_to` says who else may write it, None when nobody may.
    """

    data: bytes
    uid: int
    open_to: str | None
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
