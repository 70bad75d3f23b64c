"""Carries out one set's transaction: each step journaled before it acts, every failure undone.

Owns the order of things, and the steps that a client's store and a server's key database have in common; what
to do is the plan's, the other steps are in `client.py` and `server.py`.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from dsmcertfix.errors import (
    BackupFailed,
    DsmcertfixError,
    EditFailed,
    InternalError,
    NotRestored,
    Outcome,
    Problem,
    SwapFailed,
    bug,
)
from dsmcertfix.ibm.engines import Engine
from dsmcertfix.model import Certificate, FileFact, FileSet, FileT
from dsmcertfix.planning.steps import BackUp, CheckStaged, CommonStep, DeleteLabel, Stage, step_name
from dsmcertfix.system.base import Platform, StoreDirectory
from dsmcertfix.system.process.run import Waits
from dsmcertfix.transaction import live
from dsmcertfix.transaction.backup import Backup, make_backup, manifest_hash, read_as_owner, require_room
from dsmcertfix.transaction.interrupts import Interrupts
from dsmcertfix.transaction.journal import Journal
from dsmcertfix.transaction.live import tidy
from dsmcertfix.transaction.staging import Staged

StepT = TypeVar("StepT")


@dataclass(slots=True)
class Run:
    """What the transactions of one run share. `proved`: (store, fingerprint) pairs that a client trusted."""

    id: str
    directory: Path
    journal: Journal
    interrupts: Interrupts
    proved: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a transaction ended."""

    outcome: Outcome
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Subject(Generic[FileT]):
    """What a transaction is about: the set, and its files as they were looked at."""

    located: FileSet[FileT]
    facts: tuple[FileFact[FileT], ...]


