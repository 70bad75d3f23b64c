"""The vocabulary of a renewal: how the server is stopped and started, the steps, and the plan. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field

from dsmcertfix.model import Certificate, Server
from dsmcertfix.plan import BackUp, CheckStaged, CommonStep, DeleteLabel, Stage, step_text
from dsmcertfix.server.model import Instance


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it is run, and as it is told: the words of a person's own may hold a password.

    One that was `found` on the machine must be root's alone; a person's own is run as given.
    """

    words: tuple[str, ...] = field(repr=False)
    told: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """How the server is stopped and started; None where a person does it."""

    stop: Command | None = None
    start: Command | None = None


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
