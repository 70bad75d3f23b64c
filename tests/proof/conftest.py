"""A machine on which IBM's GSKit is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that tests can import tests.endtoend.machine

from tests.endtoend.machine import Machine

from dsmbench.runtime import scratch


@pytest.fixture
def machine() -> Iterator[Machine]:
    """One server, and a store of root's that trusts it."""
    with scratch() as directory:
        made = Machine(directory)
        made.endpoint.install_gskit()
        made.stanzas("TSMA")
        made.endpoint.store(certificates=made.trusted("TSMA"))
        try:
            yield made
        finally:
            made.stop()
