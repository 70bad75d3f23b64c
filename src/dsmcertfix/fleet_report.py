"""What the commands for many machines tell: `report` and `admin-macro`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StateReport:
    """How many endpoints are in a state."""

    state: str
    endpoints: int


@dataclass(frozen=True, slots=True)
class CauseReport:
    """Why that many endpoints are not well, who must act and how."""

    cause: str
    meaning: str
    actor: str
    advice: str
    endpoints: int


@dataclass(frozen=True, slots=True)
class OutlierReport:
    """A certificate that few endpoints have while most are shown another one."""

    server: str
    sha256: str
    standing: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForeignReport:
    """A file, or a part of one, that could not be used; `line` counts from 1."""

    file: str
    reason: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class NodeReport:
    """A node that its server refused: on which hosts and through which stanzas.

    `unusable` says why it cannot be in a macro, None when it can. `node` is None where no result
    names it.
    """

    server: str
    node: str | None
    hosts: tuple[str, ...]
    stanzas: tuple[str, ...]
    code: str | None
    unusable: str | None = None


@dataclass(frozen=True, slots=True)
class FleetReport:
    """The picture of many machines in numbers; `first` and `last` say when the results were made."""

    results: int
    endpoints: int
    first: str | None
    last: str | None
    states: tuple[StateReport, ...] = ()
    causes: tuple[CauseReport, ...] = ()
    outliers: tuple[OutlierReport, ...] = ()
    nodes: tuple[NodeReport, ...] = ()
    foreign: tuple[ForeignReport, ...] = ()
    foreign_in_all: int = 0
    unexpected: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
