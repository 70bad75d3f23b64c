"""The runs that left a journal: begin one, list them, find the one to undo, prune.

Everything here needs the journal, the backup and the file system, and nothing else.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dsmcertfix import __version__
from dsmcertfix.errors import BackupFailed, DsmcertfixError, NotFound, Outcome, Problem, Unrecovered
from dsmcertfix.ibm.server.instance import LocatedInstance
from dsmcertfix.model import FileSet, LocatedStore, Owner, ServerFile
from dsmcertfix.report.lenient import text
from dsmcertfix.system import private
from dsmcertfix.system.base import Platform
from dsmcertfix.system.invocation import invocation
from dsmcertfix.transaction.backup import MANIFEST, Backup, load_backup
from dsmcertfix.transaction.goal import Goal, goal_from
from dsmcertfix.transaction.journal import FILE, SCHEMA, Event, Journal, read_journal
from dsmcertfix.transaction.live import LEFT, TIDIED
from dsmcertfix.transaction.services import cut_off_restarts

_STORE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class StoreRun:
    """What a run did to one store, or to one server's key database, from its journal.

    `outcome` is None when it never came to its end, or began to undo what had ended; `failed` is whether it
    ended with a problem. `started` are the steps that were begun, `goal` is what a client's store was to be.
    """

    id: str
    located: FileSet[Any]
    live: bool
    outcome: Outcome | None
    backup_path: Path
    failed: bool = False
    started: frozenset[str] = frozenset()
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run as its journal tells it. `undoes` is the run that it rolled back.

    `untidy` are the stores where something of it could not be removed, `restarting` the services that it
    may have left stopped.
    """

    id: str
    directory: Path
    command: str
    started_at: datetime
    finished: bool
    stores: tuple[StoreRun, ...]
    undoes: str | None = None
    untidy: frozenset[str] = frozenset()
    restarting: tuple[str, ...] = ()

    @property
    def journal_path(self) -> Path:
        """Where its journal is."""
        return self.directory / FILE


def new_run(
    platform: Platform, state: Path, observe: Callable[[Event], None], header: Mapping[str, object]
) -> Journal:
    """The journal of a new run, in a private directory of its own, its first event written."""
    at = datetime.now(timezone.utc)
    run = f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    directory = state / "runs" / run
    platform.private_directory(directory)
    with private.keeping(directory / FILE, "journal"):
        journal = Journal(directory / FILE, observe)
        try:
            about = {"schema": SCHEMA, "run": run, "version": __version__, "pid": os.getpid()}
            journal.append("run-started", None, **(about | dict(header) | invocation()))
        except OSError:
            journal.close()
            raise
    return journal


def sets_made(journal: Journal) -> str | None:
    """The directory with the backup sets of that run; None when it made none."""
    directory = journal.path.parent / "stores"
    return str(directory) if any(directory.glob("*/backup")) else None


def begin_store(
    journal: Journal, store: str, located: FileSet[Any], report: Mapping[str, Any], **more: object
) -> Problem | None:
    """The journal knows how to restore the store, and None is returned; only then may it be touched.

    Where the journal cannot be written the problem is returned, and told as the store's outcome.
    """
    data = {"report": dict(report), **store_started_data(located), **more}
    try:
        with private.keeping(journal.path, "journal"):
            journal.append("store-started", store, **data)
    except DsmcertfixError as error:
        journal.note("store-started", store, **data)
        journal.note("store-finished", store, outcome="unchanged", problem=error.problem().to_data())
        return error.problem()
    return None


def past_runs(state: Path) -> tuple[PastRun, ...]:
    """Every run that left a journal, the oldest first; one that is pruned meanwhile is passed over.

    Raises Unrecovered for a journal of a newer release, or a damaged one.
    """
    runs = []
    for path in (state / "runs").glob(f"*/{FILE}"):
        try:
            events = read_journal(path)
        except Unrecovered:
            if os.path.lexists(path):
                raise
            continue
        if events:
            runs.append(past_run(path.parent, events))
    # Not by name alone: two runs may have begun in the same second.
    return tuple(sorted(runs, key=lambda run: (run.started_at, run.id)))


