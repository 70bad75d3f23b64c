"""Everything that can go wrong, and the exit code it leads to.

Owns the exceptions and the exit codes. Imports nothing of this package, so that everything may import it.

    DsmcertfixError
    |-- UsageError           wrong options, or a question with nobody to answer it
    |-- NotFound             client, store, label or program not found
    |-- Busy                 another run holds the lock, or a file is in use
    |-- NotPermitted         the system, or our own caution, forbids it
    |-- PlanOutdated         the machine is no longer as it was when the plan was made
    |-- StoreUnreadable      a store could not be read
    |-- BackupFailed         no safe backup could be made, or one that exists is damaged
    |-- EditFailed           the edit, or its check, failed on the private copy
    |-- CannotReconnect      a reconnect could not work
    |-- SwapFailed           the live store could not be replaced
    |-- ReconnectFailed      the client did not reconnect
    |-- ServerNotUp          the server did not come up again
    |-- WrongCertificate     the fetched certificate is not the expected one
    |-- NotRestored          the old state could not be restored completely
    |-- ServiceDown          a client service that was to be restarted does not run
    |-- Unrecovered          an earlier run was cut off and is not recovered
    |-- Interrupted          Ctrl+C ended the run
    |-- Terminated           SIGTERM (or SIGHUP) ended the run
    `-- InternalError        a bug in the tool
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, ClassVar, Literal

from dsmcertfix import NamedTuple

Outcome = Literal["unchanged", "changed", "rolled-back", "broken"]

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")


class FailedSession(NamedTuple):
    """A session that a server did not grant: whose it was, and IBM's code that says why, if one did."""

    stanza: str
    server: str | None
    node: str | None
    code: str | None

    @classmethod
    def from_data(cls, data: object) -> FailedSession | None:
        """The session as JSON has it; None for anything else."""
        if not isinstance(data, Mapping) or not isinstance(data.get("stanza"), str):
            return None
        told = {name: data.get(name) for name in ("server", "node", "code")}
        known = {name: value if isinstance(value, str) else None for name, value in told.items()}
        return cls(data["stanza"], known["server"], known["node"], known["code"])


class Problem(NamedTuple):
    """What an error looks like once it is a value: in a journal, in a report, on the screen."""

    kind: str
    code: str
    message: str
    context: tuple[str, ...] = ()
    hint: str | None = None
    session: FailedSession | None = None

    def to_data(self) -> dict[str, Any]:
        """The problem as JSON-ready data."""
        session = self.session._asdict() if self.session else None
        return self._asdict() | {"context": list(self.context), "session": session}

    @classmethod
    def from_data(cls, data: object) -> Problem | None:
        """The problem that `to_data` wrote; fields that are missing, new or odd do no harm."""
        if not isinstance(data, Mapping) or not data:
            return None
        code, hint, context = str(data.get("code")), data.get("hint"), data.get("context")
        return cls(
            str(data.get("kind", "InternalError")),
            code if _CODE.match(code) else "unknown",
            str(data.get("message", "")),
            tuple(str(item) for item in context) if isinstance(context, list | tuple) else (),
            None if hint is None else str(hint),
            FailedSession.from_data(data.get("session")),
        )

    def error(self) -> DsmcertfixError:
        """The exception that says the same."""
        kind = KINDS.get(self.kind, InternalError)
        error = kind(self.code, self.message, context=self.context, hint=self.hint)
        error.session = self.session
        return error


class DsmcertfixError(Exception):
    """An error that the reader can act on: a stable code, what happened, facts, and the next step.

    `untouched` is the exit code when the machine is as it was because nothing was done, `rolled_back` when it
    is as it was because it was put back.
    """

    untouched: ClassVar[int] = 1
    rolled_back: ClassVar[int] = 20

    def __init__(self, code: str, message: str, *, context: tuple[str, ...] = (), hint: str | None = None):
        if not _CODE.match(code):
            raise ValueError(f"error code {code!r} is not kebab-case")
        super().__init__(message)
        self.code = code
        self.message = message
        self.context = context
        self.hint = hint
        self.session: FailedSession | None = None

    def problem(self) -> Problem:
        """The error as a value."""
        return Problem(type(self).__name__, self.code, self.message, self.context, self.hint, self.session)


class UsageError(DsmcertfixError):
    """Wrong options, or a question with nobody to answer it."""

    untouched = 2


class NotFound(DsmcertfixError):
    """Client, store, label or program not found."""

    untouched = 10


class Busy(DsmcertfixError):
    """Another run holds the lock, or a file is in use."""

    untouched = 11


class NotPermitted(DsmcertfixError):
    """The system, or our own caution, forbids it."""

    untouched = 12


