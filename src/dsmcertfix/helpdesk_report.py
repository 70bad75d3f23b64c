"""What the help desk's commands tell: explanations of codes, and what is in a support bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["client", "server", "key-database", "gskit", "dsmcertfix", "exit-code"]


@dataclass(frozen=True, slots=True)
class ExplanationReport:
    """A code: what it means, who must act (None: whoever ran the tool) and how.

    `state` and `exit_codes` are there for codes of the tool itself. What comes after tells of a code that was
    found in an error log: the last time (local, as the log has it), how often, where, and whose client it is.
    """

    code: str
    source: Source
    meaning: str
    actor: str | None
    advice: str
    state: str | None = None
    exit_codes: tuple[int, ...] = ()
    at: str | None = None
    count: int = 0
    log: str | None = None
    stanzas: tuple[str, ...] = ()
    user: str | None = None
    line: str | None = None


@dataclass(frozen=True, slots=True)
class ContentReport:
    """A file in a support bundle, and what it is good for."""

    name: str
    size: int
    sha256: str
    what: str
