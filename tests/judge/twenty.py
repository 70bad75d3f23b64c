"""One endpoint that has stores of all kinds at once, each with the servers that it is used for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from tests.endtoend.machine import Machine
from tests.judge.made import chain, intermediate, leaf, own, root, tsm
from tests.judge.scene import said

from dsmbench import formats, gsktls
from dsmbench.endpoint import User
from dsmbench.identity import Identity
from dsmbench.made import PASSWORD, Version
from dsmbench.server import HOST, Server

Where = Literal["root", "user", "directory", "api"]


class Kept(NamedTuple):
    """A store: what it holds, and what the server of its stanza presents.

    `before` and `after` are whether IBM's TLS trusts all its servers before and after `fix`.
    """

    presents: Callable[[], Identity]
    holds: Callable[[], Sequence[Identity]]
    before: bool
    after: bool
    version: Version = 4
    trusted: bool = True
    password_expired: bool = False
    cas: bool = False
    where: Where = "directory"
    failover: Callable[[], Identity] | None = None


STORES: Mapping[str, Kept] = {
    "ROOTS": Kept(lambda: tsm(3), lambda: [tsm(1)], False, True, where="root"),
    "USERS": Kept(lambda: tsm(4), lambda: [tsm(2)], False, True, where="user", version=6),
    "API": Kept(lambda: tsm(5), lambda: [tsm(1)], False, False, where="api"),
    "SAME": Kept(lambda: tsm(6), lambda: [tsm(6)], True, True),
    "VERSION3": Kept(lambda: tsm(7), lambda: [tsm(1)], False, True, version=3),
    "VERSION6": Kept(lambda: tsm(8), lambda: [tsm(1)], False, True, version=6),
    "CAS": Kept(lambda: tsm(9), lambda: [tsm(1)], False, True, cas=True),
    "EXPIRED": Kept(lambda: tsm(10), lambda: [tsm(1, "past")], False, True),
    "STILL": Kept(lambda: tsm(11, "past"), lambda: [tsm(11, "past")], False, False),
    "FUTURE": Kept(lambda: tsm(12), lambda: [tsm(1, "future")], False, True),
    "TOOEARLY": Kept(lambda: tsm(13, "future"), lambda: [tsm(13, "future")], False, False),
    "UNMARKED": Kept(lambda: tsm(14), lambda: [tsm(14)], False, True, trusted=False),
    "PASSWORD": Kept(lambda: tsm(15), lambda: [tsm(15)], False, True, password_expired=True),
    "BOTH": Kept(lambda: tsm(16), lambda: [tsm(1)], False, True, password_expired=True),
    "OWN": Kept(lambda: own(3), lambda: [own(1, "past")], False, True),
    "OWNEARLY": Kept(lambda: own(4), lambda: [own(2)], False, True, trusted=False),
    "SUPERSEDED": Kept(lambda: tsm(17), lambda: [tsm(1, "past"), tsm(17)], True, True),
    "DUPLICATES": Kept(lambda: tsm(18), lambda: [tsm(1), tsm(2, "past")], False, True),
    "AUTHORITY": Kept(lambda: leaf(root(), 2), lambda: [root()], True, True),
    "CHAIN": Kept(
        lambda: chain(leaf(intermediate(), 3), intermediate()), lambda: [root(), intermediate()], True, True
    ),
    "MISSING": Kept(lambda: leaf(intermediate(), 4), lambda: [root()], False, False),
    "LEAFALONE": Kept(lambda: leaf(root(), 5), lambda: [leaf(root(), 5)], False, False),
    "BETWEEN": Kept(
        lambda: chain(leaf(intermediate(), 6), intermediate()), lambda: [intermediate()], False, False
    ),
    "NAMESAKE": Kept(lambda: leaf(root(), 7), lambda: [root(2)], False, False),
    "OLDROOT": Kept(lambda: leaf(root(3, "past"), 8), lambda: [root(3, "past")], False, False),
    "CAUNMARKED": Kept(lambda: leaf(root(), 9), lambda: [root()], False, True, trusted=False),
    "EMPTY": Kept(lambda: tsm(19), lambda: [], False, False),
    "FAILOVER": Kept(lambda: tsm(20), lambda: [tsm(20), tsm(21)], True, True, failover=lambda: tsm(21)),
    "OLDFAR": Kept(
        lambda: tsm(22), lambda: [tsm(22), tsm(1, "past")], False, False, failover=lambda: tsm(23)
    ),
}
"""By the name of the stanza. A store that needs another CA, or its server put right, stays as it is."""


class Seen(NamedTuple):
    """What IBM's library and the tool say of one store: whether all its servers are trusted, and why not."""

    gskit: bool
    tool: bool
    why: str


