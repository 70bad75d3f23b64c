"""Whose word counts for which store: option files, links and directories of another owner."""

from __future__ import annotations

import os

import pytest
from tests.ibm.client.trees import ALICE, API, AS_ROOT, BA, BOB, CERTS, DSM_SYS, NOBODY, Machine, only, users


def test_a_users_option_file_cannot_lead_to_a_store_of_root(machine: Machine) -> None:
    machine.environ["DSM_DIR"] = "/home/alice/tsm"
    evil = "se EVIL\ntcps evil.example.com\npassworddir /etc/private\n"
    machine.file("home/alice/tsm/dsm.sys", evil, ALICE)
    machine.store("etc/private")
    machine.store("etc/adsm")
    located = machine.locate()
    store = only(located)
    assert store.directory == machine.root / "etc/adsm"
    assert store.stanzas == ()
    place = next(place for place in located.places if place.directory == str(machine.root / "etc/private"))
    assert not place.found
    assert f"option file of uid {ALICE}" in (place.problem or "")


def test_a_users_option_file_counts_for_that_users_stores(machine: Machine) -> None:
    machine.environ["DSM_DIR"] = "/home/alice/tsm"
    machine.file("home/alice/tsm/dsm.sys", "se OWN\ntcps own\npassworddir /home/alice/pw\n", ALICE)
    machine.store("home/alice/pw", ALICE)
    machine.store(f"home/alice/{CERTS}", ALICE)
    # Sure of the one in its PASSWORDDIR: the one in her home is not where the client keeps this stanza's.
    assert [users(store) for store in machine.locate().stores] == [{"OWN": True}, {"OWN": False}]


def test_a_dsm_sys_that_others_can_write_is_warned_about_and_its_stores_are_left_alone(
    machine: Machine,
) -> None:
    path = machine.file(f"{BA}/dsm.sys", DSM_SYS)
    path.chmod(0o666)
    machine.store("var/certs")
    located = machine.locate()
    (warning,) = located.warnings
    assert "can be written by others" in warning
    assert located.not_believed == {path}
    problem = only(located).problem
    assert problem is not None and problem.code == "option-file-open"
    assert f"chmod go-w {path}`" in str(problem.hint)


def test_the_stores_of_another_option_file_are_not(machine: Machine) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.file(f"{API}/dsm.sys", "se OTHER\ntcps other\npassworddir /var/other\n").chmod(0o666)
    machine.store("var/certs")
    machine.store("var/other")
    problems = {store.directory.name: store.problem for store in machine.locate().stores}
    assert problems["certs"] is None and problems["other"] is not None


@pytest.mark.parametrize(
    ("file_uid", "directory_uid", "fine"),
    [
        (0, 0, True),
        (ALICE, ALICE, True),
        (ALICE, 0, True),
        (0, ALICE, False),
        (BOB, ALICE, False),
        (NOBODY, NOBODY, True),
        (NOBODY, ALICE, False),
    ],
)
def test_a_store_of_two_owners_is_left_alone(
    machine: Machine, file_uid: int, directory_uid: int, fine: bool
) -> None:
    machine.store("etc/adsm", directory_uid)
    machine.give("etc/adsm/dsmcert.kdb", file_uid)
    store = only(machine.locate())
    assert store.owner.uid == file_uid
    assert (store.problem is None) is fine
    if store.problem is not None:
        assert (store.problem.kind, store.problem.code) == ("NotPermitted", "store-of-two-owners")
        assert "chown" in (store.problem.hint or "")


def test_bin_may_own_the_directory_of_roots_store_on_aix(machine: Machine) -> None:
    machine.store("usr/tivoli/tsm/client/ba/bin64", 2)
    machine.give("usr/tivoli/tsm/client/ba/bin64/dsmcert.kdb", 0)
    assert only(machine.locate(system="aix")).problem is None


def test_a_users_link_to_roots_store_is_refused_and_the_store_keeps_its_own_origin(machine: Machine) -> None:
    machine.store("etc/adsm")
    machine.directory("home/alice/IBM/SpectrumProtect", ALICE)
    link = machine.link(f"home/alice/{CERTS}", "/etc/adsm", ALICE)
    located = machine.locate()
    store = only(located)
    if AS_ROOT or os.geteuid() != ALICE:
        assert [origin.area for origin in store.origins] == ["passworddir"]
    place = next(place for place in located.places if place.directory == str(link))
    assert str(link) in (place.problem or "")
