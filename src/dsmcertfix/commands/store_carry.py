"""The use cases `store save` and `store restore`: a store outlives its client's upgrade."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import replace
from functools import partial
from pathlib import Path

from dsmcertfix import NamedTuple
from dsmcertfix.commands.contract import Confirm, Declined, Observe
from dsmcertfix.commands.cut_off import known_cut_off, leaving
from dsmcertfix.commands.look import require_stores
from dsmcertfix.commands.proof import prove_located
from dsmcertfix.commands.recover import recover_stores
from dsmcertfix.commands.rollback import Holding, held, record_of
from dsmcertfix.errors import (
    BackupFailed,
    DsmcertfixError,
    NotFound,
    NotPermitted,
    Outcome,
    StoreUnreadable,
)
from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.ibm.inventory import take_inventory
from dsmcertfix.ibm.key_database import kdb, stash
from dsmcertfix.ibm.key_database.certificate import describe_all
from dsmcertfix.ibm.key_database.trusted import unopenable
from dsmcertfix.model import LocatedStore, Origin, Owner, StoreFile
from dsmcertfix.planning.assess import AssessedStore
from dsmcertfix.planning.steps import step_name, step_text
from dsmcertfix.report.result import Report, StepReport, proof_report, store_report
from dsmcertfix.system.base import SIZE_LIMIT, Platform
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.system.process.run import waited
from dsmcertfix.transaction.backup import MANIFEST, Backup, SavedFile, load_backup, make_backup, read_as_owner
from dsmcertfix.transaction.folding import Happened, fold, store_data
from dsmcertfix.transaction.rollback import BroughtIn, rollback_steps
from dsmcertfix.transaction.running import finish, running
from dsmcertfix.transaction.runs import begin_store, sets_made


def save(host: Host, store: Path, output: Path) -> Report:
    """A backup set of that store is in the new directory, which is closed to others.

    Raises NotFound when there is no store, NotPermitted where there is something at `output` or no directory
    of ours can be made, BackupFailed, and what keeps the store from being used. Nothing is saved then.
    """
    inventory = leaving(take_inventory(host.platform, (store,)), known_cut_off(host).left, (store,))
    require_stores(inventory, (store,))
    found = inventory.stores[0]
    if found.problem is not None:
        raise found.problem.error()
    if os.path.lexists(output):
        raise NotPermitted(
            "output-there-already",
            f"`{output}` is there already",
        )
    try:
        host.platform.private_directory(output)
    except (NotPermitted, BackupFailed) as error:
        raise NotPermitted(
            "output-not-written",
            f"`{output}` is not made: {error.message}",
            hint="Name a directory in one that nobody but root and you can change.",
        ) from error
    try:
        contents = read_as_owner(host.platform, found.located, found.files)
        with host.platform.reading(found.located) as directory:
            make_backup(directory, found.files, output, contents)
    except BaseException:
        shutil.rmtree(output, ignore_errors=True)
        raise
    return Report(
        "store save",
        host_name(),
        stores=(store_report(AssessedStore(found, ())),),
        comment=f"the store in {found.directory} is saved in {output}",
        backup=str(output),
        warnings=("it opens the key database: carry it as you would a key, with owner and mode (`tar -p`)",),
    )


class Parcel(NamedTuple):
    """What `store restore` is to carry: the directory that `store save` made, and where the store is to lie.

    Without a `store` it is where it was.
    """

    saved: Path
    store: Path | None = None


def restore(host: Host, parcel: Parcel, limits: Limits, observe: Observe, confirm: Confirm | None) -> Report:
    """The store that was saved is in its place, or everything is as it was.

    What is there is backed up first, so that `rollback` undoes it by the run's id. Raises NotFound when there
    is no such directory, NotPermitted when the saved files could be another's, StoreUnreadable when they are
    no store that opens.
    """
    with host.alone(limits):
        left = recover_stores(host, observe)
        saved = _checked(host.platform, parcel.saved)
        located = _place(host.platform, parcel.store or saved.directory)
        if located.directory in left:
            raise left[located.directory].problem.error()
        holding = held(host, located)
        facts = holding.subject.facts
        if not facts and holding.report.problem is not None:
            raise holding.report.problem.error()
        holding = replace(holding, report=holding.report._replace(problem=None))
        if {(fact.file, fact.sha256) for fact in facts} == {
            (one.fact.file, one.fact.sha256) for one in saved.files
        }:
            comment = f"the store in {located.directory} is as it was saved"
            return Report("store restore", host_name(), stores=(holding.report,), comment=comment)
        if confirm is not None and not confirm(_preview(holding, saved)):
            raise Declined
        return _brought_in(host, located, holding, saved, limits, observe)


def _brought_in(
    host: Host,
    located: LocatedStore,
    holding: Holding,
    saved: Backup[StoreFile],
    limits: Limits,
    observe: Observe,
) -> Report:
    """The store is the saved one, given to whom its place belongs; or the report tells why not."""
    ours = replace(saved, files=tuple(_given_to(located.owner, item) for item in saved.files))
    with running(host, "store restore", observe) as run:
        outcome: Outcome = "unchanged"
        if begin_store(run.journal, located.id, located, store_data(holding.report)) is None:
            now = partial(record_of, host, located)
            outcome = waited(BroughtIn(holding.subject, ours, host.platform, run, now).run()).outcome
        finish(host, run, [outcome])
        events = (Happened(event.kind, event.store, event.data) for event in run.journal.events)
        report = fold(Report("store restore", host_name()), events)
    report = report._replace(journal=str(run.journal.path), backup=sets_made(run.journal))
    if not report.changed:
        return report._replace(comment=f"the store in {located.directory} is as before")
    (store,) = report.stores
    proofs = prove_located(host.platform, (located.directory,), limits.probe_s).get(store.id, ())
    return report._replace(
        stores=(store._replace(proofs=tuple(map(proof_report, proofs))),),
        comment=f"the store saved on {saved.made_at:%Y-%m-%d} is in {located.directory}",
        warnings=_given_away(saved, ours),
    )


def _preview(holding: Holding, saved: Backup[StoreFile]) -> Report:
    id = holding.report.id
    steps = (
        StepReport(id, step_name(step), step_text(step), "planned") for step in rollback_steps(saved.path)
    )
    return Report(
        "store restore",
        host_name(),
        stores=(holding.report,),
        steps=tuple(steps),
        comment=f"would put the store saved on {saved.made_at:%Y-%m-%d} into {holding.report.directory}",
    )


def _checked(platform: Platform, path: Path) -> Backup[StoreFile]:
    """The set in that directory, which only the system and ourselves could have written, and which opens."""
    try:
        platform.vouched(path / MANIFEST)
        saved = load_backup(path, StoreFile)
        for item in saved.files:
            if item.fact.present:
                platform.vouched(path / item.fact.file.value)
    except NotFound as error:
        raise NotFound(
            "saved-store-not-found", f"`{path}` is no directory that `store save` made: {error.message}"
        ) from error
    except NotPermitted as error:
        raise NotPermitted(
            "saved-store-not-trusted",
            f"the store saved in `{path}` could be another's: {error.message}",
            hint=error.hint,
        ) from error
    try:
        _require_usable(saved)
    except DsmcertfixError as error:
        raise StoreUnreadable(
            "saved-store-unusable",
            f"what is saved in `{path}` is no store that the client can use: {error.message}",
            context=error.context,
            hint="Save it again with `dsmcertfix store save`, where the store is whole.",
        ) from error
    return saved


def _require_usable(saved: Backup[StoreFile]) -> None:
    """Every file is as saved, and GSKit opens the key database with its stash. Raises DsmcertfixError."""
    for item in saved.files:
        if item.fact.present and item.fact.size > SIZE_LIMIT:
            raise BackupFailed("backup-damaged", f"{item.fact.file.value} is larger than a store file can be")
    saved.verify()
    password = stash.password(saved.content(StoreFile.STH))
    database = kdb.read(saved.content(StoreFile.KDB))
    kdb.verify(database, password)
    if saved.saved(StoreFile.RDB).fact.present:
        kdb.verify_requests(saved.content(StoreFile.RDB), password)
    for one in describe_all(database):
        reason = unopenable(one.der) if one.der else None
        if reason is not None:
            raise StoreUnreadable("certificate-unopenable", f"`{one.label}`: {reason}")


def _place(platform: Platform, directory: Path) -> LocatedStore:
    """The store there, or the directory for one. Raises NotFound, and NotPermitted for one to be left alone.

    On a machine below another root it is the same place there.
    """
    places = platform.places
    path = directory if directory.is_relative_to(places.root) else places.below(str(directory))
    for store in locate(places, named=(path,)).stores:
        if store.problem is not None:
            raise store.problem.error()
        return store
    found = places.resolve(path)
    if found.refused is not None:
        raise NotPermitted(
            "place-refused",
            f"`{path}` was not looked into",
            context=(found.refused,),
            hint="Name the directory that is meant, without links of other users on the way.",
        )
    entry = places.look(found.path) if found.path is not None else None
    if found.path is None or entry is None or entry.kind != "directory":
        raise NotFound(
            "place-not-found",
            f"there is no directory `{path}` for the store",
            hint="Install the client first; or name the directory with `--store`.",
        )
    origin = Origin("named", "named for what is restored")
    return LocatedStore(found.path, entry.identity, (origin,), places.store_owner(found.path, entry))


def _given_to(owner: Owner, item: SavedFile[StoreFile]) -> SavedFile[StoreFile]:
    """The file as it is to be restored: closed to all but that owner, where it was somebody else's.

    Numbers of users and groups may mean others where a machine was made anew. Windows' names of users do not.
    """
    fact, meta = item.fact, item.metadata
    if meta is None or meta.security is not None or fact.uid == owner.uid:
        return item
    mode = fact.mode & stat.S_IRWXU
    labels = tuple(pair for pair in meta.xattrs if pair[0].startswith("security."))
    return SavedFile(
        fact._replace(mode=mode, uid=owner.uid, gid=owner.gid),
        meta._replace(mode=mode, uid=owner.uid, gid=owner.gid, xattrs=labels),
    )


def _given_away(saved: Backup[StoreFile], now: Backup[StoreFile]) -> tuple[str, ...]:
    """What is told of files that belong to somebody else than when they were saved."""
    before = sorted(
        {one.fact.uid for one, is_now in zip(saved.files, now.files, strict=True) if one != is_now}
    )
    if not before:
        return ()
    uids = ", ".join(map(str, before))
    return (f"files were uid {uids}'s when they were saved; now they are their directory's owner's alone",)
