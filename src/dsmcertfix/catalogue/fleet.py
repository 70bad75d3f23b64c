"""Errors of the commands for many machines. Data only."""

from __future__ import annotations

from dsmcertfix.catalogue.entry import UNTOUCHED, entry

MANY_MACHINES = (
    entry(
        "no-output",
        "UsageError",
        "It was not said what `report` is to write.",
        UNTOUCHED,
        "Give `--output report.html`, `--csv FILE`, or both.",
    ),
    entry(
        "same-file-twice",
        "UsageError",
        "One file was named for two things, and one would have overwritten the other.",
        UNTOUCHED,
        "Give `--output`, `--csv` and `--inventory` files of their own.",
    ),
    entry(
        "several-servers",
        "UsageError",
        "Nodes of several servers were refused, and a macro runs on one server.",
        UNTOUCHED,
        "Make a macro for each: `dsmcertfix admin-macro --from RESULTS --server ADDRESS`.",
    ),
    entry(
        "input-not-found",
        "NotFound",
        "A file or directory with results, or the inventory, cannot be read.",
        UNTOUCHED,
        "Check the path with `ls -l`.",
    ),
    entry(
        "no-results",
        "NotFound",
        "Nothing in the files is a result of this tool.",
        UNTOUCHED,
        "Collect what `dsmcertfix detect --json` or `dsmcertfix fix --json` print.",
    ),
    entry(
        "no-refused-node",
        "NotFound",
        "No node of the server that was named is among those that were refused.",
        UNTOUCHED,
        "The message lists the servers: give one of them to `dsmcertfix admin-macro --server`.",
    ),
)
