"""One server, one endpoint, one store of the superuser: what most tests of the bench begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsmbench.endpoint import Endpoint
from dsmbench.runtime import scratch
from dsmbench.server import Server


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that other users can enter."""
    with scratch() as made:
        yield made


@pytest.fixture
def server() -> Iterator[Server]:
    """A server without nodes."""
    with Server("TSM01") as made:
        yield made


@pytest.fixture
def endpoint(directory: Path, server: Server) -> Endpoint:
    """An endpoint whose superuser trusts the server."""
    made = Endpoint(directory / "root")
    made.stanza("TSM01", server, node="HOST1")
    made.store(certificates=[made.trusted("TSM01", server)])
    return made
