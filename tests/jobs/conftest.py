"""Machines with several stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.jobs.several import Several

from dsmbench.runtime import scratch

MakeSeveral = Callable[..., Several]


@pytest.fixture
def several() -> Iterator[MakeSeveral]:
    """Makes a machine with a store for each server that is named."""
    with ExitStack() as stack:

        def make(*servers: str) -> Several:
            made = Several(stack.enter_context(scratch()), servers)
            stack.callback(made.machine.stop)
            return made

        yield make
