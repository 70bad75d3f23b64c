"""What the help desk's commands tell: explanations of codes, and what is in a support bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dsmcertfix import NamedTuple
from dsmcertfix.errors import Problem

Source = Literal["client", "server", "key-database", "gskit", "dsmcertfix", "exit-code", "state"]


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
    """The picture of many machines in numbers; `first` and `last` say when the results were made.

    `inventory` says whether only the hosts of an inventory count; `unexpected` are others, which do not, and
    `unexpected_in_all` is how many there are.
    """

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
    unexpected_in_all: int = 0
    inventory: bool = False
    written: tuple[str, ...] = ()


class StandingReport(NamedTuple):
    """How many endpoints stand so when a server switches to its new certificate, and the first of them."""

    standing: str
    meaning: str
    refused: bool
    endpoints: int
    hosts: tuple[str, ...] = ()


class NodesReport(NamedTuple):
    """The nodes that the server itself lists: how many, how many of them would go on, which are TRANSITIONAL,
    unreported by any endpoint, and which endpoints have several; of each the first hundred, and how many."""

    listed: int
    ready: int
    transitional: tuple[str, ...]
    transitional_in_all: int
    unreported: tuple[str, ...]
    unreported_in_all: int
    to_open: tuple[str, ...]
    to_open_in_all: int
    several: tuple[str, ...]
    several_in_all: int


class ForecastReport(NamedTuple):
    """What a switch of `server` to the certificate `sha256` would do to its clients.

    `endpoints` are those that count, `elsewhere` those that do not use the server. `gate` is the share in
    percent that must go on, None without one, and `go` whether it does. `nodes` is None without the server's
    list.
    """

    server: str
    sha256: str
    verdict: str
    endpoints: int
    refused: int
    elsewhere: int
    stores: int
    stores_ready: int
    standings: tuple[StandingReport, ...]
    oldest: str
    gate: float | None = None
    go: bool | None = None
    nodes: NodesReport | None = None


@dataclass(frozen=True, slots=True)
class ArmReport:
    """A file with a certificate that the server wrote; `label` is what the key database calls it."""

    name: str
    sha256: str | None
    not_after: str | None
    label: str | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class TrustReport:
    """A client's store of this host that holds a certificate of the instance, or is for its database backup.

    `label` and `sha256` are None for one that holds none. `current` is whether it is the one that the server
    presents.
    """

    store: str
    owner: str
    label: str | None
    sha256: str | None
    current: bool
    database_backup: bool


@dataclass(frozen=True, slots=True)
class InstanceReport:
    """A server instance. `id` is that of its entry in `stores`, which has its certificates.

    `agrees` is whether cert256.arm is the certificate that the server presents; None when either is missing.
    `action` says what must be done, empty when nothing.
    """

    id: str
    directory: str
    owner: str
    running: bool | None = None
    services: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    label: str | None = None
    sha256: str | None = None
    not_after: str | None = None
    days_left: int | None = None
    agrees: bool | None = None
    arms: tuple[ArmReport, ...] = ()
    trusted_by: tuple[TrustReport, ...] = ()
    action: tuple[str, ...] = ()


class CallerReport(NamedTuple):
    """Who ran it: the user, the one behind sudo, and the one who logged in, as far as the system told."""

    user: str | None = None
    uid: int | None = None
    sudo_user: str | None = None
    login_uid: int | None = None


class EvidenceReport(NamedTuple):
    """What a run's journal proves: who did what, when and why; what there was before is in `before`.

    `proved` is whether journal and backups are as the run left them, `troubles` why not. `head` stands for
    the whole journal: the system's log has it, too. `why` has a line for each certificate that had to go.
    """

    run: str
    command: str
    host: str
    version: str
    program_sha256: str | None
    started_at: str
    ended_at: str
    finished: bool
    by: CallerReport
    arguments: tuple[str, ...]
    pins: tuple[str, ...]
    events: int
    head: str
    proved: bool
    troubles: tuple[str, ...]
    why: tuple[str, ...]
    before: tuple[BeforeReport, ...]


class RunReport(NamedTuple):
    """A run of the past. `undo` is whether `rollback` can put back what it changed.

    `undone_by` is the run that did, `undoes` the run that it put back itself.
    """

    run: str
    command: str
    started_at: str
    ended_at: str
    finished: bool
    by: CallerReport
    undoes: str | None
    undone_by: str | None
    undo: bool
    stores: tuple[BeforeReport, ...]


class BeforeReport(NamedTuple):
    """A store before the run: its files by hash, its certificates by label and hash; its outcome after it.

    `problem` is why it did not end as it was meant to.
    """

    directory: str
    owner: str
    outcome: str
    files: tuple[tuple[str, str], ...]
    certificates_before: tuple[tuple[str, str], ...]
    certificates_after: tuple[tuple[str, str], ...]
    problem: Problem | None = None
