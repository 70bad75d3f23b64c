"""A fleet whose truth is known: endpoints that are really built, looked at, and played after the switch.

Each kind of endpoint is one way in which clients are found. What becomes of one after the switch is what its
played clients say, each with IBM's own TLS: nothing here knows what the tool forecasts.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.endtoend.test_endtoend_trusted import NOT_TRUSTED

from dsmbench import formats, gskit
from dsmbench.endpoint import Endpoint, User
from dsmbench.identity import Identity, authority
from dsmbench.made import PASSWORD
from dsmbench.runtime import scratch
from dsmbench.server import Server
from dsmbench.state import SessionSecurity

LABEL = "TSM server TSM01 self-signed key"
LIMIT_S = 120


@dataclass
class Site:
    """Two servers, of which TSM01 will switch to `new`, and where its endpoints are built."""

    directory: Path
    server: Server
    other: Server
    new: Identity = field(default_factory=Identity.make)
    root: Identity | None = None
    """The authority that signed the new one, where it is not self-signed."""

    def __post_init__(self) -> None:
        self.old = (LABEL, self.server.certificate_der)
        self.ahead = ("spcert_ab12cd3", self.new.der)
        self.theirs = ("TSM server TSM02 self-signed key", self.other.certificate_der)

    def switch(self) -> None:
        """TSM01 presents its new certificate from now on."""
        self.server.state.renew(self.new)


@dataclass(eq=False)
class Played:
    """An endpoint that is really there. `sessions` are those that its clients have with TSM01."""

    name: str
    site: Site
    security: SessionSecurity
    endpoint: Endpoint = field(init=False)
    sessions: list[tuple[str, User | None]] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endpoint = Endpoint(self.site.directory / self.name, programs=("dsmc", "gsk8capicmd_64"))

    def stanza(self, name: str = "TSM01", suffix: str = "", user: User | None = None, **options: str) -> None:
        """A stanza for TSM01 with a node of its own."""
        node = f"{self.name}{suffix}".upper()
        self.site.server.register(node, self.security)
        words = {"passworddir": f"/etc/adsm{suffix}", "owner": user} if user else {}
        self.endpoint.stanza(name, self.site.server, node=node, options=options, **words)  # type: ignore[arg-type]
        self.nodes.append(node)
        self.sessions.append((name, user))

    def elsewhere(self) -> None:
        """A stanza for TSM02, which does not switch."""
        self.endpoint.stanza("TSM02", self.site.other, node=f"{self.name}_02")

    def store(self, *certificates: tuple[str, bytes], user: User | None = None, **more: Any) -> Path:
        """A store with these certificates."""
        return self.endpoint.store(user=user, certificates=list(certificates), **more)

    def result(self) -> dict[str, Any]:
        """What `detect --json` says there; all endpoints here have one host, so it is given its name."""
        root = str(self.endpoint.root)
        words = ("--trust-root", "--root", root, "--state-dir", f"{root}/state", "detect", "--json")
        done = subprocess.run(
            [sys.executable, "-m", "dsmcertfix", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        told: dict[str, Any] = json.loads(done.stdout)
        return {**told, "host": self.name}

    def is_refused(self) -> bool:
        """Whether any of its clients is refused by TSM01 now: each signs on once."""
        ended = [
            self.endpoint.dsmc("query", "session", f"-se={name}", user=user).returncode
            for name, user in self.sessions
        ]
        return any(ended)


def _rewritten(played: Played, place: Path, **changes: Any) -> None:
    file = place / "dsmcert.kdb"
    file.write_bytes(formats.rewritten(file.read_bytes(), PASSWORD.encode(), **changes))


def _staged(played: Played) -> None:
    played.stanza()
    played.store(played.site.old, played.site.ahead)


def _staged_3(played: Played) -> None:
    played.stanza()
    played.store(played.site.ahead, played.site.old, version=3, cas=True)


def _staged_6(played: Played) -> None:
    played.stanza()
    played.store(played.site.old, played.site.ahead, version=6)


def _old(played: Played) -> None:
    played.stanza()
    played.store(played.site.old)


def _old_with_cas(played: Played) -> None:
    played.stanza()
    played.store(played.site.old, cas=True)


def _new_alone(played: Played) -> None:
    played.stanza()
    played.store((LABEL, played.site.new.der))


def _new_not_trusted(played: Played) -> None:
    played.stanza()
    place = played.store(played.site.old, played.site.ahead)
    _rewritten(played, place, flags=NOT_TRUSTED, holding=played.site.new.der)


def _empty(played: Played) -> None:
    played.stanza()
    played.store()


def _accepts_none(played: Played) -> None:
    played.stanza(SSLACCEPTCERTFROMSERV="No")
    played.store()


def _password_expired(played: Played) -> None:
    played.stanza()
    place = played.store(played.site.old, played.site.ahead)
    _rewritten(played, place, expires=1_500_000_000)


def _damaged(played: Played) -> None:
    played.stanza()
    file = played.store(played.site.old, played.site.ahead) / "dsmcert.kdb"
    file.write_bytes(file.read_bytes()[:-700])


def _of_two_users(played: Played, *theirs: tuple[str, bytes]) -> None:
    alice = played.endpoint.user("alice")
    played.stanza()
    played.stanza("TSM01A", "_alice", alice)
    played.store(played.site.old, played.site.ahead)
    played.store(*theirs, user=alice)


def _one_of_two_users(played: Played) -> None:
    _of_two_users(played, played.site.old)


def _both_users(played: Played) -> None:
    _of_two_users(played, played.site.old, played.site.ahead)


def _two_nodes(played: Played) -> None:
    played.stanza()
    played.stanza("TSM01SQL", "_sql")
    played.store(played.site.old, played.site.ahead)


def _two_nodes_old(played: Played) -> None:
    played.stanza()
    played.stanza("TSM01SQL", "_sql")
    played.store(played.site.old)


def _two_servers(played: Played) -> None:
    played.elsewhere()
    played.stanza()
    played.store(played.site.theirs, played.site.old, played.site.ahead)


def _two_servers_old(played: Played) -> None:
    played.elsewhere()
    played.stanza()
    played.store(played.site.theirs, played.site.old)


def _elsewhere(played: Played) -> None:
    played.elsewhere()
    played.store(played.site.theirs)


KINDS: dict[str, tuple[SessionSecurity, Callable[[Played], None]]] = {
    "staged": ("STRICT", _staged),
    "staged-transitional": ("TRANSITIONAL", _staged),
    "staged-3": ("STRICT", _staged_3),
    "staged-6": ("STRICT", _staged_6),
    "old": ("STRICT", _old),
    "old-transitional": ("TRANSITIONAL", _old),
    "old-with-cas": ("STRICT", _old_with_cas),
    "new-alone": ("STRICT", _new_alone),
    "not-trusted": ("STRICT", _new_not_trusted),
    "empty": ("STRICT", _empty),
    "empty-transitional": ("TRANSITIONAL", _empty),
    "accepts-none": ("TRANSITIONAL", _accepts_none),
    "password-expired": ("STRICT", _password_expired),
    "damaged": ("STRICT", _damaged),
    "one-of-two-users": ("STRICT", _one_of_two_users),
    "both-users": ("STRICT", _both_users),
    "two-nodes": ("STRICT", _two_nodes),
    "two-nodes-old": ("TRANSITIONAL", _two_nodes_old),
    "two-servers": ("STRICT", _two_servers),
    "two-servers-old": ("STRICT", _two_servers_old),
    "elsewhere": ("STRICT", _elsewhere),
}


def _with_root(played: Played) -> None:
    played.stanza()
    played.store(played.site.old, _root(played))


def _with_root_alone(played: Played) -> None:
    played.stanza()
    played.store(_root(played))


def _with_root_not_trusted(played: Played) -> None:
    played.stanza()
    place = played.store(played.site.old, _root(played))
    _rewritten(played, place, flags=NOT_TRUSTED, holding=_root(played)[1])


def _with_other_root(played: Played) -> None:
    played.stanza()
    played.store(played.site.old, ("Example Root CA", authority().der))


def _root(played: Played) -> tuple[str, bytes]:
    assert played.site.root is not None
    return ("Example Root CA", played.site.root.der)


SIGNED: dict[str, tuple[SessionSecurity, Callable[[Played], None]]] = {
    "old": ("STRICT", _old),
    "old-transitional": ("TRANSITIONAL", _old),
    "leaf-without-root": ("STRICT", _staged),
    "root": ("STRICT", _with_root),
    "root-transitional": ("TRANSITIONAL", _with_root),
    "root-alone": ("STRICT", _with_root_alone),
    "root-not-trusted": ("STRICT", _with_root_not_trusted),
    "other-root": ("STRICT", _with_other_root),
    "accepts-none": ("TRANSITIONAL", _accepts_none),
    "empty": ("STRICT", _empty),
}
"""Kinds of a site whose server switches to a certificate that an authority signed."""


@contextmanager
def site(root: Identity | None = None) -> Iterator[Site]:
    """The servers run; everything is gone afterwards. With `root` that one signed the new certificate."""
    gskit.run([])
    with scratch() as directory, Server("TSM01") as server, Server("TSM02") as other:
        yield Site(directory, server, other, Identity.make(issuer=root), root)


def kinds(count: int, seed: int = 1) -> list[str]:
    """So many kinds: most are staged, and every kind is among each hundred or so."""
    rng = random.Random(seed)
    names = list(KINDS)
    weights = [
        30 if name == "staged" else 2 if name in ("damaged", "password-expired") else 5 for name in names
    ]
    return rng.choices(names, weights, k=count)


def build(site: Site, name: str, kind: str) -> Played:
    """The endpoint of that name and kind is there."""
    security, make = (KINDS if site.root is None else SIGNED)[kind]
    played = Played(name, site, security)
    make(played)
    return played


def made_results(count: int, samples: dict[str, list[dict[str, Any]]], fleet: list[str]) -> Iterator[str]:
    """Results of so many endpoints of these kinds, each a copy of a real one under a name of its own."""
    texts = {kind: json.dumps({**found[0], "host": "@HOST@"}) for kind, found in samples.items()}
    for number in range(count):
        yield texts[fleet[number]].replace("@HOST@", f"made{number:06}")