def run_in(state: Path, wanted: str | None) -> PastRun:
    """The run with that id, or the newest one. Raises NotFound without any, Unrecovered as `past_runs`."""
    found = sorted(path.parent.name for path in (state / "runs").glob(f"*/{FILE}"))
    chosen = wanted if wanted is not None else next(reversed(found), None)
    if chosen not in found:
        raise no_such_run(chosen or "")
    directory = state / "runs" / chosen
    return past_run(directory, read_journal(directory / FILE))


def cut_off(state: Path) -> tuple[PastRun, ...]:
    """The runs that never came to their end."""
    return tuple(run for run in past_runs(state) if not run.finished)


def half_way(run: PastRun) -> tuple[StoreRun, ...]:
    """The sets that a run which did not come to its end may have left in the midst of a change."""
    return tuple(store for store in run.stores if store.live and store.outcome in (None, "broken"))


def store_started_data(located: FileSet[Any]) -> dict[str, object]:
    """What a journal must know of a store so that it can be restored without anything else."""
    owner = located.owner
    # A client's store is what says nothing else, as in the journals of 0.1.0.
    files = {"files": "server"} if located.kind is ServerFile else {}
    return files | {
        "directory": str(located.directory),
        "identity": list(located.identity),
        "owner": {
            "uid": owner.uid,
            "gid": owner.gid,
            "name": owner.name,
            "home": str(owner.home) if owner.home else None,
            "groups": list(owner.groups),
        },
    }


def run_to_undo(state: Path, wanted: str | None) -> tuple[PastRun, tuple[StoreRun, ...]]:
    """The run with that id, or the newest one with something left to undo; and the stores to put back.

    A rollback is undone only by its id. Raises NotFound when there is no such run.
    """
    runs = past_runs(state)
    if wanted is not None:
        for run in runs:
            if run.id == wanted:
                return run, tuple(store for store in run.stores if store.live and not store.failed)
        raise no_such_run(wanted)
    left = left_to_undo(runs)
    for run in reversed(runs):
        if run.undoes is None and left[run.id]:
            return run, left[run.id]
    raise NotFound("nothing-to-roll-back", "no run has changed a store that was not rolled back since")


def left_to_undo(runs: tuple[PastRun, ...]) -> dict[str, tuple[StoreRun, ...]]:
    """By each run's id what it changed and no later one put back; `runs` are all, the oldest first."""
    undone: set[tuple[str, str]] = set()
    left: dict[str, tuple[StoreRun, ...]] = {}
    for run in reversed(runs):
        changed = tuple(
            store for store in run.stores if _changed(run, store) and (run.id, store.id) not in undone
        )
        left[run.id] = changed
        # A rollback that was rolled back itself undoes nothing.
        undone |= {(run.undoes, store.id) for store in changed if run.undoes}
    return left


def _changed(run: PastRun, store: StoreRun) -> bool:
    """Whether the run left the store another one; what a rollback put back is told as rolled back."""
    return store.outcome == "changed" if run.undoes is None else store.live and not store.failed


def backup_sets(state: Path) -> tuple[tuple[PastRun, StoreRun, Backup[Any] | Problem], ...]:
    """Every backup set, the oldest first; a Problem in place of one that is damaged.

    One that is pruned meanwhile is passed over: its manifest goes first.
    """
    found: list[tuple[PastRun, StoreRun, Backup[Any] | Problem]] = []
    for run in past_runs(state):
        for store in run.stores:
            manifest = store.backup_path / MANIFEST
            if manifest.exists():
                verified = _verified(store)
                if isinstance(verified, Backup) or manifest.exists():
                    found.append((run, store, verified))
    return tuple(found)


