"""Finishes or undoes a run that was cut off, and removes what finished runs left behind.

Needs the journal, the backup and the file system, and nothing else. What a run left is undone; but it is
finished where a client has fetched what it was to fetch, or a server has made a whole new certificate: they
may be at work with it, and the old set would lock them out.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from datetime import datetime, timezone
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from dsmcertfix.errors import DsmcertfixError, Problem, Unrecovered
from dsmcertfix.ibm import gskit_tls
from dsmcertfix.ibm.client.reading import read_store
from dsmcertfix.ibm.server.control import APPEARS_AFTER_S
from dsmcertfix.ibm.server.instance import LABEL, LocatedInstance
from dsmcertfix.ibm.server.reading import is_running, read_instance
from dsmcertfix.model import FileT, LocatedStore, ServerFile, StoreFile, Unfinished
from dsmcertfix.planning.assess import AssessedStore
from dsmcertfix.report.instance import key_database_report
from dsmcertfix.report.result import StoreReport, proof_report, store_report
from dsmcertfix.system.base import Platform, StoreDirectory
from dsmcertfix.system.host import started_after
from dsmcertfix.system.private import sync_directory
from dsmcertfix.transaction import live
from dsmcertfix.transaction.backup import Backup, load_backup, make_backup, read_as_owner
from dsmcertfix.transaction.folding import store_data
from dsmcertfix.transaction.goal import is_repaired
from dsmcertfix.transaction.journal import Event, Journal, read_journal
from dsmcertfix.transaction.live import TIDIED, tidy
from dsmcertfix.transaction.runs import PastRun, StoreRun, half_way, past_runs
from dsmcertfix.transaction.server_checks import is_renewed
from dsmcertfix.transaction.services import start_again

_SERVICE_LIMIT_S = 60.0
_PROOF_LIMIT_S = 10.0
_POLL_S = 0.2


def recover_run(platform: Platform, run: PastRun, observe: Callable[[Event], None]) -> tuple[Unfinished, ...]:
    """Every store of the run is as it was before it, or as the run finished it; the journal is closed.

    Returns what could not be put back; then the journal stays open, and the next try goes on from there.
    """
    problems: list[Unfinished] = []
    try:
        journal = Journal(run.journal_path, observe, read_journal(run.journal_path))
    except OSError as error:
        return (Unfinished(_no_journal(run, error)),)
    try:
        for store in run.stores:
            problem = _recover_store(platform, run, store, journal)
            if problem is not None:
                problems.append(Unfinished(problem, store.located))
        problems += map(Unfinished, start_again(platform, journal, run.restarting, _SERVICE_LIMIT_S))
        if not problems:
            journal.append("run-finished", recovered=True)
    except OSError as error:
        problems.append(Unfinished(_no_journal(run, error)))
    finally:
        journal.close()
    return tuple(problems)


def _no_journal(run: PastRun, error: OSError) -> Problem:
    message = f"the journal `{run.journal_path}` could not be written: {error.strerror}"
    return Unrecovered("journal-not-written", message, hint="Make room there.").problem()


def _recover_store(platform: Platform, run: PastRun, store: StoreRun, journal: Journal) -> Problem | None:
    if store in half_way(run):
        try:
            backup = load_backup(store.backup_path, store.located.kind)
            aside = _keep_what_lies_aside(platform, run, store, backup)
            if _finished(platform, store, backup, journal, aside):
                tidy(platform, journal, store.id, store.located, touched=True)
                return None
            _require_stopped(platform, store, backup)
            kept = _keep_what_is_there(platform, run, store, backup)
            journal.note("undo-started", store.id, step="undo", text="put everything back")
            platform.in_store(store.located, run.id, live.restoring(backup))
            _require_still_stopped(platform, store, backup)
        except DsmcertfixError as error:
            return _given_up(error.problem(), run)
        journal.note("undo-done", store.id, step="undo", text="every file is as it was, proved by its hash")
        journal.append(
            "store-finished",
            store.id,
            outcome="rolled-back",
            backup=str(store.backup_path),
            problem=_undone(kept, aside).to_data(),
        )
    elif not store.live and store.outcome is None:
        journal.append("store-finished", store.id, outcome="unchanged")
    tidy(platform, journal, store.id, store.located, touched=store.live)
    return None


def _finished(
    platform: Platform, store: StoreRun, backup: Backup[Any], journal: Journal, aside: Path | None
) -> bool:
    """Whether client or server have done all that the run waited for; the journal says so then."""
    located, run = store.located, journal.path.parent.name
    report = None
    if isinstance(located, LocatedInstance):
        report = _renewed(platform, store, located, backup, run)
    elif isinstance(located, LocatedStore):
        report = _repaired(platform, store, located, backup, journal)
    if report is None:
        return False
    told = store_data(report._replace(notes=(*report.notes, *_told_of(aside))))
    journal.append("store-finished", store.id, outcome="changed", backup=str(store.backup_path), report=told)
    return True


def _renewed(
    platform: Platform, store: StoreRun, located: LocatedInstance, backup: Backup[ServerFile], run: str
) -> StoreReport | None:
    """The key database, made sure of, if the server has renewed it whole."""
    if "server-swap" not in store.started:
        return None
    with platform.reading(located) as directory:
        if is_renewed(backup, directory, LABEL) is None:
            return None
    platform.in_store(located, run, _keeping(backup))
    return key_database_report(read_instance(platform, platform.servers(), located), ())


def _repaired(
    platform: Platform, store: StoreRun, located: LocatedStore, backup: Backup[StoreFile], journal: Journal
) -> StoreReport | None:
    """The store, made sure of, if a client has fetched what it was to fetch, or IBM's TLS proves it."""
    now = read_store(platform, located)
    if store.goal is None or not is_repaired(store.goal, now, datetime.now(timezone.utc)):
        return None
    library = gskit_tls.library(platform) if store.goal.servers else None
    database = located.directory / StoreFile.KDB.value
    proofs = tuple(
        gskit_tls.prove(platform, library, located.owner, database, server, _PROOF_LIMIT_S)
        for server in store.goal.servers
    )
    if any(proof.answer != "accepted" for proof in proofs):
        return None
    run = journal.path.parent.name
    if started_after(journal.events[0].at):
        # Nobody can tell whether the index file that the client has made is whole.
        platform.in_store(located, run, lambda directory: live.drop_new_index(directory, backup))
    platform.in_store(located, run, _keeping(backup))
    now = read_store(platform, located)
    return store_report(AssessedStore(now, ()))._replace(proofs=tuple(map(proof_report, proofs)))


