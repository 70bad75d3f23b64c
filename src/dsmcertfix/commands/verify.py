"""The use case of an auditor: whether a run's journal and backups are untouched, and what they tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dsmcertfix.errors import BackupFailed, Problem
from dsmcertfix.report.details import BeforeReport, CallerReport, EvidenceReport
from dsmcertfix.report.lenient import mapping, objects, text, texts
from dsmcertfix.report.result import CertificateReport, Report, StoreReport, decided
from dsmcertfix.system.host import Host, host_name
from dsmcertfix.transaction.backup import load_backup, manifest_hash
from dsmcertfix.transaction.folding import store_from_data
from dsmcertfix.transaction.journal import Chain, Event, chain_of, read_journal
from dsmcertfix.transaction.runs import PastRun, StoreRun, run_in
from dsmcertfix.wording import counted


def verify(host: Host, wanted: str | None, head: str | None) -> Report:
    """The evidence of that run, or of the newest one; `head` is what the system's log says that it ended in.

    What does not fit is the report's problem. Raises NotFound when there is no such run, Unrecovered for a
    journal that cannot be read, NotPermitted when the state may not be ours.
    """
    host.require_state()
    run = run_in(host.state, wanted)
    chain, events = chain_of(run.journal_path.read_bytes()), read_journal(run.journal_path)
    troubles = tuple(_troubles(run, chain, events, head))
    evidence = _evidence(run, chain, events, troubles)
    problem = None
    if troubles:
        message = f"run {run.id} is not proved: {troubles[0]}"
        problem = BackupFailed("run-not-proven", message, context=troubles[1:]).problem()
    proved = f"run {run.id} is proved: {counted(chain.events, 'event')}, {counted(len(run.stores), 'store')}"
    return decided(
        Report(
            "verify",
            host_name(),
            run=run.id,
            journal=str(run.journal_path),
            problem=problem,
            comment=problem.message if problem else proved,
            evidence=evidence,
        )
    )


def _troubles(run: PastRun, chain: Chain, events: tuple[Event, ...], head: str | None) -> Iterator[str]:
    """Why the run is not proved, a line each."""
    if chain.broken_at is not None:
        yield f"line {chain.broken_at} of the journal does not follow from what stands before it"
    elif not chain.is_whole:
        yield f"{chain.events - chain.chained} of its events are in no chain: an earlier release wrote them"
    if head is not None and head.lower() != chain.head:
        yield f"its journal ends in {chain.head}, and not in {head.lower()}"
    if not run.finished:
        yield "its journal has no end"
    manifests = {
        event.store: text(event.data.get("manifest")) for event in events if event.kind == "backed-up"
    }
    for store in run.stores:
        if store.id in manifests:
            yield from _of_backup(store, manifests[store.id])


def _of_backup(store: StoreRun, manifest: str | None) -> Iterator[str]:
    directory = store.located.directory
    try:
        if manifest_hash(store.backup_path) != manifest:
            yield f"the manifest of the backup of `{directory}` is not the one of the run"
            return
        load_backup(store.backup_path, store.located.kind).verify()
    except OSError as error:
        yield f"the backup of `{directory}` cannot be read: {error.strerror}"
    except BackupFailed as error:
        yield error.message


def _evidence(
    run: PastRun, chain: Chain, events: tuple[Event, ...], troubles: tuple[str, ...]
) -> EvidenceReport:
    header = events[0].data
    before = _stores(events, "store-started")
    pins = ((text(pin.get("server")), text(pin.get("sha256"))) for pin in objects(header.get("pins")))
    return EvidenceReport(
        run.id,
        run.command,
        text(header.get("host")) or "",
        text(header.get("version")) or "",
        text(mapping(header.get("program")).get("sha256")),
        iso(events[0]),
        iso(events[-1]),
        run.finished,
        caller(header),
        texts(header.get("arguments")),
        tuple(f"{server}={sha256}" if server else str(sha256) for server, sha256 in pins),
        chain.events,
        chain.head,
        not troubles,
        troubles,
        tuple(dict.fromkeys(_why(before.values()))),
        before_and_after(run, events),
    )


def caller(header: Mapping[str, Any]) -> CallerReport:
    """Who ran it, as the first event of the journal tells; what is of another form is missing."""
    told = mapping(header.get("by"))
    found: dict[str, Any] = {name: text(told.get(name)) for name in ("user", "sudo_user")}
    numbers = ((name, told.get(name)) for name in ("uid", "login_uid"))
    return CallerReport(**found | {name: item for name, item in numbers if isinstance(item, int)})


def before_and_after(run: PastRun, events: tuple[Event, ...]) -> tuple[BeforeReport, ...]:
    """Each store of the run: what was in it before, and what after it."""
    before, after = _stores(events, "store-started"), _stores(events, "store-finished")
    ends = {event.store: event.data.get("problem") for event in events if event.kind == "store-finished"}
    told = (_before(store, before.get(store.id), after.get(store.id)) for store in run.stores)
    problems = (Problem.from_data(ends.get(store.id)) for store in run.stores)
    return tuple(item._replace(problem=problem) for item, problem in zip(told, problems, strict=True))


def _stores(events: tuple[Event, ...], kind: str) -> dict[str, StoreReport]:
    """What was told of each store, last, in events of that kind."""
    return {
        event.store: store_from_data(event.data["report"])
        for event in events
        if event.kind == kind and event.store and event.data.get("report")
    }


def _why(stores: Iterable[StoreReport]) -> Iterator[str]:
    for store in stores:
        for one in store.certificates:
            if one.status not in ("ok", "ca"):
                yield f"{one.label}: {one.status}: {one.reason}"


def _before(store: StoreRun, before: StoreReport | None, after: StoreReport | None) -> BeforeReport:
    files = before.files if before else ()
    return BeforeReport(
        str(store.located.directory),
        store.located.owner.name,
        store.outcome or "cut off",
        tuple((item.name, item.sha256 or "absent") for item in files),
        _pairs(before.certificates if before else ()),
        _pairs(after.certificates if after else ()),
    )


def _pairs(certificates: Iterable[CertificateReport]) -> tuple[tuple[str, str], ...]:
    return tuple((one.label, one.sha256) for one in certificates if one.status != "pending")


def iso(event: Event) -> str:
    """When it was, in UTC, to the second."""
    return event.at.isoformat(timespec="seconds").replace("+00:00", "Z")
