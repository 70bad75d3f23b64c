"""Labels that are taken, certificates that are there already, and servers behind an authority."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.endtoend.machine import Machine, identity
from tests.endtoend_trust.conftest import (
    MakeMachine,
    add_server,
    arm,
    handed,
    issued,
    label,
    root_ca,
    with_chain,
)
from tests.endtoend_trust.test_trust import strict, trust

from dsmbench.identity import Identity


class TestLabels:
    def test_the_new_one_has_the_label_of_the_stale_one(self, make_machine: MakeMachine) -> None:
        machine = make_machine()
        machine.stanzas("TSMA")
        odd = "SP_CERT_TSMA_Jan_01_2020"
        machine.endpoint.store(certificates=[(odd, machine.servers["TSMA"].certificate_der)])
        new = machine.renew("TSMA")
        assert machine.run(*trust(machine, arm(machine, "TSMA"))).code == 0
        assert machine.held() == {odd: new}

    def test_a_store_without_one_of_the_server_gets_the_clients_own_label(
        self, make_machine: MakeMachine
    ) -> None:
        machine = make_machine()
        machine.stanzas("TSMA", "TSMB")
        machine.endpoint.store(certificates=machine.trusted("TSMB"))
        strict(machine, "TSMA")
        assert machine.run(*trust(machine, arm(machine, "TSMA"))).code == 0
        assert machine.held()[label("TSMA")] == machine.servers["TSMA"].sha256

    def test_named_by_its_address_it_gets_the_same_label(self, make_machine: MakeMachine) -> None:
        machine = make_machine()
        machine.stanzas("TSMA", "TSMB")
        machine.endpoint.store(certificates=machine.trusted("TSMB"))
        strict(machine, "TSMA")
        address = f"127.0.0.1:{machine.servers['TSMA'].port}"
        assert machine.run(*trust(machine, arm(machine, "TSMA"), server=address)).code == 0
        assert machine.held()[label("TSMA")] == machine.servers["TSMA"].sha256

    @pytest.mark.parametrize("engine", ["gskit", "native"])
    def test_a_label_that_another_record_has_is_not_taken_twice(
        self, make_machine: MakeMachine, engine: str
    ) -> None:
        """An authority lies under the very label that the new certificate would get."""
        machine = make_machine()
        machine.stanzas("TSMA")
        machine.endpoint.store(certificates=[(label("TSMA"), root_ca().der)])
        answer = machine.run(*trust(machine, arm(machine, "TSMA"), "--engine", engine, "--no-reconnect"))
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert machine.held() == {
            label("TSMA"): root_ca().sha256,
            f"{label('TSMA')} 2": machine.servers["TSMA"].sha256,
        }

    def test_one_that_is_there_under_another_label_is_not_added_again(self, machine: Machine) -> None:
        """The new certificate was put in before by somebody, beside the stale one."""
        old, new = machine.servers["TSMA"].certificate_der, machine.renew("TSMA")
        machine.endpoint.store(
            certificates=[
                (label("TSMA"), old),
                ("spcert_abcdefg", machine.servers["TSMA"].certificate_der),
                *machine.trusted("TSMB"),
            ]
        )
        answer = machine.run(*trust(machine, arm(machine, "TSMA")))
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert "add-certificate" not in [step["step"] for step in answer.report["steps"]]
        assert machine.held() == {
            "spcert_abcdefg": new,
            label("TSMB"): machine.servers["TSMB"].sha256,
        }

    def test_the_only_one_under_another_label_is_nothing_to_do(self, make_machine: MakeMachine) -> None:
        machine = make_machine()
        machine.stanzas("TSMA")
        machine.endpoint.store(certificates=[("something", machine.servers["TSMA"].certificate_der)])
        before = machine.everything()
        answer = machine.run(*trust(machine, arm(machine, "TSMA")))
        assert (answer.code, answer.report["outcome"]) == (0, "unchanged")
        assert machine.everything() == before

    def test_several_stale_ones_of_the_server_go_together(self, machine: Machine) -> None:
        older = identity("older").der
        old, new = machine.servers["TSMA"].certificate_der, machine.renew("TSMA")
        machine.endpoint.store(
            certificates=[("old TSMA of 2010", older), (label("TSMA"), old), *machine.trusted("TSMB")]
        )
        assert machine.run(*trust(machine, arm(machine, "TSMA"))).code == 0
        held = machine.held()
        assert sorted(held.values()) == sorted([new, machine.servers["TSMB"].sha256])

    def test_one_named_like_it_stays(self, machine: Machine) -> None:
        """TSMA-2 is another server's name."""
        other = identity("TSMA-2").der
        machine.endpoint.store(certificates=[*machine.trusted("TSMA", "TSMB"), (label("TSMA-2"), other)])
        machine.renew("TSMA")
        before = machine.slots()[label("TSMA-2")]
        assert machine.run(*trust(machine, arm(machine, "TSMA"))).code == 0
        assert machine.slots()[label("TSMA-2")] == before


