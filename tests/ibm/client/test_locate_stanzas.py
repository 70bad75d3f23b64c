"""Which stanzas use a store, for certain or perhaps, and which keep their certificates elsewhere."""

from __future__ import annotations

import pytest
from tests.ibm.client.trees import ALICE, BA, BOB, CERTS, DSM_SYS, Machine, only, users


def test_the_default_passworddir_serves_the_stanzas_that_name_none(machine: Machine) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.store("etc/adsm")
    assert users(only(machine.locate())) == {"TSM01": True}


def test_the_installation_directory_serves_every_stanza_beside_it(machine: Machine) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.store(BA)
    located = machine.locate()
    assert users(only(located)) == {"TSM01": True, "TSM02": True}
    assert located.default_server == "TSM02"


def test_a_stanza_whose_passworddir_holds_a_store_keeps_its_certificates_there_alone(
    machine: Machine,
) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.store(BA)
    certs = machine.store("var/certs")
    stores = {store.directory: store for store in machine.locate().stores}
    assert users(stores[machine.root / BA]) == {"TSM01": True, "TSM02": False}
    assert [use.elsewhere for use in stores[machine.root / BA].stanzas] == [None, certs]
    assert users(stores[certs]) == {"TSM02": True}
    machine.store("etc/adsm")
    stores = {store.directory: store for store in machine.locate().stores}
    assert users(stores[machine.root / BA]) == {"TSM01": False, "TSM02": False}
    machine.give("var/certs/dsmcert.kdb", ALICE)
    # What is somebody else's key database is not where root's client keeps its certificates.
    assert users(machine.locate(machine.root / BA).stores[0]) == {"TSM01": False, "TSM02": True}


@pytest.mark.parametrize("store", [f"home/alice/{CERTS}", "home/alice/pw", ""])
def test_another_user_s_stanza_is_not_sure_of_root_s_store_whatever_is_named(
    machine: Machine, store: str
) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS + "se ALICE\ntcps a\npassworddir /home/alice/pw\n")
    password = machine.directory("home/alice/pw", ALICE)
    machine.store(BA)
    if store:
        machine.store(store, ALICE)
    for named in ((), (machine.root / BA,)):
        root = next(item for item in machine.locate(*named).stores if item.directory == machine.root / BA)
        assert users(root) == {"TSM01": True, "TSM02": True, "ALICE": False}
        assert root.stanzas[2].elsewhere == password


def test_a_failover_server_uses_the_stores_of_the_stanzas_that_fail_over_to_it(machine: Machine) -> None:
    text = DSM_SYS + "  MYREPLICATIONSERVER FAR\nREPLSERVERNAME FAR\nREPLTCPSERVERADDRESS far\n"
    machine.file(f"{BA}/dsm.sys", text)
    machine.store("var/certs")
    store = only(machine.locate())
    assert users(store) == {"TSM02": True, "FAR": True}
    assert [use.stanza.replication for use in store.stanzas] == [False, True]


# --- stores in a home ------------------------------------------------------------------------------------


def test_a_users_stanza_with_a_passworddir_of_their_own_is_certain(machine: Machine) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS + "se ALICE\ntcps a\npassworddir /home/alice/pw\n")
    machine.directory("home/alice/pw", ALICE)
    machine.store(f"home/alice/{CERTS}", ALICE)
    assert users(only(machine.locate())) == {"ALICE": True}


def test_without_a_stanza_of_their_own_a_user_may_use_any_and_defaultserver_is_certain(
    machine: Machine,
) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.store(f"home/alice/{CERTS}", ALICE)
    assert users(only(machine.locate())) == {"TSM02": True, "TSM01": False}


def test_the_installed_dsm_opt_goes_before_defaultserver(machine: Machine) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.file(f"{BA}/dsm.opt", "servername tsm01\n")
    machine.store(f"home/alice/{CERTS}", ALICE)
    assert users(only(machine.locate())) == {"TSM01": True, "TSM02": False}


def test_a_users_own_dsm_opt_goes_before_the_installed_one_and_for_that_user_only(machine: Machine) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.file(f"{BA}/dsm.opt", "servername tsm01\n")
    unit = "[Service]\nUser=alice\nEnvironment=DSM_CONFIG=/home/alice/dsm.opt\nExecStart=/x/dsmcad\n"
    machine.file("etc/systemd/system/dsmcad.service", unit)
    machine.file("home/alice/dsm.opt", "se TSM02\n", ALICE)
    machine.store(f"home/alice/{CERTS}", ALICE)
    machine.store(f"home/bob/{CERTS}", BOB)
    stores = {store.owner.name: users(store) for store in machine.locate().stores}
    assert stores == {"alice": {"TSM02": True, "TSM01": False}, "bob": {"TSM01": True, "TSM02": False}}


def test_the_only_stanza_is_certain(machine: Machine) -> None:
    machine.file(f"{BA}/dsm.sys", "se ONE\ntcps one\n")
    machine.store(f"home/alice/{CERTS}", ALICE)
    assert users(only(machine.locate())) == {"ONE": True}


def test_nothing_is_certain_about_a_store_in_roots_home(machine: Machine) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.store(f"root/{CERTS}")
    assert users(only(machine.locate())) == {"TSM01": False, "TSM02": False}
