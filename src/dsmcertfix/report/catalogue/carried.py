"""Errors of stores that are made for a client, or carried over its upgrade. Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import UNTOUCHED, entry

CARRIED = (
    entry(
        "output-there-already",
        "NotPermitted",
        "There is something where a store was to be saved.",
        UNTOUCHED,
        "Give `--output` a directory that is not there yet: what was saved before stays as it is.",
    ),
    entry(
        "saved-store-not-found",
        "NotFound",
        "The directory is none that `store save` made, or a file of it is missing.",
        UNTOUCHED,
        "Copy it whole, with owner and mode (`tar -p`), and give it to `dsmcertfix store restore` again.",
    ),
    entry(
        "saved-store-not-trusted",
        "NotPermitted",
        "Others than root, or than who restores it, could have written what is saved.",
        UNTOUCHED,
        "Where it is as it was saved: `chown -R root DIRECTORY` and `chmod -R go-w DIRECTORY`; save it again "
        "if that is not sure.",
    ),
    entry(
        "saved-store-unusable",
        "StoreUnreadable",
        "What is saved is not as its manifest says, or the client could not open it.",
        UNTOUCHED,
        "Save it again with `dsmcertfix store save`; or let the client make a new one in its first session.",
    ),
    entry(
        "place-not-found",
        "NotFound",
        "There is no directory where the store is to be restored.",
        UNTOUCHED,
        "Install the client first; or name the directory to `dsmcertfix store restore` with `--store`.",
    ),
)
