"""The vocabulary of a plan: what is asked for, the steps, and one transaction a store. Pure data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from dsmcertfix.errors import Problem
from dsmcertfix.model import Certificate, Proof, Server, Stanza, Store, StoreFile
from dsmcertfix.planning.assess import Assessed, AssessedStore
from dsmcertfix.planning.pins import Pin
from dsmcertfix.planning.policy import Policy

EngineChoice = Literal["auto", "gskit", "native"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a plan is carried out. `pins` are the certificates that may come.

    With `first_use` a server for which no pin counts may present any; those of `first_use_of` may in any
    case. `jobs` is how many stores may wait for their clients at the same time. With `restart_services` those
    of the client that were running are restarted when a store changed. `policy` is the file of the site's
    policy, None for the machine's own. `spread_s` is the time over which unattended runs are spread, None
    where the policy says it.
    """

    pins: tuple[Pin, ...] = ()
    first_use: bool = True
    preflight: bool = True
    reconnect: bool = True
    keep_index: bool = False
    engine: EngineChoice = "auto"
    jobs: int = 1
    restart_services: bool = False
    first_use_of: frozenset[Server] = frozenset()
    policy: Path | None = None
    spread_s: float | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """The certificates that a server may hand out, by fingerprint; what it presented comes first.

    One of them must come, and no other may: of a chain, the client may keep the server's certificate or its
    CA's. Empty when nothing is known (no preflight): then any new certificate that is in date will do.
    """

    server: Server
    sha256s: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preflight:
    """Could a reconnect work? `problem` is the answer when it could not: nothing is touched then.

    `proof` is what IBM's TLS says of the store as it is.
    """

    stanza: Stanza | None
    problem: Problem | None = None
    proof: Proof | None = None

    @property
    def note(self) -> str | None:
        """What it found out."""
        if self.problem is not None:
            return self.problem.message
        return self.proof.reason if self.proof is not None else None


@dataclass(frozen=True, slots=True)
class BackUp:
    """All five files are copied, absences noted, and the copy read back."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A private copy of key database and stash file exists."""


@dataclass(frozen=True, slots=True)
class KeepPassword:
    """The password of the private copy is the same, and does not expire."""


@dataclass(frozen=True, slots=True)
class DeleteLabel:
    """The certificate is gone from the private copy. All of a store go in one edit."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class AddCertificate:
    """The certificate is in the private copy, under that label.

    Only after a client of this machine trusted it in a session: `provider` is the id of that client's store;
    None for one that a person, or the server itself by a file on this machine, handed over, and for one that
    was in the store but not marked as trusted.
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
    """The live key database is the private copy; the index file is away, as the APAR says, unless kept.

    `in_place` where it is a mount of its own, which no other file can replace.
    """

    keep_index: bool = False
    in_place: bool = False

    @classmethod
    def of(cls, store: Store, *, keep_index: bool) -> Swap:
        """That of a store. An index file that cannot be moved away is kept: IT41127 says it may stay."""
        facts = {fact.file: fact for fact in store.files}
        database, index = facts.get(StoreFile.KDB), facts.get(StoreFile.IDX)
        fixed = index is not None and (index.mounted or index.read_only)
        return cls(keep_index or fixed, in_place=database is not None and database.mounted)


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
    """The live store holds what is expected, in date, none of the removed, all others as before, no others.

    `moved_out`: there is no key database at all, the next session makes one. `had` is what a store held that
    is made anew: any of that may come back, and GSKit's own roots. None: it is not made anew.
    """

    removed: tuple[Certificate, ...]
    expected: tuple[Expected, ...] = ()
    kept: tuple[Certificate, ...] = ()
    moved_out: bool = False
    had: tuple[Certificate, ...] | None = None


@dataclass(frozen=True, slots=True)
class CheckStanza:
    """The server at the stanza's address presents what the live store trusts: no client can sign on there."""

    stanza: Stanza


@dataclass(frozen=True, slots=True)
class Prove:
    """IBM's own TLS trusts the server with the live store, or with the private copy; or cannot be asked."""

    server: Server
    copy: bool = False


@dataclass(frozen=True, slots=True)
class Restore:
    """The live store is as in that backup set of an earlier run."""

    backup: Path


CommonStep = BackUp | Stage | DeleteLabel | CheckStaged
"""The steps that a client's store and a server's key database have in common."""

