"""The runs that go: pruned with their backup sets, or given up with the sets they leave half way."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from dsmcertfix.errors import DsmcertfixError, NotFound, Unrecovered
from dsmcertfix.system import private
from dsmcertfix.system.private import sync_directory
from dsmcertfix.system.removing import remove, removing
from dsmcertfix.transaction.backup import MANIFEST
from dsmcertfix.transaction.journal import FILE, Event, Journal, read_journal
from dsmcertfix.transaction.runs import PastRun, half_way, no_such_run, past_run, past_runs, run_to_undo

GIVEN_UP = "given-up.jsonl"
"""What a journal is called that can not be read and that nobody wants to be asked about any more."""

REMOVED = "removed.jsonl"
"""What the journal of a run is called that is being removed: it is nobody's any more."""


def prunable(state: Path, keep: int) -> tuple[PastRun, ...]:
    """The finished runs that may go: for each store the newest `keep` sets stay, at least one.

    A run whose journal is open stays, and so does the one that `rollback` would undo.
    """
    runs = past_runs(state)
    kept: set[str] = {run.id for run in runs if not run.finished}
    with contextlib.suppress(NotFound):
        kept.add(run_to_undo(state, None)[0].id)
    seen: dict[str, int] = {}
    for run in reversed(runs):
        for store in run.stores:
            if not (store.backup_path / MANIFEST).exists():
                continue
            seen[store.id] = seen.get(store.id, 0) + 1
            if seen[store.id] <= max(1, keep):
                kept.add(run.id)
    return tuple(run for run in runs if run.id not in kept)


def expire(state: Path, keep: int, journal: Journal) -> None:
    """Of each store the newest `keep` backup sets are left, and of runs without one the newest `keep` runs.

    Otherwise as `prunable`. Each run that went is in the journal. Never raises: what cannot go now goes
    later.
    """
    with contextlib.suppress(DsmcertfixError):
        newest = {run.id for run in past_runs(state)[-keep:]}
        for run in prunable(state, keep):
            if run.id not in newest:
                with contextlib.suppress(DsmcertfixError):
                    remove_run(run)
                    journal.note("run-removed", run=run.id)


def finished_run(state: Path, wanted: str) -> PastRun:
    """The run with that id. Raises NotFound when there is none, Unrecovered while it is not finished."""
    found = next((run for run in past_runs(state) if run.id == wanted), None)
    if found is None:
        raise no_such_run(wanted)
    if not found.finished:
        raise _not_finished(found)
    return found


def _not_finished(run: PastRun) -> Unrecovered:
    return Unrecovered("run-not-finished", f"run {run.id} is not finished; its backup stays")


def remove_run(run: PastRun) -> None:
    """No journal tells of the run any more, so there is no set of it; and its directory is gone.

    Raises Busy or NotPermitted where something cannot be removed: then the run is there as it was, or what is
    left of it is found by `remains`.
    """
    if not run.finished:
        raise _not_finished(run)
    with removing(run.directory):
        # One rename: whenever a removal is cut off, no set looks damaged and no rollback wants what is gone.
        # On the disk before anything else goes: a power cut must not leave the journal, and the set in part.
        run.journal_path.rename(run.directory / REMOVED)
        sync_directory(run.directory)
    remove_remains(run.directory)


def remains(state: Path) -> tuple[Path, ...]:
    """The directories of removed runs that are still there: something stayed, or the removal was cut off.

    Call it only while no other run can be at work: an empty one may be that of a run that begins.
    """
    runs = state / "runs"
    marked = {path.parent for path in runs.glob(f"*/{REMOVED}")}
    empty = {path for path in runs.glob("*") if path.is_dir() and not any(path.iterdir())}
    return tuple(sorted(marked | empty))


def remove_remains(directory: Path) -> None:
    """The directory of a removed run is gone. Raises as `remove_run` does."""
    with removing(directory):
        for manifest in directory.glob(f"stores/*/backup/{MANIFEST}"):
            # First, for whoever has read the journal before.
            with contextlib.suppress(OSError):
                manifest.unlink()
        remove(directory, REMOVED)


def put_away_unreadable(state: Path, wanted: str) -> bool:
    """Whether the journal of that run could not be understood, and is none any more; its sets stay.

    Raises NotFound when there is no such run.
    """
    path = state / "runs" / wanted / FILE
    if Path(wanted).name != wanted or not os.path.lexists(path):
        raise no_such_run(wanted)
    try:
        past_run(path.parent, read_journal(path))
    except Unrecovered as error:
        if error.code == "journal-of-newer-release":
            raise
        with removing(path.parent):
            path.rename(path.with_name(GIVEN_UP))
            sync_directory(path.parent)
        return True
    return False


def give_up(run: PastRun, observe: Callable[[Event], None]) -> None:
    """The run is at its end, its sets as they are: nothing tries to put them back any more.

    Its backups stay, and `rollback` with its id puts them back where that can be. Raises BackupFailed when
    that cannot be written down.
    """
    with private.keeping(run.journal_path, "journal"):
        journal = Journal(run.journal_path, observe, read_journal(run.journal_path))
        try:
            for store in half_way(run):
                # Without a problem: it is not known to be in the way of a later rollback.
                journal.append("store-finished", store.id, outcome="broken", backup=str(store.backup_path))
            journal.append("run-finished", given_up=True)
        finally:
            journal.close()