class PlanOutdated(DsmcertfixError):
    """The machine is no longer as it was when the plan was made."""

    untouched = 13


class StoreUnreadable(DsmcertfixError):
    """A store could not be read."""

    untouched = 14


class BackupFailed(DsmcertfixError):
    """No safe backup could be made, or one that exists is damaged."""

    untouched = 14


class EditFailed(DsmcertfixError):
    """The edit, or its check, failed on the private copy."""

    untouched = 15


class CannotReconnect(DsmcertfixError):
    """A reconnect could not work, so nothing was removed."""

    untouched = 16
    rolled_back = 21


class SwapFailed(DsmcertfixError):
    """The live store could not be replaced."""

    untouched = 20
    rolled_back = 20


class ReconnectFailed(DsmcertfixError):
    """The client did not reconnect."""

    untouched = 21
    rolled_back = 21


class ServerNotUp(DsmcertfixError):
    """The server did not come up again with a new certificate."""

    untouched = 21
    rolled_back = 21


class WrongCertificate(DsmcertfixError):
    """The fetched certificate is not the expected one."""

    untouched = 22
    rolled_back = 22


class NotRestored(DsmcertfixError):
    """The old state could not be restored completely."""

    untouched = 30
    rolled_back = 30


class ServiceDown(DsmcertfixError):
    """A client service that was to be restarted does not run."""

    untouched = 32
    rolled_back = 32


class Unrecovered(DsmcertfixError):
    """An earlier run was cut off and is not recovered."""

    untouched = 31
    rolled_back = 31


class Interrupted(DsmcertfixError):
    """Ctrl+C ended the run."""

    untouched = 130
    rolled_back = 130


class Terminated(DsmcertfixError):
    """SIGTERM (or SIGHUP) ended the run."""

    untouched = 143
    rolled_back = 143


class InternalError(DsmcertfixError):
    """A bug in the tool."""

    untouched = 1
    rolled_back = 1


def bug(error: Exception) -> InternalError:
    """The error that says that the tool has a bug, and where."""
    frames = traceback.extract_tb(error.__traceback__)[-1:]
    where = tuple(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames)
    return InternalError(
        "internal-error",
        f"a bug in dsmcertfix: {error!r}",
        context=where,
        hint="Please report it with these lines and the journal.",
    )


KINDS: dict[str, type[DsmcertfixError]] = {
    kind.__name__: kind
    for kind in (
        UsageError,
        NotFound,
        Busy,
        NotPermitted,
        PlanOutdated,
        StoreUnreadable,
        BackupFailed,
        EditFailed,
        CannotReconnect,
        SwapFailed,
        ReconnectFailed,
        ServerNotUp,
        WrongCertificate,
        NotRestored,
        ServiceDown,
        Unrecovered,
        Interrupted,
        Terminated,
        InternalError,
    )
}

ACTION_NEEDED = 3

MEANINGS: dict[int, str] = {
    0: "changed, or nothing to do",
    1: "a bug in the tool (everything restored)",
    2: "wrong usage",
    3: "`detect` and `server inspect`: action needed; `forecast --gate`: no-go",
    10: "client, store, label or program not found",
    11: "busy: another run holds the lock, a file is in use, or the server runs",
    12: "not permitted",
    13: "the plan no longer fits the machine",
    14: "a store could not be read, or no safe backup could be made",
    15: "the edit, or its check, failed on the private copy",
    16: "a reconnect could not work, so nothing was touched",
    20: "rolled back: the swap failed",
    21: "rolled back: the client did not reconnect, or the server did not come up",
    22: "rolled back: the new certificate is not the expected one",
    30: "not fully restored: paths and backup are in the message",
    31: "an earlier run was cut off and is not recovered",
    32: "the stores are as told, but a client service that was to be restarted does not run",
    130: "interrupted (Ctrl+C), everything restored",
    143: "terminated (SIGTERM), everything restored",
}


def exit_code(problem: Problem | None, outcome: Outcome) -> int:
    """The exit code: one pure function of what went wrong and what state the machine is in."""
    if outcome == "broken":
        return 30
    if problem is None:
        return 0
    kind = KINDS.get(problem.kind, InternalError)
    return kind.rolled_back if outcome == "rolled-back" else kind.untouched


_SEVERITY = (0, 3, 10, 13, 16, 15, 14, 12, 11, 2, 143, 130, 20, 21, 22, 1, 32, 31, 30)


def worst(codes: tuple[int, ...]) -> int:
    """The exit code that decides when several stores ended differently."""
    return max(codes, key=_SEVERITY.index, default=0)
