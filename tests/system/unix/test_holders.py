"""Which running processes keep what they read of a store: those that loaded IBM's API, or are its client."""

from __future__ import annotations

import builtins
import io
import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from dsmcertfix.errors import NotFound
from dsmcertfix.system import holders as module
from dsmcertfix.system.holders import Holder, holders

API = "/opt/tivoli/tsm/client/api/bin64/libApiTSM64.so"
MAPS = "7f00-7f01 r--p 00000000 fd:00 12 {}\n"


class Process:
    """A process as psutil tells of one: name and when it began, by its number."""

    known: dict[int, tuple[str, float]] = {}  # noqa: RUF012

    def __init__(self, pid: int) -> None:
        if pid not in self.known:
            raise psutil.NoSuchProcess(pid)
        self.pid = pid

    def name(self) -> str:
        return self.known[self.pid][0]

    def create_time(self) -> float:
        return self.known[self.pid][1]

    def username(self) -> str:
        if self.pid == 7:
            raise KeyError("no such user")
        return "alice"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """What each process has mapped; a number without is one whose maps cannot be seen."""
    maps: dict[int, str] = {}
    real = builtins.open

    def opened(path: Any, *arguments: Any, **options: Any) -> Any:
        parts = Path(str(path)).parts
        if parts[:2] == ("/", "proc") and parts[-1] == "maps":
            if int(parts[2]) not in maps:
                raise PermissionError(13, "Permission denied")
            return io.StringIO(maps[int(parts[2])])
        return real(path, *arguments, **options)

    monkeypatch.setattr(builtins, "open", opened)
    monkeypatch.setattr(psutil, "Process", Process)
    monkeypatch.setattr(psutil, "pids", lambda: [*Process.known, 99999])
    monkeypatch.setattr(Process, "known", {})
    return maps


def test_a_process_that_loaded_the_api_is_one_that_began_before(machine: dict[int, str]) -> None:
    Process.known = {
        5: ("db2sysc", 10.0),
        6: ("late", 20.0),
        7: ("gone user", 10.0),
        os.getpid(): ("me", 1.0),
    }
    for pid in Process.known:
        machine[pid] = MAPS.format("/lib/x86_64-linux-gnu/libc.so.6") + MAPS.format(API)
    assert holders(20.0) == (Holder(5, "db2sysc", "alice", API), Holder(7, "gone user", "", API))
    assert [one.pid for one in holders(20.1)] == [5, 6, 7]


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        (API, True),
        ("/opt/libApiDS.so", True),
        ("/usr/lpp/libApiTSM64.a", True),
        ("/Library/libApiTSM64.dylib", True),
        ("/opt/libApiTSM64.so.1", True),
        ("/opt/libApiTSM64.so (deleted)", True),
        ("/opt/libApiTSM64.source", False),
        ("/opt/libc.so.6", False),
        ("[heap]", False),
        ("libApiTSM64.so", False),
        ("", False),
    ],
)
def test_a_mapped_file_is_ibm_s_by_its_name(machine: dict[int, str], path: str, holds: bool) -> None:
    Process.known = {5: ("app", 10.0)}
    machine[5] = MAPS.format(path)
    assert bool(holders(20.0)) is holds


@pytest.mark.parametrize(
    ("name", "holds"),
    [("dsmc", True), ("DSMCAD", True), ("dsmcsvc.exe", True), ("dsm", False), ("bash", False)],
)
def test_a_client_is_known_by_its_name_where_nothing_else_is_seen(
    machine: dict[int, str], name: str, holds: bool
) -> None:
    Process.known = {5: (name, 10.0)}
    found = holders(20.0)
    assert found == ((Holder(5, name, "alice", name),) if holds else ())
    # Below another root nobody knows whose it is.
    assert holders(20.0, Path("/other")) == ()


def test_with_another_root_only_what_lies_below_it_counts(machine: dict[int, str]) -> None:
    Process.known = {5: ("app", 10.0), 6: ("app", 10.0)}
    machine[5], machine[6] = MAPS.format(f"/other{API}"), MAPS.format(API)
    assert [one.pid for one in holders(20.0, Path("/other"))] == [5]


def test_of_very_long_maps_the_first_part_is_read(
    machine: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module._MAPS_LIMIT == 8 * 1024 * 1024
    Process.known = {5: ("app", 10.0)}
    machine[5] = MAPS.format("/lib/libc.so") + MAPS.format(API)
    monkeypatch.setattr(module, "_MAPS_LIMIT", 40)
    assert holders(20.0) == ()


def test_where_no_processes_can_be_seen_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unseen() -> list[int]:
        raise FileNotFoundError(2, "No such file or directory", "/proc")

    monkeypatch.setattr(psutil, "pids", unseen)
    with pytest.raises(NotFound) as raised:
        module.process_ids()
    assert raised.value.code == "processes-not-seen"
