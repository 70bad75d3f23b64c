"""The played client against the played server."""

from __future__ import annotations

import signal
import subprocess

import pytest
from tests.shown import shown_only_if

from dsmbench import gskit
from dsmbench.endpoint import AS_ROOT, Endpoint
from dsmbench.formats import NOT_TRUSTED, rewritten
from dsmbench.identity import Identity, authority, expired
from dsmbench.made import PASSWORD
from dsmbench.server import Server
from dsmbench.trouble import NAMES

LABEL = "TSM server TSM01 self-signed key"


def forget(endpoint: Endpoint) -> None:
    """The superuser's store has nothing for the server any more."""
    gskit.delete(endpoint.ba_directory / "dsmcert.kdb", LABEL)


def stored(endpoint: Endpoint) -> dict[str, bytes]:
    """What IBM's library finds in the superuser's store."""
    return gskit.certificates(endpoint.ba_directory / "dsmcert.kdb")


def test_a_client_that_trusts_its_server_has_a_session(endpoint: Endpoint, server: Server) -> None:
    answer = endpoint.dsmc("query", "session")
    assert answer.returncode == 0
    assert "Node Name: HOST1" in answer.stdout
    assert "Session established with server TSM01: Linux/x86_64" in answer.stdout
    assert "SSL Information.........: TLSv1.3 TLS_AES_256_GCM_SHA384" in answer.stdout
    assert answer.stderr == ""
    assert server.node("HOST1").session_security == "STRICT"


def test_a_stale_certificate_is_in_the_way_even_of_a_transitional_node(
    endpoint: Endpoint, server: Server
) -> None:
    server.renew()
    before = endpoint.snapshot(endpoint.ba_directory)
    answer = endpoint.dsmc("q", "se")
    assert (answer.returncode, "ANS1592E Failed to initialize SSL protocol." in answer.stdout) == (12, True)
    assert endpoint.snapshot(endpoint.ba_directory) == before
    assert "ANS1592E" in (endpoint.ba_directory / "dsmerror.log").read_text()


def test_without_a_certificate_a_transitional_node_fetches_the_new_one(
    endpoint: Endpoint, server: Server
) -> None:
    new = server.renew()
    forget(endpoint)
    index = (endpoint.ba_directory / "dsmcert.idx").read_bytes()
    assert endpoint.dsmc("query", "session").returncode == 0
    assert stored(endpoint) == {LABEL: new}
    assert (endpoint.ba_directory / "dsmcert.idx").read_bytes() != index


def test_without_a_certificate_a_strict_node_is_refused(endpoint: Endpoint, server: Server) -> None:
    server.renew()
    server.update_node("HOST1", "STRICT")
    forget(endpoint)
    answer = endpoint.dsmc("query", "session")
    assert (answer.returncode, "ANS1592E" in answer.stdout) == (12, True)
    assert stored(endpoint) == {}


def test_a_client_without_a_store_makes_one(endpoint: Endpoint, server: Server) -> None:
    for file in endpoint.ba_directory.glob("dsmcert.*"):
        if file.suffix:
            file.unlink()
    assert endpoint.dsmc("query", "session").returncode == 0
    assert stored(endpoint) == {LABEL: server.certificate_der}
    assert {seen.mode for seen in endpoint.snapshot(endpoint.ba_directory).values()} == {0o600}


def test_a_client_told_not_to_accept_certificates_does_not(endpoint: Endpoint, server: Server) -> None:
    forget(endpoint)
    no = {"SSLACCEPTCERTFROMSERV": "No"}
    endpoint.stanza("TSM09", server, node="HOST1", options=no)
    assert endpoint.dsmc("query", "session", "-se=tsm09").returncode == 12
    assert stored(endpoint) == {}


def test_a_certificate_of_a_known_authority_is_trusted_over_its_renewal(
    endpoint: Endpoint, server: Server
) -> None:
    root = authority()
    endpoint.store(certificates=[("Example Root CA", root.der)])
    for _ in range(2):
        server.state.renew(Identity.make(issuer=root))
        assert endpoint.dsmc("query", "session").returncode == 0
    assert list(stored(endpoint)) == ["Example Root CA"]


def test_runs_are_noted_with_user_input_and_environment(endpoint: Endpoint) -> None:
    endpoint.dsmc("query", "session", "-se=TSM01", MARK="x")
    (run,) = endpoint.runs
    assert (run.program, run.arguments, run.input) == ("dsmc", ["query", "session", "-se=TSM01"], "null")
    assert (run.uid, run.groups[:1]) == (endpoint.superuser.uid, run.groups[:1])
    assert run.environment["MARK"] == "x"


