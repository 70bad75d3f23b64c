"""Compares what the tool reads of key databases from anywhere with what IBM's library reads of them.

    scripts/judge.sh databases DIRECTORY

takes every file named .kdb below the directory that has its stash beside it, and prints a row of a table for
each: labels and their order, fingerprints, which have a key, which are trusted and the default one, and that
password and integrity codes are right by the stash. GSKit lists those with a key last, and so does this. Ends
with 1 when the two differ on one; a PKCS #12 file of that name, which GSKit opens, is named as what it is.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dsmbench import gskit
from dsmbench.runtime import scratch
from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.ibm.key_database import kdb, stash


class Compared(NamedTuple):
    """One file: its version and number of records where it can be read, and on what the two differ."""

    file: Path
    version: str
    records: str
    result: str

    @property
    def alike(self) -> bool:
        """Whether the two read the same, or nothing."""
        return not self.result.startswith("DIFFERENT")


def compare(file: Path) -> Compared:
    """What the tool and IBM's library say of a key database and the stash beside it."""
    mine, theirs = ours(file), _theirs(file)
    version = records = "-"
    if isinstance(mine, list):
        version, records = str(kdb.read(file.read_bytes()).version), str(len(mine))
    if mine == theirs:
        return Compared(file, version, records, "alike")
    if isinstance(mine, str) and isinstance(theirs, str):
        return Compared(file, version, records, f"refused by both: {mine}; GSKit: {theirs}")
    if mine == "file-pkcs12":
        return Compared(file, version, records, f"named as a PKCS #12 file; GSKit reads {len(theirs)}")
    if isinstance(mine, str):
        return Compared(file, version, records, f"DIFFERENT: {mine}; GSKit reads {len(theirs)}")
    return Compared(file, version, records, f"DIFFERENT: {_difference(mine, theirs)}")


def _difference(ours: list[dict[str, Any]], theirs: list[dict[str, Any]] | str) -> str:
    if isinstance(theirs, str):
        return f"GSKit: {theirs}"
    if len(ours) != len(theirs):
        return f"{len(ours)} records, GSKit reads {len(theirs)}"
    found = ((at, name) for at, one in enumerate(ours) for name in one if one[name] != theirs[at][name])
    at, name = next(found)
    return f"{name} of record {at}"


def ours(file: Path) -> list[dict[str, Any]] | str:
    """Natively read: what is in the key database, those with a key last; or why it is refused."""
    try:
        database = kdb.read(file.read_bytes())
        kdb.verify(database, stash.password(file.with_suffix(".sth").read_bytes()))
    except (OSError, DsmcertfixError) as error:
        return error.code if isinstance(error, DsmcertfixError) else str(error.strerror)
    found = [
        {
            "label": record.label,
            "sha256": record.sha256,
            "key": record.kind != "trusted",
            "trusted": record.trusted,
            "default": record.default,
        }
        for record in database.records
        if not record.deleted
    ]
    return sorted(found, key=lambda one: one["key"] is True)


def _theirs(file: Path) -> list[dict[str, Any]] | str:
    """From a copy: GSKit makes files beside the key database."""
    with scratch() as directory:
        copy = directory / "copy.kdb"
        for suffix in (".kdb", ".sth"):
            if file.with_suffix(suffix).exists():
                shutil.copyfile(file.with_suffix(suffix), copy.with_suffix(suffix))
        try:
            (found,) = gskit.run([{"op": "entries", "path": str(copy)}])
        except gskit.GskitError as error:
            return f"{error.name} ({error.code})"
    return list(found)


def rows(directory: Path) -> Iterator[Compared]:
    """Each key database below the directory, in the order of their paths."""
    for file in sorted(directory.rglob("*.kdb")):
        yield compare(file)


def main() -> int:
    """Prints the table. Ends with 1 when the two differ."""
    parser = argparse.ArgumentParser(prog="judge.sh databases")
    parser.add_argument("directory", type=Path)
    directory = parser.parse_args().directory
    alike = True
    print("| file | version | records | read |\n| --- | --- | --- | --- |")
    for one in rows(directory):
        alike &= one.alike
        name = one.file.relative_to(directory)
        print(f"| `{name}` | {one.version} | {one.records} | {one.result} |", flush=True)
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
