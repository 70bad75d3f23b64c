"""Whose word counts: who owns a key database and its directory, and who could have written an option file."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

from dsmcertfix import NamedTuple
from dsmcertfix.errors import NotPermitted, Problem, StoreUnreadable
from dsmcertfix.model import Owner, SetFile
from dsmcertfix.system.base import Entry, Exposed, Places
from dsmcertfix.wording import account, quoted


def not_believed(file: Path, open_to: Exposed) -> Problem:
    """Why no server is asked that is named in that option file, which others could have written."""
    place = open_to.path
    what = f"`{file}`" if place == file else f"`{file}`, in `{place}`,"
    cure = f"`chmod go-w {quoted(place)}`"
    if isinstance(place, PureWindowsPath):
        cure = f"`icacls {quoted(place)}` shows who may write there; take that right away"
    return NotPermitted(
        "option-file-open",
        f"{what} can be changed by others than its owner: no server that it names is asked or connected to",
        context=(f"who can: {open_to.to}",),
        hint=f"See that its addresses are right, then close it: {cure}.",
    ).problem()


def why_left_alone(
    places: Places, directory: Directory, database: Entry, owner: Owner, kind: type[SetFile]
) -> Problem | None:
    """Why that set in that directory must be left alone, None when it may be worked on.

    `database` is what its key database is, `owner` whose that is.
    """
    path = directory.path / str(kind["KDB"].value)
    if database.kind != "file":
        return StoreUnreadable("not-a-regular-file", f"`{path}` is not a regular file").problem()
    if directory.uid in (places.system_uids() | {owner.uid}):
        return None
    theirs = places.owner(directory.uid)
    name = theirs.name if theirs is not None else f"uid {directory.uid}"
    return NotPermitted(
        "store-of-two-owners",
        f"`{path}` belongs to {owner.name}, but its directory belongs to {name}, who can exchange the files",
        context=(f"owner of the file: uid {owner.uid}", f"owner of the directory: uid {directory.uid}"),
        # Whoever owns the directory may put a link there at any time: none is followed.
        hint=f"Find out whose program uses it. If it is {name}'s: "
        f"`chown -h {account(name, directory.uid)} {quoted(path.parent)}/{path.stem}.*`; "
        f"if it is {owner.name}'s: `chown -h {account(owner.name, owner.uid)} {quoted(path.parent)}` "
        "(on Windows `icacls ... /setowner`). Then run this again.",
    ).problem()


class Directory(NamedTuple):
    """An existing directory, without links in its path."""

    path: Path
    identity: tuple[int, int]
    uid: int