def _verified(store: StoreRun) -> Backup[Any] | Problem:
    try:
        backup = load_backup(store.backup_path, store.located.kind)
        backup.verify()
    except BackupFailed as error:
        return error.problem()
    return backup


def no_such_run(wanted: str) -> NotFound:
    """The error that says that there is no run with that id."""
    return NotFound("run-not-found", f"there is no run `{wanted}`")


def past_run(directory: Path, events: tuple[Event, ...]) -> PastRun:
    """The run in that directory, as its events tell it.

    Raises Unrecovered for a journal that does not say what must be known to undo the run."""
    try:
        return _told_run(directory, events)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Unrecovered(
            "journal-damaged",
            f"the journal `{directory / FILE}` is damaged",
            context=(repr(error),),
            hint=f"Look at the backups in `{directory / 'stores'}`, then move that directory away.",
        ) from error


def _told_run(directory: Path, events: tuple[Event, ...]) -> PastRun:
    if not events:
        raise ValueError("it has no whole line")
    first = events[0]
    header: Mapping[str, Any] = first.data if first.kind == "run-started" else {}
    ids = dict.fromkeys(event.store for event in events if event.kind == "store-started" and event.store)
    if not all(map(_STORE_ID.match, ids)):
        raise ValueError("it tells of a store by a name that is none")
    stores = tuple(_store_run(directory, store, events) for store in ids)
    finished = any(event.kind == "run-finished" for event in events)
    return PastRun(
        # Not as the journal says: the name is part of those of a run's own files.
        directory.name,
        directory,
        str(header.get("command", "fix")),
        first.at,
        finished,
        stores,
        text(header.get("undoes")),
        frozenset(_untidy(events)),
        cut_off_restarts(events),
    )


def _untidy(events: tuple[Event, ...]) -> set[str]:
    left: set[str] = set()
    for event in events:
        if event.kind == LEFT and event.store:
            left.add(event.store)
        elif event.kind == TIDIED and event.store:
            left.discard(event.store)
    return left


def _store_run(directory: Path, store: str, events: tuple[Event, ...]) -> StoreRun:
    mine = [event for event in events if event.store == store]
    data = next(event.data for event in mine if event.kind == "store-started")
    # An outcome that could not be made sure of was undone again, as far as that came.
    ends = [event for event in mine if event.kind in ("store-finished", "undo-started")]
    ended = [event.data.get("outcome") for event in ends]
    live_started = any(event.kind == "step-started" and event.data.get("live") for event in mine)
    outcome = ended[-1] if ended and ended[-1] in ("unchanged", "changed", "rolled-back", "broken") else None
    failed = bool(ends) and bool(ends[-1].data.get("problem"))
    path = directory / "stores" / store / "backup"
    started = frozenset(str(event.data.get("step")) for event in mine if event.kind == "step-started")
    return StoreRun(store, _located(data), live_started, outcome, path, failed, started, goal_from(data))


def _straight(text: str) -> Path:
    """The directory. Raises ValueError for what is none that a run ever worked in."""
    path = Path(text)
    if not path.is_absolute() or ".." in path.parts or "\0" in text:
        raise ValueError("it tells of a directory that is not told by its whole path")
    return path


def _located(data: Mapping[str, Any]) -> FileSet[Any]:
    told = data["owner"]
    home = Path(told["home"]) if told.get("home") else None
    groups = tuple(int(group) for group in told.get("groups") or ())
    owner = Owner(int(told["uid"]), int(told["gid"]), str(told["name"]), home, groups)
    # The device number of the same file system may be another after a reboot; the inode is not.
    directory, identity = _straight(data["directory"]), (0, int(data["identity"][1]))
    match data.get("files"):
        case None:
            return LocatedStore(directory, identity, (), owner)
        case "server":
            return LocatedInstance(directory, identity, owner)
        case other:
            raise ValueError(f"it tells of a set of files that is not known: {other}")
