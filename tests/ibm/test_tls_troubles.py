"""How trouble with a server is told, and that no connection stays open. Nothing is sent anywhere."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from typing import Any

import pytest

from dsmcertfix import budgets
from dsmcertfix.errors import CannotReconnect
from dsmcertfix.ibm import tls
from dsmcertfix.model import Server

SERVER = Server("tsm1.example.com", 1500)
TWO = [(socket.AF_INET, 1, 6, "", (address, 1500)) for address in ("192.0.2.1", "192.0.2.2")]


def asked(monkeypatch: pytest.MonkeyPatch, *errors: BaseException, timeout_s: float = 60) -> CannotReconnect:
    """The problem where each address in turn fails so."""
    left = list(errors)

    def connect(connection: socket.socket, address: Any) -> None:
        raise left.pop(0)

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: TWO[: len(errors)])
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(CannotReconnect) as raised:
        tls._ask(SERVER, timeout_s)
    return raised.value


REFUSED, LATE, NO_ROUTE = ConnectionRefusedError(111, "refused"), TimeoutError(), OSError(113, "No route")


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ((REFUSED,), "server-refused"),
        ((LATE, REFUSED), "server-refused"),
        ((NO_ROUTE, REFUSED), "server-refused"),
        ((LATE,), "server-timed-out"),
        ((NO_ROUTE, LATE), "server-timed-out"),
        ((NO_ROUTE, OSError(101, "unreachable")), "server-unreachable"),
    ],
)
def test_the_most_telling_of_the_addresses_decides(
    monkeypatch: pytest.MonkeyPatch, errors: tuple[OSError, ...], code: str
) -> None:
    handles = len(os.listdir("/proc/self/fd"))
    error = asked(monkeypatch, *errors)
    assert error.code == code
    assert error.context == tuple(
        f"192.0.2.{number}: {one.strerror or one}" for number, one in enumerate(errors, start=1)
    )
    if code == "server-unreachable":
        assert error.message.endswith("certificate: No route")
    assert len(os.listdir("/proc/self/fd")) == handles


def test_an_address_that_this_machine_cannot_speak_leaves_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def fails(family: int, *arguments: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported")
        return real(family, *arguments)

    addresses = [tls._Address(socket.AF_INET6, ("::1", 1)), tls._Address(socket.AF_INET, ("127.0.0.1", 1))]
    with real() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        addresses[1] = tls._Address(socket.AF_INET, listener.getsockname())
        monkeypatch.setattr(socket, "socket", fails)
        tls._connection(SERVER, addresses, time.monotonic() + 60).close()
        with pytest.raises(CannotReconnect) as raised:
            tls._connection(SERVER, addresses[:1], time.monotonic() + 60)
    assert raised.value.code == "server-unreachable" and "not supported" in raised.value.context[0]


def test_each_address_has_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float | None] = []

    def settimeout(connection: socket.socket, seconds: float | None) -> None:
        given.append(seconds)

    monkeypatch.setattr(socket.socket, "settimeout", settimeout)
    asked(monkeypatch, NO_ROUTE, NO_ROUTE, timeout_s=60)
    first, second = (seconds or 0.0 for seconds in given)
    assert 25 < first <= 30 and 50 < second <= 60


def test_without_time_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotReconnect) as raised:
        tls._connection(SERVER, [tls._Address(socket.AF_INET, ("192.0.2.1", 1))], time.monotonic() - 1)
    assert raised.value.code == "server-timed-out" and raised.value.context == ()


def test_an_interrupt_while_it_connects_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    handles = len(os.listdir("/proc/self/fd"))

    def connect(connection: socket.socket, address: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(KeyboardInterrupt) as raised:
        tls._connection(SERVER, [tls._Address(socket.AF_INET, ("192.0.2.1", 1))], time.monotonic() + 60)
    # The socket lives as long as the traceback: closed, not only forgotten.
    assert len(os.listdir("/proc/self/fd")) == handles
    assert raised.value is not None


def refusal(reason: str | None, text: str = "") -> str:
    error = ssl.SSLError(1, text)
    error.reason = reason  # type: ignore[assignment]
    return tls._refused_handshake(SERVER, error).code


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("WRONG_VERSION_NUMBER", "server-speaks-no-tls"),
        ("HTTP_REQUEST", "server-speaks-no-tls"),
        ("UNKNOWN_PROTOCOL", "server-speaks-no-tls"),
        ("PACKET_LENGTH_TOO_LONG", "server-speaks-no-tls"),
        ("RECORD_LAYER_FAILURE", "server-speaks-no-tls"),
        ("UNEXPECTED_EOF_WHILE_READING", "server-closed"),
        ("unexpected eof while reading", "server-closed"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "server-refused-tls"),
    ],
)
def test_the_reason_of_a_refused_handshake_is_told_apart(reason: str, code: str) -> None:
    assert refusal(reason) == code


def test_a_refusal_without_a_reason_is_told_by_its_text() -> None:
    assert refusal(None, "EOF occurred in violation of protocol") == "server-closed"
    assert refusal(None, "something else") == "server-refused-tls"


ENDED = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
ENDED.reason = "UNEXPECTED_EOF_WHILE_READING"


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (OSError(104, "Connection reset by peer"), "server-closed", "(Connection reset by peer)"),
        (OSError("odd"), "server-closed", "(odd)"),
        (ENDED, "server-closed", "(no TLS answer)"),
        (TimeoutError(), "server-sends-nothing", "sends nothing"),
    ],
)
def test_why_a_handshake_came_to_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch, error: OSError, code: str, told: str
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", fails)
    with socket.socket() as connection, pytest.raises(CannotReconnect) as raised:
        tls._handshake(SERVER, connection, time.monotonic() + 60)
    assert raised.value.code == code and told in raised.value.message


@pytest.mark.parametrize(("left_s", "least", "most"), [(30.0, 25.0, 30.0), (-5.0, 0.0, 0.1)])
def test_a_handshake_has_the_time_that_is_left_and_never_all_time(
    monkeypatch: pytest.MonkeyPatch, left_s: float, least: float, most: float
) -> None:
    given: list[float | None] = []

    def fails(context: ssl.SSLContext, connection: socket.socket) -> None:
        given.append(connection.gettimeout())
        raise TimeoutError

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", fails)
    with socket.socket() as connection, pytest.raises(CannotReconnect):
        tls._handshake(SERVER, connection, time.monotonic() + left_s)
    (seconds,) = given
    assert seconds is not None and least < seconds <= most


class Session:
    """A session of ssl, as far as a chain is read from it."""

    def __init__(self, own: bytes | None, chain: list[Any] | None, *, public: bool) -> None:
        self.own = own
        if public:
            self.get_unverified_chain = lambda: chain
        else:
            self._sslobj = Session(None, chain, public=True) if chain is not None else object()

    def getpeercert(self, binary_form: bool) -> bytes | None:
        return self.own if binary_form else None


class Kept:
    """A certificate as ssl keeps it in itself."""

    def __init__(self, der: bytes) -> None:
        self.der = der

    def public_bytes(self, encoding: int) -> bytes:
        return self.der if encoding == 2 else b"not DER"


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize(
    ("own", "chain", "found"),
    [
        (b"1", [b"1", b"2"], (b"1", b"2")),
        (b"1", [Kept(b"1"), Kept(b"2")], (b"1", b"2")),
        (b"1", [], (b"1",)),
        (None, [], ()),
    ],
)
def test_a_chain_is_read_where_python_gives_it_else_the_server_s_own(
    public: bool, own: bytes | None, chain: list[Any], found: tuple[bytes, ...]
) -> None:
    session: Any = Session(own, chain, public=public)
    assert tls._chain(session) == found


def test_a_python_that_gives_no_chain_gives_the_server_s_own() -> None:
    session: Any = Session(b"1", None, public=False)
    assert tls._chain(session) == (b"1",)
    del session._sslobj
    assert tls._chain(session) == (b"1",)


def test_at_most_so_many_servers_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cap = budgets.SERVERS_AT_ONCE.cap
    most, gate = [0], threading.Semaphore(0)

    def ask(server: Server, timeout_s: float) -> tls._Answer:
        if server.port >= cap - 1:
            gate.release(cap)
        gate.acquire(timeout=60)
        return tls._Answer((), str(server.port))

    monkeypatch.setattr(tls, "_ask", ask)
    servers = [Server("a", port) for port in range(cap + 2)]
    collect = tls.ask_all(servers, timeout_s=1)
    most[0] = len([thread for thread in threading.enumerate() if thread.name.startswith("present")])
    assert [one.tls_version for one in collect()] == [str(port) for port in range(cap + 2)]
    assert most[0] <= cap


def test_a_bug_while_a_server_is_asked_is_raised_where_it_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(server: Server, timeout_s: float) -> tls._Answer:
        raise ZeroDivisionError

    monkeypatch.setattr(tls, "_ask", ask)
    collect = tls.ask_all([SERVER], timeout_s=1)
    with pytest.raises(ZeroDivisionError):
        collect()


def test_a_name_goes_as_bytes_where_that_is_possible() -> None:
    assert tls._name(SERVER) == b"tsm1.example.com"
    assert tls._name(Server("bücher.example", 1)) == "bücher.example"
    assert tls._name(Server("a\0b", 1)) == "a\0b"


def test_any_certificate_and_key_is_read_and_nothing_older_than_tls_1_2() -> None:
    context = tls._context()
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.security_level == 0


def test_a_library_without_security_levels_uses_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []

    def set_ciphers(context: ssl.SSLContext, names: str) -> None:
        if "SECLEVEL" in names:
            raise ssl.SSLError("No cipher can be selected.")
        given.append(names)

    monkeypatch.setattr(ssl.SSLContext, "set_ciphers", set_ciphers)
    assert tls._context().verify_mode == ssl.CERT_NONE and given == ["DEFAULT"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(-2, "Name or service not known"), "(Name or service not known)"),
        (UnicodeError("label too long"), "(label too long)"),
        (OSError("odd"), "(odd)"),
    ],
)
def test_why_a_name_is_not_known_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(CannotReconnect) as raised:
        tls._addresses(SERVER, time.monotonic() + 60)
    assert raised.value.code == "server-name-unknown" and reason in raised.value.message


def test_a_name_that_has_an_address_twice_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [*TWO, *TWO])
    assert [str(one) for one in tls._addresses(SERVER, time.monotonic() + 60)] == ["192.0.2.1", "192.0.2.2"]


def test_a_name_service_out_of_time_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: gate.wait(60))
    with pytest.raises(CannotReconnect) as raised:
        tls._addresses(SERVER, time.monotonic() - 5)
    # The program's end does not wait for the name service.
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "getaddrinfo")
    gate.set()
    assert raised.value.code == "server-timed-out" and "not resolved in time" in raised.value.message


def test_of_addresses_that_cannot_be_reached_the_first_is_told_also_without_a_reason() -> None:
    first, second = OSError("odd"), OSError(101, "Network is unreachable")
    address = tls._Address(socket.AF_INET, ("192.0.2.1", 1))
    for errors, told in (((first, second), "odd"), ((second, first), "Network is unreachable")):
        error = tls._not_connected(SERVER, [(address, one) for one in errors])
        assert error.code == "server-unreachable" and error.message.endswith(f": {told}")
