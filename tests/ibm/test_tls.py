"""What servers present. They are real ones, on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import NameOID
from tests.shown import not_shown

from dsmcertfix.ibm import tls
from dsmcertfix.model import Server

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Talk = Callable[[socket.socket], None]
PATIENT_S = 60.0
"""An answer that comes at all comes within that, however busy the machine is."""
AT_ONCE_S = 20.0
"""Within that, nobody waited for a server that stays silent for longer."""


class Listener:
    """A server on loopback that treats every connection as it is told."""

    def __init__(self, talk: Talk, family: socket.AddressFamily = socket.AF_INET):
        self._socket = socket.socket(family)
        self._socket.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self._socket.listen(64)
        self._talk = talk
        self.connections = 0
        self.address = Server(*self._socket.getsockname()[:2])
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._treat, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _treat(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._talk(connection)

    def stop(self) -> None:
        # Closing alone does not wake accept().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    listeners: list[Listener] = []

    def start(talk: Talk, family: socket.AddressFamily = socket.AF_INET) -> Listener:
        listeners.append(Listener(talk, family))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.stop()


def name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def issue(
    subject: str, key: Key, issuer: str, issuer_key: CertificateIssuerPrivateKeyTypes
) -> x509.Certificate:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now - timedelta(days=1))
        .sign(issuer_key, hashes.SHA256())
    )


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def speaks_tls(
    directory: Path, key: Key, *chain: x509.Certificate, only: ssl.TLSVersion | None = None
) -> Talk:
    """The treatment of a TLS server with this chain."""
    file = directory / f"{time.monotonic_ns()}.pem"
    encoding, no_encryption = serialization.Encoding.PEM, serialization.NoEncryption()
    pem = [key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_encryption)]
    file.write_bytes(b"".join((*pem, *(one.public_bytes(encoding) for one in chain))))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(file)
    if only is not None:
        context.maximum_version = only

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as session:
            session.recv(1)

    return talk


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return new_key()


@pytest.fixture
def own(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Self-signed, without any name but the CN, and expired."""
    return issue("TSM Self-Signed Certificate", key, "TSM Self-Signed Certificate", key)


def silent(connection: socket.socket) -> None:
    connection.settimeout(3 * AT_ONCE_S)
    while connection.recv(4096):
        pass