def test_an_expired_certificate_is_not_trusted(endpoint: Endpoint, server: Server) -> None:
    server.state.renew(expired())
    endpoint.store(certificates=[endpoint.trusted("TSM01", server)])
    assert "ANS1592E" in endpoint.dsmc("query", "session").stdout


def test_a_server_that_is_down_is_no_matter_of_certificates(endpoint: Endpoint, server: Server) -> None:
    server.stop()
    answer = endpoint.dsmc("query", "session")
    assert (answer.returncode, "ANS1017E" in answer.stdout) == (12, True)


def test_a_wrong_password_an_unknown_node_and_a_missing_stanza_have_their_messages(
    endpoint: Endpoint, server: Server
) -> None:
    endpoint.stored_password("/etc/adsm", "HOST1", "TSM01", "not the password")
    assert "ANS1051I" in endpoint.dsmc("query", "session").stdout
    assert server.node("HOST1").locked
    endpoint.stanza("TSM02", ("127.0.0.1", server.port), node="STRANGER")
    assert "ANS1353E" in endpoint.dsmc("query", "session", "-se=TSM02").stdout
    assert "ANS1217E" in endpoint.dsmc("query", "session", "-se=TSM77").stdout
    assert "ANS1035S" in endpoint.dsmc("query", "session", "-optfile=/nowhere/dsm.opt").stdout


def test_without_a_stored_password_and_a_terminal_it_gives_up(endpoint: Endpoint, server: Server) -> None:
    endpoint.stanza("TSM02", server, node="HOST2", passworddir="/empty", password=None)
    answer = endpoint.dsmc("query", "session", "-se=TSM02")
    assert answer.returncode == 12
    assert answer.stdout.index("ANS2050E") < answer.stdout.index("ANS1029E")
    assert server.events == []


def test_a_damaged_key_database_cannot_be_opened(endpoint: Endpoint) -> None:
    (endpoint.ba_directory / "dsmcert.sth").unlink()
    assert "ANS1593E" in endpoint.dsmc("query", "session").stdout


def test_a_user_has_a_store_in_the_home(endpoint: Endpoint, server: Server) -> None:
    alice = endpoint.user("alice")
    endpoint.stanza("HERS", server, node="ALICE", passworddir="/home/alice/my adsm", owner=alice)
    answer = endpoint.dsmc("query", "session", "-servername=hers", user=alice)
    assert answer.returncode == 0, answer.stdout
    home = endpoint.home_store(alice)
    assert gskit.certificates(home / "dsmcert.kdb") == dict([endpoint.trusted("HERS", server)])
    assert {seen.uid for seen in endpoint.snapshot(home).values()} == {alice.uid}
    assert list(stored(endpoint)) == [LABEL]


@shown_only_if(AS_ROOT, "becoming another user needs root")
def test_a_user_cannot_use_a_password_of_another(endpoint: Endpoint) -> None:
    alice = endpoint.user("alice")
    assert "ANS2050E" in endpoint.dsmc("query", "session", user=alice).stdout


def test_dsm_dir_moves_options_and_store(endpoint: Endpoint, server: Server) -> None:
    api = endpoint.add_api()
    endpoint.stanza("TSM01", server, node="API", directory=api)
    assert endpoint.dsmc("query", "session", DSM_DIR="/opt/tivoli/tsm/client/api/bin64").returncode == 0
    assert gskit.certificates(api / "dsmcert.kdb") == {LABEL: server.certificate_der}


def test_a_second_certificate_between_two_connections_is_what_gets_stored(
    endpoint: Endpoint, server: Server
) -> None:
    forget(endpoint)
    server.behave(other="after", count=0)
    assert endpoint.dsmc("query", "session").returncode == 0
    assert stored(endpoint) == {LABEL: server.other_certificate_der}


