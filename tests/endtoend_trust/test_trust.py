"""`trust` puts a certificate in that was handed over: nothing is fetched, one session proves it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from tests.endtoend.machine import Machine, identity
from tests.endtoend_trust.conftest import MakeMachine, arm, handed, label

from dsmbench.identity import expired


def trust(machine: Machine, file: Path, *more: str | Path, server: str = "TSMA") -> tuple[str | Path, ...]:
    """The command line that trusts the file for that server."""
    return ("trust", "--server", server, "--file", file, "--yes", *more)


def strict(machine: Machine, *names: str) -> None:
    """The nodes of these servers are STRICT: they get no certificate from them."""
    for name in names:
        machine.servers[name].update_node(f"NODE_{name}", "STRICT")


class TestStrictNode:
    @pytest.mark.parametrize("engine", ["gskit", "native"])
    @pytest.mark.parametrize("version", [3, 4, 6])
    def test_the_new_one_is_in_the_stale_one_is_gone_and_nothing_was_fetched(
        self, make_machine: MakeMachine, version: Literal[3, 4, 6], engine: str
    ) -> None:
        machine = make_machine(store_version=version)
        machine.stanzas("TSMA", "TSMB")
        machine.endpoint.store(version=version, certificates=machine.trusted("TSMA", "TSMB"))
        new = machine.renew("TSMA")
        strict(machine, "TSMA")
        slots = machine.slots()

        answer = machine.run(*trust(machine, arm(machine, "TSMA"), "--engine", engine))

        assert (answer.code, answer.report["outcome"], answer.report["changed"]) == (0, "changed", True)
        assert answer.store(machine.ba)["key_database_version"] == version
        assert answer.notes("delete-label") == answer.notes("add-certificate") == [f"done by {engine}"]
        assert machine.slots()[label("TSMB")] == slots[label("TSMB")]
        assert machine.held() == {label("TSMA"): new, label("TSMB"): machine.servers["TSMB"].sha256}
        assert machine.sign_ons("TSMA") == ["session"]
        assert [run.arguments for run in machine.reconnects] == [["query", "session", "-se=TSMA"]]
        assert answer.statuses(machine.ba) == {label("TSMA"): "ok", label("TSMB"): "ok"}
        assert not [line for line in answer.report["warnings"] if "first use" in line]
        machine.require_proved("TSMA", new)

    def test_a_certificate_that_is_twice_in_the_file_is_put_in_once(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        strict(machine, "TSMA")
        mine = machine.servers["TSMA"].state.identity.arm
        answer = machine.run(*trust(machine, handed(machine, mine, mine)))
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert machine.held() == {label("TSMA"): new, label("TSMB"): machine.servers["TSMB"].sha256}
        machine.require_proved("TSMA", new)

    def test_the_second_run_has_nothing_to_do(self, machine: Machine) -> None:
        machine.renew("TSMA")
        strict(machine, "TSMA")
        command = trust(machine, arm(machine, "TSMA"))
        assert machine.run(*command).code == 0
        before, runs = machine.everything(), len(machine.reconnects)
        again = machine.run(*command)
        assert (again.code, again.report["outcome"], again.report["changed"]) == (0, "unchanged", False)
        assert again.report["run"] is None
        assert (machine.everything(), len(machine.reconnects)) == (before, runs)

    def test_other_files_of_the_store_keep_owner_and_mode(self, machine: Machine) -> None:
        machine.renew("TSMA")
        (machine.ba / "dsmcert.kdb").chmod(0o640)
        before = machine.seen()
        assert machine.run(*trust(machine, arm(machine, "TSMA"))).code == 0
        after = machine.seen()
        for name in ("dsmcert.kdb", "dsmcert.sth"):
            assert (after[name].mode, after[name].uid) == (before[name].mode, before[name].uid)
        assert after["dsmcert.sth"] == before["dsmcert.sth"]

    def test_rollback_brings_the_old_set_back(self, machine: Machine) -> None:
        machine.renew("TSMA")
        before = machine.seen()
        assert machine.run(*trust(machine, arm(machine, "TSMA"))).code == 0
        assert machine.seen() != before
        assert machine.run("rollback", "--yes").code == 0
        assert machine.seen() == before


class TestAcceptanceSwitchedOff:
    def test_it_is_trusted_without_the_client_having_to_accept_anything(
        self, make_machine: MakeMachine
    ) -> None:
        machine = make_machine()
        machine.stanzas("TSMA", options={"SSLACCEPTCERTFROMSERV": "No"})
        machine.endpoint.store(certificates=machine.trusted("TSMA"))
        new = machine.renew("TSMA")
        assert machine.run(*trust(machine, arm(machine, "TSMA"))).code == 0
        assert machine.sign_ons("TSMA") == ["session"]
        machine.require_proved("TSMA", new)

    def test_der_is_taken_as_well_as_pem(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        strict(machine, "TSMA")
        file = handed(machine, machine.servers["TSMA"].certificate_der, name="cert256.der")
        assert machine.run(*trust(machine, file)).code == 0
        machine.require_proved("TSMA", new)


class TestApiOnly:
    @pytest.fixture
    def api(self, make_machine: MakeMachine) -> Machine:
        """A machine without dsmc, whose only store is that of API applications."""
        machine = make_machine(programs=("gsk8capicmd_64",))
        directory = machine.endpoint.add_api()
        machine.endpoint.stanza("TSMA", machine.server("TSMA"), node="NODE_TSMA", directory=directory)
        machine.endpoint.store(directory, certificates=machine.trusted("TSMA"))
        return machine

    def test_it_is_put_in_without_a_session_and_that_is_said(self, api: Machine) -> None:
        new = api.renew("TSMA")
        strict(api, "TSMA")
        answer = api.run(*trust(api, arm(api, "TSMA")))
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert api.held(api.endpoint.api_directory) == {label("TSMA"): new}
        assert "reconnect" not in [step["step"] for step in answer.report["steps"]]
        session, tls = answer.store(api.endpoint.api_directory)["notes"]
        assert "no session proves this" in session
        assert tls.startswith("not proved by IBM's TLS: ")
        assert api.sign_ons("TSMA") == []

    def test_the_plan_is_told_in_the_text_too(self, api: Machine) -> None:
        api.renew("TSMA")
        answer = api.text(*trust(api, arm(api, "TSMA")))
        assert answer.code == 0
        assert "no session proves this" in answer.stdout

    def test_a_server_that_does_not_answer_is_no_hindrance(self, api: Machine) -> None:
        api.renew("TSMA")
        file = arm(api, "TSMA")
        api.servers["TSMA"].stop()
        assert api.run(*trust(api, file)).code == 0

    def test_a_server_that_presents_another_one_is(self, api: Machine) -> None:
        api.renew("TSMA")
        before = api.everything()
        answer = api.run(*trust(api, handed(api, identity("somebody else").arm)))
        assert (answer.code, answer.problem) == (16, "unexpected-certificate")
        assert api.everything() == before


class TestSeveralStores:
    def test_every_store_that_reaches_the_server_gets_it_through_its_own_stanza(
        self, make_machine: MakeMachine
    ) -> None:
        machine = make_machine(client_mode="8.2.2")
        server = machine.server("TSMA")
        alice = machine.endpoint.user("alice")
        machine.stanzas("TSMA", "TSMB")
        machine.endpoint.stanza(
            "TSMA_ALICE", server, node="ALICE", passworddir="/home/alice/adsm", owner=alice
        )
        machine.endpoint.stanza("TSMA_SECOND", server, node="SECOND", passworddir="/opt/second/adsm")
        second = machine.endpoint.store(
            "/opt/second/adsm", certificates=[(label("TSMA_SECOND"), server.certificate_der)], version=3
        )
        hers = machine.endpoint.store(
            user=alice, certificates=[(label("TSMA_ALICE"), server.certificate_der)], version=6
        )
        machine.endpoint.store(certificates=machine.trusted("TSMA", "TSMB"))
        new = machine.renew("TSMA")
        for node in ("NODE_TSMA", "ALICE", "SECOND"):
            server.update_node(node, "STRICT")

        answer = machine.run(*trust(machine, arm(machine, "TSMA")))

        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert machine.held(machine.ba)[label("TSMA")] == new
        assert machine.held(second) == {label("TSMA_SECOND"): new}
        assert machine.held(hers) == {label("TSMA_ALICE"): new}
        assert machine.sign_ons("TSMA") == ["session"] * 3
        who = {run.arguments[-1]: run.uid for run in machine.reconnects}
        assert who["-se=TSMA_ALICE"] == alice.uid
        assert (hers / "dsmcert.kdb").stat().st_uid == alice.uid
        assert machine.left_behind() == []

    def test_only_the_store_that_was_named_gets_it(self, make_machine: MakeMachine) -> None:
        machine = make_machine()
        machine.stanzas("TSMA")
        machine.endpoint.store(certificates=machine.trusted("TSMA"))
        api = machine.endpoint.add_api()
        machine.endpoint.stanza("TSMA", machine.servers["TSMA"], node="API", directory=api)
        machine.endpoint.store(api, certificates=machine.trusted("TSMA"))
        old, new = machine.servers["TSMA"].sha256, machine.renew("TSMA")
        assert machine.run(*trust(machine, arm(machine, "TSMA"), "--store", api)).code == 0
        assert (machine.held(api), machine.held()) == ({label("TSMA"): new}, {label("TSMA"): old})

    def test_a_store_that_has_it_already_is_left_alone(self, machine: Machine) -> None:
        machine.renew("TSMA")
        api = machine.endpoint.add_api()
        machine.endpoint.stanza("TSMA", machine.servers["TSMA"], node="API", directory=api)
        machine.endpoint.store(api, certificates=machine.trusted("TSMA"))
        before = machine.seen(api)
        answer = machine.run(*trust(machine, arm(machine, "TSMA")))
        assert answer.code == 0
        assert machine.seen(api) == before
        assert answer.store(api)["outcome"] == "unchanged"

    def test_the_address_of_the_server_names_it_as_well(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        server = f"127.0.0.1:{machine.servers['TSMA'].port}"
        assert machine.run(*trust(machine, arm(machine, "TSMA"), server=server)).code == 0
        machine.require_proved("TSMA", new)


class TestWrongFile:
    def test_a_server_that_presents_something_else_is_refused_untouched(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        before = machine.everything()
        other = identity("somebody else")
        answer = machine.run(*trust(machine, handed(machine, other.arm)))
        assert (answer.code, answer.problem) == (16, "unexpected-certificate")
        assert answer.report["outcome"] == "unchanged"
        context = " ".join(answer.store(machine.ba)["problem"]["context"])
        assert f"presented: SHA-256 {new}" in context
        assert f"in the file: SHA-256 {other.sha256}" in context
        assert machine.everything() == before
        assert machine.reconnects == []

    @pytest.mark.parametrize("node", ["STRICT", "TRANSITIONAL"])
    def test_without_preflight_the_session_refuses_it_and_all_is_put_back(
        self, machine: Machine, node: Literal["STRICT", "TRANSITIONAL"]
    ) -> None:
        machine.renew("TSMA")
        machine.servers["TSMA"].update_node("NODE_TSMA", node)
        before = machine.seen()
        wrong = handed(machine, identity("somebody else").arm)
        answer = machine.run(*trust(machine, wrong, "--no-preflight"))
        assert (answer.code, answer.report["outcome"], answer.report["changed"]) == (21, "rolled-back", False)
        assert machine.seen() == before
        assert machine.left_behind() == []
        hint = answer.store(machine.ba)["problem"]["hint"]
        assert "dsmcertfix probe" in hint
        assert "TRANSITIONAL" not in hint
        assert len(machine.reconnects) == 1

    def test_the_man_in_the_middle_of_the_session_gets_no_trust(self, machine: Machine) -> None:
        machine.renew("TSMA")
        machine.servers["TSMA"].behave(other="after", count=1)
        before = machine.seen()
        answer = machine.run(*trust(machine, arm(machine, "TSMA")))
        assert (answer.code, answer.report["outcome"]) == (21, "rolled-back")
        assert machine.seen() == before

    @pytest.mark.parametrize("content", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
    def test_a_file_without_a_certificate_is_wrong_usage(self, machine: Machine, content: bytes) -> None:
        before = machine.everything()
        answer = machine.run(*trust(machine, handed(machine, content)))
        assert (answer.code, answer.problem) == (2, "not-a-certificate-file")
        assert machine.everything() == before

    def test_a_file_that_is_not_there_is_not_found(self, machine: Machine) -> None:
        answer = machine.run(*trust(machine, machine.directory / "none"))
        assert (answer.code, answer.problem) == (10, "certificate-file-not-found")

    @pytest.mark.parametrize("server", ["TSMX", "10.1.2.3", ""])
    def test_a_server_that_no_store_is_used_for_is_not_found(self, machine: Machine, server: str) -> None:
        before = machine.everything()
        answer = machine.run(*trust(machine, arm(machine, "TSMA"), server=server))
        assert (answer.code, answer.problem) == (10, "server-not-found")
        assert machine.everything() == before

    @pytest.mark.parametrize("more", [(), ("--no-preflight",), ("--no-reconnect",)])
    def test_an_expired_one_is_refused_untouched(self, machine: Machine, more: tuple[str, ...]) -> None:
        machine.servers["TSMA"].state.renew(expired())
        before = machine.everything()
        answer = machine.run(*trust(machine, arm(machine, "TSMA"), *more))
        assert (answer.code, answer.problem) == (16, "given-certificate-not-valid")
        assert answer.report["outcome"] == "unchanged"
        assert machine.everything() == before
        assert (machine.reconnects, machine.sign_ons("TSMA")) == ([], [])

    def test_one_in_date_does_not_stand_in_for_the_expired_one_that_is_needed(self, machine: Machine) -> None:
        machine.servers["TSMA"].state.renew(expired())
        before = machine.everything()
        both = handed(machine, machine.servers["TSMA"].state.identity.arm, identity("somebody else").arm)
        answer = machine.run(*trust(machine, both))
        assert (answer.code, answer.problem) == (16, "given-certificate-not-valid")
        assert machine.everything() == before
        assert (machine.reconnects, machine.sign_ons("TSMA")) == ([], [])

    @pytest.mark.parametrize("first", [True, False])
    def test_an_expired_one_that_is_not_needed_is_left_out_and_told_of(
        self, machine: Machine, first: bool
    ) -> None:
        new, old = machine.renew("TSMA"), expired()
        strict(machine, "TSMA")
        arms = (old.arm, machine.servers["TSMA"].state.identity.arm)
        answer = machine.run(*trust(machine, handed(machine, *(arms if first else arms[::-1]))))
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert machine.held() == {label("TSMA"): new, label("TSMB"): machine.servers["TSMB"].sha256}
        note = answer.store(machine.ba)["notes"][0]
        assert "not valid today" in note and old.sha256 in note
        assert machine.sign_ons("TSMA") == ["session"]
        machine.require_proved("TSMA", new)


class TestCommandLine:
    @pytest.mark.parametrize("missing", ["--server", "--file"])
    def test_server_and_file_must_be_named(self, machine: Machine, missing: str) -> None:
        words = {"--server": "TSMA", "--file": str(arm(machine, "TSMA"))}
        given = [word for name, value in words.items() if name != missing for word in (name, value)]
        assert machine.run("trust", *given, "--yes").code == 2

    def test_without_yes_and_without_a_terminal_nothing_is_done(self, machine: Machine) -> None:
        machine.renew("TSMA")
        before = machine.everything()
        answer = machine.run("trust", "--server", "TSMA", "--file", arm(machine, "TSMA"))
        assert (answer.code, answer.problem) == (2, "nobody-to-ask")
        assert machine.everything() == before

    def test_without_a_reconnect_that_is_said(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        answer = machine.run(*trust(machine, arm(machine, "TSMA"), "--no-reconnect"))
        assert (answer.code, machine.reconnects) == (0, [])
        assert machine.held()[label("TSMA")] == new
        assert any("no session proved this" in note for note in answer.store(machine.ba)["notes"])

    def test_a_kept_index_file_stays(self, machine: Machine) -> None:
        machine.renew("TSMA")
        index = machine.seen()["dsmcert.idx"]
        command = trust(machine, arm(machine, "TSMA"), "--keep-index", "--no-reconnect")
        assert machine.run(*command).code == 0
        assert machine.seen()["dsmcert.idx"] == index
