"""The one result object of every command. The same object tells of success and of failure.

Rendering is somebody else's job, and so is telling what a journal tells (folding.py).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from dsmcertfix import NamedTuple, __version__
from dsmcertfix.errors import Outcome, Problem, exit_code, worst
from dsmcertfix.model import Certificate, FileFact, FileT, Inventory, Place, Presented, Proof, Store
from dsmcertfix.planning.assess import Assessed, AssessedStore, sessions_with

if TYPE_CHECKING:
    from dsmcertfix.report.after import HolderReport, HookReport

    # Most reports have none of these: what makes them loads them.
    from dsmcertfix.report.details import (
        ContentReport,
        EvidenceReport,
        ExplanationReport,
        FleetReport,
        ForecastReport,
        InstanceReport,
        RunReport,
    )
    from dsmcertfix.report.services import ServiceReport

SCHEMA = "dsmcertfix.report/1"

StepState = Literal["planned", "started", "done", "failed", "undone"]


class CertificateReport(NamedTuple):
    """A certificate as it is told: times are ISO 8601 in UTC, `days_left` whole days, negative once over.

    `trusted` is how a stored one is marked, and whether the client would accept one that is pending.
    """

    label: str
    sha256: str
    subject: str = ""
    issuer: str = ""
    serial: str = ""
    not_before: str | None = None
    not_after: str | None = None
    days_left: int | None = None
    kind: str = "other"
    status: str = "unknown"
    reason: str = ""
    server: str | None = None
    trusted: bool = True


class FileReport(NamedTuple):
    """A file of a store as it is told; `mode` is octal text."""

    name: str
    present: bool
    size: int | None = None
    sha256: str | None = None
    mode: str | None = None
    uid: int | None = None
    gid: int | None = None


class ProofReport(NamedTuple):
    """What IBM's own TLS answered to a server with a store; `code` is GSKit's, None without a handshake."""

    server: str
    answer: str
    code: int | None = None
    reason: str = ""


class VerdictReport(NamedTuple):
    """How a certificate stands to the site's policy; `label` is empty for one that is not in the store."""

    server: str
    name: str
    sha256: str
    label: str
    standing: str
    reason: str


class StoreReport(NamedTuple):
    """A client's store, or a server's key database: what became of it, and what is in it now."""

    id: str
    directory: str
    origin: tuple[str, ...] = ()
    owner: str = ""
    stanzas: tuple[str, ...] = ()
    key_database_version: int | None = None
    files: tuple[FileReport, ...] = ()
    outcome: Outcome = "unchanged"
    certificates: tuple[CertificateReport, ...] = ()
    backup: str | None = None
    notes: tuple[str, ...] = ()
    problem: Problem | None = None
    kind: Literal["client", "server"] = "client"
    proofs: tuple[ProofReport, ...] = ()
    policy: tuple[VerdictReport, ...] = ()


class StepReport(NamedTuple):
    """A step, for which store, and how far it came."""

    store: str
    step: str
    text: str
    state: StepState
    note: str | None = None


class PlaceReport(NamedTuple):
    """A place that was looked at, and why."""

    directory: str
    area: str
    because: str
    found: bool
    problem: str | None = None


class PresentedReport(NamedTuple):
    """What a server presents now."""

    server: str
    stanzas: tuple[str, ...] = ()
    sha256: str | None = None
    subject: str | None = None
    not_before: str | None = None
    not_after: str | None = None
    tls_version: str | None = None
    chain: tuple[CertificateReport, ...] = ()
    problem: Problem | None = None

    @property
    def called(self) -> str:
        """The server's first stanza, and its address."""
        return f"{self.stanzas[0]} ({self.server})" if self.stanzas else self.server


class BackupReport(NamedTuple):
    """A backup set. `intact` is None when it was not verified."""

    run: str
    store: str
    directory: str
    path: str
    made_at: str
    size: int
    intact: bool | None = None
    problem: Problem | None = None


class Report(NamedTuple):
    """What a command found or did."""

    command: str
    host: str
    outcome: Outcome = "unchanged"
    changed: bool = False
    comment: str = ""
    exit_code: int = 0
    run: str | None = None
    stores: tuple[StoreReport, ...] = ()
    steps: tuple[StepReport, ...] = ()
    servers: tuple[PresentedReport, ...] = ()
    backups: tuple[BackupReport, ...] = ()
    looked_at: tuple[PlaceReport, ...] = ()
    warnings: tuple[str, ...] = ()
    backup: str | None = None
    journal: str | None = None
    problem: Problem | None = None
    version: str = __version__
    explanations: tuple[ExplanationReport, ...] = ()
    contents: tuple[ContentReport, ...] = ()
    bundle: str | None = None
    log: str | None = None
    services: tuple[ServiceReport, ...] = ()
    instances: tuple[InstanceReport, ...] = ()
    macro: str | None = None
    at: str | None = None
    fleet: FleetReport | None = None
    evidence: EvidenceReport | None = None
    hooks: tuple[HookReport, ...] = ()
    holders: tuple[HolderReport, ...] = ()
    runs: tuple[RunReport, ...] = ()
    forecast: ForecastReport | None = None
    undo: str | None = None


def certificate_report(item: Assessed) -> CertificateReport:
    """The certificate with the judgement on it."""
    one = item.certificate
    return CertificateReport(
        one.label,
        one.sha256,
        one.subject,
        one.issuer,
        one.serial,
        iso(one.not_before),
        iso(one.not_after),
        item.days_left,
        one.kind,
        item.status,
        item.reason,
        str(item.server) if item.server else None,
        one.trusted,
    )