class Transaction(ABC, Generic[StepT, FileT]):
    """One set's transaction. `engines` edit the private copy, in the order in which they are tried.

    `live_steps` change the live set, or let somebody change it; before `replacing_steps` it must be as it was
    backed up.
    """

    success: ClassVar[Outcome] = "changed"
    live_steps: ClassVar[tuple[type, ...]] = ()
    replacing_steps: ClassVar[tuple[type, ...]] = ()

    def __init__(
        self,
        subject: Subject[FileT],
        steps: tuple[StepT, ...],
        platform: Platform,
        engines: tuple[Engine, ...],
        run: Run,
    ):
        self._subject = subject
        self._steps = steps
        self._platform = platform
        self._run = run
        self._located = subject.located
        self._id = subject.located.id
        self._directory = run.directory / "stores" / self._id
        self._staged = Staged(self._directory / "stage", subject.located, engines, platform)
        self._backup: Backup[FileT] | None = None
        self._deleted: str | None = None
        self._live = False
        self._access_lost: tuple[str, ...] = ()

    # --- what differs

    @abstractmethod
    def _act(self, step: StepT) -> str | None:
        """The step was carried out; what there is to say of it. Raises DsmcertfixError or OSError."""

    def _waiting(self, step: StepT) -> Waits[str | None]:
        """As `_act`, for steps in which others may go on meanwhile."""
        yield from ()
        return self._act(step)

    @abstractmethod
    def _text(self, step: StepT) -> str:
        """What the step does, in one line for people."""

    @abstractmethod
    def _now(self) -> Mapping[str, Any]:
        """The journal's record of the set as it is now."""

    def _told(self, step: StepT, error: OSError) -> DsmcertfixError:
        """The error of ours that a system error means in that step."""
        message, context = self._words(step, error)
        match step:
            case BackUp():
                return BackupFailed("backup-not-made", message, context=context)
            case _:
                return EditFailed("private-copy-failed", message, context=context)

    def _before_undo(self) -> None:
        """The live set can be put back now. Raises DsmcertfixError when it cannot."""

    def _after_undo(self, problem: Problem) -> Problem:
        """What else was disturbed is as before; the problem to tell."""
        return problem

    # --- the protocol

    def run(self) -> Waits[Ended]:
        """The set is as planned, or as it was; or broken, and the problem says where the backup is.

        The outcome is in the journal. Never raises: what went wrong is in the answer. What is thrown into it
        while it waits (a signal's exception) ends the wait and is undone.
        """
        ended = yield from self._try()
        if ended is None:
            ended = self._success()
        else:
            # The undo is done; a journal that cannot be written leaves it to `recover` to do it again.
            report: Mapping[str, Any] = {}
            with contextlib.suppress(Exception):
                report = self._now()
            self._run.journal.note("store-finished", self._id, **self._record(ended, report))
        touched = self._live and ended.outcome != "broken"
        tidy(self._platform, self._run.journal, self._id, self._located, touched=touched)
        return ended

    def _try(self) -> Waits[Ended | None]:
        """None when every step was carried out and the success is on record."""
        try:
            for step in self._steps:
                yield from self._carry_out(step)
            self._run.interrupts.checkpoint()
            if self._live:
                self._in_store(live.settle)
            # From here on this outcome counts.
            record = self._record(self._success(), self._with_warnings(self._now()))
            self._run.journal.append("store-finished", self._id, **record)
        except DsmcertfixError as error:
            return self._undo(error.problem())
        except OSError as error:
            return self._undo(self._not_journaled(error).problem())
        except Exception as error:
            return self._undo(bug(error).problem())
        return None

    def _with_warnings(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**report, "notes": [*report.get("notes", ()), *self._access_lost]}

    def _success(self) -> Ended:
        return Ended(self.success, None)

    def _record(self, ended: Ended, report: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "outcome": ended.outcome,
            "problem": ended.problem.to_data() if ended.problem else None,
            "backup": str(self._backup.path) if self._backup else None,
            "report": report,
        }

    def _not_journaled(self, error: OSError) -> DsmcertfixError:
        kind = SwapFailed if self._live else BackupFailed
        return kind(
            "journal-not-written",
            f"the journal `{self._run.journal.path}` could not be written: {error.strerror}",
            hint="Make room there, or give another place with `--state-dir`.",
        )

    def _carry_out(self, step: StepT) -> Waits[None]:
        self._run.interrupts.checkpoint()
        name, is_live = step_name(step), isinstance(step, self.live_steps)
        if isinstance(step, self.replacing_steps):
            # Before the journal calls the store live: what somebody else changed must not be "put back".
            backup = self._require_backup()
            self._in_store(lambda directory: live.require_unchanged(directory, backup))
        self._run.journal.append("step-started", self._id, step=name, text=self._text(step), live=is_live)
        self._live = self._live or is_live
        try:
            note = yield from self._waiting(step)
        except DsmcertfixError as error:
            self._failed(name, error)
            raise
        except OSError as error:
            told = self._told(step, error)
            self._failed(name, told)
            raise told from error
        self._run.journal.append("step-done", self._id, step=name, note=note)

    def _failed(self, name: str, error: DsmcertfixError) -> None:
        problem = error.problem().to_data()
        self._run.journal.note("step-failed", self._id, step=name, note=error.message, problem=problem)

    def _words(self, step: StepT, error: OSError) -> tuple[str, tuple[str, ...]]:
        """Message and context of the error that tells of a system error in that step."""
        context = (str(error.filename),) if error.filename else ()
        return f"{self._text(step)}: {error.strerror or error}", context

    # --- the steps in common

    def _common(self, step: CommonStep) -> str | None:
        match step:
            case BackUp():
                return self._back_up()
            case Stage():
                self._platform.private_directory(self._staged.directory)
                self._staged.fill(self._require_backup())
            case DeleteLabel():
                return self._delete()
            case CheckStaged(removed, added):
                self._staged.check(self._require_backup(), removed, self._added(added))
        return None

    def _delete(self) -> str:
        """All that is to go went in one edit, at the first of the steps; by which engine."""
        if self._deleted is None:
            gone = tuple(step.certificate for step in self._steps if isinstance(step, DeleteLabel))
            with self._run.interrupts.interruptible():
                self._deleted = self._staged.edit(
                    lambda engine, path: engine.delete(path, gone), removed=gone
                )
        return self._deleted

    def _added(self, added: tuple[Certificate, ...]) -> tuple[tuple[str, bytes], ...]:
        """Label and DER of what the plan adds."""
        return tuple((item.label, item.der) for item in added)

    def _back_up(self) -> str:
        path = self._directory / "backup"
        require_room(self._subject.facts, self._run.directory)
        self._platform.private_directory(path)
        contents = read_as_owner(self._platform, self._located, self._subject.facts)
        with self._platform.reading(self._located) as directory:
            self._backup = make_backup(directory, self._subject.facts, path, contents)
        self._run.journal.append("backed-up", self._id, manifest=manifest_hash(path))
        return str(path)

    def _in_store(self, work: Callable[[StoreDirectory[FileT]], None]) -> None:
        self._platform.in_store(self._located, self._run.id, work)

    def _keep_access(self) -> None:
        """Who could use the files before can use them now; where that could not be, it will be told."""
        backup = self._require_backup()
        self._in_store(lambda directory: live.keep_access(directory, backup))
        with self._platform.reading(self._located) as directory:
            self._access_lost = live.access_lost(directory, backup)

    def _require_backup(self) -> Backup[FileT]:
        if self._backup is None:
            raise InternalError("no-backup", "a step came before the backup")
        return self._backup

    # --- the way back

    def _undo(self, problem: Problem) -> Ended:
        """The set is as it was; says what state that is, and what to tell."""
        if not self._live or problem.code == live.CHANGED:
            return Ended("unchanged", self._after_undo(problem))
        if problem.kind == NotRestored.__name__:
            # What somebody else wrote lies aside: it must not go with an undo.
            return Ended("broken", problem)
        self._note("undo-started", "put everything back")
        backup = self._require_backup()
        try:
            self._before_undo()
            self._in_store(live.restoring(backup))
        except Exception as error:
            ours = error if isinstance(error, DsmcertfixError) else bug(error)
            told = ours if isinstance(ours, NotRestored) else _not_restored(ours, backup)
            return Ended("broken", because(told.problem(), problem))
        self._note("undo-done", "every file is as it was, proved by its hash")
        return Ended("rolled-back", self._after_undo(problem))

    def _note(self, kind: str, text: str) -> None:
        self._run.journal.note(kind, self._id, step="undo", text=text)


def _not_restored(error: DsmcertfixError, backup: Backup[FileT]) -> NotRestored:
    return NotRestored(
        "not-restored",
        f"the store in `{backup.directory}` could not be put back: {error.message}",
        context=(*error.context, f"backup: {backup.path}"),
        hint=f"Free the way, then run `dsmcertfix recover`; or copy the files from `{backup.path}`.",
    )


def because(problem: Problem, cause: Problem) -> Problem:
    """The problem, with what led to it."""
    return Problem(
        problem.kind,
        problem.code,
        problem.message,
        (*problem.context, f"undone because: {cause.message}"),
        problem.hint,
    )
