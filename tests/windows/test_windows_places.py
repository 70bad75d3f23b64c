"""Where stores and option files are found on Windows: registry, profiles, services, shortcuts."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
import winreg
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

assert sys.platform == "win32"

from tests.windows.command import open_to_all, run
from tests.windows.played import LABEL, Machine, played

from dsmbench import windows_registry
from dsmcertfix.errors import NotPermitted
from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.model import Owner
from dsmcertfix.system.base import Entry
from dsmcertfix.system.win32 import security
from dsmcertfix.system.windows import paths as windows_paths
from dsmcertfix.system.windows import trust as windows_trust
from dsmcertfix.system.windows import who as windows_who
from dsmcertfix.system.windows.places import WindowsPlaces
from dsmcertfix.system.windows.platform import Windows
from dsmcertfix.system.windows.private import WindowsGuard

ENVIRONMENT = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment"


@pytest.fixture
def machine() -> Iterator[Machine]:
    with played() as made:
        yield made


@contextmanager
def value(root: int, key: str, name: str, text: str, view: int = winreg.KEY_WOW64_64KEY) -> Iterator[None]:
    """The registry has that value as long as the block lasts."""
    access = winreg.KEY_ALL_ACCESS | view
    with winreg.CreateKeyEx(root, key, 0, access) as opened:
        winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, text)
    try:
        yield
    finally:
        with winreg.OpenKeyEx(root, key, 0, access) as opened:
            winreg.DeleteValue(opened, name)


def found(*, network_homes: bool = False) -> dict[Path, list[str]]:
    """Every store, and why its directory was looked at."""
    located = locate(WindowsPlaces(network_homes=network_homes))
    return {store.directory: [origin.because for origin in store.origins] for store in located.stores}


def test_a_32_bit_clients_directory_stands_in_the_other_view_of_the_registry(machine: Machine) -> None:
    place = machine.ba / "x86 client"
    store = machine.endpoint.store(place).resolve()
    key = r"SOFTWARE\IBM\ADSM\CurrentVersion\BackupClient"
    with value(winreg.HKEY_LOCAL_MACHINE, key, "Path", f"{place}\\", winreg.KEY_WOW64_32KEY):
        # A Wine without 32-bit programs has one view for both: then it is the only one.
        assert store in found()
    windows_registry.set_value(key, "Path", str(machine.ba))


def test_directories_and_option_files_of_environments_are_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = machine.endpoint.store(machine.ba / "ours").resolve()
    theirs = machine.endpoint.store(machine.ba / "theirs").resolve()
    monkeypatch.setenv("DSMI_DIR", str(ours))
    with value(winreg.HKEY_LOCAL_MACHINE, ENVIRONMENT, "DSM_DIR", str(theirs)):
        assert found() == {
            ours: ["DSMI_DIR of environment"],
            theirs: ["DSM_DIR of environment of the machine"],
        }


def test_a_services_own_environment_is_read(machine: Machine) -> None:
    store = machine.endpoint.store(machine.ba / "service").resolve()
    machine.endpoint.add_service("TSM Scheduler", environment={"DSM_DIR": str(store)})
    assert found()[store] == ["DSM_DIR of service TSM Scheduler"]


def test_a_shortcut_for_all_users_names_an_option_file(machine: Machine) -> None:
    machine.option_files("TSM01")
    file = machine.endpoint.option_file(
        machine.server("TSM02"), node="PC1_TSM02", name="dsm zwei.opt", directory=machine.ba / "Ümlaut"
    )
    machine.endpoint.store(certificates=machine.trusted("TSM01", "TSM02"))
    place = Path(r"C:\ProgramData\Microsoft\Windows\Start Menu\Programs\played client.lnk")
    arguments = f'-optfile="{file}"'
    head = struct.pack("<I16xI", 0x4C, 0x20 | 0x80).ljust(0x4C, b"\0")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(head + struct.pack("<H", len(arguments)) + arguments.encode("utf-16-le"))
    try:
        assert run("detect").statuses(machine.ba) == {
            LABEL.format("TSM01"): "ok",
            LABEL.format("TSM02"): "ok",
        }
    finally:
        place.unlink()


def test_a_running_client_says_which_option_file_it_reads(machine: Machine) -> None:
    machine.option_files("TSM01")
    machine.endpoint.store(certificates=machine.trusted("TSM01"))
    file = machine.endpoint.option_file(machine.server("TSM02"), node="PC1_TSM02", name="dsm two.opt")
    machine.endpoint.misbehave(dsmc="hang")
    command = [str(machine.endpoint.dsmc_program), "query", "session", f"-optfile={file}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as client:
        deadline = time.monotonic() + 60
        while machine.reconnects == 0 and time.monotonic() < deadline:
            time.sleep(0.1)
        stanzas = run("inspect").store(machine.ba)["stanzas"]
        client.kill()
    assert stanzas == ["TSM01", "TSM02"]


class TestProfiles:
    def test_stores_of_users_and_of_service_accounts_are_found_under_both_names(
        self, machine: Machine
    ) -> None:
        for sid, name in (("S-1-5-80-1", "SpectrumProtect"), ("S-1-5-80-2", "StorageProtect")):
            for user in (
                machine.endpoint.user(f"user of {name}"),
                machine.endpoint.user("svc", Path(rf"C:\Windows\ServiceProfiles\{name}"), sid),
            ):
                machine.endpoint.store(user.home / "IBM" / name / "certs")
        stores = {store.owner.name: store for store in locate(WindowsPlaces()).stores}
        assert set(stores) == {
            "user of SpectrumProtect",
            "user of StorageProtect",
            "SpectrumProtect",
            "StorageProtect",
        }
        assert all(store.owner.uid not in (0, None) and store.problem is None for store in stores.values())

    def test_a_profile_that_roams_is_left_alone_unless_asked_for(self, machine: Machine) -> None:
        anna = machine.endpoint.user("anna")
        store = machine.endpoint.store(user=anna).resolve()
        profiles = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
        with value(
            winreg.HKEY_LOCAL_MACHINE, rf"{profiles}\{anna.sid}", "CentralProfile", r"\\server\profiles\anna"
        ):
            assert found() == {}
            assert any("roams" in line for line in locate(WindowsPlaces()).warnings)
            assert list(found(network_homes=True)) == [store]

    def test_a_users_own_option_file_counts_for_that_users_store_only(self, machine: Machine) -> None:
        machine.option_files("TSM01")
        anna = machine.endpoint.user("anna")
        file = machine.endpoint.option_file(
            machine.server("TSM02"), node="ANNA", directory=anna.home / "tsm", name="my.opt"
        )
        machine.endpoint.store(certificates=machine.trusted("TSM01"))
        store = machine.endpoint.store(user=anna, certificates=machine.trusted("TSM02")).resolve()
        with value(winreg.HKEY_USERS, rf"{anna.sid}\Environment", "DSM_CONFIG", str(file)):
            located = {item.directory: item for item in locate(WindowsPlaces()).stores}
        names = {path: [use.stanza.name for use in item.stanzas] for path, item in located.items()}
        assert names == {machine.ba.resolve(): ["TSM01"], store: ["TSM02"]}

    def test_of_several_option_files_users_have_the_client_s_own(self, machine: Machine) -> None:
        machine.option_files("TSM01", "TSM02")
        store = machine.endpoint.store(user=machine.endpoint.user("anna")).resolve()
        (found,) = locate(WindowsPlaces()).stores
        uses = [(use.stanza.name, use.certain) for use in found.stanzas]
        assert (found.directory, uses) == (store, [("TSM01", True)])


def test_names_of_servers_come_from_the_stored_passwords_where_they_are_certain(machine: Machine) -> None:
    for name in ("TSM01", "TSM02"):
        file = machine.endpoint.option_file(machine.server(name), node="PC1", name=f"dsm_{name}.opt")
        machine.endpoint.add_service(f"Scheduler {name}", option_file=file)
    machine.endpoint.store(certificates=machine.trusted("TSM01", "TSM02"))
    machine.server("TSM02").renew()
    # One node at two servers: no option file says its server's name, and yet the label's server is known.
    assert run("detect").statuses(machine.ba) == {
        LABEL.format("TSM01"): "ok",
        LABEL.format("TSM02"): "replaced",
    }


def test_the_tree_of_another_machine_is_looked_at_without_this_ones_registry(tmp_path: Path) -> None:
    client = tmp_path / "Program Files" / "Tivoli" / "TSM" / "baclient"
    home = tmp_path / "Users" / "anna" / "IBM" / "SpectrumProtect" / "certs"
    for place in (client, home):
        place.mkdir(parents=True)
        (place / "dsmcert.kdb").write_bytes(b"")
    located = locate(WindowsPlaces(tmp_path))
    assert {store.directory: store.owner.name for store in located.stores} == {
        client.resolve(): "SYSTEM",
        home.resolve(): "anna",
    }


def test_what_lies_on_another_machine_is_not_looked_at() -> None:
    places = WindowsPlaces()
    began = time.monotonic()
    answer = places.resolve(Path(r"\\192.0.2.1\share\TSM"))
    assert (answer.path, time.monotonic() - began < 10) == (None, True)
    assert answer.refused is not None and "--network-homes" in answer.refused
    assert places.not_entered() == (answer.refused,)


def test_a_share_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.stat", lambda path: time.sleep(60))
    assert windows_paths.answers(r"\\server\share", 0.2) is False


class TestTrust:
    """Every file of a Wine belongs to its user, an administrator: what others may do is read from modes."""

    def program(self, directory: Path) -> Path:
        path = directory / "dsmc.exe"
        path.write_bytes(b"MZ")
        return path

    def test_a_program_that_only_administrators_can_change_may_be_run(self, tmp_path: Path) -> None:
        program = self.program(tmp_path)
        assert windows_trust.require_trusted(program) == program

    def test_a_program_in_a_directory_that_users_can_fill_may_not(self, tmp_path: Path) -> None:
        directory = tmp_path / "open"
        directory.mkdir()
        program = self.program(directory)
        open_to_all(directory)
        with pytest.raises(NotPermitted, match="may write") as raised:
            windows_trust.require_trusted(program)
        assert raised.value.code == "program-not-trusted"
        assert not windows_trust.is_closed(directory)

    def test_a_program_that_users_can_write_may_not(self, tmp_path: Path) -> None:
        program = self.program(tmp_path)
        open_to_all(program)
        with pytest.raises(NotPermitted, match="may write"):
            windows_trust.require_trusted(program)

    def test_a_program_that_belongs_to_a_user_may_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = self.program(tmp_path)
        monkeypatch.setattr(windows_who, "is_ours", lambda sid: False)
        with pytest.raises(NotPermitted, match="belongs to"):
            windows_trust.require_trusted(program)


class TestState:
    def test_a_directory_is_made_closed_and_is_ours(self, tmp_path: Path) -> None:
        from dsmcertfix.system import private

        private.make(tmp_path / "a" / "b", WindowsGuard())
        WindowsGuard().require_closed(tmp_path / "a" / "b")
        with suppress(FileExistsError):
            private.make(tmp_path / "a" / "b", WindowsGuard())

    def test_a_directory_that_others_can_read_or_exchange_is_refused(self, tmp_path: Path) -> None:
        from dsmcertfix.system import private

        prepared = tmp_path / "prepared"
        prepared.mkdir()
        open_to_all(prepared)
        for path in (prepared, prepared / "state"):
            with pytest.raises(NotPermitted) as raised:
                private.make(path, WindowsGuard())
            assert raised.value.code == "state-directory-not-ours"
        assert list(prepared.iterdir()) == []

    def test_a_file_that_is_handed_to_somebody_is_closed_and_new(self, tmp_path: Path) -> None:
        from dsmcertfix.system.output_file import write_new
        from dsmcertfix.system.win32 import files, security

        write_new(tmp_path / "bundle.zip", b"a\nb")
        assert (tmp_path / "bundle.zip").read_bytes() == b"a\nb"
        with files.holding(str(tmp_path / "bundle.zip"), files.READ_CONTROL) as handle:
            descriptor = security.descriptor_of(handle)
        assert windows_who.others(descriptor, windows_who.ANYTHING) == ()
        with pytest.raises(FileExistsError):
            write_new(tmp_path / "bundle.zip", b"")

    def test_a_file_with_a_second_name_is_refused(self, tmp_path: Path) -> None:
        import os

        (tmp_path / "lock").touch()
        os.link(tmp_path / "lock", tmp_path / "other")
        with pytest.raises(NotPermitted, match="2 names"):
            WindowsGuard().require_file(tmp_path / "lock")


class TestSignOn:
    """As whom a client can be started: an administrator's keeps its store in its own directory."""

    OWN, ANNAS = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"

    def may(self, monkeypatch: pytest.MonkeyPatch, *, administrator: bool) -> dict[str, bool]:
        monkeypatch.setattr(security, "is_administrator", lambda: administrator)
        monkeypatch.setattr(security, "own_sid", lambda: self.OWN)
        owners = {
            "machine": Owner(0, 0, "SYSTEM"),
            "system's profile": Owner(0, 0, "SYSTEM", Path(r"C:\Windows\System32\config\systemprofile")),
            "own": Owner(windows_who.user_number(self.OWN), 0, "me", Path(r"C:\Users\me")),
            "anna's": Owner(windows_who.user_number(self.ANNAS), 0, "anna", Path(r"C:\Users\anna")),
        }
        platform = Windows(WindowsPlaces())
        return {name: platform.may_sign_on_as(owner) for name, owner in owners.items()}

    def test_an_administrator_fills_the_machines_store_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.may(monkeypatch, administrator=True) == {
            "machine": True,
            "system's profile": False,
            "own": False,
            "anna's": False,
        }

    def test_an_ordinary_user_fills_their_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.may(monkeypatch, administrator=False) == {
            "machine": False,
            "system's profile": False,
            "own": True,
            "anna's": False,
        }

    def test_an_administrators_files_are_the_systems_and_their_client_is_not(self) -> None:
        own = security.own_sid()
        assert windows_who.number(own) == 0
        assert windows_who.user_number(own) not in (0, windows_who.user_number(self.ANNAS))


def test_a_store_outside_of_profiles_is_the_machines_or_its_owners() -> None:
    places = WindowsPlaces()
    place = Path(r"D:\tsm")
    assert places.store_owner(place, Entry("file", (1, 2), 0)) == Owner(0, 0, "SYSTEM")
    assert places.store_owner(place, Entry("file", (1, 2), 4711)) == Owner(4711, 0, "uid 4711")
