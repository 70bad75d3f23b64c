"""Machines with a server: built for a test, gone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.server.host import ServerHost

from dsmbench.runtime import scratch

MakeHost = Callable[..., ServerHost]


@pytest.fixture
def make_host() -> Iterator[MakeHost]:
    """Makes a machine; its server does not run yet."""
    with ExitStack() as stack:

        def make(**options: Any) -> ServerHost:
            host = ServerHost(stack.enter_context(scratch()), **options)
            stack.callback(host.stop)
            return host

        yield make


@pytest.fixture
def host(make_host: MakeHost) -> ServerHost:
    """A machine whose server runs."""
    made = make_host()
    made.instance.start()
    return made
