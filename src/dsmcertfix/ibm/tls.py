"""What a server presents on its port. Trusts nothing, sends nothing, and decides nothing.

The handshake is not verified: the question is which certificate is there now, however old or weak, and the
answer is compared with fingerprints. Nothing secret may ever be sent over such a connection.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dsmcertfix import NamedTuple, budgets
from dsmcertfix.errors import CannotReconnect
from dsmcertfix.model import Presented, Server

if TYPE_CHECKING:
    import ssl

# What OpenSSL's reason is called when the other side's first bytes are no TLS record.
_NO_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER",
)
_CLOSED = ("UNEXPECTED_EOF_WHILE_READING", "EOF_OCCURRED")


class _Address(NamedTuple):
    family: socket.AddressFamily
    address: tuple[Any, ...]

    def __str__(self) -> str:
        return str(self.address[0])


class _Answer(NamedTuple):
    """What a server sent: the DER of each certificate, its own first, and the TLS version agreed on."""

    chain: tuple[bytes, ...]
    version: str | None


def present(server: Server, *, timeout_s: float) -> Presented:
    """The certificates that `server` presents now, its own first, and the TLS version agreed on.

    Every address of the name is tried until one accepts the connection. `timeout_s` is for all of it: name,
    connection and handshake. Raises nothing for trouble on the network: that is the answer's `problem`.
    Where Python does not give the chain, only the server's own certificate is in it.
    """
    try:
        return _presented(server, _ask(server, timeout_s))
    except CannotReconnect as error:
        return _presented(server, error)


_ASKING = "present "
"""Stands in the name of a thread before the server that it asks."""


def being_asked() -> tuple[str, ...]:
    """What the servers are called that have not answered yet. May be called from a signal's handler."""
    names = (thread.name for thread in threading.enumerate())
    return tuple(name.removeprefix(_ASKING) for name in names if name.startswith(_ASKING))


