"""Signals and kills at moments that are made certain, and what a launcher may have left ignored."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.answers import Answer, checked
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine, ended, wait_until

from dsmbench.snapshot import Seen

# The tool's own command line, after a few lines that make one moment certain.
_START = "import os, signal\n{lines}\nfrom dsmcertfix.cli import main\nmain()\n"
_DIES = """
from dsmcertfix.transaction.journal import Journal
append = Journal.append
def dying(journal, kind, store=None, **data):
    event = append(journal, kind, store, **data)
    if (kind, data.get("step")) == ("step-done", "swap"):
        os.kill(os.getpid(), signal.SIGKILL)
    return event
Journal.append = dying
"""
_IN_THE_RESTORING = """
from dsmcertfix.transaction import live
restore, calls = live._restore_file, []
def struck(*arguments):
    restore(*arguments)
    calls.append(arguments)
    if len(calls) == 1:
        os.kill(os.getpid(), signal.{name})
live._restore_file = struck
"""
_AFTER_AN_OUTCOME = """
from dsmcertfix.transaction import executor
tidy = executor.tidy
def struck(*arguments, **named):
    os.kill(os.getpid(), signal.{name})
    return tidy(*arguments, **named)
executor.tidy = struck
"""
# The outcome's line is in the journal, but the disk does not vouch for it; and then the undo is killed.
_OUTCOME_NOT_SURE = """
import errno
from dsmcertfix.transaction import journal, live
append, restore = journal.Journal.append, live._restore_file
def failing(this, kind, store=None, **data):
    event = append(this, kind, store, **data)
    if (kind, data.get("outcome")) == ("store-finished", "changed"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    return event
def dying(*arguments):
    restore(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
journal.Journal.append, live._restore_file = failing, dying
"""
_IGNORING_CHILDREN = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"


def run(machine: Machine, lines: str, *arguments: str | Path) -> Answer:
    """The command, with those lines before it, has ended."""
    python, _, _, *words = machine.argv(*arguments)
    script = machine.directory / "script.py"
    script.write_text(_START.format(lines=lines), encoding="utf-8")
    return machine.of([python, *machine.started(script), *words])


def cut_off(machine: Machine) -> dict[str, Seen]:
    """A repair of the store was killed right after the swap; how the store was before it."""
    before = machine.seen()
    machine.renew("TSMA")
    assert run(machine, _DIES, "fix", "--yes", "--trust-on-first-use").code == -signal.SIGKILL
    assert machine.seen() != before
    return before


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 143)])
def test_a_signal_while_fix_undoes_an_earlier_run_waits_until_the_store_is_whole(
    machine: Machine, name: str, code: int
) -> None:
    before = cut_off(machine)
    answer = checked(
        run(machine, _IN_THE_RESTORING.format(name=name), "fix", "--yes", "--trust-on-first-use", "--json")
    )
    assert (answer.code, answer.report["changed"]) == (code, False)
    assert machine.seen() == before
    assert machine.left_behind() == []
    assert machine.text("detect").code == 3
    assert machine.fix().code == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_recover_works_stops_nothing(machine: Machine, name: str) -> None:
    before = cut_off(machine)
    answer = checked(run(machine, _IN_THE_RESTORING.format(name=name), "recover", "--json"))
    assert (answer.code, answer.report["outcome"]) == (0, "rolled-back")
    assert machine.seen() == before


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_rollback_that_a_signal_stops_says_what_it_left(machine: Machine, name: str, code: int) -> None:
    alice = machine.endpoint.user("alice")
    machine.stanzas("TSMB", passworddir="/home/alice/adsm", owner=alice)
    home = machine.endpoint.store(user=alice, certificates=machine.trusted("TSMB"))
    before = {machine.ba: machine.seen(), home: machine.seen(home)}
    machine.renew("TSMA")
    machine.renew("TSMB")
    assert machine.fix().code == 0
    answer = checked(run(machine, _AFTER_AN_OUTCOME.format(name=name), "rollback", "--yes", "--json"))
    assert answer.code == code
    told = {Path(store["directory"]): store for store in answer.report["stores"]}
    assert set(told) == set(before)
    for directory, store in told.items():
        is_back = machine.seen(directory) == before[directory]
        assert (store["outcome"], store["problem"] is None) == (
            ("rolled-back", True) if is_back else ("unchanged", False)
        )
    assert sorted(store["outcome"] for store in told.values()) == ["rolled-back", "unchanged"]
    assert machine.text("rollback", "--yes").code == 0
    assert {directory: machine.seen(directory) for directory in before} == before


@pytest.mark.parametrize(
    "command",
    [("fix", "--yes", "--trust-on-first-use"), ("fix", "--yes", "--trust-on-first-use", "--whole-store")],
)
def test_a_launcher_that_ignores_the_end_of_children_changes_nothing(
    machine: Machine, command: tuple[str, ...]
) -> None:
    alice = machine.endpoint.user("alice")
    machine.stanzas("TSMB", passworddir="/home/alice/adsm", owner=alice)
    home = machine.endpoint.store(user=alice, certificates=machine.trusted("TSMB"))
    before = machine.seen(home)
    machine.renew("TSMB")
    assert run(machine, _IGNORING_CHILDREN, *command).code == 0
    assert machine.seen(home) != before
    assert run(machine, _IGNORING_CHILDREN, "rollback", "--yes").code == 0
    assert machine.seen(home) == before
    assert run(machine, _DIES, "fix", "--yes", "--trust-on-first-use").code == -signal.SIGKILL
    assert run(machine, _IGNORING_CHILDREN, "recover").code == 0
    assert machine.seen(home) == before


def test_an_outcome_that_the_disk_did_not_take_does_not_count_once_its_undo_began(machine: Machine) -> None:
    before = machine.seen()
    machine.renew("TSMA")
    # Moved away the files come back one by one.
    assert (
        run(machine, _OUTCOME_NOT_SURE, "fix", "--yes", "--trust-on-first-use", "--whole-store").code
        == -signal.SIGKILL
    )
    assert machine.seen() != before
    assert machine.run("recover").report["outcome"] == "rolled-back"
    assert machine.seen() == before
    assert machine.left_behind() == []


def test_a_signal_leaves_the_stores_that_were_not_begun_and_they_are_counted(
    make_machine: MakeMachine,
) -> None:
    machine = make_machine()
    machine.stanzas("TSMA")
    machine.endpoint.store(certificates=machine.trusted("TSMA"))
    for name, user in (("TSMB", "alice"), ("TSMC", "bob"), ("TSMD", "carol")):
        made = machine.endpoint.user(user)
        machine.stanzas(name, passworddir=f"/home/{user}/adsm", owner=made)
        machine.endpoint.store(user=made, certificates=machine.trusted(name), version=6)
    for name in ("TSMA", "TSMB", "TSMC", "TSMD"):
        machine.renew(name)
    machine.endpoint.misbehave(dsmc="hang")
    process = machine.start("fix", "--yes", "--trust-on-first-use")
    wait_until(lambda: bool(machine.reconnects))
    answer = ended(process, signal.SIGINT)
    assert answer.code == 130
    assert answer.report["comment"].startswith("1 store rolled back, 3 stores not changed: ")
    assert len(machine.reconnects) == 1
