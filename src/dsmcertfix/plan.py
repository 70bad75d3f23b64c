"""The vocabulary of a plan: what is asked for, the steps, and one transaction a store. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dsmcertfix.assess import Assessed, AssessedStore
from dsmcertfix.errors import Problem
from dsmcertfix.model import Certificate, Server, Stanza, Store

EngineChoice = Literal["auto", "gskit", "native"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How a plan is carried out. `expected_sha256` is the fingerprint that the new certificate must have.

    `expected_file` is the file that it was taken from, if it was. `jobs` is how many stores may wait for
    their clients at the same time. With `restart_services` those of the client that were running are
    restarted when a store changed.
    """

    expected_sha256: str | None = None
    preflight: bool = True
    reconnect: bool = True
    keep_index: bool = False
    engine: EngineChoice = "auto"
    expected_file: Path | None = None
    jobs: int = 1
    restart_services: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """The certificate that a server is expected to hand out, by fingerprint.

    Any one of them will do: of a chain, the client may keep the server's certificate or its CA's. Empty when
    nothing is known (no preflight): then any new certificate that is in date will do.
    """

    server: Server
    sha256s: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preflight:
    """Could a reconnect work? `problem` is the answer when it could not: nothing is touched then."""

    stanza: Stanza | None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class BackUp:
    """All five files are copied, absences noted, and the copy read back."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A private copy of key database and stash file exists."""


@dataclass(frozen=True, slots=True)
class DeleteLabel:
    """The certificate is gone from the private copy."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class AddCertificate:
    """The certificate is in the private copy, under that label.

    Only after a client of this machine trusted it in a session: `provider` is the id of that client's store;
    None for one that a person, or the server itself by a file on this machine, handed over.
    """

    server: Server
    label: str
    certificate: Certificate
    provider: str | None


@dataclass(frozen=True, slots=True)
class CheckStaged:
    """The private copy holds what it should, and every other record byte for byte as before."""

    removed: tuple[Certificate, ...]
    added: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class Swap:
    """The live key database is the private copy; the index file is away, as the APAR says, unless kept."""

    keep_index: bool = False


@dataclass(frozen=True, slots=True)
class MoveOut:
    """All files of the store are away: the client makes a new one."""


@dataclass(frozen=True, slots=True)
class Reconnect:
    """The client signed on once, as that user, and fetched the certificate if it had none."""

    stanza: Stanza
    user: str = ""


@dataclass(frozen=True, slots=True)
class CheckLive:
    """The live store holds what is expected, in date, none of the removed, and all others as before.

    `moved_out`: there is no key database at all, the next session makes one.
    """

    removed: tuple[Certificate, ...]
    expected: tuple[Expected, ...] = ()
    kept: tuple[Certificate, ...] = ()
    moved_out: bool = False


@dataclass(frozen=True, slots=True)
class CheckStanza:
    """The server at the stanza's address presents what the live store trusts: no client can sign on there."""

    stanza: Stanza


@dataclass(frozen=True, slots=True)
class Restore:
    """The live store is as in that backup set of an earlier run."""

    backup: Path


CommonStep = BackUp | Stage | DeleteLabel | CheckStaged
"""The steps that a client's store and a server's key database have in common."""

Step = CommonStep | Preflight | AddCertificate | Swap | MoveOut | Reconnect | CheckLive | CheckStanza

LIVE_STEPS = (Swap, MoveOut, Reconnect)
"""The steps that change, or let the client change, the live store."""


@dataclass(frozen=True, slots=True)
class StorePlan:
    """One store's transaction. `pending` are servers whose certificate the next session will fetch."""

    store: Store
    mode: Literal["label", "whole-store"]
    targets: tuple[Assessed, ...]
    steps: tuple[Step, ...]
    pending: tuple[Expected, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def problem(self) -> Problem | None:
        """Why this transaction will be refused before it starts, as far as can be foreseen."""
        problems = (step.problem for step in self.steps if isinstance(step, Preflight))
        return next((problem for problem in problems if problem), None)


@dataclass(frozen=True, slots=True)
class Refused:
    """A store that is asked for, or affected, but cannot be worked on."""

    store: Store
    problem: Problem


@dataclass(frozen=True, slots=True)
class Plan:
    """What `fix` will do, store by store, and what it will not. Nothing to do is a plan, too."""

    stores: tuple[StorePlan, ...]
    assessed: tuple[AssessedStore, ...]
    refused: tuple[Refused, ...] = ()

    def same_changes(self, other: Plan) -> bool:
        """Whether the other plan would change the same things in the same stores, in the same way."""
        return [_changes(item) for item in self.stores] == [_changes(item) for item in other.stores]


def _changes(plan: StorePlan) -> tuple[object, ...]:
    return (
        plan.store.directory,
        plan.mode,
        [(item.certificate.label, item.certificate.sha256) for item in plan.targets],
        plan.problem.code if plan.problem else None,
        [step for step in plan.steps if not isinstance(step, Preflight)],
    )


def step_name(step: object) -> str:
    """The step's name in journals and reports: "delete-label"."""
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in type(step).__name__).lstrip("-")


def step_text(step: Step | Restore) -> str:
    """What the step does, in one line for people."""
    match step:
        case Preflight(stanza, _):
            return f"ask whether a reconnect can work ({stanza.name})" if stanza else "ask the server"
        case BackUp():
            return "back up all files of the store"
        case Stage():
            return "make a private copy"
        case DeleteLabel(certificate):
            return f"delete the certificate `{certificate.label}` from the copy"
        case AddCertificate(server, label, _, _):
            return f"add the new certificate of {server} to the copy as `{label}`"
        case CheckStaged():
            return "check the copy"
        case Swap(keep_index):
            return "swap the key database" + ("" if keep_index else " and take the index file away")
        case MoveOut():
            return "move the whole store out"
        case Reconnect(stanza, user):
            return f"reconnect once to {stanza.name} ({stanza.server})" + (f" as {user}" if user else "")
        case CheckLive():
            return "check the live store"
        case CheckStanza(stanza):
            return f"check that what {stanza.name} ({stanza.server}) presents is trusted"
        case Restore():
            return "put the files of the backup set back"
