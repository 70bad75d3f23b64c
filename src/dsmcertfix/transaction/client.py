"""The transaction of a client's store: swap or move out, reconnect once, check what came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from dsmcertfix.client import dsmc
from dsmcertfix.client.engine import Engine
from dsmcertfix.errors import CannotReconnect, DsmcertfixError, InternalError, ReconnectFailed, SwapFailed
from dsmcertfix.model import (
    Certificate,
    LocatedStore,
    Presented,
    Server,
    Stanza,
    Store,
    StoreFile,
)
from dsmcertfix.plan import (
    LIVE_STEPS,
    AddCertificate,
    BackUp,
    CheckLive,
    CheckStaged,
    CheckStanza,
    DeleteLabel,
    MoveOut,
    Preflight,
    Reconnect,
    Stage,
    Step,
    StorePlan,
    Swap,
    step_text,
)
from dsmcertfix.platforms.base import Platform
from dsmcertfix.process import Waits
from dsmcertfix.transaction import live
from dsmcertfix.transaction.checks import check_live, check_stanza
from dsmcertfix.transaction.executor import Run, Subject, Transaction


@dataclass(frozen=True, slots=True)
class Tools:
    """What a transaction acts with. `engines` in the order in which they are tried.

    `reconnect` lets the store's owner's client sign on once and returns what went wrong, None when nothing
    did.
    """

    platform: Platform
    engines: tuple[Engine, ...]
    reconnect: Callable[[Stanza, StorePlan], Waits[DsmcertfixError | None]]
    read_store: Callable[[LocatedStore], Store]
    present: Callable[[Server], Presented]


class ClientTransaction(Transaction[Step, StoreFile]):
    """One store's transaction. `tell` makes the journal's record of a store as it is at the end."""

    live_steps = LIVE_STEPS
    replacing_steps = (Swap, MoveOut)

    def __init__(self, plan: StorePlan, tools: Tools, run: Run, tell: Callable[[Store], Mapping[str, Any]]):
        store = plan.store
        subject = Subject(store.located, store.files)
        super().__init__(subject, plan.steps, tools.platform, tools.engines, run)
        self._plan = plan
        self._tools = tools
        self._tell = tell
        self._store = store.located

    def _text(self, step: Step) -> str:
        return step_text(step)

    def _now(self) -> Mapping[str, Any]:
        return dict(self._tell(self._tools.read_store(self._store)))

    def _waiting(self, step: Step) -> Waits[str | None]:
        if not isinstance(step, Reconnect):
            return (yield from super()._waiting(step))
        yield from self._reconnect(step.stanza)
        return None

    def _act(self, step: Step) -> str | None:
        match step:
            case Preflight(_, problem):
                if problem is not None:
                    raise problem.error()
            case AddCertificate(_, label, certificate, provider):
                return self._add(label, certificate, provider)
            case Swap(keep_index):
                self._swap(keep_index)
            case MoveOut():
                backup = self._require_backup()
                self._in_store(lambda directory: live.move_out(directory, backup))
            case Reconnect():
                raise InternalError("not-waited-for", "a session was begun where nobody waits for it")
            case CheckLive():
                return self._check_live(step)
            case CheckStanza(stanza):
                return self._check_stanza(stanza)
            case BackUp() | Stage() | DeleteLabel() | CheckStaged():
                return self._common(step)
        return None

    def _told(self, step: Step, error: OSError) -> DsmcertfixError:
        message, context = self._words(step, error)
        match step:
            case Reconnect():
                return ReconnectFailed("client-not-run", message, context=context)
            case Swap() | MoveOut() | CheckLive() | CheckStanza():
                return SwapFailed("live-step-failed", message, context=context)
            case _:
                return super()._told(step, error)

    def _add(self, label: str, certificate: Certificate, provider: str | None) -> str:
        if provider is not None and (provider, certificate.sha256) not in self._run.proved:
            raise CannotReconnect(
                "certificate-not-proved",
                "no client of this machine trusts the new certificate yet, so it is not put in here",
                hint="See why the client's own store was not repaired, then run this again.",
            )
        with self._run.interrupts.interruptible():
            return self._staged.edit(
                lambda engine, path: engine.add(path, label, certificate.der),
                added=((label, certificate.der),),
            )

    def _added(self, added: tuple[Certificate, ...]) -> tuple[tuple[str, bytes], ...]:
        labels = {
            step.certificate.sha256: step.label
            for step in self._plan.steps
            if isinstance(step, AddCertificate)
        }
        return tuple((labels[item.sha256], item.der) for item in added)

    def _swap(self, keep_index: bool) -> None:
        backup, away = self._require_backup(), None if keep_index else StoreFile.IDX
        content = self._staged.database.read_bytes()
        self._in_store(lambda directory: live.swap(directory, backup, content, away))

    def _reconnect(self, stanza: Stanza) -> Waits[None]:
        # After the journal was written, which takes its time: no session is begun after a signal.
        self._run.interrupts.checkpoint()
        error = yield from self._tools.reconnect(stanza, self._plan)
        if error is not None:
            raise dsmc.unless_elsewhere(error, stanza, self._store)
        self._keep_access()

    def _check_live(self, step: CheckLive) -> str | None:
        store = self._tools.read_store(self._store)
        check_live(store, step, datetime.now(timezone.utc))
        if any(isinstance(other, Reconnect) for other in self._plan.steps):
            self._run.proved |= {(store.id, item.sha256) for item in store.certificates}
        fetched = [sha256 for expected in step.expected for sha256 in expected.sha256s[:1]]
        return ", ".join(f"SHA-256 {sha256}" for sha256 in fetched) or None

    def _check_stanza(self, stanza: Stanza) -> str | None:
        if stanza.server is None:
            return None
        check_stanza(self._tools.read_store(self._store), stanza.name, self._tools.present(stanza.server))
        return f"{stanza.server} presents what the store trusts; the next database backup uses it"
