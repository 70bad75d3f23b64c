"""What an ordinary user owns is parsed in a child, at that user's cost; the others' is not."""

from __future__ import annotations

import sys
import winreg
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

assert sys.platform == "win32"

from tests.windows import tasks
from tests.windows.command import fix, run, seen
from tests.windows.played import LABEL, Machine, played
from tests.windows.test_windows_places import value

from dsmcertfix.model import Owner
from dsmcertfix.system.seen import READING, OwnerLimits, Task
from dsmcertfix.system.windows.child import Child
from dsmcertfix.system.windows.owners import Owners

Does = tuple[Callable[[], object], float]


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine's store and one of alice, both for the same server."""
    with played() as made:
        made.option_files("TSM01")
        made.endpoint.store(certificates=made.trusted("TSM01"))
        yield made


@pytest.fixture
def hers(machine: Machine) -> Path:
    """The store of alice."""
    alice = machine.endpoint.user("alice")
    return machine.endpoint.store(user=alice, certificates=machine.trusted("TSM01")).resolve()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """For whom children were asked, and for what."""
    found: list[tuple[str, str]] = []
    read = Owners.read

    def note(self: Owners, owner: Owner, task: Task, limits: OwnerLimits = READING) -> object:
        found.append((owner.name, task.told()[1]))
        return read(self, owner, task, limits)

    monkeypatch.setattr(Owners, "read", note)
    return found


def test_only_what_is_another_users_is_parsed_in_a_child(
    machine: Machine, hers: Path, asked: list[tuple[str, str]]
) -> None:
    answer = run("detect")
    assert answer.statuses(hers) == answer.statuses(machine.ba) == {LABEL.format("TSM01"): "ok"}
    assert asked == [("alice", "judged")]


def test_a_users_option_file_is_parsed_in_a_child(machine: Machine, asked: list[tuple[str, str]]) -> None:
    anna = machine.endpoint.user("anna")
    file = machine.endpoint.option_file(
        machine.server("TSM02"), node="ANNA", directory=anna.home / "tsm", name="my.opt"
    )
    with value(winreg.HKEY_USERS, rf"{anna.sid}\Environment", "DSM_CONFIG", str(file)):
        assert run("locate").code == 0
    assert set(asked) == {("anna", "user_read")}


def test_an_edit_of_a_users_copy_is_checked_in_a_child(
    machine: Machine, hers: Path, asked: list[tuple[str, str]]
) -> None:
    machine.server("TSM01").renew()
    answer = fix("--store", str(hers))
    assert (answer.code, answer.store(hers)["outcome"]) == (0, "changed")
    assert ("alice", "check_edit") in asked


@pytest.mark.parametrize(
    ("does", "code"),
    [((tasks.wait, 0.5), "too-much-to-read"), ((tasks.end, 60.0), "reading-was-ended")],
)
def test_who_takes_too_much_or_ends_the_child_is_told_so_and_all_others_are_repaired(
    machine: Machine, hers: Path, monkeypatch: pytest.MonkeyPatch, does: Does, code: str
) -> None:
    ask, (what, limit_s) = Child.ask, does
    monkeypatch.setattr(
        Child,
        "ask",
        lambda self, task, wall_s: (
            ask(self, task, wall_s) if task.told()[1] == "load" else ask(self, Task(what), limit_s)
        ),
    )
    machine.server("TSM01").renew()
    before = seen(hers)
    answer = fix()
    assert answer.code == 14
    assert answer.store(hers)["problem"]["code"] == code
    assert answer.store(machine.ba)["outcome"] == "changed"
    assert seen(hers) == before
