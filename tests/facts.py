"""Made-up facts for the pure tests: stanzas, certificates, stores, inventories. No file is behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

from dsmcertfix.errors import CannotReconnect, Problem
from dsmcertfix.model import (
    Area,
    Certificate,
    CertificateKind,
    FileFact,
    Inventory,
    Located,
    LocatedStore,
    Origin,
    Owner,
    Presented,
    Programs,
    Server,
    Stanza,
    StanzaUse,
    Store,
    StoredPassword,
    StoreFile,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
SUBJECT = "CN=TSM Self-Signed Certificate,OU=TSM Network,O=TSM,C=US"
ROOT = Owner(0, 0, "root", Path("/root"))
ALICE = Owner(1001, 1001, "alice", Path("/home/alice"))
BOB = Owner(1002, 1002, "bob", Path("/home/bob"))
DOWN = CannotReconnect("server-not-reachable", "nobody answers").problem()
FILES = tuple(FileFact(file, file in (StoreFile.KDB, StoreFile.STH)) for file in StoreFile)


def certificate(
    label: str,
    name: str = "",
    *,
    days: float | None = 3000,
    kind: CertificateKind = "server",
    subject: str = SUBJECT,
    issuer: str | None = None,
) -> Certificate:
    """A certificate with that label; the same `name` (the label, when empty) is the same certificate."""
    der = (name or label).encode()
    ends = None if days is None else NOW + timedelta(days=days)
    return Certificate(
        label,
        sha256(der).hexdigest(),
        subject,
        subject if issuer is None else issuer,
        "1f",
        NOW - timedelta(days=600),
        ends,
        kind,
        der,
        "no certificate" if kind == "unreadable" else None,
    )


def ca(label: str, *, days: float = 3000, subject: str = "CN=Example Root CA") -> Certificate:
    return certificate(label, days=days, kind="ca", subject=subject)


def fetched(name: str) -> str:
    """The label that the client gives to what it fetched."""
    return f"TSM server {name} self-signed key"


def stanza(name: str, address: str | None = None, *, port: int = 1500, replication: bool = False) -> Stanza:
    server = None if address == "" else Server(address or f"{name.lower()}.example.com", port)
    return Stanza(
        name, Path("/opt/dsm.sys"), 1, server, "NODE", None, password_generate=True, replication=replication
    )


def server(name: str) -> Server:
    return Server(f"{name.lower()}.example.com", 1500)


def presents(name: str, *chain: Certificate, problem: Problem | None = None) -> Presented:
    """What that server presents; nothing given: its new certificate."""
    shown = chain or (() if problem else (certificate("", f"new {name}"),))
    return Presented(server(name), shown, "TLSv1.3" if shown else None, problem)


def store(
    *certificates: Certificate,
    uses: Sequence[Stanza | StanzaUse] = (),
    directory: str = "/opt/ba",
    area: Area = "ba",
    owner: Owner = ROOT,
    problem: Problem | None = None,
    files: tuple[FileFact, ...] = FILES,
) -> Store:
    known = tuple(use if isinstance(use, StanzaUse) else StanzaUse(use, "says dsm.sys") for use in uses)
    located = LocatedStore(Path(directory), (1, 2), (Origin(area, "it is there"),), owner, known)
    return Store(located, files, 6, certificates, problem)


def inventory(
    *stores: Store,
    presented: Sequence[Presented] = (),
    dsmc: bool = True,
    without_password: Sequence[Stanza] = (),
) -> Inventory:
    stanzas = tuple(dict.fromkeys(use.stanza for item in stores for use in item.located.stanzas))
    programs = Programs(Path("/opt/gsk8capicmd_64"), Path("/opt/dsmc") if dsmc else None)
    located = Located((), tuple(item.located for item in stores), stanzas, programs)
    passwords = tuple(StoredPassword(item, item not in without_password) for item in stanzas)
    return Inventory(NOW, located, stores, tuple(presented), passwords)


def refusing(original: Stanza) -> Stanza:
    """The stanza with SSLACCEPTCERTFROMSERV No."""
    return original._replace(accept_certificate=False)
