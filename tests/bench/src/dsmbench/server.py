"""A played Storage Protect server: real TLS on loopback, and behind it a protocol of its own.

A client sends JSON lines and gets one line for each: {"ask": "name"}, or {"ask": "sign-on", "node", "token",
"trusts"} where "trusts" is the fingerprint of the certificate its store has for this server, or "none".
A client that only shakes hands gets the certificate, as from a real server.

`Server` is for tests; `python -m dsmbench.server` (console.py) keeps several in a process of their own.
"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from dsmbench.identity import Identity, fingerprint
from dsmbench.state import Behaviour, Event, Kind, Node, Other, ServerState, SessionSecurity

HOST = "127.0.0.1"
HOST_6 = "::1"
PATIENCE_S = 30.0


class Listening(Protocol):
    """A server that is played: in this process, or as an instance of its own."""

    @property
    def port(self) -> int:
        """Where it listens."""
        ...

    @property
    def state(self) -> ServerState:
        """Its nodes."""
        ...

    def register(self, name: str, /) -> None:
        """The node is known."""
        ...


class Server:
    """A server of that name on loopback, from `start` (or `with`) to `stop`.

    Without `directory` and `state` its state lives in a temporary one. The port stays the same over stop and
    start, so that a server that is down can come back. With `only` it speaks that version of TLS alone.
    """

    def __init__(
        self,
        name: str,
        nodes: Mapping[str, Node | SessionSecurity] | None = None,
        *,
        port: int = 0,
        identity: Identity | None = None,
        directory: Path | None = None,
        state: ServerState | None = None,
    ):
        own = directory or state
        self._temporary = None if own else Path(tempfile.mkdtemp(prefix="dsmbench-server-"))
        home = (directory or self._temporary or Path()) / name
        known = (home / "identity.pem").exists()
        self.state = (
            state
            or (ServerState(home) if known else None)
            or ServerState.create(home, nodes or {}, identity or Identity.make())
        )
        self.name = name
        self.port = port
        self.only: ssl.TLSVersion | None = None
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._counted: tuple[int, int] = (0, 0)

    # --- life

    def start(self) -> Server:
        """The server listens; it may have been stopped before. Raises OSError when its port is taken."""
        self._stopping.clear()
        self._sockets = _listen(self.port)
        self.port = self._sockets[0].getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, args=(s,), daemon=True) for s in self._sockets]
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Nothing listens, no connection is open and no thread runs any more."""
        self._stopping.set()
        with self._guard:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for listener in self._sockets:
            listener.close()
        self._sockets, self._threads = [], []

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    # --- what tests ask and do

    @property
    def address(self) -> str:
        """The address for TCPSERVERADDRESS."""
        return HOST

    @property
    def certificate_der(self) -> bytes:
        """The certificate the server presents."""
        return self.state.identity.der

    @property
    def other_certificate_der(self) -> bytes:
        """The second certificate, which a man in the middle presents."""
        return self.state.other_identity.der

    @property
    def sha256(self) -> str:
        """The fingerprint of `certificate_der`."""
        return fingerprint(self.certificate_der)

    @property
    def events(self) -> list[Event]:
        """Everything that happened, handshakes included, oldest first."""
        return self.state.events

    @property
    def sessions(self) -> list[Event]:
        """The sign-ons: what was granted ("session", "fetched") or "refused", oldest first."""
        return [event for event in self.state.events if event.node]

    def renew(self, not_before: datetime | None = None, not_after: datetime | None = None) -> bytes:
        """A new key and certificate, presented from the next connection on; returns the certificate's DER."""
        return self.state.renew(Identity.make(not_before, not_after)).der

    def register(self, name: str, node: Node | SessionSecurity = "TRANSITIONAL") -> None:
        """The node is known, as exactly this."""
        self.state.set_node(name, Node(node) if isinstance(node, str) else node)

    def update_node(self, name: str, session_security: SessionSecurity | None = None, **changes: Any) -> None:
        """As UPDATE NODE does; `changes` are fields of Node. Raises KeyError for an unknown node."""
        if session_security:
            changes["session_security"] = session_security
        self.state.update_node(name, **changes)

    def node(self, name: str) -> Node:
        """The node as it stands. Raises KeyError for an unknown one."""
        return self.state.nodes[name.upper()]

    def behave(
        self, kind: Kind = "serve", *, other: Other = "never", count: int = 0, delay_s: float = 2.0
    ) -> None:
        """Connections are treated so from now on: see `Behaviour`. Without arguments: as they should be."""
        self.state.behave(Behaviour(kind, delay_s, other, count))

    # --- connections

    def _accept(self, listener: socket.socket) -> None:
        helpers: list[threading.Thread] = []
        while not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                helpers = [helper for helper in helpers if helper.is_alive()]
                continue
            connection.settimeout(PATIENCE_S)
            with self._guard:
                self._open.add(connection)
            helpers.append(threading.Thread(target=self._treat, args=(connection,), daemon=True))
            helpers[-1].start()
        _turn_away(listener)
        for helper in helpers:
            helper.join()

    def _treat(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError, ValueError, KeyError):
                self._converse(connection)
        finally:
            with self._guard:
                self._open.discard(connection)

    def _converse(self, connection: socket.socket) -> None:
        behaviour = self.state.behaviour
        match behaviour.kind:
            case "close":
                return
            case "hang":
                self._wait_for_the_end(connection)
                return
            case "no-tls":
                connection.sendall(b"220 this is not TLS\r\n")
                self._wait_for_the_end(connection)
                return
            case "slow":
                self._stopping.wait(behaviour.delay_s)
        identity = self._present(behaviour)
        presented = identity.sha256
        try:
            secure = _context(identity.pem, self.only).wrap_socket(connection, server_side=True)
        except OSError:
            self.state.log("no-handshake", presented=presented)
            raise
        with self._guard:
            self._open.add(secure)
        try:
            with secure:
                self.state.log("handshake", presented=presented)
                if behaviour.kind == "silent":
                    self._wait_for_the_end(secure)
                else:
                    self._answer(secure, presented)
        finally:
            with self._guard:
                self._open.discard(secure)

    def _answer(self, secure: ssl.SSLSocket, presented: str) -> None:
        with secure.makefile("rb") as lines:
            for line in lines:
                request = json.loads(line)
                if request["ask"] == "name":
                    reply = {"server": self.name}
                else:
                    node, proof, trusts = (request[key] for key in ("node", "token", "trusts"))
                    reply = self.state.sign_on(node, proof, trusts, presented)
                secure.sendall(json.dumps(reply).encode() + b"\n")

    def _present(self, behaviour: Behaviour) -> Identity:
        """The certificate for this handshake, which is counted."""
        set_at = (self.state.directory / "behaviour.json").stat().st_mtime_ns
        with self._guard:
            before = self._counted[1] if self._counted[0] == set_at else 0
            self._counted = (set_at, before + 1)
        second = behaviour.other == "every-second" and before % 2 == 1
        if second or (behaviour.other == "after" and before >= behaviour.count):
            return self.state.other_identity
        return self.state.identity

    def _wait_for_the_end(self, connection: socket.socket) -> None:
        """The client has gone, or the server is stopping, or patience is at its end."""
        with suppress(OSError):
            while not self._stopping.is_set() and connection.recv(4096):
                pass


