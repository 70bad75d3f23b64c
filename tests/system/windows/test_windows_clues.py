"""What services, shortcuts and environments of Windows say of the client's files. On every system."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsmcertfix.system.base import Clue
from dsmcertfix.system.windows import clues as windows_clues
from dsmcertfix.system.windows.clues import Service

SCHEDULER = '"C:\\Program Files\\Tivoli\\TSM\\baclient\\dsmcsvc.exe"'


def clues(service: Service) -> list[tuple[str, str]]:
    return [(clue.setting, clue.value) for clue in windows_clues.from_service(service)]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (SCHEDULER, "dsmcsvc.exe"),
        ("C:\\Program Files\\Tivoli\\TSM\\baclient\\dsmcad.exe -x", "dsmcad.exe"),
        ("C:\\TSM\\DSMAGENT.EXE", "dsmagent.exe"),
        ("dsmc", "dsmc"),
        ("", ""),
    ],
)
def test_the_program_of_a_command_line_is_found_with_and_without_quotes(command: str, name: str) -> None:
    assert windows_clues.program_name(command) == name


@pytest.mark.parametrize(
    "command",
    [
        f"{SCHEDULER} -optfile=C:\\TSM\\dsm.opt",
        f"{SCHEDULER} -OPTFILE=C:\\TSM\\dsm.opt -x",
        f'{SCHEDULER} -optf="C:\\TSM\\dsm.opt"',
        f'{SCHEDULER} "-optfile=C:\\TSM\\dsm.opt"',
        f'{SCHEDULER} /optfile:"C:\\TSM\\dsm.opt"',
    ],
)
def test_an_option_file_on_a_command_line_may_be_written_in_many_ways(command: str) -> None:
    assert windows_clues.option_files(command) == ("C:\\TSM\\dsm.opt",)


def test_an_option_file_with_blanks_is_read_whole() -> None:
    for command in ('x "-optfile=C:\\My TSM\\büro 1.opt" y', 'x -optfile="C:\\My TSM\\büro 1.opt" y'):
        assert windows_clues.option_files(command) == ("C:\\My TSM\\büro 1.opt",)


def test_a_services_parameters_name_its_option_file_whatever_they_are_called() -> None:
    service = Service(
        "TSM Scheduler", SCHEDULER, parameters={"optionsFile": "D:\\tsm\\dsm.opt", "clientNodeName": "PC1"}
    )
    assert clues(service) == [("optfile", "D:\\tsm\\dsm.opt")]


@pytest.mark.parametrize("program", ["C:\\TSM\\server\\dsmsvc.exe", "C:\\other\\svc.exe", ""])
def test_what_another_programs_service_has_for_parameters_is_none_of_ours(program: str) -> None:
    assert clues(Service("Other", program, parameters={"optionsFile": "D:\\tsm\\dsm.opt"})) == []


def test_the_environment_of_any_service_may_name_the_clients_directories() -> None:
    environment = "Path=C:\\x\0dsmi_dir=C:\\api\0DSMI_CONFIG=C:\\api\\dsm.opt"
    service = Service("SQL backup", "C:\\sql\\agent.exe", "DOMAIN\\backup", environment)
    assert list(windows_clues.from_service(service)) == [
        Clue("DSMI_DIR", "C:\\api", "service SQL backup", "backup"),
        Clue("DSMI_CONFIG", "C:\\api\\dsm.opt", "service SQL backup", "backup"),
    ]


@pytest.mark.parametrize("account", ["LocalSystem", "NT AUTHORITY\\SYSTEM", ""])
def test_a_service_of_the_system_is_no_users(account: str) -> None:
    (clue,) = windows_clues.from_service(Service("s", f"{SCHEDULER} -optfile=C:\\dsm.opt", account))
    assert clue.user is None


def shortcut(arguments: str, *, wide: bool = True, others: bool = True) -> bytes:
    """A shortcut (MS-SHLLINK) with a target, a name, a directory and these arguments."""
    flags = 0x20 | (0x80 if wide else 0) | ((0x01 | 0x02 | 0x04 | 0x10) if others else 0)
    head = struct.pack("<I16xI", 0x4C, flags).ljust(0x4C, b"\0")

    def text(value: str) -> bytes:
        data = value.encode("utf-16-le" if wide else "latin-1")
        return struct.pack("<H", len(value)) + data

    parts = b""
    if others:
        parts += struct.pack("<H", 6) + b"target" + struct.pack("<I", 12) + b"info" * 2
        parts += text("Backup client") + text("C:\\TSM")
    return head + parts + text(arguments)


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("others", [True, False])
def test_a_shortcut_names_the_option_file_in_its_arguments(wide: bool, others: bool) -> None:
    data = shortcut('-optfile="C:\\TSM\\dsm two.opt"', wide=wide, others=others)
    assert list(windows_clues.from_shortcut(data, "shortcut")) == [
        Clue("optfile", "C:\\TSM\\dsm two.opt", "shortcut")
    ]


@given(st.binary(max_size=400))
def test_bytes_that_are_no_shortcut_say_nothing(data: bytes) -> None:
    assert list(windows_clues.from_shortcut(data, "file")) == []


@given(st.integers(0, 200))
def test_a_shortcut_that_is_cut_off_does_no_harm(length: int) -> None:
    list(windows_clues.from_shortcut(shortcut("-optfile=C:\\dsm.opt")[:length], "file"))
