"""What is refused because it is more than its budget (budgets.py). Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import UNTOUCHED, entry

_WHOLE = "Let the client make a new store: `dsmcertfix fix --whole-store --store DIRECTORY`."

EXCESS = (
    entry(
        "too-many-records",
        "StoreUnreadable",
        "The key database has more records than a client's ever has.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry(
        "label-too-long",
        "StoreUnreadable",
        "A label in the key database is longer than any that is read.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry(
        "too-many-labels-for-gskit",
        "EditFailed",
        "More certificates of a store are to go than gsk8capicmd_64 is run for.",
        UNTOUCHED,
        "`dsmcertfix fix --engine native` takes them out in one edit, whatever their number.",
    ),
)