Step = (
    CommonStep
    | Preflight
    | KeepPassword
    | AddCertificate
    | Swap
    | MoveOut
    | Reconnect
    | CheckLive
    | CheckStanza
    | Prove
)

LIVE_STEPS = (Swap, MoveOut, Reconnect)
"""The steps that change, or let the client change, the live store."""


@dataclass(frozen=True, slots=True)
class StorePlan:
    """One store's transaction. `pending` are servers whose certificate the next session will fetch.

    `unproved` is what is to be said where neither a session nor IBM's TLS proves the result.
    """

    store: Store
    mode: Literal["label", "whole-store"]
    targets: tuple[Assessed, ...]
    steps: tuple[Step, ...]
    pending: tuple[Expected, ...] = ()
    warnings: tuple[str, ...] = ()
    unproved: str = ""

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
    """What `fix` will do, store by store, and what it will not. Nothing to do is a plan, too.

    `pins` are the certificates that were expected, `policy` is the site's, where there is one.
    """

    stores: tuple[StorePlan, ...]
    assessed: tuple[AssessedStore, ...]
    refused: tuple[Refused, ...] = ()
    pins: tuple[Pin, ...] = ()
    policy: Policy | None = None

    def same_changes(self, other: Plan) -> bool:
        """Whether the other plan would change the same things in the same stores, in the same way."""
        return [_changes(item) for item in self.stores] == [_changes(item) for item in other.stores]


def _changes(plan: StorePlan) -> tuple[object, ...]:
    return (
        plan.store.directory,
        plan.mode,
        [(item.certificate.label, item.certificate.sha256) for item in plan.targets],
        plan.problem.code if plan.problem else None,
        [_steady(step) for step in plan.steps if not isinstance(step, Preflight)],
    )


def _steady(step: Step) -> Step:
    """The step without what any session may write anew into its option file: failover servers."""
    if isinstance(step, Reconnect | CheckStanza):
        return replace(step, stanza=step.stanza._replace(line=0, failover=()))
    return step


def edit_steps(
    preflights: tuple[Preflight, ...],
    edits: tuple[KeepPassword | DeleteLabel | AddCertificate, ...],
    swap: Swap,
    sessions: tuple[Reconnect, ...],
    live: CheckLive,
    proved_by: Iterable[Stanza],
) -> tuple[Step, ...]:
    """The steps, in their order, that edit a copy of a store, put it in the store's place and check it."""
    removed = tuple(edit.certificate for edit in edits if isinstance(edit, DeleteLabel))
    added = tuple(edit.certificate for edit in edits if isinstance(edit, AddCertificate))
    checks: tuple[Step, ...] = (*sessions, live, *map(CheckStanza, proved_by))
    return (*preflights, BackUp(), Stage(), *edits, CheckStaged(removed, added), swap, *checks)


def step_name(step: object) -> str:
    """The step's name in journals and reports: "delete-label"."""
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in type(step).__name__).lstrip("-")


def step_text(step: Step | Restore) -> str:
    """What the step does, in one line for people."""
    match step:
        case Preflight(stanza):
            return f"ask whether a reconnect can work ({stanza.name})" if stanza else "ask the server"
        case DeleteLabel(certificate):
            return f"delete the certificate `{certificate.label}` from the copy"
        case AddCertificate(server, label, _, _):
            return f"add the certificate of {server} to the copy as `{label}`, trusted"
        case Swap(keep_index, in_place):
            how = "write the key database in place (it is a mount of its own)" if in_place else _SWAP
            return how + ("" if keep_index else " and take the index file away")
        case Reconnect(stanza, user):
            return f"reconnect once to {stanza.name} ({stanza.server})" + (f" as {user}" if user else "")
        case CheckStanza(stanza):
            return f"check that what {stanza.name} ({stanza.server}) presents is trusted"
        case Prove(server, copy):
            return f"ask IBM's TLS whether it trusts {server} with the {'copy' if copy else 'store'}"
        case BackUp() | Stage() | KeepPassword() | CheckStaged() | MoveOut() | CheckLive() | Restore():
            return _PLAIN[type(step)]


_SWAP = "swap the key database"
_PLAIN: Mapping[type, str] = {
    BackUp: "back up all files of the store",
    Stage: "make a private copy",
    KeepPassword: "set the same password on the copy again, without an expiry date",
    CheckStaged: "check the copy",
    MoveOut: "move the whole store out",
    CheckLive: "check the live store",
    Restore: "put the files of the backup set back",
}