def _listen(port: int) -> list[socket.socket]:
    """Listening sockets for both loopback addresses on one port; one socket where there is no IPv6."""
    for _ in range(20):
        first = _bound(socket.AF_INET, HOST, port)
        try:
            return [first, _bound(socket.AF_INET6, HOST_6, first.getsockname()[1])]
        except OSError as error:
            if not _taken(error):
                return [first]
            first.close()
            if port:
                raise
    raise OSError("no port is free on both loopback addresses")


def _turn_away(listener: socket.socket) -> None:
    """Whoever connected and was not yet taken sees the end, as those do that were: no reset."""
    listener.settimeout(0.0)
    with suppress(OSError):
        while True:
            listener.accept()[0].close()


def _taken(error: OSError) -> bool:
    import errno

    return error.errno in (errno.EADDRINUSE, errno.EACCES)


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family)
    try:
        if sys.platform != "win32":  # there it would let two listen on one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    listener.settimeout(0.05)
    return listener


@lru_cache(maxsize=32)
def _context(pem: bytes, only: ssl.TLSVersion | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = only or ssl.TLSVersion.TLSv1_2
    context.maximum_version = only or ssl.TLSVersion.MAXIMUM_SUPPORTED
    with tempfile.TemporaryDirectory() as closed_to_others:  # only a file will do for ssl
        file = Path(closed_to_others, "identity.pem")
        file.write_bytes(pem)
        context.load_cert_chain(file)
    return context


if __name__ == "__main__":
    from dsmbench.console import main

    main()
