"""What a run leaves behind when its store is settled: nothing, or a line in the journal that says so.

Owns the removal of private copies and of a run's own files beside a store; no undo needs any of them.
"""

from __future__ import annotations

import shutil

from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.model import FileSet, FileT
from dsmcertfix.platforms.base import Platform
from dsmcertfix.transaction import live
from dsmcertfix.transaction.journal import Journal

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
    if touched:
        try:
            platform.in_store(located, run.name, live.finish)
        except (DsmcertfixError, OSError) as error:
            left.append(str(error))
    if left:
        journal.note(LEFT, store, note="; ".join(left))
    return not left
