"""Where IBM's files are on Windows, from a registry; what bytes of an option file say. On every system."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dsmcertfix.system.windows import tables as windows_tables
from dsmcertfix.system.windows.tables import Folders, Profile, View

ADSM = "HKLM\\SOFTWARE\\IBM\\ADSM\\CurrentVersion"
PROFILES = windows_tables.PROFILE_LIST
BA = "C:\\Program Files\\Tivoli\\TSM\\baclient"


class Registry:
    """Keys with their values, in the 64-bit view, or in the 32-bit one for a name that ends in `|32`."""

    def __init__(self, keys: Mapping[str, Mapping[str, str]]):
        self._keys = keys

    def values(self, key: str, view: View = 64) -> Mapping[str, str]:
        return self._keys.get(key if view == 64 else f"{key}|32", {})

    def names(self, key: str, view: View = 64) -> tuple[str, ...]:
        end = "" if view == 64 else "|32"
        below = (name.removesuffix("|32") for name in self._keys if name.endswith("|32") == bool(end))
        found = (name[len(key) + 1 :].split("\\")[0] for name in below if name.startswith(f"{key}\\"))
        return tuple(dict.fromkeys(found))


def directories(keys: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    return list(windows_tables.client_directories(Registry(keys), Folders()))


def test_without_a_registry_the_installers_own_places_are_looked_at() -> None:
    assert directories({}) == [
        ("ba", BA),
        ("ba", "C:\\Program Files (x86)\\Tivoli\\TSM\\baclient"),
        ("api", "C:\\Program Files\\Common Files\\Tivoli\\TSM\\api64"),
        ("api", "C:\\Program Files\\Common Files\\Tivoli\\TSM\\api"),
        ("api", "C:\\Program Files (x86)\\Common Files\\Tivoli\\TSM\\api64"),
        ("api", "C:\\Program Files (x86)\\Common Files\\Tivoli\\TSM\\api"),
    ]


@pytest.mark.parametrize(
    ("key", "area"),
    [
        (f"{ADSM}\\BackupClient", "ba"),
        (f"{ADSM}\\BackupClient|32", "ba"),
        (f"{ADSM}\\Api64", "api"),
        (f"{ADSM}\\TDPSQL", "api"),
        (f"{ADSM}\\TDPExchange", "api"),
        (f"{ADSM}\\AgentOBA64|32", "api"),
        (f"{ADSM}\\domclient", "api"),
        ("HKLM\\SOFTWARE\\IBM\\SpectrumProtect\\DPVMware", "api"),
        ("HKLM\\SOFTWARE\\IBM\\SpectrumProtect\\DPHyperV", "api"),
        (f"{ADSM}\\Server\\Server1", "server-api"),
        (f"{ADSM}\\Server\\Server1|32", "server-api"),
    ],
)
def test_each_product_is_where_its_key_says_in_both_views(key: str, area: str) -> None:
    assert (area, "D:\\TSM") in directories({key: {"Path": "D:\\TSM\\"}})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"D:\\Prögramme\\TSM\\"', "D:\\Prögramme\\TSM"),
        ("%ProgramFiles%\\Tivoli", "C:\\Program Files\\Tivoli"),
        ("%programfiles(x86)%\\Tivoli", "C:\\Program Files (x86)\\Tivoli"),
        ("%SystemDrive%\\TSM", "C:\\TSM"),
        ("D:/TSM/baclient", "D:\\TSM\\baclient"),
        ("\\\\server\\share\\TSM", "\\\\server\\share\\TSM"),
        ("D:\\TSM\\..\\Other", "D:\\Other"),
    ],
)
def test_a_path_in_the_registry_may_be_written_in_many_ways(written: str, read: str) -> None:
    assert ("ba", read) in directories({f"{ADSM}\\BackupClient": {"Path": written}})


@pytest.mark.parametrize("written", ["", "TSM", "\\TSM", "%UNKNOWN%\\TSM", "\0", " "])
def test_what_is_no_absolute_path_is_passed_over(written: str) -> None:
    assert len(directories({f"{ADSM}\\BackupClient": {"Path": written}})) == 6


def test_one_directory_written_in_two_ways_is_looked_at_once() -> None:
    found = directories(
        {f"{ADSM}\\BackupClient": {"Path": BA.upper()}, f"{ADSM}\\BackupClient|32": {"Path": BA}}
    )
    assert [path for area, path in found if area == "ba" and "x86" not in path.lower()] == [BA.upper()]


def test_a_32_bit_program_is_told_of_both_program_folders() -> None:
    told = {
        "ProgramFilesDir": "E:\\Programme",
        "ProgramFilesDir (x86)": "E:\\Programme (x86)",
        "CommonFilesDir": "E:\\Programme\\Gemeinsam",
    }
    registry = Registry({"HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion": told})
    found = windows_tables.folders(registry, "E:\\Windows", "E:\\Windows\\System32", "E:\\ProgramData")
    assert found.program_files == ("E:\\Programme", "E:\\Programme (x86)")
    assert found.common_files == ("E:\\Programme\\Gemeinsam",)


def test_the_key_database_program_has_three_known_places_and_what_the_registry_names() -> None:
    registry = Registry({"HKLM\\SOFTWARE\\IBM\\gsk8\\CurrentVersion": {"InstallPath": "D:\\gsk8"}})
    assert windows_tables.gsk8capicmd(registry, Folders())[:5] == (
        "D:\\gsk8\\bin\\gsk8capicmd_64.exe",
        "D:\\gsk8\\gsk8capicmd_64.exe",
        "C:\\Program Files\\IBM\\gsk8\\bin\\gsk8capicmd_64.exe",
        "C:\\Program Files\\Common Files\\Tivoli\\TSM\\api64\\gsk8\\bin\\gsk8capicmd_64.exe",
        "C:\\Program Files (x86)\\Common Files\\Tivoli\\TSM\\api64\\gsk8\\bin\\gsk8capicmd_64.exe",
    )
    assert windows_tables.gsk8capicmd(Registry({}), Folders())[-1].endswith("api\\gsk8\\bin\\gsk8capicmd.exe")


class TestProfiles:
    def read(self, **profiles: Mapping[str, str]) -> dict[str, Profile]:
        keys = {f"{PROFILES}\\{sid.replace('_', '-')}": values for sid, values in profiles.items()}
        found = windows_tables.profiles(Registry(keys), Folders())
        return {profile.path: profile for profile in found}

    def test_users_and_service_accounts_are_all_there_by_their_own_names(self) -> None:
        found = self.read(
            S_1_5_18={"ProfileImagePath": "%systemroot%\\system32\\config\\systemprofile"},
            S_1_5_20={"ProfileImagePath": "%systemroot%\\ServiceProfiles\\NetworkService"},
            S_1_5_21_1_2_3_1001={"ProfileImagePath": "C:\\Users\\Änne Müller"},
        )
        assert [(item.name, item.sid, item.kind) for item in found.values()] == [
            ("SYSTEM", "S-1-5-18", "local"),
            ("NETWORK SERVICE", "S-1-5-20", "local"),
            ("Änne Müller", "S-1-5-21-1-2-3-1001", "local"),
            ("SYSTEM", "S-1-5-18", "local"),
        ]

    def test_systems_profile_is_known_where_32_bit_programs_see_it_and_without_an_entry(self) -> None:
        assert [path.lower() for path in self.read()] == [
            "c:\\windows\\system32\\config\\systemprofile",
            "c:\\windows\\syswow64\\config\\systemprofile",
        ]

    def test_an_old_entry_is_no_profile(self) -> None:
        keys = {f"{PROFILES}\\S-1-5-21-1-2-3-1001.bak": {"ProfileImagePath": "C:\\Users\\old"}}
        found = windows_tables.profiles(Registry(keys), Folders())
        assert [profile.sid for profile in found] == ["S-1-5-18", "S-1-5-18"]

    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            ({"State": "256"}, "local"),
            ({"State": "0", "CentralProfile": "\\\\server\\profiles\\anna"}, "roaming"),
            ({"State": "1", "CentralProfile": "\\\\server\\profiles\\anna.man"}, "mandatory"),
            ({"State": "2048"}, "temporary"),
            ({"State": "nonsense"}, "local"),
        ],
    )
    def test_a_profile_whose_changes_would_be_lost_is_known_as_one(
        self, values: Mapping[str, str], kind: str
    ) -> None:
        found = self.read(S_1_5_21_1_2_3_1001={"ProfileImagePath": "C:\\Users\\anna", **values})
        assert found["C:\\Users\\anna"].kind == kind


def test_passwords_are_kept_below_programdata_by_node_and_server() -> None:
    found = windows_tables.password_directory("C:\\ProgramData", "PC1")
    assert found == "C:\\ProgramData\\Tivoli\\TSM\\baclient\\Nodes\\PC1"


@pytest.mark.parametrize(
    "data",
    [
        "NODENAME Büro\r\n".encode("utf-8-sig"),
        "NODENAME Büro\r\n".encode("utf-16"),
        b"\xfe\xff" + "NODENAME Büro\r\n".encode("utf-16-be"),
        "NODENAME Büro\r\n".encode("cp1252"),
        "NODENAME Büro\r\n".encode(),
    ],
)
def test_an_option_file_says_the_same_in_every_encoding(data: bytes) -> None:
    assert windows_tables.as_utf8(data, 1252).decode() == "NODENAME Büro\r\n"


def test_the_code_page_of_the_machine_decides_where_nothing_else_does() -> None:
    assert windows_tables.as_utf8("NODENAME Łódź".encode("cp1250"), 1250).decode() == "NODENAME Łódź"
    assert windows_tables.as_utf8(b"NODENAME \xff", 1).decode() == "NODENAME ÿ"


def test_half_a_character_at_the_end_of_utf_16_does_no_harm() -> None:
    assert windows_tables.as_utf8("NODENAME A".encode("utf-16")[:-1], 1252).startswith(b"NODENAME")
