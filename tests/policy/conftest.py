"""Machines under a site's policy: two servers, root's store, and the policy's file with its certificates."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that tests can import tests.endtoend.machine

from tests.endtoend.machine import Machine, identity

from dsmbench.runtime import scratch

MakeMachine = Callable[..., Machine]


def write_policy(machine: Machine, text: str, name: str = "policy.toml") -> Path:
    """A policy's file beside the machine, where only root can change it."""
    path = machine.directory / name
    path.write_text(f'schema = "dsmcertfix.policy/1"\n{text}', encoding="utf-8")
    path.chmod(0o644)
    return path


def server(name: str, *certificates: str, **values: str) -> str:
    """A server of a policy."""
    told = "".join(f"{key} = {value}\n" for key, value in values.items())
    return f'\n[[server]]\nname = "{name}"\n{told}' + "".join(certificates)


def certificate(sha256: str, **values: str) -> str:
    """A certificate of a server of a policy; `since` is `from`."""
    words = {"from" if key == "since" else key: value for key, value in values.items()}
    told = "".join(f"{key} = {value}\n" for key, value in words.items())
    return f'\n[[server.certificate]]\nsha256 = "{sha256}"\n{told}'


def next_one(machine: Machine, name: str) -> tuple[str, str]:
    """The certificate that the server will have: its fingerprint, and its file as a value of a policy."""
    made = identity(f"{name} renewed {machine._renewals + 1}")
    path = machine.directory / f"{name}-new.arm"
    path.write_bytes(made.arm)
    return made.sha256, f'"{path.name}"'


def fix_by(machine: Machine, policy: Path, *more: str | Path) -> Any:
    """`fix --yes` by that policy, and by nothing else."""
    return machine.run("fix", "--yes", "--policy", policy, *more)


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
