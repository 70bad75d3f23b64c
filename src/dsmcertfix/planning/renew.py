"""The vocabulary of a renewal: how the server is stopped and started, the steps, and the plan. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsmcertfix.errors import Busy, NotFound, NotPermitted, Problem, UsageError
from dsmcertfix.ibm.server.instance import LABEL, Command, Control, Instance
from dsmcertfix.model import Certificate, Presented, Server, ServerFile
from dsmcertfix.planning.assess import days_left
from dsmcertfix.planning.standing import hindrance
from dsmcertfix.planning.steps import BackUp, CheckStaged, CommonStep, DeleteLabel, Stage, step_text


@dataclass(frozen=True, slots=True)
class StopServer:
    """The server does not run; without a command a person has stopped it before anything else is done."""

    command: Command | None


@dataclass(frozen=True, slots=True)
class ServerSwap:
    """The live key database is the private copy, and cert256.arm is away, as the APAR says."""


@dataclass(frozen=True, slots=True)
class StartServer:
    """The server was started; without a command somebody else is waited for."""

    command: Command | None


@dataclass(frozen=True, slots=True)
class AwaitCertificate:
    """The server has a new certificate, exported it, and runs; where it is known to, it presents it."""

    label: str
    presents_at: Server | None = None


@dataclass(frozen=True, slots=True)
class CheckRenewed:
    """The new certificate has a new key, cert256.arm is it, and every other entry is as it was."""

    old: Certificate


ServerStep = CommonStep | StopServer | ServerSwap | StartServer | AwaitCertificate | CheckRenewed

LIVE_SERVER_STEPS = (ServerSwap, StartServer, AwaitCertificate)
"""The steps that change, or let the server change, the live key database."""


@dataclass(frozen=True, slots=True)
class RenewPlan:
    """The transaction of one instance. `old` is the certificate that goes; no steps when there is no need.

    `presents_at` is where it was seen to present it.
    """

    instance: Instance
    old: Certificate
    control: Control
    steps: tuple[ServerStep, ...] = ()
    presents_at: Server | None = None
    warnings: tuple[str, ...] = ()

    def same_changes(self, other: RenewPlan) -> bool:
        """Whether the other plan would do the same to the same key database."""
        return (self.instance.files, self.old, self.steps) == (
            other.instance.files,
            other.old,
            other.steps,
        )


def server_step_text(step: ServerStep) -> str:
    """What the step does, in one line for people."""
    match step:
        case BackUp():
            return "back up the key database and cert256.arm"
        case StopServer(stopped):
            return (
                f"stop the server ({stopped.told})" if stopped else "you stop the server, and run this again"
            )
        case ServerSwap():
            return "swap the key database and take cert256.arm away"
        case StartServer(started):
            return (
                f"start the server ({started.told})" if started else "wait for somebody to start the server"
            )
        case AwaitCertificate():
            return "wait for the new certificate"
        case CheckRenewed():
            return "check the new certificate, and that every other entry is as it was"
        case Stage() | DeleteLabel() | CheckStaged():
            return step_text(step)


_COMMANDS = "Give `--stop-command` and `--start-command`, or stop the server yourself"


@dataclass(frozen=True, slots=True)
class RenewFacts:
    """What a renewal is planned from: the instance, what it presents, and how to stop and start it.

    With `only_shown` the plan is not carried out: nothing need be known then of how the server is stopped,
    and `unknown` is why it is not.
    """

    instance: Instance
    presented: tuple[Presented, ...]
    control: Control
    only_shown: bool = False
    unknown: Problem | None = None


def certificate_to_renew(instance: Instance) -> Certificate:
    """The certificate that a renewal replaces.

    Raises the instance's own problem, NotFound where there is none, NotPermitted where it is of no use.
    """
    if instance.problem is not None:
        raise instance.problem.error()
    return _old(instance)


def is_good(old: Certificate, at: datetime, expires_within_days: int) -> bool:
    """Whether the certificate is valid for at least so many days, so that there is nothing to do."""
    left = days_left(old, at)
    return left is not None and left >= expires_within_days


def make_renew_plan(facts: RenewFacts) -> RenewPlan:
    """The steps. Raises as `certificate_to_renew`, and Busy, NotPermitted and UsageError."""
    instance, control = facts.instance, facts.control
    old = certificate_to_renew(instance)
    _require_control(instance, control, only_shown=facts.only_shown)
    _require_movable(instance)
    presents_at = next((seen.server for seen in facts.presented if _shows(seen, old)), None)
    stop = (StopServer(control.stop),) if instance.running else ()
    by_hand = control.stop is None
    steps: tuple[ServerStep, ...] = (
        *(stop if by_hand else ()),
        BackUp(),
        Stage(),
        DeleteLabel(old),
        CheckStaged((old,)),
        *(() if by_hand else stop),
        ServerSwap(),
        StartServer(control.start),
        AwaitCertificate(LABEL, presents_at),
        CheckRenewed(old),
    )
    return RenewPlan(instance, old, control, steps, presents_at, tuple(_warnings(facts, presents_at)))


def _require_movable(instance: Instance) -> None:
    """Raises NotPermitted or CannotReconnect when a mount holds the key database or `cert256.arm`."""
    there = {fact.file: fact for fact in instance.files if fact.present}
    written, moved = ((there[file],) if file in there else () for file in (ServerFile.KDB, ServerFile.ARM))
    problem = hindrance(instance.located, written, moved)
    if problem is not None:
        raise problem.error()


def _old(instance: Instance) -> Certificate:
    old = instance.labelled(LABEL)
    if old is None or old.kind != "personal":
        raise NotFound(
            "server-label-not-found",
            f"the key database of `{instance.directory}` has no certificate `{LABEL}` with a private key",
        )
    if instance.default not in (None, LABEL):
        raise NotPermitted(
            "label-not-default",
            f"the server presents `{instance.default}`, and not `{LABEL}`: a new one would be of no use",
            context=(f"default certificate of the key database: {instance.default}",),
            hint="A certificate of a CA is renewed by the CA; one made with CREATE CERTIFICATE by "
            "`dsmcertfix server macro certificate`.",
        )
    return old


def _not_stoppable(instance: Instance) -> Busy:
    return Busy(
        "server-runs",
        f"the server of `{instance.directory}` runs",
        context=tuple(f"found: {item.kind} {item.file}" for item in instance.services),
        hint=f"{_COMMANDS}; then run this again.",
    )


def _require_control(instance: Instance, control: Control, *, only_shown: bool) -> None:
    if instance.running is None:
        raise NotPermitted(
            "server-not-seen", f"this user may not see whether the server of `{instance.directory}` runs"
        )
    if instance.running and control.stop is None:
        if only_shown:
            return
        raise _not_stoppable(instance)
    if instance.running and control.start is None:
        raise UsageError(
            "control-incomplete",
            "`--stop-command` was given and no `--start-command`: the server would stay down",
            hint=f"{_COMMANDS}.",
        )


def _shows(seen: Presented, certificate: Certificate) -> bool:
    return seen.certificate is not None and seen.certificate.sha256 == certificate.sha256


def _warnings(facts: RenewFacts, presents_at: Server | None) -> list[str]:
    found = [
        "from the restart on, every client, peer and database backup that trusts the old certificate "
        "refuses the server until it has the new one; `dsmcertfix server macro certificate` is the way "
        "without such a window (server 8.1.19 and later)"
    ]
    if facts.instance.running and presents_at is None:
        shown = [seen.certificate.sha256 for seen in facts.presented if seen.certificate]
        found.append(
            f"the server presents another certificate now: SHA-256 {shown[0]}"
            if shown
            else "the server was not seen to present its certificate: that it comes up is told by its process"
        )
    problem = facts.unknown
    if problem is None and facts.instance.running and facts.control.stop is None:
        problem = _not_stoppable(facts.instance).problem()
    if problem is not None:
        found.append("; ".join((problem.message, *problem.context, problem.hint or "")))
    if facts.control.start is None:
        found.append("nobody but you starts the server: have the command at hand, the time limit runs")
    return found
