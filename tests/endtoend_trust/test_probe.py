"""`probe` shows what a server presents, or says why it presents nothing, within its time limit."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from tests.endtoend.machine import Machine, identity
from tests.endtoend_trust.conftest import MakeMachine, add_server, issued, root_ca, with_chain
from tests.shown import not_shown

from dsmbench.identity import fingerprint
from dsmbench.server import HOST, HOST_6, Server

LIMIT = ("--timeout", "1")
PATIENT = ("--timeout", "30")
"""For those who answer at once, however busy the machine is."""
AT_ONCE_S = 20.0


@pytest.fixture
def bare(make_machine: MakeMachine) -> Iterator[Machine]:
    """A machine with nothing on it but a server that runs somewhere."""
    machine = make_machine(programs=())
    add_server(machine, "TSMA", identity("TSMA"))
    yield machine


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind((HOST_6, 0))
    except OSError:
        return False
    return True


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, and that nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield int(taken.getsockname()[1])


class TestWhatIsPresented:
    def test_fingerprint_subject_dates_and_version_are_told(self, bare: Machine) -> None:
        server = bare.servers["TSMA"]
        answer = bare.run("probe", f"{HOST}:{server.port}")
        assert (answer.code, answer.report["outcome"]) == (0, "unchanged")
        (seen,) = answer.report["servers"]
        assert seen["server"] == f"{HOST}:{server.port}"
        assert seen["sha256"] == server.sha256
        assert seen["subject"] == server.state.identity.certificate.subject.rfc4514_string()
        end = server.state.identity.certificate.not_valid_after_utc
        assert seen["not_after"] == end.isoformat().replace("+00:00", "Z")
        assert seen["not_before"] < seen["not_after"]
        assert seen["tls_version"] in ("TLSv1.2", "TLSv1.3")
        assert seen["chain"] == []

    def test_the_text_has_the_whole_fingerprint(self, bare: Machine) -> None:
        server = bare.servers["TSMA"]
        answer = bare.text("probe", f"localhost:{server.port}")
        assert answer.code == 0
        assert server.sha256 in answer.stdout
        assert answer.stderr == ""

    def test_the_chain_is_told_with_its_authority(self, bare: Machine) -> None:
        server = add_server(bare, "TSMCA", with_chain(issued()))
        (seen,) = bare.run("probe", f"{HOST}:{server.port}").report["servers"]
        assert seen["sha256"] == issued().sha256
        (above,) = seen["chain"]
        assert (above["sha256"], above["kind"]) == (root_ca().sha256, "ca")
        assert above["subject"] == root_ca().certificate.subject.rfc4514_string()

    def test_an_expired_certificate_is_told_all_the_same(self, bare: Machine) -> None:
        from dsmbench.identity import expired

        server = add_server(bare, "TSMOLD", expired())
        answer = bare.run("probe", f"{HOST}:{server.port}")
        assert (answer.code, answer.report["servers"][0]["sha256"]) == (0, server.sha256)

    @pytest.mark.parametrize("form", ["[::1]:{}", "[0:0:0:0:0:0:0:1]:{}"])
    def test_an_ipv6_address_in_brackets_takes_a_port(self, bare: Machine, form: str) -> None:
        if not has_ipv6():
            not_shown("no IPv6 on loopback")
        server = bare.servers["TSMA"]
        answer = bare.run("probe", form.format(server.port))
        assert (answer.code, answer.report["servers"][0]["sha256"]) == (0, server.sha256)

    def test_nothing_on_the_machine_changes(self, bare: Machine) -> None:
        before = bare.everything()
        bare.run("probe", f"{HOST}:{bare.servers['TSMA'].port}")
        assert bare.everything() == before
        assert not bare.state.exists()


class TestDefaultPort:
    @pytest.mark.parametrize(
        ("written", "asked"),
        [
            ("127.0.0.2", "127.0.0.2:1500"),
            ("::1", "[::1]:1500"),
            ("[::1]", "[::1]:1500"),
            ("tsm.invalid", "tsm.invalid:1500"),
        ],
    )
    def test_it_is_1500(self, bare: Machine, written: str, asked: str) -> None:
        answer = bare.run("probe", written, *LIMIT)
        assert answer.report["servers"][0]["server"] == asked

    def test_a_server_on_it_is_found_without_a_port(self, bare: Machine) -> None:
        try:
            with Server("TSM1500", port=1500, identity=identity("TSMA")) as server:
                answer = bare.run("probe", HOST)
                assert (answer.code, answer.report["servers"][0]["sha256"]) == (0, server.sha256)
        except OSError:
            not_shown("port 1500 is in use on this machine")


class TestWhatPresentsNothing:
    def told(self, machine: Machine, address: str, code: str, limit: tuple[str, ...] = PATIENT) -> str:
        started = time.monotonic()
        answer = machine.run("probe", address, *limit)
        assert time.monotonic() - started < AT_ONCE_S
        assert (answer.code, answer.problem, answer.report["outcome"]) == (16, code, "unchanged")
        (seen,) = answer.report["servers"]
        assert (seen["sha256"], seen["problem"]["code"]) == (None, code)
        assert answer.report["problem"]["hint"]
        return str(answer.report["problem"]["message"])

    def test_a_port_that_speaks_no_tls_is_called_that(self, bare: Machine) -> None:
        bare.servers["TSMA"].behave("no-tls")
        message = self.told(bare, f"{HOST}:{bare.servers['TSMA'].port}", "server-speaks-no-tls")
        assert "speaks no TLS" in message

    def test_a_server_that_sends_nothing_is_called_that(self, bare: Machine) -> None:
        bare.servers["TSMA"].behave("hang")
        message = self.told(bare, f"{HOST}:{bare.servers['TSMA'].port}", "server-sends-nothing", LIMIT)
        assert "sends nothing" in message

    def test_a_server_that_closes_at_once_is_called_that(self, bare: Machine) -> None:
        bare.servers["TSMA"].behave("close")
        self.told(bare, f"{HOST}:{bare.servers['TSMA'].port}", "server-closed")

    def test_a_closed_port_is_called_that(self, bare: Machine, closed_port: int) -> None:
        message = self.told(bare, f"{HOST}:{closed_port}", "server-refused")
        assert "nothing listens on that port" in message

    def test_an_unknown_name_is_called_that(self, bare: Machine) -> None:
        started = time.monotonic()
        answer = bare.run("probe", "no-such-host.invalid", *LIMIT)
        assert time.monotonic() - started < AT_ONCE_S
        # Without any name server the name cannot even be found out to be unknown.
        assert (answer.code, answer.problem in ("server-name-unknown", "server-timed-out")) == (16, True)

    def test_the_text_has_error_state_and_hint_on_standard_error(
        self, bare: Machine, closed_port: int
    ) -> None:
        answer = bare.text("probe", f"{HOST}:{closed_port}", *PATIENT)
        assert answer.code == 16
        for part in ("error:", "[server-refused]", "hint:", "state: Nothing was changed."):
            assert part in answer.stderr

    def test_a_server_that_does_not_even_finish_tls_costs_no_more_than_the_limit(self, bare: Machine) -> None:
        bare.servers["TSMA"].behave("slow", delay_s=60)
        self.told(bare, f"{HOST}:{bare.servers['TSMA'].port}", "server-sends-nothing", LIMIT)


class TestUsage:
    @pytest.mark.parametrize(
        "written",
        [
            "",
            "host:",
            "host:x",
            "host:0",
            "host:65536",
            "host:99999999999",
            "a:b:c",
            "[::1]x",
            "[zz]:1",
            "::1]:5",
        ],
    )
    def test_what_is_no_server_is_wrong_usage(self, bare: Machine, written: str) -> None:
        answer = bare.run("probe", written)
        assert (answer.code, answer.report["outcome"]) == (2, "unchanged")
        assert answer.report["servers"] == []

    @pytest.mark.parametrize("arguments", [(), ("a", "b"), ("a", "--timeout", "0"), ("a", "--nonsense")])
    def test_a_command_line_that_makes_no_sense_is_wrong_usage(
        self, bare: Machine, arguments: tuple[str, ...]
    ) -> None:
        assert bare.run("probe", *arguments).code == 2


def test_the_fingerprint_is_that_of_the_der(bare: Machine) -> None:
    server = bare.servers["TSMA"]
    (seen,) = bare.run("probe", f"{HOST}:{server.port}").report["servers"]
    assert seen["sha256"] == fingerprint(server.certificate_der)
