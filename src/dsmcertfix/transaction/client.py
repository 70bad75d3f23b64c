"""The transaction of a client's store: swap or move out, reconnect once, check what came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dsmcertfix.errors import (
    CannotReconnect,
    DsmcertfixError,
    EditFailed,
    InternalError,
    ReconnectFailed,
    SwapFailed,
)
from dsmcertfix.ibm.client import dsmc, messages
from dsmcertfix.ibm.engines import Engine
from dsmcertfix.ibm.key_database.chain import trusted
from dsmcertfix.model import (
    Certificate,
    LocatedStore,
    Owner,
    Presented,
    Proof,
    Server,
    Stanza,
    Store,
    StoreFile,
)
from dsmcertfix.planning.steps import (
    LIVE_STEPS,
    AddCertificate,
    BackUp,
    CheckLive,
    CheckStaged,
    CheckStanza,
    DeleteLabel,
    KeepPassword,
    MoveOut,
    Preflight,
    Prove,
    Reconnect,
    Stage,
    Step,
    StorePlan,
    Swap,
    step_text,
)
from dsmcertfix.report.result import proof_report
from dsmcertfix.system.base import Platform
from dsmcertfix.system.process.run import Waits
from dsmcertfix.transaction import live
from dsmcertfix.transaction.checks import check_live, check_stanza
from dsmcertfix.transaction.executor import Run, Subject, Transaction


@dataclass(frozen=True, slots=True)
class Tools:
    """What a transaction acts with. `engines` in the order in which they are tried.

    `reconnect` lets the store's owner's client sign on once and returns what went wrong, None when nothing
    did. `present` asks all of these servers at the same time.
    """

    platform: Platform
    engines: tuple[Engine, ...]
    reconnect: Callable[[Stanza, StorePlan], Waits[DsmcertfixError | None]]
    read_store: Callable[[LocatedStore], Store]
    present: Callable[[tuple[Server, ...]], tuple[Presented, ...]]
    prove: Callable[[Path, Owner | None, Server], Proof]


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
        self._proofs: list[Proof] = []
        self._checked: tuple[Store, dict[Server, Presented]] | None = None

    def _text(self, step: Step) -> str:
        return step_text(step)

    def _now(self) -> Mapping[str, Any]:
        proofs = [proof_report(proof)._asdict() for proof in self._proofs]
        return {**self._tell(self._tools.read_store(self._store)), "proofs": proofs}

    def _waiting(self, step: Step) -> Waits[str | None]:
        if not isinstance(step, Reconnect):
            return (yield from super()._waiting(step))
        yield from self._reconnect(step.stanza)
        return None

    def _act(self, step: Step) -> str | None:
        match step:
            case Preflight(problem=problem):
                if problem is not None:
                    raise problem.error()
                return step.note
            case KeepPassword():
                self._staged.keep_password()
            case AddCertificate(_, label, certificate, provider):
                return self._add(label, certificate, provider)
            case Swap(keep_index=keep_index):
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
            case Prove(server, copy):
                return self._prove_copy(server) if copy else self._prove(server)
            case BackUp() | Stage() | DeleteLabel() | CheckStaged():
                return self._common(step)
        return None

    def _told(self, step: Step, error: OSError) -> DsmcertfixError:
        message, context = self._words(step, error)
        match step:
            case Reconnect():
                return ReconnectFailed("client-not-run", message, context=context)
            case Swap() | MoveOut() | CheckLive() | CheckStanza() | Prove(copy=False):
                return SwapFailed("live-step-failed", message, context=context)
            case _:
                return super()._told(step, error)

    def _add(self, label: str, certificate: Certificate, provider: str | None) -> str:
        if provider is not None and (provider, certificate.sha256) not in self._run.proved:
            raise CannotReconnect(
                "certificate-not-proved",
                "no client of this machine trusts the new certificate yet, so it is not put in here",
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
        if error is not None and self._fetched_by_another(error, stanza):
            self._run.interrupts.checkpoint()
            error = yield from self._tools.reconnect(stanza, self._plan)
        if error is not None:
            raise dsmc.unless_elsewhere(error, stanza, self._store)
        self._keep_access()

    def _fetched_by_another(self, error: DsmcertfixError, stanza: Stanza) -> bool:
        """Whether the client failed over a store that makes it trust what its server presents.

        Nothing of the plan put that in, so another session of this client fetched it at the same moment. Its
        node is STRICT now: the old store would lock it out. A wrong password is no such failure, and is not
        tried twice.
        """
        if error.session is None or not messages.is_of_the_store(error.session.code):
            return False
        if stanza.server is None or any(isinstance(step, AddCertificate) for step in self._plan.steps):
            return False
        with self._run.interrupts.interruptible():
            (seen,) = self._tools.present((stanza.server,))
        held = self._tools.read_store(self._store).certificates
        return bool(seen.chain and trusted(held, seen.chain, datetime.now(timezone.utc)))

    def _check_live(self, step: CheckLive) -> str | None:
        store = self._tools.read_store(self._store)
        check_live(store, step, datetime.now(timezone.utc))
        if any(isinstance(other, Reconnect) for other in self._plan.steps):
            self._run.proved |= {(store.id, item.sha256) for item in store.certificates}
        held = {item.sha256 for item in store.certificates}
        fetched = dict.fromkeys(
            next((sha256 for sha256 in expected.sha256s if sha256 in held), "") for expected in step.expected
        )
        return ", ".join(f"SHA-256 {sha256}" for sha256 in fetched if sha256) or None

    def _check_stanza(self, stanza: Stanza) -> str | None:
        if stanza.server is None:
            return None
        if self._checked is None:
            self._checked = self._tools.read_store(self._store), self._seen_at_the_end()
        store, seen = self._checked
        check_stanza(store, stanza.name, seen[stanza.server], datetime.now(timezone.utc))
        what = "database backup" if stanza.database_backup else "session"
        return f"{stanza.server} presents what the store trusts; the next {what} uses it"

    def _seen_at_the_end(self) -> dict[Server, Presented]:
        """What the servers of all CheckStanza present: however many are silent, they are waited for once."""
        stanzas = (step.stanza for step in self._plan.steps if isinstance(step, CheckStanza))
        servers = tuple(dict.fromkeys(stanza.server for stanza in stanzas if stanza.server is not None))
        return dict(zip(servers, self._tools.present(servers), strict=True))

    def _prove_copy(self, server: Server) -> str:
        """What IBM's TLS says of the private copy. Raises EditFailed when it refuses the server with it."""
        with self._run.interrupts.interruptible():
            proof = self._tools.prove(self._staged.database, None, server)
        if proof.answer == "refused":
            raise EditFailed(
                "copy-not-trusted",
                f"with the new certificate the client would not trust {server}: {proof.reason}",
                hint="`dsmcertfix probe` shows what the server presents: its root is what must be trusted.",
            )
        return proof.reason

    def _prove(self, server: Server) -> str:
        """What IBM's TLS says of the live store.

        Raises ReconnectFailed when it refuses the server with it, and no session was granted before.
        """
        with self._run.interrupts.interruptible():
            proof = self._tools.prove(self._store.directory / StoreFile.KDB.value, self._store.owner, server)
        self._proofs.append(proof)
        signed_on = any(
            isinstance(step, Reconnect) and step.stanza.server == server for step in self._plan.steps
        )
        # The client itself was let in: its node is STRICT now, and the old store would lock it out.
        if proof.answer == "refused" and not signed_on:
            raise ReconnectFailed(
                "store-not-trusted", f"the client would not trust {server} with the new store: {proof.reason}"
            )
        return proof.reason
