"""The transaction that undoes a committed run in one set: its backup comes back, what is there is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from dsmcertfix.errors import DsmcertfixError, Outcome, SwapFailed
from dsmcertfix.model import FileT
from dsmcertfix.planning.standing import hindrance
from dsmcertfix.planning.steps import BackUp, Restore, step_text
from dsmcertfix.system.base import Platform
from dsmcertfix.transaction import live
from dsmcertfix.transaction.backup import Backup, load_backup
from dsmcertfix.transaction.executor import Run, Subject, Transaction

RollbackStep = BackUp | Restore


def rollback_steps(backup: Path) -> tuple[RollbackStep, ...]:
    """What a rollback does to one set."""
    return (BackUp(), Restore(backup))


class Rollback(Transaction[RollbackStep, FileT]):
    """The set is as in that backup of an earlier run. `now` makes the journal's record of it.

    `ready` raises DsmcertfixError when its files must not be exchanged now.
    """

    success: ClassVar[Outcome] = "rolled-back"
    live_steps: ClassVar[tuple[type, ...]] = (Restore,)
    replacing_steps: ClassVar[tuple[type, ...]] = (Restore,)

    def __init__(
        self,
        subject: Subject[FileT],
        backup: Path,
        platform: Platform,
        run: Run,
        now: Callable[[], Mapping[str, Any]],
        ready: Callable[[], None],
    ):
        super().__init__(subject, rollback_steps(backup), platform, (), run)
        self._backup_path = backup
        self._tell = now
        self._ready = ready

    def _now(self) -> Mapping[str, Any]:
        return self._tell()

    def _text(self, step: RollbackStep) -> str:
        return step_text(step)

    def _act(self, step: RollbackStep) -> str | None:
        match step:
            case Restore():
                self._ready()
                earlier = self._earlier()
                earlier.verify()
                self._in_store(live.exchanging(self._require_backup(), earlier))
                return None
            case BackUp():
                self._ready()
                self._require_movable()
                return self._common(step)

    def _require_movable(self) -> None:
        """Raises NotPermitted or CannotReconnect when a mount keeps a file from becoming as in the backup."""
        earlier = self._earlier()
        other = [
            fact for fact in self._subject.facts if fact.present and fact != earlier.saved(fact.file).fact
        ]
        gone = [fact for fact in other if not earlier.saved(fact.file).fact.present]
        problem = hindrance(self._located, other, gone)
        if problem is not None:
            raise problem.error()

    def _told(self, step: RollbackStep, error: OSError) -> DsmcertfixError:
        if isinstance(step, Restore):
            message, context = self._words(step, error)
            return SwapFailed("live-step-failed", message, context=context)
        return super()._told(step, error)

    def _earlier(self) -> Backup[FileT]:
        return load_backup(self._backup_path, self._located.kind)


class BroughtIn(Rollback[FileT]):
    """The set is the one that was saved elsewhere; whoever makes this has checked it."""

    success: ClassVar[Outcome] = "changed"

    def __init__(
        self,
        subject: Subject[FileT],
        saved: Backup[FileT],
        platform: Platform,
        run: Run,
        now: Callable[[], Mapping[str, Any]],
    ):
        super().__init__(subject, saved.path, platform, run, now, lambda: None)
        self._saved = saved

    def _earlier(self) -> Backup[FileT]:
        return self._saved
