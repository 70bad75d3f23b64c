"""Reads a located store natively: its files, and the certificates in it. Changes nothing."""

from __future__ import annotations

from dataclasses import replace

from dsmcertfix.advice import about, whole_store_command
from dsmcertfix.errors import DsmcertfixError, NotPermitted, Problem, StoreUnreadable
from dsmcertfix.model import FileFact, LocatedStore, Store, StoreFile
from dsmcertfix.platforms.base import Platform, StoreDirectory
from dsmcertfix.store import certificate, kdb, stash


def read_store(platform: Platform, located: LocatedStore) -> Store:
    """The store as it is now. Never raises: `problem` says what is wrong with it.

    Certificates are listed even where the stash file is missing or wrong, since they lie in the clear.
    """
    if located.problem is not None:
        return Store(located, problem=located.problem, writable=False)
    writable, signs_on = platform.may_change(located), platform.may_sign_on_as(located.owner)
    facts: tuple[FileFact, ...] = ()
    try:
        with platform.reading(located) as directory:
            facts = tuple(directory.fact(file) for file in StoreFile)
            content = directory.read(StoreFile.KDB)
            database = kdb.read(content)
            problem = _verified(database, directory, facts)
    except DsmcertfixError as error:
        problem = error.problem()
        problem = replace(problem, hint=about(problem.hint, located.directory))
        return Store(located, facts, problem=problem, writable=writable, signs_on=signs_on)
    except OSError as error:
        problem = _unreadable(located, error).problem()
        return Store(located, facts, problem=problem, writable=writable, signs_on=signs_on)
    listed = certificate.describe_all(database)
    return Store(located, facts, database.version, listed, problem, writable, signs_on)


def _verified(
    database: kdb.KeyDatabase, directory: StoreDirectory, facts: tuple[FileFact, ...]
) -> Problem | None:
    has_stash = any(fact.file is StoreFile.STH and fact.present for fact in facts)
    if not has_stash:
        return StoreUnreadable(
            "stash-missing",
            f"`{directory.path / StoreFile.STH.value}` is missing: the key database cannot be opened",
            hint=f"{whole_store_command(directory.path)} lets the client make a new store.",
        ).problem()
    try:
        kdb.verify(database, stash.password(directory.read(StoreFile.STH)))
    except StoreUnreadable as error:
        problem = error.problem()
        return replace(problem, hint=about(problem.hint, directory.path))
    return None


def _unreadable(located: LocatedStore, error: OSError) -> DsmcertfixError:
    if isinstance(error, PermissionError):
        return NotPermitted(
            "store-not-readable",
            f"`{located.directory}` cannot be read by this user",
            hint="Run as root (on Windows as administrator), or as the owner of the store.",
        )
    return StoreUnreadable("store-unreadable", f"`{located.directory}` cannot be read: {error.strerror}")
