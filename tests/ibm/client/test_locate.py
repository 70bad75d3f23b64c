"""Every store of a machine is found, with its owner, its origins and the stanzas that use it.

Trees are real. Where the tests do not run as root, files "of another user" have that owner only in what lstat
and fstat answer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.model import Located, LocatedStore, Stanza
from dsmcertfix.system.unix.places import UnixPlaces

AS_ROOT = os.geteuid() == 0
BA, API = "opt/tivoli/tsm/client/ba/bin", "opt/tivoli/tsm/client/api/bin64"
DBBKAPI = "opt/tivoli/tsm/server/bin/dbbkapi"
CERTS = "IBM/SpectrumProtect/certs"
ALICE, BOB, NOBODY = 20001, 20002, 29999

PASSWD = f"""\
root:x:0:0::/root:/bin/sh
alice:x:{ALICE}:{ALICE}::/home/alice:/bin/sh
bob:x:{BOB}:{BOB}::/home/bob:/bin/sh
"""

DSM_SYS = """\
DEFAULTSERVER TSM02
SErvername TSM01
  TCPServeraddress tsm01.example.com
SErvername TSM02
  TCPServeraddress tsm02.example.com
  PASSWORDDIR /var/certs
"""


class Machine:
    """A tree that stands for a machine; everything in it is root's unless it is given to somebody."""

    def __init__(self, root: Path, give: Callable[[Path, int], None]):
        self.root = root
        self._give = give
        self.environ: dict[str, str] = {}
        root.mkdir()
        self._give(root, 0)
        self.file("etc/passwd", PASSWD)

    def directory(self, path: str, uid: int = 0) -> Path:
        made = self.root / path
        for missing in [item for item in reversed((made, *made.parents)) if not item.exists()]:
            missing.mkdir()
            self._give(missing, uid)
        self._give(made, uid)
        return made

    def file(self, path: str, text: str = "", uid: int = 0) -> Path:
        made = self.directory(str(Path(path).parent), uid) / Path(path).name
        made.write_text(text)
        self._give(made, uid)
        return made

    def store(self, path: str, uid: int = 0) -> Path:
        return self.file(f"{path}/dsmcert.kdb", "kdb", uid).parent

    def link(self, path: str, target: str, uid: int = 0) -> Path:
        made = self.directory(str(Path(path).parent)) / Path(path).name
        made.symlink_to(target)
        self._give(made, uid)
        return made

    def give(self, path: str, uid: int) -> None:
        self._give(self.root / path, uid)

    def locate(self, *named: Path, system: str = "linux") -> Located:
        return locate(UnixPlaces(self.root, system, self.environ), named=named)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    yield Machine(tmp_path / "root", _giver(monkeypatch))


def _giver(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    if AS_ROOT:
        return lambda path, uid: os.lchown(path, uid, uid)
    owners: dict[tuple[int, int], int] = {}
    lstat, fstat = os.lstat, os.fstat

    def answered(info: os.stat_result) -> os.stat_result:
        uid = owners.get((info.st_dev, info.st_ino))
        return info if uid is None else os.stat_result((*info[:4], uid, uid, *info[6:10]))

    def give(path: Path, uid: int) -> None:
        info = lstat(path)
        owners[info.st_dev, info.st_ino] = uid

    monkeypatch.setattr(os, "lstat", lambda path, **kwargs: answered(lstat(path, **kwargs)))
    monkeypatch.setattr(os, "fstat", lambda handle: answered(fstat(handle)))
    return give


def only(located: Located) -> LocatedStore:
    (store,) = located.stores
    return store


def areas(store: LocatedStore) -> set[str]:
    return {origin.area for origin in store.origins}


def users(store: LocatedStore) -> dict[str, bool]:
    return {use.stanza.name: use.certain for use in store.stanzas}


def named(located: Located, name: str) -> Stanza:
    return next(stanza for stanza in located.stanzas if stanza.name == name)


# Where stores are


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


# Which stanzas use a home store


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


def test_a_failover_server_uses_the_stores_of_the_stanzas_that_fail_over_to_it(machine: Machine) -> None:
    text = DSM_SYS + "  MYREPLICATIONSERVER FAR\nREPLSERVERNAME FAR\nREPLTCPSERVERADDRESS far\n"
    machine.file(f"{BA}/dsm.sys", text)
    machine.store("var/certs")
    store = only(machine.locate())
    assert users(store) == {"TSM02": True, "FAR": True}
    assert [use.stanza.replication for use in store.stanzas] == [False, True]


# Whose word counts


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


# Bad input


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


# Programs, and time


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
