"""The played server, without the played client."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime, timedelta, timezone

import pytest
from tests.shown import shown_only_if

from dsmbench.passwords import default_password, token
from dsmbench.server import Server
from dsmbench.state import ServerState


def handshake(server: Server, host: str = "127.0.0.1", timeout_s: float = 5) -> bytes:
    """What the server presents to somebody who only shakes hands."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, server.port), timeout=timeout_s) as plain,
        context.wrap_socket(plain) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def sign_on(state: ServerState, node: str, trusts: str, password: str = "") -> dict[str, str]:
    """The answer to a sign-on of a node that trusts that fingerprint."""
    return state.sign_on(node, token(node, password or default_password(node)), trusts, state.identity.sha256)


def test_a_bare_handshake_shows_the_certificate_and_a_renewal_takes_effect_at_once(server: Server) -> None:
    before = server.certificate_der
    assert handshake(server) == before
    renewed = server.renew()
    assert handshake(server) == renewed == server.certificate_der != before


def test_the_certificate_has_the_subject_all_servers_share(server: Server) -> None:
    certificate = server.state.identity.certificate
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "C=US,O=TSM,OU=TSM Network,CN=TSM Self-Signed Certificate"


@shown_only_if(socket.has_ipv6, "this machine has no IPv6")
def test_both_loopback_addresses_answer_on_one_port(server: Server) -> None:
    assert handshake(server, "::1") == handshake(server)


def test_a_certificate_can_be_expired(server: Server) -> None:
    end = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=1)
    server.renew(not_after=end)
    assert server.state.identity.certificate.not_valid_after_utc == end


def test_a_session_makes_a_node_strict_and_a_strict_node_fetches_nothing(server: Server) -> None:
    server.register("host1")
    assert sign_on(server.state, "HOST1", "none")["answer"] == "fetch"
    assert sign_on(server.state, "host1", server.sha256)["answer"] == "granted"
    assert server.node("HOST1").session_security == "STRICT"
    assert sign_on(server.state, "HOST1", "none")["reason"] == "strict"
    server.update_node("HOST1", "TRANSITIONAL")
    assert sign_on(server.state, "HOST1", "none")["answer"] == "fetch"
    assert [event.what for event in server.sessions] == ["fetched", "session", "refused", "fetched"]


def test_one_wrong_password_locks_a_transitional_node_and_five_a_strict_one(server: Server) -> None:
    server.register("EASY")
    server.register("HARD", "STRICT")
    assert sign_on(server.state, "EASY", server.sha256, "wrong")["reason"] == "password"
    assert sign_on(server.state, "EASY", server.sha256)["reason"] == "locked"
    for _ in range(4):
        sign_on(server.state, "HARD", server.sha256, "wrong")
    assert not server.node("HARD").locked
    sign_on(server.state, "HARD", server.sha256, "wrong")
    assert server.node("HARD").locked


def test_an_unknown_node_is_told_so(server: Server) -> None:
    assert sign_on(server.state, "NOBODY", "none")["reason"] == "unknown-node"


def test_another_certificate_can_come_with_every_second_handshake(server: Server) -> None:
    server.behave(other="every-second")
    mine, other = server.certificate_der, server.other_certificate_der
    assert [handshake(server) for _ in range(4)] == [mine, other, mine, other]


def test_another_certificate_can_come_after_some_handshakes(server: Server) -> None:
    server.behave(other="after", count=2)
    mine, other = server.certificate_der, server.other_certificate_der
    assert [handshake(server) for _ in range(4)] == [mine, mine, other, other]


def test_a_server_that_hangs_never_shakes_hands(server: Server) -> None:
    server.behave("hang")
    with pytest.raises(TimeoutError):
        handshake(server, timeout_s=0.2)


@pytest.mark.parametrize("kind", ["no-tls", "close"])
def test_a_server_may_not_speak_tls(server: Server, kind: str) -> None:
    server.behave(kind)  # type: ignore[arg-type]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(server)


def test_a_slow_server_answers_in_the_end(server: Server) -> None:
    server.behave("slow", delay_s=0.1)
    assert handshake(server) == server.certificate_der


def test_a_stopped_server_refuses_connections_and_comes_back_on_its_port(server: Server) -> None:
    port = server.port
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        handshake(server)
    server.start()
    assert server.port == port
    assert handshake(server) == server.certificate_der


def test_stopping_cuts_off_a_client_that_waits(server: Server) -> None:
    server.behave("hang")
    with socket.create_connection((server.address, server.port), timeout=5) as waiting:
        server.stop()
        assert waiting.recv(1) == b""
