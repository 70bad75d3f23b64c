"""Whether the one who owns a key database is the one who owns its directory."""

from __future__ import annotations

from dsmcertfix.client.usage import Directory
from dsmcertfix.errors import NotPermitted, Problem, StoreUnreadable
from dsmcertfix.model import Owner, SetFile
from dsmcertfix.platforms.base import Entry, Places


def why_left_alone(
    places: Places, directory: Directory, database: Entry, owner: Owner, kind: type[SetFile]
) -> Problem | None:
    """Why that set in that directory must be left alone, None when it may be worked on.

    `database` is what its key database is, `owner` whose that is.
    """
    path = directory.path / str(kind["KDB"].value)
    if database.kind != "file":
        return StoreUnreadable(
            "not-a-regular-file",
            f"`{path}` is not a regular file",
            hint="The client never makes one; see who did, and remove it.",
        ).problem()
    if directory.uid in (places.system_uids() | {owner.uid}):
        return None
    theirs = places.owner(directory.uid)
    name = theirs.name if theirs is not None else f"uid {directory.uid}"
    return NotPermitted(
        "store-of-two-owners",
        f"`{path}` belongs to {owner.name}, but its directory belongs to {name}, who can exchange the files",
        context=(f"owner of the file: uid {owner.uid}", f"owner of the directory: uid {directory.uid}"),
        hint=f"Find out whose program uses it. If it is {name}'s: `chown {name} {path.with_suffix('.*')}`; "
        f"if it is {owner.name}'s: `chown {owner.name} {path.parent}` "
        "(on Windows `icacls ... /setowner`). Then run this again.",
    ).problem()