def test_dsmcert_adds_and_lists(endpoint: Endpoint, server: Server) -> None:
    forget(endpoint)
    file = endpoint.path("/tmp/cert256.arm")
    file.parent.mkdir()
    file.write_bytes(server.state.identity.arm)
    program = str(endpoint.ba_directory / "dsmcert")
    environment = {"HOME": str(endpoint.superuser.home)}

    def run(*arguments: str) -> str:
        return subprocess.run(
            [program, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=60
        ).stdout

    assert "successfully added" in run("-add", "-server", "TSM01", "-file", str(file))
    assert run("-list").splitlines() == [LABEL]
    assert endpoint.dsmc("query", "session").returncode == 0


@pytest.mark.parametrize(
    "name", [n for n in NAMES if n not in ("hang", "hang-hard", "spawns-lingering-child")]
)
def test_every_trouble_but_those_that_wait_shows(endpoint: Endpoint, server: Server, name: str) -> None:
    new = server.renew()
    forget(endpoint)
    endpoint.misbehave(dsmc=name)
    answer = endpoint.dsmc("query", "session")
    kdb = endpoint.ba_directory / "dsmcert.kdb"
    size = kdb.stat().st_size if kdb.exists() else 0
    shown = {
        "crash": answer.returncode == -signal.SIGSEGV,
        "meets-another": "ANS1593E" in answer.stdout and stored(endpoint) == {LABEL: new},
        "french": "Session établie avec le serveur TSM01" in answer.stdout,
        "french-no-codes": "ANS" not in answer.stdout,
        "stderr-1mb": len(answer.stderr) > 10**6 and answer.returncode == 0,
        "stdout-1mb": len(answer.stdout) > 10**6 and answer.returncode == 0,
        "half-write": answer.returncode == 12 and size < 5000,
        "dies-half-way": answer.returncode == -signal.SIGKILL and size < 5000,
        "exit-0-but-fails": answer.returncode == 0 and "ANS1592E" in answer.stdout,
        "deletes-store": answer.returncode == 12 and not kdb.exists(),
        "prompts": "Please enter your user id <HOST1>" in answer.stdout and answer.returncode == 12,
    }
    if name in shown:
        assert shown[name], (answer.returncode, answer.stdout[-500:], answer.stderr[-500:])
    elif name == "opens-modes":
        assert kdb.stat().st_mode & 0o777 == 0o666
    else:
        assert answer.returncode == 0
        assert (name == "wrong-certificate") == (list(stored(endpoint)) == [LABEL])
        assert new not in stored(endpoint).values()


def test_a_hanging_client_hangs(endpoint: Endpoint) -> None:
    endpoint.misbehave(dsmc="hang")
    with pytest.raises(subprocess.TimeoutExpired):
        endpoint.dsmc("query", "session", timeout_s=0.5)


def test_a_lingering_child_holds_the_output_open(endpoint: Endpoint) -> None:
    endpoint.misbehave(dsmc="spawns-lingering-child")
    with pytest.raises(subprocess.TimeoutExpired):
        endpoint.dsmc("query", "session", timeout_s=2)


def test_a_client_can_fail_in_french(endpoint: Endpoint, server: Server) -> None:
    server.renew()
    endpoint.misbehave(dsmc="french")
    assert "ANS1592E L'initialisation du protocole SSL a échoué." in endpoint.dsmc("query", "session").stdout
    endpoint.misbehave(dsmc="french-no-codes")
    assert "\nL'initialisation du protocole SSL a échoué." in endpoint.dsmc("query", "session").stdout
    endpoint.misbehave()
    assert "ANS1592E Failed" in endpoint.dsmc("query", "session").stdout


class TestIbmsTlsDecides:
    """What the played client trusts is what IBM's library trusts, not what it makes of its store itself."""

    def test_a_certificate_that_is_not_marked_as_trusted_is_none(
        self, endpoint: Endpoint, server: Server
    ) -> None:
        kdb = endpoint.ba_directory / "dsmcert.kdb"
        changed = rewritten(kdb.read_bytes(), PASSWORD.encode(), flags=NOT_TRUSTED)
        kdb.write_bytes(changed)
        assert stored(endpoint) == {LABEL: server.certificate_der}
        assert "ANS1592E" in endpoint.dsmc("query", "session").stdout
        assert server.sessions == []

    def test_a_store_whose_password_has_expired_is_not_opened(
        self, endpoint: Endpoint, server: Server
    ) -> None:
        kdb = endpoint.ba_directory / "dsmcert.kdb"
        kdb.write_bytes(rewritten(kdb.read_bytes(), PASSWORD.encode(), expires=1))
        assert "ANS1593E" in endpoint.dsmc("query", "session").stdout
        assert server.sessions == []

    def test_a_leaf_that_was_fetched_without_its_root_is_not_trusted(
        self, endpoint: Endpoint, server: Server
    ) -> None:
        server.state.renew(Identity.make(issuer=authority()))
        forget(endpoint)
        assert "ANS1592E" in endpoint.dsmc("query", "session").stdout
        assert [event.what for event in server.sessions] == ["fetched"]
