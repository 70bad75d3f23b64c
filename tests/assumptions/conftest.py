"""Machines on which something is not as IBM's documentation lets one assume."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that tests can import tests.endtoend.machine

from tests.endtoend.machine import Machine

from dsmbench.runtime import scratch

MakeMachine = Callable[..., Machine]


@pytest.fixture
def make_machine() -> Iterator[MakeMachine]:
    """Makes a machine with a server TSMA that was renewed, and root's store that trusts what was before."""
    with ExitStack() as stack:

        def make(*, stanza: dict[str, Any] | None = None, **options: Any) -> Machine:
            machine = Machine(stack.enter_context(scratch()), **options)
            stack.callback(machine.stop)
            machine.stanzas("TSMA", **(stanza or {}))
            machine.endpoint.store(certificates=machine.trusted("TSMA"))
            machine.renew("TSMA")
            return machine

        yield make


@pytest.fixture
def machine(make_machine: MakeMachine) -> Machine:
    """Such a machine."""
    return make_machine()
