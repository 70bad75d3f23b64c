"""Reads a located store natively: its files, and the certificates in it. Changes nothing."""

from __future__ import annotations

from dsmcertfix import budgets
from dsmcertfix.errors import DsmcertfixError, NotPermitted, Problem, StoreUnreadable
from dsmcertfix.ibm.client.contents import Contents, contents_of
from dsmcertfix.ibm.key_database.trusted import unopenable
from dsmcertfix.model import LocatedStore, Store, StoreFile
from dsmcertfix.system.base import Platform
from dsmcertfix.wording import about, whole_store_command

_MOST_REASONS = 5


def read_store(platform: Platform, located: LocatedStore) -> Store:
    """The store as it is now. Never raises: `problem` says what is wrong with it.

    Certificates are listed even where the stash file is missing or wrong, since they lie in the clear.
    """
    if located.problem is not None:
        return Store(located, problem=located.problem, writable=False)
    writable, signs_on = platform.may_change(located), platform.may_sign_on_as(located.owner)
    problem: Problem | None
    try:
        found = contents_of(platform, located)
    except DsmcertfixError as error:
        return Store(located, problem=_about(error.problem(), located), writable=writable, signs_on=signs_on)
    except OSError as error:
        problem = _unreadable(located, error).problem()
        return Store(located, problem=problem, writable=writable, signs_on=signs_on)
    problem = _about(found.problem or _stash_missing(located, found) or _unusable(located, found), located)
    expires = found.password_expires
    return Store(
        located, found.facts, found.version, found.certificates, problem, writable, signs_on, expires
    )


def _about(problem: Problem | None, located: LocatedStore) -> Problem | None:
    return problem._replace(hint=about(problem.hint, located.directory)) if problem else None


def _stash_missing(located: LocatedStore, found: Contents[StoreFile]) -> Problem | None:
    if any(fact.file is StoreFile.STH and fact.present for fact in found.facts):
        return None
    return StoreUnreadable(
        "stash-missing",
        f"`{located.directory / StoreFile.STH.value}` is missing: the key database cannot be opened",
        hint=f"{whole_store_command(located.directory)} lets the client make a new store.",
    ).problem()


def _unusable(located: LocatedStore, found: Contents[StoreFile]) -> Problem | None:
    return _unopenable(located, found) or _over_budget(located, found)


def _unopenable(located: LocatedStore, found: Contents[StoreFile]) -> Problem | None:
    reasons = ((one.label, unopenable(one.der)) for one in found.certificates if one.der)
    context = tuple(f"`{label}`: {reason}" for label, reason in reasons if reason is not None)
    if not context:
        return None
    return StoreUnreadable(
        "certificate-unopenable",
        f"IBM's programs do not open `{located.directory / StoreFile.KDB.value}` due to a certificate in it",
        context=context[:_MOST_REASONS],
        hint=f"{whole_store_command(located.directory)} lets the client make a new store.",
    ).problem()


def _over_budget(located: LocatedStore, found: Contents[StoreFile]) -> Problem | None:
    if not found.too_long:
        return None
    return StoreUnreadable(
        "label-too-long",
        f"`{located.directory / StoreFile.KDB.value}` has a label that is longer than any that is read",
        context=(f"{found.too_long} of its labels have more than {budgets.LABEL.cap} bytes",),
        hint=f"See who writes it; {whole_store_command(located.directory)} lets the client make a new store.",
    ).problem()


def _unreadable(located: LocatedStore, error: OSError) -> DsmcertfixError:
    if isinstance(error, PermissionError):
        return NotPermitted(
            "store-not-readable",
            f"`{located.directory}` cannot be read by this user",
            hint="Run as root (on Windows as administrator), or as the owner of the store.",
        )
    return StoreUnreadable("store-unreadable", f"`{located.directory}` cannot be read: {error.strerror}")
