"""The nouns of a policy: what a site trusts of which server, and how a store stands to that. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from dsmcertfix import NamedTuple
from dsmcertfix.model import Certificate, Server

Others = Literal["report", "remove"]
"""What is done with a certificate of a server that the policy does not name."""

Standing = Literal["fine", "missing", "outdated", "unexpected"]
"""Missing must be put in, outdated has ended by the policy, unexpected is in no policy."""


class Allowed(NamedTuple):
    """A certificate that a server may present, by its SHA-256, from one day to another, both included (UTC).

    `file` is the one that it can be put in from, as the policy names it.
    """

    sha256: str
    since: date | None = None
    until: date | None = None
    file: str | None = None

    def ended(self, day: date) -> bool:
        """Whether its last day is over."""
        return self.until is not None and self.until < day

    def counts(self, day: date) -> bool:
        """Whether stores must hold it on that day, and the server may present it."""
        return not self.ended(day) and (self.since is None or self.since <= day)


class ServerRule(NamedTuple):
    """What the site trusts of one server.

    `names` are as `--server` takes them: names of stanzas, and addresses with or without a port; the first
    is what it is called. With `first_use` whatever it presents may be fetched.
    """

    names: tuple[str, ...]
    certificates: tuple[Allowed, ...] = ()
    others: Others = "report"
    first_use: bool = False

    def of(self, sha256: str) -> Allowed | None:
        """What it says of that certificate."""
        return next((item for item in self.certificates if item.sha256 == sha256), None)


class MachineRule(NamedTuple):
    """What holds for a machine: users whose stores are left alone, caps, and what follows a change.

    More stores than `max_stores` are not changed in one run. `spread_s` is the time over which unattended
    runs of all machines are spread. `hooks` are programs, each of which has `hook_limit_s` seconds.
    """

    left_out: tuple[str, ...] = ()
    max_stores: int | None = None
    spread_s: float = 0.0
    hooks: tuple[Path, ...] = ()
    hook_limit_s: float = 60.0


class Policy(NamedTuple):
    """What a site trusts. `handed` are the certificates of the files that it names, by their SHA-256.

    After its last day, `expires`, it is not gone by any more. `source` is the file that it was read from.
    """

    servers: tuple[ServerRule, ...] = ()
    machine: MachineRule = MachineRule()
    expires: date | None = None
    source: Path = Path("policy.toml")
    handed: Mapping[str, Certificate] = MappingProxyType({})


class Verdict(NamedTuple):
    """How a certificate stands to the policy, in one store; `label` is empty for one that is not in it."""

    server: Server
    name: str
    sha256: str
    label: str
    standing: Standing
    reason: str


class Brought(NamedTuple):
    """What brings a store to the policy without a session: what is put in, and what is taken out.

    `kept` are the fingerprints of what is not exchanged, whatever its server presents now. `left_out` is
    whether the policy leaves the stores of its owner alone.
    """

    verdicts: tuple[Verdict, ...] = ()
    adds: tuple[tuple[Server, Certificate], ...] = ()
    drops: tuple[tuple[Server, Certificate], ...] = ()
    kept: frozenset[str] = frozenset()
    left_out: bool = False

    @property
    def needed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.adds or self.drops)