class TestAuthorities:
    @pytest.fixture(params=["leaf only", "leaf and CA"])
    def signed(self, request: pytest.FixtureRequest, make_machine: MakeMachine) -> Machine:
        """A server that went from its self-signed certificate to one of an authority; a STRICT node."""
        machine = make_machine()
        add_server(machine, "TSMA", identity("TSMA"))
        machine.stanzas("TSMA", "TSMB")
        machine.endpoint.store(certificates=machine.trusted("TSMA", "TSMB"))
        leaf = issued()
        machine.servers["TSMA"].state.renew(leaf if request.param == "leaf only" else with_chain(leaf))
        strict(machine, "TSMA")
        return machine

    def require_session(self, machine: Machine) -> None:
        assert machine.sign_ons("TSMA") == ["session"]
        assert machine.endpoint.dsmc("query", "session", "-se=TSMA").returncode == 0

    @pytest.mark.parametrize("engine", ["gskit", "native"])
    def test_the_authority_alone_is_enough(self, signed: Machine, engine: str) -> None:
        slot = signed.slots()[label("TSMB")]
        answer = signed.run(*trust(signed, handed(signed, root_ca().arm), "--engine", engine))
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert sorted(signed.held().values()) == sorted([root_ca().sha256, signed.servers["TSMB"].sha256])
        assert label("TSMA") not in signed.held()
        assert signed.slots()[label("TSMB")] == slot
        self.require_session(signed)

    def test_the_second_run_has_nothing_to_do(self, signed: Machine) -> None:
        command = trust(signed, handed(signed, root_ca().arm))
        assert signed.run(*command).code == 0
        before = signed.everything()
        again = signed.run(*command)
        assert (again.code, again.report["outcome"]) == (0, "unchanged")
        assert signed.everything() == before

    @pytest.mark.parametrize("engine", ["gskit", "native"])
    def test_a_file_with_two_certificates_puts_both_in_in_its_order(
        self, signed: Machine, engine: str
    ) -> None:
        file = handed(signed, root_ca().arm, issued().arm, name="chain.pem")
        answer = signed.run(*trust(signed, file, "--engine", engine))
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        held = list(signed.held().values())
        assert held.index(root_ca().sha256) < held.index(issued().sha256)
        self.require_session(signed)

    def test_der_of_the_authority_is_taken(self, signed: Machine) -> None:
        assert signed.run(*trust(signed, handed(signed, root_ca().der))).code == 0
        self.require_session(signed)

    def test_another_authority_is_refused_untouched(self, signed: Machine) -> None:
        from dsmbench.identity import authority

        before = signed.everything()
        answer = signed.run(*trust(signed, handed(signed, authority("Another CA").arm)))
        assert (answer.code, answer.problem) == (16, "unexpected-certificate")
        assert signed.everything() == before

    def test_one_of_the_same_name_with_another_key_is_refused_untouched(self, signed: Machine) -> None:
        from dsmbench.identity import authority

        before = signed.everything()
        answer = signed.run(*trust(signed, handed(signed, authority().arm)))
        assert (answer.code, answer.problem) == (16, "unexpected-certificate")
        assert signed.everything() == before

    def test_authorities_of_others_stay(self, signed: Machine) -> None:
        from dsmbench.identity import authority

        company = authority("Company CA")
        signed.endpoint.store(
            certificates=[(label("TSMA"), identity("TSMA").der), ("Company CA", company.der)]
        )
        before = signed.slots()["Company CA"]
        assert signed.run(*trust(signed, handed(signed, root_ca().arm))).code == 0
        assert signed.slots()["Company CA"] == before


def test_with_cas_of_gskit_in_the_store_every_one_of_them_stays(make_machine: MakeMachine) -> None:
    machine = make_machine()
    machine.stanzas("TSMA")
    machine.endpoint.store(certificates=machine.trusted("TSMA"), cas=True)
    machine.renew("TSMA")
    before = {name: slot for name, slot in machine.slots().items() if name != label("TSMA")}
    assert len(before) > 10
    assert machine.run(*trust(machine, arm(machine, "TSMA"))).code == 0
    after = {name: slot for name, slot in machine.slots().items() if name != label("TSMA")}
    assert after == before


def test_a_leaf_that_was_replaced_by_another_of_the_same_authority_goes(make_machine: MakeMachine) -> None:
    machine = make_machine()
    add_server(machine, "TSMA", issued(1))
    machine.stanzas("TSMA")
    machine.endpoint.store(certificates=machine.trusted("TSMA"))
    machine.servers["TSMA"].state.renew(issued(2))
    strict(machine, "TSMA")
    file: Path = handed(machine, Identity(issued(2).pem).arm, root_ca().arm)
    assert machine.run(*trust(machine, file)).code == 0
    assert set(machine.held().values()) == {issued(2).sha256, root_ca().sha256}
