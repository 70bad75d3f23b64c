"""Machines whose servers present certificates of every kind, and the files that were handed over."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that tests can import tests.endtoend.machine

from tests.endtoend.machine import Machine

from dsmbench.identity import Identity, authority
from dsmbench.runtime import scratch
from dsmbench.server import Server

MakeMachine = Callable[..., Machine]


@cache
def root_ca() -> Identity:
    """An authority, made once: keys are slow to make."""
    return authority()


@cache
def issued(number: int = 1) -> Identity:
    """A server's key and certificate that the authority signed; of each number another one."""
    return Identity.make(issuer=root_ca())


def with_chain(identity: Identity) -> Identity:
    """The same, presented together with its authority's certificate."""
    return Identity(identity.pem + root_ca().arm)


def add_server(machine: Machine, name: str, identity: Identity) -> Server:
    """A server with that certificate runs on the machine's network."""
    machine.servers[name] = Server(name, identity=identity).start()
    return machine.servers[name]


def handed(machine: Machine, *content: bytes, name: str = "cert256.arm") -> Path:
    """A file with that content, as somebody would hand it over."""
    path = machine.directory / name
    path.write_bytes(b"".join(content))
    return path


def arm(machine: Machine, name: str) -> Path:
    """The server's own cert256.arm."""
    return handed(machine, machine.servers[name].state.identity.arm)


def label(name: str) -> str:
    """The label that the client gives to the certificate of a server of that name."""
    return f"TSM server {name} self-signed key"


@pytest.fixture
def make_machine() -> Iterator[MakeMachine]:
    """Makes a machine without stanzas and stores."""
    with ExitStack() as stack:

        def make(**options: Any) -> Machine:
            machine = Machine(stack.enter_context(scratch()), **options)
            stack.callback(machine.stop)
            return machine

        yield make


@pytest.fixture
def machine(make_machine: MakeMachine) -> Machine:
    """Two servers, TSMA and TSMB, and root's store that trusts them."""
    made = make_machine()
    made.stanzas("TSMA", "TSMB")
    made.endpoint.store(certificates=made.trusted("TSMA", "TSMB"))
    return made
