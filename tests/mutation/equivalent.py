"""The changes that make no difference that anybody could see, each with its reason: equivalent.toml.

They are told by file, function, kind and text, so that they outlive what moves a line. One that fits
no change any more is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.mutation.changes import Mutant, one_line

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Equivalent(NamedTuple):
    """One entry."""

    file: str
    function: str
    kind: str
    old: str
    reason: str
    new: str | None = None

    def fits(self, mutant: Mutant) -> bool:
        """Whether it is about that change."""
        return (
            (self.file, self.function, self.kind) == (mutant.file, mutant.function, mutant.kind)
            and self.old == one_line(mutant.old)
            and self.new in (None, one_line(mutant.new))
        )


class Equivalents:
    """All entries."""

    def __init__(self, entries: Iterable[Equivalent]) -> None:
        self.entries = tuple(entries)

    def reason(self, mutant: Mutant) -> str | None:
        """Why nobody could tell that change; None for every other."""
        return next((entry.reason for entry in self.entries if entry.fits(mutant)), None)

    def unused(self, everything: Iterable[Mutant]) -> tuple[Equivalent, ...]:
        """Those that fit none of all changes."""
        found = list(everything)
        return tuple(entry for entry in self.entries if not any(entry.fits(mutant) for mutant in found))


def read(text: str) -> Equivalents:
    """The page's entries. Raises TypeError for one that lacks a part, or its reason."""
    page: dict[str, list[dict[str, Any]]] = tomllib.loads(text)
    return Equivalents(Equivalent(**entry) for entry in page.get("equivalent", []))
