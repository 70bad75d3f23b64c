"""Errors of the commands for many machines. Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import UNTOUCHED, entry

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
        "Nodes of more servers were refused than macros are written for at a time.",
        UNTOUCHED,
        "Give the hosts that are yours with `--inventory FILE`, or name one server: "
        "`dsmcertfix admin-macro --from RESULTS --server ADDRESS`.",
    ),
    entry(
        "inventory-not-a-list",
        "UsageError",
        "The inventory is in a form of which the hosts cannot be told.",
        UNTOUCHED,
        "Give a list, one host a line, or what `ansible-inventory -i FILE --list` prints.",
    ),
    entry(
        "input-not-found",
        "NotFound",
        "A file or directory with results, the inventory, or a list that was named cannot be read.",
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
    entry(
        "list-too-large",
        "UsageError",
        "The inventory, or a list that was named, is larger than what is read.",
        UNTOUCHED,
        "Name the list itself, not an archive of it: look with `ls -l`.",
    ),
    entry(
        "nodes-not-readable",
        "UsageError",
        "In a line of the server's list of its nodes the node or its session security cannot be told.",
        UNTOUCHED,
        "Print it anew: `dsmcertfix server macro nodes` writes the command. Or put a heading above it.",
    ),
    entry(
        "server-not-in-results",
        "NotFound",
        "No result tells of a client of the server that was named.",
        UNTOUCHED,
        "Name it as its clients do: `dsmcertfix detect` shows stanzas, addresses and labels.",
    ),
    entry(
        "several-certificates",
        "UsageError",
        "The file has more than one server's certificate, and a server presents one.",
        UNTOUCHED,
        "Give `--certificate` the new one alone, with the CAs above it where a CA signed it.",
    ),
    entry(
        "certificate-not-usable",
        "UsageError",
        "No client would trust a server with that certificate today.",
        UNTOUCHED,
        "Look at its dates (`openssl x509 -text`); where a CA signed it, put the CAs in the same file.",
    ),
)
