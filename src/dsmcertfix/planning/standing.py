"""What a mount keeps a set from: one of a single file, as containers make, or one for reading only. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dsmcertfix.errors import CannotReconnect, NotPermitted, Problem
from dsmcertfix.model import FileFact, FileSet, Store, StoreFile


def hindrance(
    located: FileSet[Any], written: Iterable[FileFact[Any]], moved: Iterable[FileFact[Any]]
) -> Problem | None:
    """Why these files cannot be written, or those not be moved out of their place; None when they can."""
    gone = tuple(moved)
    closed = next((fact for fact in (*written, *gone) if fact.read_only), None)
    if closed is not None:
        return NotPermitted(
            "store-read-only",
            f"`{located.directory / str(closed.file.value)}` lies on a file system that is mounted read-only",
            hint="Run this where it can be written: on the host, or where the image is made.",
        ).problem()
    names = ", ".join(str(fact.file.value) for fact in gone if fact.mounted)
    if not names:
        return None
    return CannotReconnect(
        "store-files-mounted",
        f"in `{located.directory}` these are mounts of their own, as containers bind single files, and "
        f"cannot be moved out: {names}",
        hint="Bind the directory instead of its files. A store's certificates are exchanged in place without "
        "that: leave out `--whole-store`.",
    ).problem()


def of_store(store: Store, *, whole: bool) -> Problem | None:
    """Why a store cannot be edited, or as a `whole` be moved out."""
    there = tuple(fact for fact in store.files if fact.present)
    database = (fact for fact in there if fact.file is StoreFile.KDB)
    return hindrance(store.located, database, there if whole else ())