class Twenty:
    """The stores on that machine, and their servers."""

    def __init__(self, machine: Machine):
        self.machine = machine
        self.places: dict[str, Path] = {}
        self._ports: dict[str, list[int]] = {}
        for name, kept in STORES.items():
            self._build(name, kept)

    def seen(self) -> dict[str, Seen]:
        """Both verdicts on every store, as it is now."""
        answer = self.machine.run("detect")
        asked = [(name, port) for name, ports in self._ports.items() for port in ports]
        verdicts = gsktls.judge_all([(HOST, port, self.places[name] / "dsmcert.kdb") for name, port in asked])
        trusted = dict.fromkeys(self.places, True)
        for (name, _), verdict in zip(asked, verdicts, strict=True):
            trusted[name] &= verdict.trusted
        return {name: Seen(trusted[name], *said(answer, place)) for name, place in self.places.items()}

    def _build(self, name: str, kept: Kept) -> None:
        user = self.machine.endpoint.user("alice") if kept.where == "user" else None
        self._stanza(name, kept, user)
        self.places[name] = self._store(name, kept, user)

    def _stanza(self, name: str, kept: Kept, user: User | None) -> None:
        endpoint, server = self.machine.endpoint, self._server(name, kept.presents())
        options = {}
        if kept.failover is not None:
            far = self._server(name, kept.failover(), far=True)
            endpoint.system_options(
                f"REPLSERVERNAME {name}FAR\n   REPLTCPSERVERADDRESS {HOST}\n   REPLTCPPORT {far.port}\n\n"
            )
            options = {"MYREPLICATIONServer": f"{name}FAR"}
        directories = {"directory": f"/stores/{name}", "user": "/home/alice/adsm"}
        place = endpoint.add_api() if kept.where == "api" else None
        endpoint.stanza(
            name,
            server,
            node=f"NODE_{name}",
            passworddir=directories.get(kept.where),
            directory=place,
            owner=user,
            options=options,
        )

    def _server(self, name: str, identity: Identity, *, far: bool = False) -> Server:
        made = Server(name, identity=identity).start()
        self.machine.servers[f"{name}FAR" if far else name] = made
        self._ports.setdefault(name, []).append(made.port)
        return made

    def _store(self, name: str, kept: Kept, user: User | None) -> Path:
        endpoint = self.machine.endpoint
        places: dict[Where, Path | str | None] = {
            "directory": f"/stores/{name}",
            "api": endpoint.api_directory,
        }
        place = endpoint.store(
            places.get(kept.where),
            user=user,
            version=kept.version,
            certificates=self._entries(name, kept),
            cas=kept.cas,
        )
        database = place / "dsmcert.kdb"
        content = formats.rewritten(
            database.read_bytes(),
            PASSWORD.encode(),
            flags=formats.TRUSTED if kept.trusted else formats.NOT_TRUSTED,
            expires=int(time.time()) - 86400 if kept.password_expired else 0,
        )
        database.write_bytes(content)
        return place

    def _entries(self, name: str, kept: Kept) -> list[tuple[str, bytes]]:
        """A CA's under its own name; a server's as the client does, the second for the failover server."""
        held, own_labels = [], [name, f"{name}FAR", f"{name}OLD"]
        for at, identity in enumerate(kept.holds()):
            subject = identity.certificate.subject.rfc4514_string()
            label = (
                subject.removeprefix("CN=")
                if "CA" in subject
                else self.machine.endpoint.label(own_labels[at])
            )
            held.append((label, identity.der))
        return held
