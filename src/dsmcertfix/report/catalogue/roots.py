"""Errors about what others made: a tree given with `--root`, journals that lead elsewhere. Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import SAFE, UNTOUCHED, entry

FOREIGN = (
    entry(
        "program-of-foreign-root",
        "NotPermitted",
        "A program of the tree given with `--root` is not run.",
        UNTOUCHED,
        "Leave `--engine gskit` out; or give `--trust-root` if you made that tree yourself.",
    ),
    entry(
        "root-not-trusted",
        "NotPermitted",
        "The server of a tree given with `--root` is neither stopped nor started.",
        UNTOUCHED,
        "Give `--trust-root` if you made that tree yourself.",
    ),
    entry(
        "file-moved-in",
        "NotPermitted",
        "Somebody put a file into the store's directory while the client was at work.",
        SAFE,
        "See with `ls -ld` who can write to the directory; take the right away, and run the command again.",
    ),
    entry(
        "store-outside-root",
        "NotPermitted",
        "A journal names a store that does not lie below the root.",
        UNTOUCHED,
        "See who wrote the journal; give its run's `--root`, or end it by `dsmcertfix recover --give-up ID`.",
    ),
    entry(
        "store-of-another-owner",
        "NotPermitted",
        "A journal tells of another owner of a store than its directory has.",
        UNTOUCHED,
        "See who changed the owner, and who wrote the journal; `dsmcertfix recover --give-up ID` ends it.",
    ),
)
