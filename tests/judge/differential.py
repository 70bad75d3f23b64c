"""Random key databases by IBM's library, against the tool's own reader and writer, both ways.

    scripts/differential.sh [COUNT [SEED]]

Each is made by GSKit: versions 3, 4 and 6; labels of every kind; certificates in and out of date, which it
marks as trusted or not; its own roots; secret and private keys; a default. It is read natively and by GSKit.
Natively records are then taken out, one is put in, and the password is kept, each in a copy, which GSKit
reads; every slot that was not meant stays byte for byte. GSKit takes one out of a native edit and puts
another one in, which is read natively. What differs is printed, with the seed that makes it again.

Works in this process, which must be ready for the library. Every path is used once: the library remembers it.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tests.judge.databases import ours

from dsmbench import certificates, gskit
from dsmbench.gskit_library import Library, entries
from dsmbench.identity import Identity, fingerprint
from dsmbench.personal import pfx
from dsmbench.runtime import scratch
from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.ibm.key_database import kdb, stash

POOL = 120
ADDED = "added by us"
LETTERS = "abcXYZ019 -_=,.;:'\"/\\äßéйж日本\t\a"
Entry = dict[str, Any]


@cache
def _pool() -> tuple[bytes, ...]:
    """Certificates of many kinds, each with a serial number of its own."""
    now = datetime.now(timezone.utc)
    spans = ((-900, 900), (-900, -10), (10, 900))
    made = []
    for serial in range(1, POOL + 1):
        start, end = (now + timedelta(days=days) for days in spans[serial % 9 % 3 if serial % 3 == 0 else 0])
        subject = certificates.SERVER if serial % 2 else f"certificate {serial}"
        padding = (0, 0, 0, 700, 5200)[serial % 5]
        ca = (None, True, False)[serial % 3]
        made.append(certificates.make(subject, serial=serial, start=start, end=end, padding=padding, ca=ca))
    return tuple(made)


@cache
def _identities() -> tuple[Identity, ...]:
    return tuple(Identity.make() for _ in range(3))


@dataclass(slots=True)
class Counts:
    """What was done, and each difference: its seed and what it is."""

    databases: Counter[int] = field(default_factory=Counter)
    records: int = 0
    native_edits: int = 0
    edits_by_gskit: int = 0
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        versions = ", ".join(
            f"{count} of version {version}" for version, count in sorted(self.databases.items())
        )
        return (
            f"{self.databases.total()} key databases ({versions}), {self.records} records read, "
            f"{self.native_edits} native edits, {self.edits_by_gskit} edits by GSKit: "
            f"{len(self.differences)} differences"
        )


class Case:
    """One random key database, below a directory of its own."""

    def __init__(self, library: Library, directory: Path, seed: str):
        self.seed = seed
        self._library = library
        self._random = random.Random(seed)
        self._path = directory / "made" / "dsmcert.kdb"
        self._expected: dict[Path, list[Entry]] = {}

    # --- made by GSKit

    def make(self) -> None:
        """It lies there, with its stash."""
        self._path.parent.mkdir()
        version: Literal[3, 4, 6] = self._random.choice((3, 4, 6))
        self._library.create(self._path, f"p{self._text(16)}", version, cas=self._random.random() < 0.1)
        chosen = self._random.sample(range(POOL), self._random.choice((0, 1, 2, 3, 5, 8, 13, 40)))
        with self._library.opened(self._path) as database:
            for number in chosen:
                database.add(f"{self._text(30)}{number}", _pool()[number])
            for number in range(self._random.choice((0, 0, 0, 1, 2))):
                database.add_secret(f"secret {number}", self._random.randbytes(24))
            if self._random.random() < 0.1:
                with pfx("personal", self._random.choice(_identities()).pem) as (file, password):
                    database.import_pfx(file, password)
                if self._random.random() < 0.7:
                    database.set_default("personal")

    def _text(self, most: int) -> str:
        return "".join(self._random.choices(LETTERS, k=self._random.randint(1, most)))

    # --- edited natively

    def edit(self, counts: Counts) -> list[Entry]:
        """Copies with native edits lie beside it, and what must be in each is known; what is in it."""
        database = kdb.read(self._path.read_bytes())
        password = stash.password(self._path.with_suffix(".sth").read_bytes())
        counts.databases[database.version] += 1
        counts.records += len(database.records)
        before = ours(self._path)
        assert isinstance(before, list), before
        trusted = [record for record in database.records if record.kind == "trusted" and record.certificate]
        named = [
            (record.label, record.sha256 or "")
            for record in self._random.sample(trusted, self._random.randint(0, min(4, len(trusted))))
        ]
        if named:
            left = [entry for entry in before if (entry["label"], entry["sha256"]) not in named]
            self._wrote("removed", kdb.remove_all(database, password, named), left, counts)
        self._wrote("kept", kdb.keep_password(database, password), before, counts)
        new = certificates.make(f"added to {self.seed}", serial=10_000)
        entry = {"label": ADDED, "sha256": fingerprint(new), "key": False, "trusted": True, "default": False}
        keys = [one for one in before if one["key"] is True]
        plain = [one for one in before if one["key"] is not True]
        content = kdb.add(database, password, label=ADDED, certificate=new)
        self._wrote("added", content, [*plain, entry, *keys], counts)
        counts.differences.extend(self._slots(database, named))
        return before

    def _wrote(self, name: str, content: bytes, expected: list[Entry], counts: Counts) -> None:
        path = self._copy(name)
        path.write_bytes(content)
        self._expected[path] = expected
        counts.native_edits += 1

    def _copy(self, name: str) -> Path:
        directory = self._path.parents[1] / name
        shutil.copytree(self._path.parent, directory)
        return directory / self._path.name

    def _slots(self, database: kdb.KeyDatabase, named: list[tuple[str, str]]) -> Iterator[str]:
        """Every slot that was not meant is as before."""
        for path in self._expected:
            gone = named if path.parent.name == "removed" else []
            kept = [one.slot for one in database.records if (one.label, one.sha256 or "") not in gone]
            now = [one.slot for one in kdb.read(path.read_bytes()).records]
            grown = [slot.ljust(len(now[0]), b"\0") for slot in kept] if now else kept
            if now[: len(grown)] != grown:
                yield f"{self.seed}: {path.parent.name}: a slot is not as before"

    # --- read, and edited by GSKit

    def compare(self, counts: Counts) -> None:
        """All differences between the two are told."""
        before = self.edit(counts)
        self._told(counts, "as made", before, self._listed(self._path))
        for path, expected in self._expected.items():
            self._told(counts, f"{path.parent.name}, by GSKit", self._listed(path), expected)
            self._told(counts, f"{path.parent.name}, by us", ours(path), expected)
        both = self._path.parents[1] / "both" / self._path.name
        shutil.copytree(self._path.parents[1] / "added", both.parent)
        new = certificates.make(f"added twice to {self.seed}", serial=10_001)
        with self._library.opened(both) as opened:
            opened.delete(ADDED)
            opened.add("added by GSKit", new)
        counts.edits_by_gskit += 2
        listed = self._listed(both)
        self._told(counts, "both", ours(both), listed)
        if {one["sha256"] for one in listed} != {*(one["sha256"] for one in before), fingerprint(new)}:
            counts.differences.append(f"{self.seed}: both: GSKit lost one")

    def _listed(self, path: Path) -> list[Entry]:
        """What GSKit lists, without the certificates that stand in for secret keys: we tell of none."""
        with self._library.opened(path) as database:
            secret = {label for label in database.labels() if database.is_secret(label)}
            listed = entries(database)
        return [one | {"sha256": None} if one["label"] in secret else one for one in listed]

    def _told(self, counts: Counts, what: str, mine: object, theirs: object) -> None:
        if mine != theirs:
            counts.differences.append(f"{self.seed}: {what}: {mine!r} is not {theirs!r}")


def differential(count: int, seed: int) -> Counts:
    """What came out for so many key databases. This process must be ready for IBM's library."""
    counts, library = Counts(), Library()
    for number in range(count):
        with scratch() as directory:
            case = Case(library, directory, f"{seed}-{number}")
            try:
                case.make()
                case.compare(counts)
            except (gskit.GskitError, DsmcertfixError) as error:
                counts.differences.append(f"{case.seed}: {error}")
    return counts


def main(count: int = 2500, seed: int | None = None) -> int:
    """Prints what was done and what differs; ends with 1 where anything does."""
    chosen = int(time.time()) if seed is None else seed
    if not gskit.ready():
        words = [sys.executable, "-m", __spec__.name, str(count), str(chosen)]
        os.execve(sys.executable, words, {**os.environ, **gskit.environment()})
    counts = differential(count, chosen)
    for difference in counts.differences:
        print(f"DIFFERENT: {difference}")
    print(f"Seed {chosen}: {counts}")
    return 1 if counts.differences else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
