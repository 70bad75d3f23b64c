"""What one result tells: the parts of a report or a summary that a fleet's picture is made of.

Lenient: a field that is missing, or of another form, is as if it were not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, cast

from dsmcertfix.budgets import RESULT_CERTIFICATES, RESULT_SERVERS, RESULT_STANZAS, RESULT_STORES
from dsmcertfix.errors import FailedSession, Problem
from dsmcertfix.report.lenient import objects, text

REPORT, SUMMARY = "dsmcertfix.report/1", "dsmcertfix.summary/1"

Verdict = Literal["healthy", "needed", "absent", "unknown"]

LOOKS = ("detect", "plan", "inspect")
ATTEMPTS = ("fix", "trust", "rollback", "recover")

_RUN_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_IN_LABEL = re.compile(r"TSM server (\S+) self-signed key\Z")
_LONGEST = 2000
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate: its SHA-256, its label, whose it is, and its end in seconds of Unix time."""

    sha256: str
    label: str
    server: str
    subject: str
    not_after: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class StoreSeen:
    """A store, what became of it, and its certificates, each with its status.

    `stanzas` use it, in lower case. `distrusted` are the fingerprints that the client does not go by: marked
    as not trusted in the store, or pending where SSLACCEPTCERTFROMSERV is No.
    """

    directory: str
    outcome: str
    certificates: tuple[tuple[Held, str], ...] = ()
    problem: Problem | None = None
    stanzas: tuple[str, ...] = ()
    distrusted: frozenset[str] = frozenset()

    def held(self) -> Iterator[Held]:
        """The servers' certificates that are in it now."""
        yield from (held for held, status in self.certificates if held.kind != "ca" and status != "pending")


@dataclass(frozen=True, slots=True)
class Seen:
    """One result. `at` is in seconds of Unix time, None where nothing says when it was made."""

    host: str
    command: str
    at: int | None
    version: str
    outcome: str
    exit_code: int
    comment: str
    verdict: Verdict
    problem: Problem | None = None
    stores: tuple[StoreSeen, ...] = ()
    presented: tuple[Held, ...] = ()
    names: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The address of each server that it uses, and the stanzas that lead there, in lower case."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Its problem and its stores', each once."""
        found = (self.problem, *(store.problem for store in self.stores))
        return tuple(dict.fromkeys(item for item in found if item is not None))


