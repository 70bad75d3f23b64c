"""Errors of machines that see only a part of another one, as containers do. Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import PUT_BACK, UNTOUCHED, entry

CONTAINERS = (
    entry(
        "store-read-only",
        "NotPermitted",
        "A file of the store lies on a file system that is mounted read-only.",
        UNTOUCHED,
        "Run `dsmcertfix fix` where it can be written: on the host, or where the image is made.",
    ),
    entry(
        "store-files-mounted",
        "CannotReconnect",
        "Files that would be moved out are mounts of their own, as containers bind single files.",
        UNTOUCHED,
        "Bind the directory instead of its files; or leave out `--whole-store`: that writes them in place.",
    ),
    entry(
        "store-file-mounted",
        "SwapFailed",
        "A file is a mount of its own, as containers bind single files: no other can take its place.",
        PUT_BACK,
        "Bind the directory instead of its files; or mount `/proc`: where it is, they are written in place.",
    ),
    entry(
        "store-there-already",
        "NotPermitted",
        "There is a store where a new one was to be made.",
        UNTOUCHED,
        "Repair it with `dsmcertfix trust`; or give `--output` another directory.",
    ),
    entry(
        "directory-of-another",
        "NotPermitted",
        "The directory for a new store belongs to somebody else, who could exchange what is made there.",
        UNTOUCHED,
        "Run `dsmcertfix store make` as that user, or give `--output` a directory of your own.",
    ),
    entry(
        "no-root-in-file",
        "UsageError",
        "No certificate in the file signs itself, and IBM's TLS goes by one that does.",
        UNTOUCHED,
        "Put the root of that CA into the file, too; `dsmcertfix probe` shows what the server presents.",
    ),
    entry(
        "owner-not-in-reach",
        "NotPermitted",
        "Files belong to a user as whom this process cannot act: a container's users are not all the host's.",
        UNTOUCHED,
        "Run `dsmcertfix fix` on the host, or in a container where that user is mapped.",
    ),
    entry(
        "processes-not-seen",
        "NotFound",
        "The system does not tell which processes run, so it is not known whether a server does.",
        UNTOUCHED,
        "Run this where /proc is mounted: `mount -t proc proc /proc`.",
    ),
)
