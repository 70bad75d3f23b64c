"""An endpoint on Windows, the servers that its option files name, and no state of earlier runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.windows.command import no_state

from dsmbench.server import Server

assert sys.platform == "win32"

from dsmbench.windows import WindowsEndpoint

LABEL = "TSM server {} self-signed key"


class Machine:
    """An endpoint, and the servers that its option files name."""

    def __init__(self, endpoint: WindowsEndpoint, stack: ExitStack):
        self.endpoint = endpoint
        self.servers: dict[str, Server] = {}
        self._stack = stack

    @property
    def ba(self) -> Path:
        """The client's directory, in which the machine's store is."""
        return self.endpoint.ba_directory

    def server(self, name: str) -> Server:
        """The server of that name; it runs from now on."""
        if name not in self.servers:
            self.servers[name] = self._stack.enter_context(Server(name))
        return self.servers[name]

    def option_files(self, *names: str) -> None:
        """An option file for each server, the first one dsm.opt, the others named by services."""
        for name in names:
            file = "dsm.opt" if not self.servers else f"dsm_{name.lower()}.opt"
            path = self.endpoint.option_file(self.server(name), node=f"PC1_{name}", name=file)
            if file != "dsm.opt":
                self.endpoint.add_service(f"TSM Scheduler {name}", option_file=path)

    def trusted(self, *names: str) -> list[tuple[str, bytes]]:
        """Labels and certificates as the client stores them for these servers now."""
        return [self.endpoint.trusted(name, self.server(name)) for name in names]

    def sessions(self, name: str) -> list[str]:
        """What the server's log says of sign-ons, oldest first."""
        return [event.what for event in self.servers[name].sessions]

    @property
    def reconnects(self) -> int:
        """How often dsmc ran."""
        return len(self.endpoint.runs)


@contextmanager
def played() -> Iterator[Machine]:
    """A machine with a client, without option files and stores, until the end."""
    with ExitStack() as stack:
        endpoint = stack.enter_context(WindowsEndpoint())
        stack.enter_context(no_state())
        yield Machine(endpoint, stack)


@contextmanager
def one_renewed() -> Iterator[Machine]:
    """One server, renewed; the machine's store holds its old certificate."""
    with played() as machine:
        machine.option_files("TSM01")
        machine.endpoint.store(certificates=machine.trusted("TSM01"))
        machine.server("TSM01").renew()
        yield machine