def _keeping(backup: Backup[FileT]) -> Callable[[StoreDirectory[FileT]], None]:
    """What makes sure of a set that stays: open to whom the old one was open, and on the disk."""

    def keep(directory: StoreDirectory[FileT]) -> None:
        live.keep_access(directory, backup)
        live.settle(directory)

    return keep


def _keep_what_is_there(
    platform: Platform, run: PastRun, store: StoreRun, backup: Backup[Any]
) -> Path | None:
    """A backup of a client's store that is neither the old set nor what the run put there; None otherwise.

    Somebody made it meanwhile. That no copy can be made is no reason to leave it there.
    """
    located, directory = store.located, run.directory / "stores" / store.id
    if not isinstance(located, LocatedStore):
        return None
    now = read_store(platform, located)
    database = next((fact.sha256 for fact in now.files if fact.file is StoreFile.KDB), None)
    known = (backup.saved(StoreFile.KDB).fact.sha256, _hash_of(directory / "stage" / StoreFile.KDB.value))
    if database is None or database in known:
        return None
    path = _place_of(directory, StoreFile.KDB.value, database)
    if path.exists():
        return path
    try:
        platform.private_directory(path)
        contents = read_as_owner(platform, located, now.files)
        with platform.reading(located) as opened:
            make_backup(opened, now.files, path, contents)
    except (OSError, DsmcertfixError):
        return None
    return path