def plain_text(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example ESMTP ready\r\n")
    silent(connection)


def closing(connection: socket.socket) -> None:
    connection.recv(4096)


def problem_of(server: Server, timeout_s: float = PATIENT_S) -> str:
    presented = tls.present(server, timeout_s=timeout_s)
    assert presented.problem is not None and presented.chain == () and presented.certificate is None
    assert presented.problem.kind == "CannotReconnect" and presented.problem.hint
    assert str(server) in presented.problem.message
    return presented.problem.code


def test_an_expired_self_signed_certificate_is_shown(
    listen: Callable[..., Listener], tmp_path: Path, key: Key, own: x509.Certificate
) -> None:
    server = listen(speaks_tls(tmp_path, key, own)).address
    presented = tls.present(server, timeout_s=PATIENT_S)
    assert presented.problem is None and presented.tls_version == "TLSv1.3"
    assert presented.certificate is not None
    assert presented.certificate.sha256 == hashlib.sha256(der(own)).hexdigest()
    assert presented.certificate.label == str(server)
    assert presented.certificate.der == der(own)


def test_tls_1_2_is_enough(
    listen: Callable[..., Listener], tmp_path: Path, key: Key, own: x509.Certificate
) -> None:
    server = listen(speaks_tls(tmp_path, key, own, only=ssl.TLSVersion.TLSv1_2)).address
    assert tls.present(server, timeout_s=PATIENT_S).tls_version == "TLSv1.2"


@pytest.mark.parametrize("only", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_old_short_key_is_still_read(
    only: ssl.TLSVersion, listen: Callable[..., Listener], tmp_path: Path
) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    old = issue("TSM Self-Signed Certificate", short, "TSM Self-Signed Certificate", short)
    presented = tls.present(listen(speaks_tls(tmp_path, short, old, only=only)).address, timeout_s=PATIENT_S)
    assert presented.certificate is not None and presented.certificate.der == der(old)


def test_a_chain_is_shown_with_the_server_s_own_certificate_first(
    listen: Callable[..., Listener], tmp_path: Path
) -> None:
    authority_key, server_key = new_key(), new_key()
    authority = issue("Example CA", authority_key, "Example CA", authority_key)
    server = issue("tsm.example", server_key, "Example CA", authority_key)
    presented = tls.present(
        listen(speaks_tls(tmp_path, server_key, server, authority)).address, timeout_s=PATIENT_S
    )
    assert [one.der for one in presented.chain] == [der(server), der(authority)]


def test_a_server_on_ipv6_is_asked(
    listen: Callable[..., Listener], tmp_path: Path, key: Key, own: x509.Certificate
) -> None:
    try:
        server = listen(speaks_tls(tmp_path, key, own), socket.AF_INET6).address
    except OSError:
        not_shown("this machine has no IPv6 loopback")
    presented = tls.present(server, timeout_s=PATIENT_S)
    assert presented.certificate is not None and presented.certificate.label.startswith("[::1]:")


def test_a_name_leads_to_the_address_that_listens(
    listen: Callable[..., Listener], tmp_path: Path, key: Key, own: x509.Certificate
) -> None:
    port = listen(speaks_tls(tmp_path, key, own)).address.port
    assert tls.present(Server("localhost", port), timeout_s=PATIENT_S).certificate is not None


def test_a_first_address_that_is_silent_leaves_time_for_the_next(
    listen: Callable[..., Listener],
    tmp_path: Path,
    key: Key,
    own: x509.Certificate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = listen(speaks_tls(tmp_path, key, own)).address.port
    with deaf() as unheard:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (unheard.address, unheard.port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert tls.present(Server("tsm.example", port), timeout_s=6).certificate is not None


def test_a_port_where_nothing_listens_refuses() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert problem_of(Server(*unused.getsockname())) == "server-refused"


def test_a_port_that_speaks_plain_text_speaks_no_tls(listen: Callable[..., Listener]) -> None:
    assert problem_of(listen(plain_text).address) == "server-speaks-no-tls"


def test_a_port_that_closes_is_told_apart(listen: Callable[..., Listener]) -> None:
    assert problem_of(listen(closing).address) == "server-closed"
    assert problem_of(listen(lambda connection: None).address) == "server-closed"


def test_a_silent_port_is_left_in_time(listen: Callable[..., Listener]) -> None:
    started = time.monotonic()
    assert problem_of(listen(silent).address, timeout_s=0.4) == "server-sends-nothing"
    assert time.monotonic() - started < AT_ONCE_S


def test_a_server_that_answers_a_byte_at_a_time_is_left_in_time(listen: Callable[..., Listener]) -> None:
    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"\x16\x03\x03\x40\x00")
        for _ in range(1200):
            connection.sendall(b"\x00")
            time.sleep(0.05)

    started = time.monotonic()
    assert problem_of(listen(trickle).address, timeout_s=0.5).startswith("server-")
    assert time.monotonic() - started < AT_ONCE_S


def test_a_server_that_wants_a_client_certificate_is_understood(
    listen: Callable[..., Listener],
) -> None:
    # A fatal alert: handshake_failure.
    def alert(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
        silent(connection)

    assert problem_of(listen(alert).address) == "server-refused-tls"


def test_a_connection_that_nobody_accepts_times_out() -> None:
    with deaf() as server:
        started = time.monotonic()
        assert problem_of(server, timeout_s=0.4) == "server-timed-out"
        assert time.monotonic() - started < AT_ONCE_S


def test_an_unknown_name_is_told_apart() -> None:
    assert problem_of(Server("no-such-host.invalid", 1500), timeout_s=10) in {
        "server-name-unknown",
        # A machine without a name service takes its time to say so.
        "server-timed-out",
    }


def test_a_name_that_is_none_is_unknown() -> None:
    assert problem_of(Server("x" * 300, 1500)) == "server-name-unknown"


def test_a_name_service_that_hangs_does_not_hang_us(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(3 * AT_ONCE_S))
    started = time.monotonic()
    assert problem_of(Server("tsm.example", 1500), timeout_s=0.3) == "server-timed-out"
    assert time.monotonic() - started < AT_ONCE_S
    release.set()


def test_an_address_without_a_route_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    assert problem_of(Server("127.0.0.1", 1500)) == "server-unreachable"


def test_many_servers_are_asked_at_once_and_answered_in_order(
    listen: Callable[..., Listener], tmp_path: Path, key: Key, own: x509.Certificate
) -> None:
    good, mute = listen(speaks_tls(tmp_path, key, own)), [listen(silent) for _ in range(8)]
    servers = [*(one.address for one in mute), good.address]
    started = time.monotonic()
    answers = tls.ask_all(servers, timeout_s=4)()
    # One after the other they would take twice as long.
    assert time.monotonic() - started < 8 * 4 / 2
    assert [answer.server for answer in answers] == servers
    assert answers[-1].certificate is not None
    assert all(answer.problem is not None for answer in answers[:-1])


def test_a_server_named_twice_is_asked_once(
    listen: Callable[..., Listener], tmp_path: Path, key: Key, own: x509.Certificate
) -> None:
    good = listen(speaks_tls(tmp_path, key, own))
    first, second = tls.ask_all([good.address, good.address], timeout_s=PATIENT_S)()
    assert first == second and good.connections == 1


def test_no_server_is_no_answer() -> None:
    assert tls.ask_all([], timeout_s=1)() == ()


def test_the_server_that_has_not_answered_is_named() -> None:
    with deaf() as server:
        collect = tls.ask_all([server], timeout_s=4, called={server: "TSM01"})
        while "TSM01" not in tls.being_asked():
            assert any(thread.name.startswith("present") for thread in threading.enumerate())
        # The program's end does not wait for it.
        assert all(thread.daemon for thread in threading.enumerate() if thread.name.endswith("TSM01"))
        assert collect()[0].problem is not None
    assert tls.being_asked() == ()


def test_no_thread_of_ours_is_left(
    listen: Callable[..., Listener], tmp_path: Path, key: Key, own: x509.Certificate
) -> None:
    server = listen(speaks_tls(tmp_path, key, own)).address
    # A name service that hung in another test may still hold one.
    before = set(threading.enumerate())
    tls.ask_all([server], timeout_s=PATIENT_S)()
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert not [one for one in left if one.startswith(("present", "getaddrinfo"))]


class deaf:
    """A server whose queue is full: it neither accepts nor refuses."""

    def __enter__(self) -> Server:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self._waiting = []
        for _ in range(3):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(self._listener.getsockname())
            self._waiting.append(waiting)
        return Server(*self._listener.getsockname())

    def __exit__(self, *_: object) -> None:
        for one in (*self._waiting, self._listener):
            one.close()