def proof_report(proof: Proof) -> ProofReport:
    """The proof as it is told."""
    return ProofReport(str(proof.server), proof.answer, proof.code, proof.reason)


def file_report(fact: FileFact[FileT]) -> FileReport:
    """The file with its hash."""
    if not fact.present:
        return FileReport(fact.file.value, False)
    return FileReport(fact.file.value, True, fact.size, fact.sha256, f"{fact.mode:04o}", fact.uid, fact.gid)


def store_report(item: AssessedStore) -> StoreReport:
    """The store as it is, untouched."""
    store = item.store
    listed = tuple(certificate_report(one) for one in item.certificates)
    return StoreReport(
        store.id,
        str(store.directory),
        tuple(dict.fromkeys(origin.because for origin in store.located.origins)),
        store.located.owner.name,
        _used_by(item),
        store.version,
        tuple(file_report(fact) for fact in store.files),
        "unchanged",
        listed + tuple(pending_report(seen, store) for seen in item.pending if seen.certificate),
        problem=store.located.problem or store.problem,
        policy=tuple(VerdictReport(str(told.server), *told[1:]) for told in item.brought.verdicts),
    )


def _used_by(item: AssessedStore) -> tuple[str, ...]:
    """The stanzas that use the store; where none does, those by which it has its certificates."""
    servers = {one.server for one in item.certificates if one.server is not None}
    left = {server for server in servers if not sessions_with(item.store, server)}
    uses = item.store.located.stanzas
    return tuple(
        dict.fromkeys(use.stanza.name for use in uses if use.elsewhere is None or use.stanza.server in left)
    )


def pending_report(seen: Presented, store: Store) -> CertificateReport:
    """The certificate that the next session which fills this store fetches from that server."""
    one = seen.certificate or Certificate("", "", "", "", "", None, None, "server")
    return CertificateReport(
        "",
        one.sha256,
        one.subject,
        one.issuer,
        one.serial,
        iso(one.not_before),
        iso(one.not_after),
        None,
        one.kind,
        "pending",
        f"not stored yet: the next session fetches it from {seen.server}",
        str(seen.server),
        all(stanza.accept_certificate for stanza in sessions_with(store, seen.server)),
    )


def place_report(place: Place) -> PlaceReport:
    """The place, and why it was looked at."""
    return PlaceReport(place.directory, place.origin.area, place.origin.because, place.found, place.problem)


def presented_reports(inventory: Inventory) -> tuple[PresentedReport, ...]:
    """What each server presented, with the stanzas that lead to it."""
    uses = [use.stanza for store in inventory.stores for use in store.located.stanzas]
    return tuple(
        presented_report(
            seen, tuple(dict.fromkeys(stanza.name for stanza in uses if stanza.server == seen.server))
        )
        for seen in inventory.presented
    )


def presented_report(seen: Presented, names: tuple[str, ...] = ()) -> PresentedReport:
    """What the server presented, or why nothing is known of it."""
    one = seen.certificate
    if one is None:
        return PresentedReport(str(seen.server), names, problem=seen.problem)
    return PresentedReport(
        str(seen.server),
        names,
        one.sha256,
        one.subject,
        iso(one.not_before),
        iso(one.not_after),
        seen.tls_version,
        tuple(_chain_report(item, str(seen.server)) for item in seen.chain[1:]),
    )


def _chain_report(one: Certificate, server: str) -> CertificateReport:
    return CertificateReport(
        "",
        one.sha256,
        one.subject,
        one.issuer,
        one.serial,
        iso(one.not_before),
        iso(one.not_after),
        None,
        one.kind,
        "ok",
        f"{server} presents it with its own",
    )


def decided(report: Report) -> Report:
    """The report with outcome, changed and exit code that follow from its stores and its problem."""
    outcomes = [store.outcome for store in report.stores]
    worst_first: tuple[Outcome, ...] = ("broken", "rolled-back", "changed")
    outcome: Outcome = next((item for item in worst_first if item in outcomes), "unchanged")
    codes = [exit_code(store.problem, store.outcome) for store in report.stores]
    if report.problem is not None:
        codes.append(exit_code(report.problem, "unchanged"))
    return report._replace(outcome=outcome, changed="changed" in outcomes, exit_code=worst(tuple(codes)))


def with_excess(report: Report, excess: tuple[Problem, ...]) -> Report:
    """The report that tells of what users had too much of, where no store of theirs does."""
    told = {store.problem.message for store in report.stores if store.problem is not None}
    left = [problem for problem in excess if problem.message not in told]
    if not left or report.problem is not None:
        return report
    others = (problem.message for problem in left[1:])
    return decided(report._replace(problem=left[0]._replace(context=(*left[0].context, *others))))


def with_services(report: Report, services: tuple[ServiceReport, ...]) -> Report:
    """The report that tells of these services, too; one that does not run as it should is its problem."""
    problem = next((item.problem for item in services if item.problem is not None), None)
    told = report._replace(services=services)
    return decided(told._replace(problem=problem)) if problem and not report.problem else told


def iso(time: datetime | None) -> str | None:
    """The time as reports have it."""
    return time.isoformat().replace("+00:00", "Z") if time is not None else None