class Reader:
    """Makes `Seen` of JSON values; what many results have in common is kept once."""

    def __init__(self) -> None:
        self._held: dict[tuple[object, ...], Held] = {}
        self._texts: dict[str, str] = {}
        self._tuples: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._lowered: dict[tuple[Any, ...], tuple[str, ...]] = {}

    def seen(self, value: Mapping[str, Any], made: int | None = None) -> Seen | str:
        """What the value tells, or why it is no result. `made` is when its file was written."""
        schema = value.get("schema")
        if schema == SUMMARY:
            return self._of_summary(value, made)
        if schema != REPORT:
            if isinstance(schema, str) and schema.startswith("dsmcertfix."):
                return f"the schema {schema[:80]} is not known to this release"
            return "it is not a result of dsmcertfix"
        host = self._text(value.get("host"))
        if not host:
            return "it does not say of which host it is"
        too_much = _too_much(value)
        if too_much is not None:
            return too_much
        stores = tuple(self._store(item) for item in objects(value.get("stores")))
        command, code = self._text(value.get("command")), _integer(value.get("exit_code"), 1)
        problem = self._problem(value.get("problem"))
        return Seen(
            host,
            command,
            _time(value, made),
            self._text(value.get("version")),
            self._text(value.get("outcome")) or "unchanged",
            code,
            _short(value.get("comment")),
            _verdict(command, code, problem, _would_change(value, stores)),
            problem,
            stores,
            tuple(
                self._presented(item)
                for item in objects(value.get("servers"))
                if _is_sha256(item.get("sha256"))
            ),
            self._names(value.get("servers")),
        )

    def _of_summary(self, value: Mapping[str, Any], made: int | None) -> Seen | str:
        host, state = self._text(value.get("host")), self._text(value.get("state"))
        if not host:
            return "it does not say of which host it is"
        if _length(value.get("certificates")) > RESULT_CERTIFICATES.cap:
            return f"it tells of more than {RESULT_CERTIFICATES.cap:,} certificates"
        command = self._text(value.get("command"))
        listed = tuple(
            (Held("", self._text(one.get("label")), "", "", None, "server"), self._text(one.get("status")))
            for one in objects(value.get("certificates"))
        )
        code = text(value.get("problem"))
        told = {"code": code, "message": value.get("comment"), "session": value.get("session")}
        problem = self._problem(told) if code else None
        looked = command in LOOKS and state in ("healthy", "needed", "absent", "unknown")
        return Seen(
            host,
            command,
            _time(value, made),
            self._text(value.get("version")),
            "unchanged" if looked else state,
            _integer(value.get("exit_code"), 1),
            _short(value.get("comment")),
            cast("Verdict", state) if looked else "unknown",
            problem,
            (StoreSeen("", "unchanged", listed),) if listed else (),
        )

    def _store(self, data: Mapping[str, Any]) -> StoreSeen:
        found = tuple(self._certificate(item) for item in objects(data.get("certificates")))
        return StoreSeen(
            self._text(data.get("directory")),
            self._text(data.get("outcome")) or "unchanged",
            found,
            self._problem(data.get("problem")),
            self._lower(data.get("stanzas")),
            _distrusted(objects(data.get("certificates"))),
        )

    def _certificate(self, data: Mapping[str, Any]) -> tuple[Held, str]:
        label, server = data.get("label"), data.get("server")
        key = (
            data.get("sha256"),
            label,
            server,
            data.get("subject"),
            data.get("not_after"),
            data.get("kind"),
        )
        try:
            held = self._held.get(key)
        except TypeError:  # a list or an object where a text should be
            return Held("", "", "", "", None, "unreadable"), self._text(data.get("status"))
        if held is None:
            named = _IN_LABEL.match(label) if isinstance(label, str) else None
            held = self._held[key] = Held(
                str(key[0]) if _is_sha256(key[0]) else "",
                _short(label),
                (_short(server) or (named[1] if named else "")).lower(),
                _short(key[3]),
                _seconds(key[4]),
                self._text(key[5]),
            )
        return held, self._text(data.get("status"))

    def _presented(self, data: Mapping[str, Any]) -> Held:
        told = {"server": data.get("server"), "subject": data.get("subject"), "kind": "server", "label": ""}
        return self._certificate({**told, "sha256": data["sha256"], "not_after": data.get("not_after")})[0]

    def _problem(self, data: object) -> Problem | None:
        problem = Problem.from_data(data)
        if problem is None:
            return None
        session = problem.session
        if session is not None:
            session = FailedSession(*(_short(item) or None for item in _fields(session)))  # type: ignore[arg-type]
        return Problem(
            problem.kind, problem.code, _short(problem.message), (), _short(problem.hint) or None, session
        )

    def _names(self, servers: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
        found = (
            (self._text(item.get("server")).lower(), self._lower(item.get("stanzas")))
            for item in objects(servers)
        )
        return self._once(tuple(found))

    def _lower(self, value: object) -> tuple[str, ...]:
        """Names that many results have, in lower case."""
        if not isinstance(value, list):
            return ()
        key = tuple(value[: RESULT_STANZAS.cap])
        try:
            known = self._lowered.get(key)
        except TypeError:  # a list or an object where a text should be
            key = tuple(item for item in key if isinstance(item, str))
            known = self._lowered.get(key)
        if known is None:
            names = (item[:_LONGEST].lower() for item in key if isinstance(item, str))
            known = self._lowered[key] = tuple(names)
        return known

    def _once(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        return self._tuples.setdefault(value, value)

    def _text(self, value: object) -> str:
        """A text that many results have."""
        if not isinstance(value, str):
            return ""
        known = self._texts.get(value)
        if known is None:
            known = self._texts[value] = value[:_LONGEST]
        return known


def _distrusted(certificates: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The fingerprints that only entries have which the client does not go by."""
    found = {True: set[str](), False: set[str]()}
    for one in certificates:
        sha256 = one.get("sha256")
        if isinstance(sha256, str):
            found[one.get("trusted") is not False].add(sha256)
    return frozenset(found[False] - found[True]) if found[False] else _NONE


def _too_much(value: Mapping[str, Any]) -> str | None:
    """Which of the bounds the result does not keep."""
    stores = value.get("stores")
    if _length(stores) > RESULT_STORES.cap:
        return f"it tells of more than {RESULT_STORES.cap:,} stores"
    if sum(_length(store.get("certificates")) for store in objects(stores)) > RESULT_CERTIFICATES.cap:
        return f"it tells of more than {RESULT_CERTIFICATES.cap:,} certificates"
    if _length(value.get("servers")) > RESULT_SERVERS.cap:
        return f"it tells of more than {RESULT_SERVERS.cap:,} servers"
    return None


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _fields(session: FailedSession) -> tuple[str | None, ...]:
    return session.stanza, session.server, session.node, session.code


def _verdict(command: str, code: int, problem: Problem | None, would_change: bool) -> Verdict:
    """What a command that only looks found."""
    if problem is not None and problem.code == "no-store-found":
        return "absent"
    if code == 3 or would_change:
        return "needed"
    return "healthy" if code == 0 and command in ("detect", "plan") else "unknown"


def _would_change(value: Mapping[str, Any], stores: tuple[StoreSeen, ...]) -> bool:
    """Whether `plan` has steps, or `inspect`, which asks no server, saw something that expired."""
    command = value.get("command")
    if command == "plan":
        return bool(value.get("steps"))
    return command == "inspect" and any(
        status == "expired" for store in stores for _, status in store.certificates
    )


def _time(value: Mapping[str, Any], made: int | None) -> int | None:
    """When the result was made: as it says itself, as its run's id says, or as its file says."""
    told = _seconds(value.get("at"))
    if told is not None:
        return told
    run = value.get("run")
    found = _RUN_TIME.match(run) if isinstance(run, str) else None
    if found is None:
        return made
    return _seconds("{}-{}-{}T{}:{}:{}Z".format(*found.groups()))


def _seconds(value: object) -> int | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        time = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return int((time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp())
    except (ValueError, OverflowError):
        return None


def _integer(value: object, otherwise: int) -> int:
    return (
        value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10_000 else otherwise
    )


def _short(value: object) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and _SHA256.match(value) is not None
