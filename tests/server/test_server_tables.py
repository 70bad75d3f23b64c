"""Where servers are said to be: units, scripts, inittab, the registry, services. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsmcertfix.system.servers import instances_in, starts_server
from dsmcertfix.system.windows import tables as windows_tables
from dsmcertfix.system.windows.places import SERVICES, WindowsPlaces
from dsmcertfix.system.windows.servers import WindowsServers, instances_of, key_in, services_of

INITTAB = "tsm1:2:once:/opt/tivoli/tsm/server/bin/rc.dsmserv -u tsminst1 -i /home/tsminst1/tsminst1 -q"


@pytest.mark.parametrize(
    ("text", "directories"),
    [
        (INITTAB, ["/home/tsminst1/tsminst1"]),
        ("ExecStart=/opt/tivoli/tsm/server/bin/dsmserv -i /tsm/inst1 -q", ["/tsm/inst1"]),
        ('ExecStart=/opt/tivoli/tsm/server/bin/rc.dsmserv -i "/tsm/my inst" -u x', ["/tsm/my inst"]),
        ("# /opt/tivoli/tsm/server/bin/dsmserv -i /old", []),
        ('"$bindir/dsmserv" -i ${instance_dir} -q', []),
        ("ExecStart=/usr/bin/dsmserver-exporter -i /x", []),
        ("ExecStart=/opt/tivoli/tsm/server/bin/tsminst1 start", []),
    ],
)
def test_the_directories_that_a_start_names(text: str, directories: list[str]) -> None:
    assert list(instances_in(text)) == directories


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (INITTAB, True),
        ("ExecStart=/opt/tivoli/tsm/server/bin/tsminst1 start", True),
        ("exec dsmserv.rc start", True),
        ("ExecStart=/usr/bin/dsmserver-exporter", False),
        ("ExecStart=/opt/tivoli/tsm/client/ba/bin/dsmcad", False),
    ],
)
def test_what_starts_a_server(text: str, expected: bool) -> None:
    assert starts_server(text) is expected


def test_the_registry_has_a_key_for_each_instance() -> None:
    keys = {
        "Server1": {"Path": r"D:\tsminst1", "Other": "x"},
        "Server2": {"path": r"E:\tsminst2"},
        "NoPath": {"Other": "x"},
        "Empty": {"Path": ""},
    }
    assert instances_of(keys) == {"Server1": r"D:\tsminst1", "Server2": r"E:\tsminst2"}


def test_a_windows_service_is_a_server_s_by_its_program() -> None:
    rows = [
        ("TSM Server1", r'"C:\Program Files\Tivoli\TSM\server\dsmsvc.exe" -k Server1'),
        ("TSM server_tsminst2", r'C:\TSM\server\dsmsvc.exe -K "my key"'),
        ("TSM Client Scheduler", r"C:\TSM\baclient\dsmcsvc.exe -k x"),
        ("TSM Server", r"C:\TSM\server\dsmsvc.exe"),
        ("another", ""),
    ]
    assert list(services_of(rows)) == [
        ("TSM Server1", "Server1"),
        ("TSM server_tsminst2", "my key"),
        ("TSM Server", "Server1"),
    ]


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ("dsmserv.exe -k Server2", "Server2"),
        ('"-k" "Server2" "-quiet"', "Server2"),
        ('dsmserv.exe /k "my server" -q', "my server"),
        ("dsmserv.exe -q", None),
        (r"D:\a-k b\dsmserv.exe", None),
    ],
)
def test_the_key_of_the_instance_that_a_command_names(command: str, key: str | None) -> None:
    assert key_in(command) == key


class _Registry:
    """A registry of that content: key to values."""

    def __init__(self, content: dict[str, dict[str, str]]):
        self._content = content

    def values(self, key: str, view: Any = 64) -> dict[str, str]:
        return self._content.get(key, {})

    def names(self, key: str, view: Any = 64) -> tuple[str, ...]:
        found = (name for name in self._content if name.rpartition("\\")[0] == key)
        return tuple(name.rpartition("\\")[2] for name in found)


def test_a_windows_machine_tells_its_instances_and_what_starts_them(tmp_path: Path) -> None:
    registry = _Registry(
        {
            f"{windows_tables.SERVERS}\\Server1": {"Path": r"D:\tsminst1"},
            f"{SERVICES}\\TSM Server1": {"ImagePath": r"C:\TSM\server\dsmsvc.exe -k Server1"},
            f"{SERVICES}\\TSM other": {"ImagePath": r"C:\TSM\server\dsmsvc.exe -k Gone"},
        }
    )
    servers = WindowsServers(WindowsPlaces(tmp_path, registry=registry))
    places = {place.directory: place.because for place in servers.places()}
    assert places[r"D:\tsminst1"] == f"registry key {windows_tables.SERVERS}\\Server1"
    assert [(item.name, item.directories) for item in servers.starters()] == [
        ("TSM Server1", (r"D:\tsminst1",)),
        ("TSM other", ()),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r'"C:\Program Files\x.exe" stop "TSM Server1"', (r"C:\Program Files\x.exe", "stop", "TSM Server1")),
        (r"net stop a\b", ("net", "stop", r"a\b")),
        ("", ()),
    ],
)
def test_a_windows_command_keeps_its_backslashes(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    assert WindowsServers(WindowsPlaces(tmp_path)).words(text) == words


def test_a_windows_command_with_an_open_quotation_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="quotation"):
        WindowsServers(WindowsPlaces(tmp_path)).words('"net stop')
