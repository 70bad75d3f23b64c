"""Machines for whole commands: built for a test, gone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.endtoend.machine import NAMES, Machine

from dsmbench.runtime import scratch

MakeMachine = Callable[..., Machine]


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
    """One server, TSMA, and root's store that trusts it."""
    made = make_machine()
    made.stanzas("TSMA")
    made.endpoint.store(certificates=made.trusted("TSMA"))
    return made


@pytest.fixture
def three(make_machine: MakeMachine) -> Machine:
    """Three servers, and root's store that trusts them."""
    made = make_machine()
    made.stanzas(*NAMES)
    made.endpoint.store(certificates=made.trusted(*NAMES))
    return made
