"""What is in a set of files, read and parsed by a child that has its owner's rights, and told as data.

`judged` runs in the child, on Unix with `_look`, and `_from_data` in the parent, which takes the data for the
user's word: it believes of them what that user could have put into the files, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Generic, get_args

from dsmcertfix import NamedTuple
from dsmcertfix.errors import DsmcertfixError, Problem, StoreUnreadable
from dsmcertfix.ibm.key_database import certificate, kdb, stash
from dsmcertfix.model import Certificate, CertificateKind, FileFact, FileSet, FileT
from dsmcertfix.system.answers import TOLD
from dsmcertfix.system.base import Platform, StoreDirectory

_KINDS = frozenset(get_args(CertificateKind))
_TEXTS = ("label", "sha256", "subject", "issuer", "serial", "kind")


class Contents(NamedTuple, Generic[FileT]):
    """Which files there are, and what is in the key database; `problem` says what could not be read.

    `default` is the label of the key database's default certificate, `too_long` the number of labels that
    are over their budget. A missing stash file is no problem here.
    """

    facts: tuple[FileFact[FileT], ...] = ()
    version: int | None = None
    certificates: tuple[Certificate, ...] = ()
    default: str | None = None
    too_long: int = 0
    problem: Problem | None = None
    password_expires: datetime | None = None


def prepare() -> None:
    """What `judged` needs is loaded."""
    certificate.prepare()


def contents_of(platform: Platform, store: FileSet[FileT]) -> Contents[FileT]:
    """What is in the set now. Raises DsmcertfixError and OSError where its files cannot be looked at."""
    prepare()
    kind = store.kind
    told = platform.from_store(store, lambda directory: _look(directory, kind), judged)
    try:
        return _from_data(told, store.kind)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreUnreadable(
            "reading-was-ended",
            f"what was read in `{store.directory}` is not in the form in which it is told",
            hint=f"Run this again; if it comes again, see what {store.owner.name} does to processes.",
        ) from error


def _look(directory: StoreDirectory[FileT], kind: type[FileT]) -> dict[str, object]:
    """The files as they are, not looked into."""
    facts = [_fact_to(directory.fact(file)) for file in kind]
    seen: dict[str, object] = {"facts": facts, "stash": None, "requests": None}
    try:
        seen["database"] = directory.read(kind["KDB"])
    except DsmcertfixError as error:
        seen["problem"] = error.problem().to_data()
    except FileNotFoundError as error:
        # A store that was moved out: which files there are is known all the same.
        why = f"`{directory.path}` cannot be read: {error.strerror}"
        seen["problem"] = StoreUnreadable("store-unreadable", why).problem().to_data()
    else:
        try:
            for name, file in (("stash", "STH"), ("requests", "RDB")):
                if not directory.present(kind[file]):
                    break
                seen[name] = directory.read(kind[file])
        except StoreUnreadable as error:
            seen["unread"] = error.problem().to_data()
    return seen


def judged(seen: Mapping[str, Any]) -> object:
    """What is in the files that `_look` saw, as data."""
    told = _EMPTY | {"facts": seen["facts"]}
    if "problem" in seen:
        return told | {"problem": seen["problem"]}
    try:
        database = kdb.read(seen["database"])
    except DsmcertfixError as error:
        return told | {"problem": error.problem().to_data()}
    problem = _verified(database, seen)
    expires = database.password_expires
    return told | {
        "version": database.version,
        "certificates": [certificate_to(item) for item in certificate.describe_all(database)],
        "default": next((record.label for record in database.records if record.default), None),
        "too_long": certificate.too_long(database),
        "password_expires": expires.isoformat() if expires else None,
        "problem": problem.to_data() if problem else None,
    }


_EMPTY: dict[str, object] = {
    "version": None,
    "certificates": [],
    "default": None,
    "too_long": 0,
    "password_expires": None,
    "problem": None,
}


def _verified(database: kdb.KeyDatabase, seen: Mapping[str, Any]) -> Problem | None:
    if "unread" in seen:
        return Problem.from_data(seen["unread"])
    if seen["stash"] is None:
        return None
    try:
        password = stash.password(seen["stash"])
        kdb.verify(database, password)
        if seen["requests"] is not None:
            kdb.verify_requests(seen["requests"], password)
    except StoreUnreadable as error:
        return error.problem()
    return None


# --- as data


def _fact_to(fact: FileFact[FileT]) -> list[object]:
    known = [fact.file.value, fact.present, fact.size, fact.sha256, fact.mode, fact.uid, fact.gid]
    return [*known, fact.mounted, fact.read_only]


def certificate_to(item: Certificate) -> dict[str, object]:
    """The certificate as data."""
    return item._asdict() | {
        "not_before": item.not_before.isoformat() if item.not_before else None,
        "not_after": item.not_after.isoformat() if item.not_after else None,
    }


def _from_data(told: Any, kind: type[FileT]) -> Contents[FileT]:
    """What `_to_data` made. Raises ValueError, TypeError, KeyError or AttributeError for anything else."""
    facts = tuple(_fact(kind, *item) for item in told["facts"])
    if tuple(fact.file for fact in facts) != tuple(kind):
        raise ValueError("it does not tell of each file")
    return Contents(
        facts,
        _optional(told["version"], int),
        tuple(map(certificate_from, told["certificates"])),
        _optional(told["default"], str),
        _required(told["too_long"], int),
        _problem(told["problem"]),
        _time(told["password_expires"]),
    )


def _fact(
    names: type[FileT], name: str, present: object, size: int, hexadecimal: str | None, *rest: int
) -> FileFact[FileT]:
    mode, uid, gid, mounted, read_only = rest
    if present is not True:
        return FileFact(names(name), False)
    for number in (size, mode, uid, gid):
        _required(number, int)
    standing = _required(mounted, bool), _required(read_only, bool)
    return FileFact(names(name), True, size, _required(hexadecimal, str), mode, uid, gid, *standing)


def certificate_from(data: Mapping[str, Any]) -> Certificate:
    """What `certificate_to` was given. Raises ValueError, TypeError or KeyError for anything else."""
    texts = {name: _required(data[name], str) for name in _TEXTS}
    der = _required(data["der"], bytes)
    if texts["kind"] not in _KINDS or (der and sha256(der).hexdigest() != texts["sha256"]):
        raise ValueError("a certificate that is none")
    return Certificate(
        **texts,
        not_before=_time(data["not_before"]),
        not_after=_time(data["not_after"]),
        der=der,
        problem=_optional(data["problem"], str),
        trusted=_required(data["trusted"], bool),
    )


def _problem(data: object) -> Problem | None:
    """What was wrong, of a kind that work on a user's files has. Raises ValueError for another one."""
    found = Problem.from_data(data)
    if found is not None and found.kind not in TOLD:
        raise ValueError("a problem that reading does not have")
    return found


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without its zone")
    return found


def _required(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{type(value).__name__} is not {kind.__name__}")
    return value


def _optional(value: Any, kind: type) -> Any:
    return None if value is None else _required(value, kind)
