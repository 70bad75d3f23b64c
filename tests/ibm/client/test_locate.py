"""Every store of a machine is found, with its owner and its origins, and so are the client's programs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.ibm.client.trees import (
    ALICE,
    API,
    AS_ROOT,
    BA,
    CERTS,
    DBBKAPI,
    DSM_SYS,
    PASSWD,
    Machine,
    areas,
    named,
    only,
    users,
)

# --- where stores are ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "path", "area"),
    [
        ("linux", BA, "ba"),
        ("linux", API, "api"),
        ("linux", "opt/tivoli/tsm/client/hsm/bin", "hsm"),
        ("linux", DBBKAPI, "server-api"),
        ("linux", "etc/adsm", "passworddir"),
        ("linux", f"home/alice/{CERTS}", "home"),
        ("linux", "home/alice/IBM/StorageProtect/certs", "home"),
        ("linux", f"home/not-in-passwd/{CERTS}", "home"),
        ("linux", f"root/{CERTS}", "home"),
        ("aix", "usr/tivoli/tsm/client/ba/bin64", "ba"),
        ("aix", "etc/security/adsm", "passworddir"),
        ("solaris", "opt/tivoli/tsm/client/api/bin64", "api"),
        ("macos", "Library/Application Support/tivoli/tsm/client/ba/bin", "ba"),
        ("macos", "Library/Preferences/Tivoli Storage Manager", "passworddir"),
    ],
)
def test_a_store_is_found_where_the_system_has_it(
    machine: Machine, system: str, path: str, area: str
) -> None:
    uid = ALICE if path.startswith("home/not") else 0
    directory = machine.store(path, uid)
    store = only(machine.locate(system=system))
    assert store.directory == directory
    assert areas(store) == {area}
    assert store.owner.uid == uid
    assert store.problem is None


def test_a_machine_without_a_client_has_no_store_and_says_where_it_looked(machine: Machine) -> None:
    located = machine.locate()
    assert located.stores == ()
    assert located.warnings == ()
    assert not any(place.found or place.problem for place in located.places)
    looked = {place.directory[len(str(machine.root)) + 1 :] for place in located.places}
    assert {BA, API, DBBKAPI, "etc/adsm", f"home/alice/{CERTS}", f"root/{CERTS}"} <= looked


def test_the_passworddir_of_every_stanza_is_looked_into(machine: Machine) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.store("var/certs")
    store = only(machine.locate())
    assert [origin.because for origin in store.origins] == ["PASSWORDDIR of stanza TSM02"]
    assert users(store) == {"TSM02": True}


def test_dsm_dir_and_an_option_files_directory_are_looked_into(machine: Machine) -> None:
    machine.environ |= {"DSM_DIR": "/srv/tsm", "DSMI_CONFIG": "/srv/api/dsm.opt"}
    machine.file("srv/tsm/dsm.sys", "se SRV\ntcps srv\n")
    machine.file("srv/api/dsm.opt", "se SRV\n")
    machine.store("srv/tsm")
    machine.store("srv/api")
    stores = {store.directory.name: store for store in machine.locate().stores}
    assert areas(stores["tsm"]) == {"dsm-dir"}
    assert areas(stores["api"]) == {"dsmi-dir"}
    assert users(stores["tsm"]) == {"SRV": True}


def test_the_instance_directory_of_a_server_is_an_api_store_of_its_tsmdbmgr_stanza(machine: Machine) -> None:
    stanza = (
        "servername TSMDBMGR_ALICE\ntcpserveraddr localhost\ntcpport 1500\npassworddir /home/alice/inst\n"
    )
    machine.file(f"{DBBKAPI}/dsm.sys", stanza)
    machine.store("home/alice/inst", ALICE)
    store = only(machine.locate())
    assert areas(store) == {"server-api"}
    assert users(store) == {"TSMDBMGR_ALICE": True}
    assert (store.owner.name, store.owner.home) == ("alice", machine.root / "home/alice")


def test_two_paths_to_one_directory_are_one_store_with_both_origins(machine: Machine) -> None:
    machine.store("var/certs")
    machine.link("etc/adsm", "/var/certs")
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    store = only(machine.locate())
    assert store.directory == machine.root / "var/certs"
    assert len(store.origins) == 2
    assert users(store) == {"TSM01": True, "TSM02": True}


def test_a_dsm_sys_that_is_a_link_to_another_is_read_once_and_serves_both_directories(
    machine: Machine,
) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.link(f"{API}/dsm.sys", f"/{BA}/dsm.sys")
    machine.store(BA)
    machine.store(API)
    located = machine.locate()
    assert [stanza.name for stanza in located.stanzas] == ["TSM01", "TSM02"]
    api = next(store for store in located.stores if store.directory == machine.root / API)
    assert users(api) == {"TSM01": True, "TSM02": True}
    assert areas(api) == {"api"}


def test_with_named_directories_only_their_stores_are_given_with_all_that_is_known(machine: Machine) -> None:
    machine.file(f"{BA}/dsm.sys", DSM_SYS)
    machine.store(BA)
    certs = machine.store("var/certs")
    missing = machine.root / "missing"
    located = machine.locate(certs, missing)
    store = only(located)
    assert store.directory == certs
    assert areas(store) == {"named", "passworddir"}
    assert users(store) == {"TSM02": True}
    place = next(place for place in located.places if place.directory == str(missing))
    assert (place.found, place.problem, place.origin.area) == (False, None, "named")


# --- bad input -------------------------------------------------------------------------------------------


def test_a_directory_or_fifo_named_like_a_key_database_is_a_store_with_a_problem(machine: Machine) -> None:
    machine.directory("etc/adsm/dsmcert.kdb")
    os.mkfifo(machine.directory(BA) / "dsmcert.kdb")
    machine.give(f"{BA}/dsmcert.kdb", 0)
    machine.link(f"{API}/dsmcert.kdb", "/etc/passwd")
    codes = [store.problem.code for store in machine.locate().stores if store.problem is not None]
    assert codes == ["not-a-regular-file"] * 3


@pytest.mark.parametrize("what", ["fifo", "directory", "unreadable", "huge", "loop", "missing"])
def test_an_odd_dsm_sys_is_a_warning_and_no_wait(machine: Machine, what: str) -> None:
    path = machine.directory(BA) / "dsm.sys"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    elif what in ("loop", "missing"):
        path.symlink_to("dsm.sys" if what == "loop" else "nothing")
    else:
        with path.open("wb") as file:
            file.truncate(1024**4 if what == "huge" else 0)
        path.chmod(0)
    machine.store(BA)
    start = time.monotonic()
    located = machine.locate()
    assert time.monotonic() - start < 20
    assert only(located).stanzas == ()
    quiet = what == "missing" or (what == "unreadable" and AS_ROOT)
    assert [str(path) in warning for warning in located.warnings] == ([] if quiet else [True])


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("certs", "not absolute"),
        ("../certs", "not absolute"),
        ("/missing/certs", "not here"),
        ("/etc/passwd", "not a directory"),
        ("/" + "x" * 300, "cannot be looked into"),
        ("/a\0b", "not here"),
    ],
)
def test_a_passworddir_that_leads_nowhere_is_a_place_without_a_store(
    machine: Machine, written: str, problem: str | None
) -> None:
    machine.file(f"{BA}/dsm.sys", f"se A\ntcps a\npassworddir {written}\n")
    located = machine.locate()
    place = next(place for place in located.places if place.origin.because == "PASSWORDDIR of stanza A")
    assert not place.found
    assert (problem or "") in (place.problem or "")
    assert (place.problem is None) == (problem is None)
    assert named(located, "A").passworddir == written.split("\0", maxsplit=1)[0]


def test_a_directory_that_may_not_be_looked_into_is_a_place_with_the_reason(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = machine.store("etc/adsm")
    lstat = os.lstat

    def denied(path: Path, **kwargs: int) -> os.stat_result:
        if str(path).startswith(f"{closed}/"):
            raise PermissionError(13, "Permission denied")
        return lstat(path, **kwargs)

    monkeypatch.setattr(os, "lstat", denied)
    located = machine.locate()
    assert located.stores == ()
    (place,) = [place for place in located.places if place.directory == str(closed)]
    assert "Permission denied" in (place.problem or "")


def test_clues_that_lead_nowhere_are_warnings(machine: Machine) -> None:
    machine.environ |= {"DSM_CONFIG": "/etc/missing.opt", "DSMI_CONFIG": "relative.opt", "DSM_DIR": "/gone"}
    located = machine.locate()
    assert sorted(warning.split(" ", 1)[0] for warning in located.warnings) == ["DSMI_CONFIG", "DSM_CONFIG"]
    assert any(place.directory == str(machine.root / "gone") for place in located.places)


# --- programs, and time ----------------------------------------------------------------------------------


def test_the_first_program_that_is_a_file_is_taken_and_links_are_followed(machine: Machine) -> None:
    machine.directory(f"{BA}/dsmc")
    machine.file("usr/lib/tsm/dsmc")
    machine.link("opt/tivoli/tsm/client/ba/bin64/dsmc", "/usr/lib/tsm/dsmc")
    assert machine.locate().programs.gsk8capicmd is None
    gsk = machine.file("usr/local/ibm/gsk8_64/bin/gsk8capicmd_64")
    programs = machine.locate().programs
    assert programs.dsmc == machine.root / "usr/lib/tsm/dsmc"
    assert programs.gsk8capicmd == gsk


def test_two_thousand_homes_are_looked_through_within_seconds(machine: Machine) -> None:
    lines = [f"u{n}:x:{30000 + n}:100::/home/u{n}:/bin/sh\n" for n in range(2000)]
    machine.file("etc/passwd", PASSWD + "".join(lines))
    for n in range(2000):
        (machine.root / f"home/u{n}").mkdir(parents=True)
    machine.store(f"home/u7/{CERTS}", 30007)
    start = time.process_time()
    located = machine.locate()
    assert time.process_time() - start < 5
    assert only(located).owner.name == "u7"
    assert len(located.places) > 4000
