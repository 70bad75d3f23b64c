"""The catalogue of the tool's errors and exit codes: what each means, the machine's state, what to do next.

The one source for `explain`, for hints that a raise site leaves out, and for docs/errors.md; a test holds it
complete against the source. Data and look-ups only, pure.
"""

from __future__ import annotations

from dsmcertfix.report.catalogue import (
    backups,
    before,
    carried,
    during,
    excess,
    fleet,
    mounts,
    policy,
    roots,
    server,
    stores,
)
from dsmcertfix.report.catalogue.entry import Entry
from dsmcertfix.report.catalogue.exits import EXITS, Exit

__all__ = ["CATALOGUE", "CHAPTERS", "EXITS", "Entry", "Exit", "next_step"]

CHAPTERS: dict[str, tuple[Entry, ...]] = {
    "Command line": before.COMMAND_LINE,
    "Not found": before.NOT_FOUND,
    "Not now": before.NOT_NOW,
    "Not permitted": before.NOT_PERMITTED,
    "The tree of --root": roots.FOREIGN,
    "Containers": mounts.CONTAINERS,
    "Stores that are carried": carried.CARRIED,
    "The site's policy": policy.POLICY,
    "Reading a store": stores.READING,
    "More than a store may have": excess.EXCESS,
    "Backing up": backups.BACKING_UP,
    "Runs and journals": stores.JOURNALS,
    "Editing the private copy": stores.EDITING,
    "Asking a server": during.SERVERS,
    "The client's session": during.SESSIONS,
    "The live store": during.LIVE,
    "Many machines": fleet.MANY_MACHINES,
    "A server's instance": server.INSTANCES,
    "Stopping and starting a server": server.STOP_AND_START,
    "A server's new certificate": server.NEW_CERTIFICATE,
    "A server's own database backup": server.DATABASE_BACKUP,
    "Macros": server.MACROS,
    "A certificate in pieces": server.PIECES,
    "Bugs": during.BUGS,
}
"""The entries by chapter, in the order of the page."""

CATALOGUE: dict[str, Entry] = {item.code: item for entries in CHAPTERS.values() for item in entries}
"""Every error code of the tool."""


def next_step(code: str) -> str | None:
    """What to do about that error in general; None for a code that is not in the catalogue."""
    found = CATALOGUE.get(code)
    return found.after if found is not None else None
