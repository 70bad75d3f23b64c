"""The matrix: kinds of stores, and kinds of servers. Every store meets every server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.judge.made import chain, intermediate, leaf, own, root, tsm

from dsmbench.identity import Identity

SERVER_LABEL = "TSM server 127.0.0.1 self-signed key"
OLD_LABEL = "TSM server 127.0.0.1 before"
CA_LABEL = "Example Root CA"
SECOND_CA_LABEL = "Example Root CA of before"
ISSUING_LABEL = "Example Issuing CA"

Entries = tuple[tuple[str, Identity], ...]
Password = Literal["for ever", "will expire", "has expired"]


@dataclass(frozen=True, slots=True)
class StoreCase:
    """A store: labels and certificates in their order, and what is particular about it.

    `trusted` is the flag of every record: without it GSKit stored them while they did not verify.
    """

    entries: Callable[[], Entries]
    version: Literal[3, 4, 6] = 4
    trusted: bool = True
    password: Password = "for ever"
    cas: bool = False


def _server(*identities: Identity) -> Entries:
    return tuple(zip((SERVER_LABEL, OLD_LABEL), identities, strict=False))


def _cas(*identities: Identity) -> Entries:
    return tuple(zip((CA_LABEL, SECOND_CA_LABEL), identities, strict=False))


def _issuing(dates: Literal["valid", "past", "future"] = "valid") -> Entries:
    return ((ISSUING_LABEL, intermediate(1, dates)),)


STORES: dict[str, StoreCase] = {
    "empty": StoreCase(lambda: ()),
    "tsm": StoreCase(lambda: _server(tsm(1))),
    "tsm, version 3": StoreCase(lambda: _server(tsm(1)), version=3),
    "tsm, version 6": StoreCase(lambda: _server(tsm(1)), version=6),
    "tsm beside GSKit's roots": StoreCase(lambda: _server(tsm(1)), cas=True),
    "tsm expired": StoreCase(lambda: _server(tsm(1, "past"))),
    "tsm not yet valid": StoreCase(lambda: _server(tsm(1, "future"))),
    "tsm not trusted": StoreCase(lambda: _server(tsm(1)), trusted=False),
    "tsm not trusted, version 3": StoreCase(lambda: _server(tsm(1)), version=3, trusted=False),
    "tsm beside an old one": StoreCase(lambda: _server(tsm(1), tsm(2))),
    "tsm behind an expired one": StoreCase(lambda: (*_server(tsm(1, "past")), (OLD_LABEL, tsm(1)))),
    "own": StoreCase(lambda: _server(own(1))),
    "own expired": StoreCase(lambda: _server(own(1, "past"))),
    "own not yet valid": StoreCase(lambda: _server(own(1, "future"))),
    "own not trusted": StoreCase(lambda: _server(own(1)), trusted=False),
    "own beside an old one": StoreCase(lambda: _server(own(1), own(2))),
    "root": StoreCase(lambda: _cas(root())),
    "root, version 6": StoreCase(lambda: _cas(root()), version=6),
    "root expired": StoreCase(lambda: _cas(root(1, "past"))),
    "root not yet valid": StoreCase(lambda: _cas(root(1, "future"))),
    "root not trusted": StoreCase(lambda: _cas(root()), trusted=False),
    "root of that name with another key": StoreCase(lambda: _cas(root(2))),
    "root beside one of that name": StoreCase(lambda: _cas(root(2), root())),
    "intermediate": StoreCase(_issuing),
    "intermediate and root": StoreCase(lambda: (*_cas(root()), *_issuing())),
    "intermediate expired and root": StoreCase(lambda: (*_cas(root()), *_issuing("past"))),
    "leaf": StoreCase(lambda: _server(leaf(root()))),
    "leaf and root": StoreCase(lambda: (*_cas(root()), *_server(leaf(root())))),
    "leaf, intermediate and root": StoreCase(
        lambda: (*_cas(root()), *_issuing(), *_server(leaf(intermediate())))
    ),
    "leaf expired and root": StoreCase(lambda: (*_cas(root()), *_server(leaf(root(), 1, "past")))),
    "root and another tsm": StoreCase(lambda: (*_cas(root()), *_server(tsm(2)))),
    "tsm, password will expire": StoreCase(lambda: _server(tsm(1)), password="will expire"),
    "tsm, password has expired": StoreCase(lambda: _server(tsm(1)), password="has expired"),
    "root, password has expired": StoreCase(lambda: _cas(root()), password="has expired"),
}

SERVERS: dict[str, Callable[[], Identity]] = {
    "tsm": lambda: tsm(1),
    "tsm renewed": lambda: tsm(3),
    "tsm expired": lambda: tsm(1, "past"),
    "tsm not yet valid": lambda: tsm(1, "future"),
    "own": lambda: own(1),
    "own renewed": lambda: own(3),
    "own expired": lambda: own(1, "past"),
    "own not yet valid": lambda: own(1, "future"),
    "leaf alone": lambda: leaf(root()),
    "leaf and root": lambda: chain(leaf(root()), root()),
    "leaf renewed": lambda: leaf(root(), 2),
    "leaf expired": lambda: chain(leaf(root(), 1, "past"), root()),
    "leaf not yet valid": lambda: leaf(root(), 1, "future"),
    "leaf and intermediate": lambda: chain(leaf(intermediate()), intermediate()),
    "leaf without its intermediate": lambda: leaf(intermediate()),
    "leaf and expired intermediate": lambda: chain(leaf(intermediate(1, "past")), intermediate(1, "past")),
    "leaf of another CA of that name": lambda: chain(leaf(root(2)), root(2)),
}

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""Pairs on which the tool acts though IBM's TLS is content, each with the reason: there is none."""