def ask_all(
    servers: Sequence[Server], *, timeout_s: float, called: Mapping[Server, str] = MappingProxyType({})
) -> Callable[[], tuple[Presented, ...]]:
    """The servers are being asked; what is returned waits for what each presents, in the order asked.

    All are asked at the same time as far as their budget goes, one that is named twice once. `timeout_s` is
    for each server; `called` is what people call them. Whoever does other work in between must not fork
    before the answers are there.
    """
    asked = tuple(dict.fromkeys(servers))
    left: SimpleQueue[Server] = SimpleQueue()
    for server in asked:
        left.put(server)
    answers: dict[Server, _Answer | Exception] = {}

    def ask() -> None:
        with contextlib.suppress(Empty):
            while True:
                server = left.get_nowait()
                threading.current_thread().name = f"{_ASKING}{called.get(server, server)}"
                try:
                    answers[server] = _ask(server, timeout_s)
                except Exception as error:  # raised again by the thread that waits
                    answers[server] = error

    count = min(budgets.SERVERS_AT_ONCE.cap, len(asked))
    # Daemons: an interrupt waits for nobody; each thread ends by its own deadline.
    threads = [threading.Thread(target=ask, name=_ASKING.strip(), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()

    def collect() -> tuple[Presented, ...]:
        # No thread is left: a process with threads must not fork.
        for thread in threads:
            thread.join()
        presented = {server: _presented(server, answers[server]) for server in asked}
        return tuple(presented[server] for server in servers)

    return collect


def _ask(server: Server, timeout_s: float) -> _Answer:
    """What the server sends. Raises CannotReconnect."""
    deadline = time.monotonic() + timeout_s
    addresses = _addresses(server, deadline)
    with _connection(server, addresses, deadline) as connection:
        return _handshake(server, connection, deadline)


def _presented(server: Server, answer: _Answer | Exception) -> Presented:
    """The answer read; an error that is no trouble on the network is raised."""
    if isinstance(answer, CannotReconnect):
        return Presented(server, problem=answer.problem())
    if isinstance(answer, Exception):
        raise answer
    from dsmcertfix.ibm.key_database.certificate import describe

    return Presented(server, tuple(describe(der, str(server)) for der in answer.chain), answer.version)


def _addresses(server: Server, deadline: float) -> tuple[_Address, ...]:
    """Every address of the server, in the system's order of preference. Raises CannotReconnect."""
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(_name(server), server.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError, OverflowError) as error:
            answers.put(error)

    # getaddrinfo() takes no time limit, and with a dead name server it needs minutes.
    asking = threading.Thread(target=ask, name="getaddrinfo", daemon=True)
    asking.start()
    try:
        answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
    except Empty:
        raise _trouble(
            server,
            "server-timed-out",
            "its name was not resolved in time",
            "check the name service of this machine",
        ) from None
    asking.join()
    if isinstance(answer, Exception):
        reason = getattr(answer, "strerror", None) or str(answer)
        raise _trouble(
            server,
            "server-name-unknown",
            f"its name is not known here ({reason})",
            "check TCPSERVERADDRESS in the option file, and the name service of this machine",
        )
    return tuple(dict.fromkeys(_Address(family, tuple(address)) for family, _, _, _, address in answer))


def _name(server: Server) -> str | bytes:
    """The name as bytes where it is ASCII: for a text Python loads the tables of international names."""
    address = server.address
    return address.encode("ascii") if address.isascii() and "\0" not in address else address


def _connection(server: Server, addresses: Sequence[_Address], deadline: float) -> socket.socket:
    """A connection to the first address that accepts one. Raises CannotReconnect when none does."""
    failures: list[tuple[_Address, OSError]] = []
    for tried, address in enumerate(addresses):
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            break
        try:
            connection = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as error:
            failures.append((address, error))
            continue
        try:
            # A first address that is silent (IPv6 without a route) must leave time for the next.
            connection.settimeout(left_s / (len(addresses) - tried))
            connection.connect(address.address)
            return connection
        except OSError as error:
            connection.close()
            failures.append((address, error))
        except BaseException:
            connection.close()
            raise
    raise _not_connected(server, failures)


def _not_connected(server: Server, failures: Sequence[tuple[_Address, OSError]]) -> CannotReconnect:
    context = tuple(f"{address}: {error.strerror or error}" for address, error in failures)
    check = "check that the server runs, TCPPORT in the option file, and firewalls in between"
    errors = [error for _, error in failures]
    if any(isinstance(error, ConnectionRefusedError) for error in errors):
        return _trouble(server, "server-refused", "nothing listens on that port", check, context)
    if not errors or any(isinstance(error, TimeoutError) for error in errors):
        return _trouble(server, "server-timed-out", "it did not answer in time", check, context)
    return _trouble(server, "server-unreachable", str(errors[0].strerror or errors[0]), check, context)


def _handshake(server: Server, connection: socket.socket, deadline: float) -> _Answer:
    """The chain that the server presents on `connection`. Raises CannotReconnect."""
    import ssl

    connection.settimeout(max(0.001, deadline - time.monotonic()))
    try:
        # No server name is sent: the client sends an address only, and this is what it would get.
        with _context().wrap_socket(connection) as session:
            return _Answer(_chain(session), session.version())
    except TimeoutError:
        raise _trouble(
            server,
            "server-sends-nothing",
            "it accepts the connection and then sends nothing",
            "check that TCPPORT in the option file is the server's port, and whether the server hangs",
        ) from None
    except ssl.SSLError as error:
        raise _refused_handshake(server, error) from error
    except OSError as error:
        raise _closed(server, error.strerror or str(error)) from error


def _context() -> ssl.SSLContext:
    """A client that accepts whatever it can read: TLS 1.2 and later, any certificate, any key."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Systems forbid RSA-1024 and SHA-1 by default; old servers still have them.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    except ssl.SSLError:
        context.set_ciphers("DEFAULT")
    return context


def _chain(session: ssl.SSLSocket) -> tuple[bytes, ...]:
    """The DER of each certificate presented, the server's own first."""
    public: Any = getattr(session, "get_unverified_chain", None)
    if public is not None:
        found: Sequence[Any] = public()
    else:
        # Python 3.13 made public what its predecessors keep in the wrapped object.
        private: Any = getattr(getattr(session, "_sslobj", None), "get_unverified_chain", None)
        found = (private() if private is not None else None) or ()
    encoding_der = 2
    chain = tuple(one if isinstance(one, bytes) else bytes(one.public_bytes(encoding_der)) for one in found)
    own = session.getpeercert(binary_form=True)
    return chain or ((own,) if own else ())


def _refused_handshake(server: Server, error: ssl.SSLError) -> CannotReconnect:
    reason = (error.reason or str(error)).upper().replace(" ", "_")
    if any(known in reason for known in _CLOSED):
        return _closed(server, "no TLS answer")
    if any(known in reason for known in _NO_TLS):
        return _trouble(
            server,
            "server-speaks-no-tls",
            "what listens there speaks no TLS",
            "check that TCPPORT in the option file is the server's port (TLS needs server 7.1.8/8.1.2)",
        )
    return _trouble(
        server,
        "server-refused-tls",
        f"it and this machine agree on no TLS session ({reason.lower().replace('_', ' ')})",
        "the server may be limited to versions before TLS 1.2, or demand a client certificate",
    )


def _closed(server: Server, reason: str) -> CannotReconnect:
    return _trouble(
        server,
        "server-closed",
        f"it closed the connection ({reason})",
        "check that TCPPORT in the option file is the server's port, and what is between the two",
    )


def _trouble(
    server: Server, code: str, what: str, hint: str, context: tuple[str, ...] = ()
) -> CannotReconnect:
    return CannotReconnect(
        code, f"server {server} cannot be asked for its certificate: {what}", context=context, hint=hint
    )
