"""The transaction of a server's key database: stop, swap, start, and the certificate that the server makes.

The window in which the server is down is as short as can be: backup, private copy, edit and check come before
the stop. The undo stops the server first, puts the files back, and starts it again where it ran before. What
a kill leaves is finished when the server has made a whole new certificate, and undone otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, ClassVar

from dsmcertfix.errors import (
    Busy,
    DsmcertfixError,
    NotRestored,
    Problem,
    ServerNotUp,
    SwapFailed,
    WrongCertificate,
)
from dsmcertfix.ibm.engines import Engine
from dsmcertfix.ibm.server.control import Keeper, Start
from dsmcertfix.model import Certificate, Presented, Server, ServerFile
from dsmcertfix.planning.renew import (
    LIVE_SERVER_STEPS,
    AwaitCertificate,
    CheckRenewed,
    RenewPlan,
    ServerStep,
    ServerSwap,
    StartServer,
    StopServer,
    server_step_text,
)
from dsmcertfix.planning.steps import BackUp, CheckStaged, DeleteLabel, Stage
from dsmcertfix.system.base import Platform
from dsmcertfix.system.process.run import Waits
from dsmcertfix.transaction import live
from dsmcertfix.transaction.executor import Ended, Run, Subject, Transaction, because
from dsmcertfix.transaction.server_checks import Contents, check_renewed, contents

_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class ServerTools:
    """What a renewal acts with: `present` asks a server for its certificate, `tell` makes the record."""

    platform: Platform
    engines: tuple[Engine, ...]
    keeper: Keeper
    present: Callable[[Server], Presented]
    tell: Callable[[], Mapping[str, Any]]


class ServerTransaction(Transaction[ServerStep, ServerFile]):
    """One instance's renewal."""

    live_steps: ClassVar[tuple[type, ...]] = LIVE_SERVER_STEPS
    replacing_steps: ClassVar[tuple[type, ...]] = (ServerSwap,)

    def __init__(self, plan: RenewPlan, tools: ServerTools, run: Run):
        instance = plan.instance
        super().__init__(
            Subject(instance.located, instance.files), plan.steps, tools.platform, tools.engines, run
        )
        self._plan = plan
        self._tools = tools
        self._keeper = tools.keeper
        self._start: Start | None = None

    def run(self) -> Waits[Ended]:
        """See Transaction.run. What was started goes on without us."""
        try:
            return (yield from super().run())
        finally:
            if self._start is not None:
                self._start.leave()

    def _text(self, step: ServerStep) -> str:
        return server_step_text(step)

    def _now(self) -> Mapping[str, Any]:
        return dict(self._tools.tell())

    def _act(self, step: ServerStep) -> str | None:
        match step:
            case StopServer():
                with self._run.interrupts.interruptible():
                    self._keeper.stop()
            case ServerSwap():
                backup, content = self._require_backup(), self._staged.database.read_bytes()
                self._in_store(lambda directory: live.swap(directory, backup, content, ServerFile.ARM))
            case StartServer():
                self._start = self._keeper.start()
            case AwaitCertificate(label, presents_at):
                with self._run.interrupts.interruptible():
                    self._await(label, presents_at)
                self._keep_access()
            case CheckRenewed(old):
                return f"SHA-256 {self._check(old).sha256}"
            case BackUp() | Stage() | DeleteLabel() | CheckStaged():
                return self._common(step)
        return None

    def _told(self, step: ServerStep, error: OSError) -> DsmcertfixError:
        message, context = self._words(step, error)
        match step:
            case ServerSwap() | CheckRenewed():
                return SwapFailed("live-step-failed", message, context=context)
            case StopServer() | StartServer() | AwaitCertificate():
                return ServerNotUp("server-not-reached", message, context=context)
            case _:
                return super()._told(step, error)

    # --- the new certificate

    def _await(self, label: str, presents_at: Server | None) -> None:
        """The server has a new certificate, and is up. Raises ServerNotUp and WrongCertificate."""
        end = time.monotonic() + self._keeper.limit_s
        missing = "nothing"
        while time.monotonic() < end:
            failure = self._start.failure() if self._start is not None else None
            if failure is not None:
                raise failure
            missing = self._missing(label, presents_at)
            if not missing:
                return
            time.sleep(_POLL_S)
        raise ServerNotUp(
            "server-not-up",
            f"within {self._keeper.limit_s:g} seconds the server did not come up with a new certificate",
            context=(f"missing: {missing}", *self._said()),
        )

    def _missing(self, label: str, presents_at: Server | None) -> str:
        """What the server has not done yet; empty when it has done everything."""
        try:
            found = self._contents()
            new, arm = found.labelled(label), found.arm
        except (OSError, DsmcertfixError) as error:
            return str(error)
        if new is None:
            return f"the key database has no certificate `{label}`"
        if arm is None:
            return f"{ServerFile.ARM.value} has no certificate"
        if arm != new.der:
            return f"{ServerFile.ARM.value} holds another certificate than the key database"
        if presents_at is not None:
            return self._not_presented(new, presents_at)
        return "" if self._keeper.runs() is not False else "the server does not run"

    def _not_presented(self, new: Certificate, at: Server) -> str:
        seen = self._tools.present(at)
        if seen.certificate is None:
            return seen.problem.message if seen.problem else f"{at} presents nothing"
        if seen.certificate.sha256 != new.sha256:
            raise WrongCertificate(
                "server-presents-another",
                f"the server presents another certificate at {at} than the new one of its key database",
                context=(f"presented: SHA-256 {seen.certificate.sha256}", f"made: SHA-256 {new.sha256}"),
            )
        return ""

    def _contents(self) -> Contents:
        with self._platform.reading(self._located) as directory:
            return contents(directory)

    def _check(self, old: Certificate) -> Certificate:
        backup = self._require_backup()
        return check_renewed(
            backup.content(ServerFile.KDB), self._contents(), old, datetime.now(timezone.utc)
        )

    # --- the way back

    def _before_undo(self) -> None:
        start, can_stop = self._start, self._keeper.control.stop is not None
        # A start that was only begun must not bring a server up under files that are being put back.
        at_rest = start is None or start.come_to_rest()
        # A service manager starts a server that died again and again, until it is told to stop it.
        kept_up = can_stop and start is not None and start.launched is not None
        if self._keeper.runs() is False and at_rest and not kept_up:
            return
        self._note("undo-started", "stop the server again")
        try:
            if can_stop or not self._keeper.asked_to_end(start):
                self._keeper.stop()
            if not at_rest and start is not None and not start.come_to_rest():
                raise Busy("server-not-stopped", "the start command does not end")
        except DsmcertfixError as error:
            raise NotRestored(
                "server-not-stopped-again",
                f"the old key database could not be put back: {error.message}",
                context=(*error.context, f"backup: {self._require_backup().path}"),
                hint="Stop the server by hand, run `dsmcertfix recover`, which puts its old files back, and "
                "start it again.",
            ) from error

    def _after_undo(self, problem: Problem) -> Problem:
        """The server runs again where it ran before."""
        try:
            if not self._plan.instance.running or self._keeper.runs() is not False:
                return problem
            self._note("undo-started", "start the server again")
            start = self._start = self._keeper.start()
            at = self._plan.presents_at
            if start.came_up(lambda: at is None or bool(self._tools.present(at).chain)):
                self._note("undo-done", "the server runs again")
                return problem
            error = start.failure()
            why = error.message if error else "it did not come up within the time limit"
            said = error.context if error else ()
        except (DsmcertfixError, OSError) as failed:
            why, said = str(failed), ()
        return because(self._not_started_again(why, said).problem(), problem)

    def _not_started_again(self, why: str, said: tuple[str, ...]) -> NotRestored:
        instance, command = self._plan.instance, self._keeper.control.start
        tried = f" (tried: {command.told})" if command is not None else ""
        return NotRestored(
            "server-not-started-again",
            f"the files are as they were, but the server does not run: {why}",
            context=said,
            hint=f"Start it by hand, as {instance.located.owner.name}{tried}. What is in the way is in its "
            f"own messages (`{instance.directory / 'dsmserv.err'}`, the journal of its unit) and in "
            f"`{self._keeper.start_log}`. It has its old certificate: clients need nothing. Renew again when "
            "it runs.",
        )

    def _said(self) -> tuple[str, ...]:
        return self._start.said() if self._start is not None else ()