def _keep_what_lies_aside(
    platform: Platform, run: PastRun, store: StoreRun, backup: Backup[Any]
) -> Path | None:
    """A copy of the key database that the run set aside, if that is not the old one; None otherwise.

    Somebody wrote it between the run's last look and its swap. That no copy can be made is no reason to leave
    it there.
    """
    located, database = store.located, store.located.kind["KDB"]

    def look(directory: StoreDirectory[Any]) -> object:
        return directory.read(database, "aside") if directory.present(database, "aside") else None

    try:
        content = platform.from_store(located, look, run=run.id)
        known = backup.saved(database).fact.sha256
        if not isinstance(content, bytes) or (digest := sha256(content).hexdigest()) == known:
            return None
        path = _place_of(run.directory / "stores" / store.id, database.value, digest)
        if not path.exists():
            platform.private_directory(path)
            with (path / database.value).open("xb") as copy:
                copy.write(content)
                copy.flush()
                os.fsync(copy.fileno())
            sync_directory(path)
    except (OSError, DsmcertfixError):
        return None
    return path


def _place_of(directory: Path, name: str, database: str) -> Path:
    """Where a key database with that hash is kept in a directory of the run, or is to be kept."""
    places = (directory / f"found-{number}" for number in count(1))
    return next(path for path in places if not path.exists() or _hash_of(path / name) == database)


def _hash_of(path: Path) -> str | None:
    """The hash of a file of the run, if there is one."""
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _told_of(*kept: Path | None) -> tuple[str, ...]:
    return tuple(f"what was there is kept in {path}" for path in dict.fromkeys(kept) if path is not None)


def _undone(*kept: Path | None) -> Problem:
    context = _told_of(*kept)
    return Unrecovered("run-cut-off", "the run was cut off, and was undone", context=context).problem()


def _require_stopped(platform: Platform, store: StoreRun, backup: Backup[Any]) -> None:
    """Raises Unrecovered while a server runs, or may run, whose files are not the ones that come back."""
    located = store.located
    if not isinstance(located, LocatedInstance):
        return
    # What was started a moment ago may not be there yet.
    end = time.monotonic() + (APPEARS_AFTER_S if "start-server" in store.started else 0.0)
    while (runs := is_running(platform.servers(), located)) is False and time.monotonic() < end:
        time.sleep(_POLL_S)
    # Under its old files it was started again before the run was cut off, or by somebody since.
    if runs is not False and not _is_back(platform, located, backup):
        raise Unrecovered(
            "server-at-work",
            f"the server of `{located.directory}` runs, and has not made a whole new certificate",
            hint="Where it is still coming up, wait until it has, and run `dsmcertfix recover` again. "
            "Otherwise stop it, run that, which puts the old key database back, and start it.",
        )


def _require_still_stopped(platform: Platform, store: StoreRun, backup: Backup[Any]) -> None:
    """Raises Unrecovered when a server came up while its files were put back, and is no longer with them."""
    located = store.located
    if not isinstance(located, LocatedInstance) or is_running(platform.servers(), located) is False:
        return
    if not _is_back(platform, located, backup):
        raise Unrecovered(
            "server-at-work",
            f"the server of `{located.directory}` came up while its old files were put back",
            hint="Stop it, run `dsmcertfix recover` again, and start it.",
        )


def _is_back(platform: Platform, located: LocatedInstance, backup: Backup[Any]) -> bool:
    """Whether every file is as it was backed up."""
    try:
        with platform.reading(located) as directory:
            return not backup.differences(directory)
    except (OSError, DsmcertfixError):
        return False


def tidy_runs(platform: Platform, state: Path, observe: Callable[[Event], None]) -> None:
    """What finished runs left behind is gone, as far as it can be removed now."""
    for run in past_runs(state):
        if not (run.finished and run.untidy):
            continue
        with contextlib.suppress(OSError, DsmcertfixError):
            journal = Journal(run.journal_path, observe, read_journal(run.journal_path))
            try:
                for store in run.stores:
                    if store.id in run.untidy and tidy(
                        platform, journal, store.id, store.located, touched=store.live
                    ):
                        journal.note(TIDIED, store.id)
            finally:
                journal.close()


def _given_up(problem: Problem, run: PastRun) -> Problem:
    """The problem, and how to go on when the store cannot come back (its directory is gone, say)."""
    way_out = (
        f"to leave that store as it is: `dsmcertfix recover --give-up {run.id}`; its backup stays in "
        f"{run.directory / 'stores'}"
    )
    return problem._replace(context=(*problem.context, way_out))
