"""`store save` and `store restore` on Windows: a store outlives its client's reinstallation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

assert sys.platform == "win32"

from tests.windows.command import fix, open_to_all, run, seen
from tests.windows.played import Machine, one_renewed


@pytest.fixture
def one() -> Iterator[Machine]:
    with one_renewed() as made:
        yield made


def saved(machine: Machine) -> Path:
    """The store is saved there; its client was installed anew, and has none."""
    output = machine.ba.parent / "saved"
    report = run("store", "save", "--store", machine.ba, "--output", output).report
    assert (report["exit_code"], report["changed"], report["backup"]) == (0, False, str(output))
    for file in machine.ba.glob("dsmcert.*"):
        if file.suffix != ".exe":
            file.unlink()
    return output


def restored(machine: Machine, output: Path) -> tuple[int, str]:
    """Exit code and the problem's code."""
    answer = run("store", "restore", "--from", output, "--yes")
    return answer.code, (answer.report["problem"] or {}).get("code", "")


def test_a_store_comes_back_as_it_was_and_the_client_signs_on_with_it(one: Machine) -> None:
    assert fix().code == 0
    before, sessions = seen(one.ba), len(one.sessions("TSM01"))
    output = saved(one)
    assert seen(one.ba) == {}
    answer = run("store", "restore", "--from", output, "--yes")
    assert (answer.code, answer.report["outcome"]) == (0, "changed")
    assert seen(one.ba) == before
    assert run("detect").code == 0
    assert len(one.sessions("TSM01")) == sessions
    again = run("store", "restore", "--from", output, "--yes").report
    assert (again["changed"], again["run"]) == (False, None)


def test_what_the_new_client_made_is_kept_and_a_rollback_brings_it_back(one: Machine) -> None:
    output = one.ba.parent / "saved"
    assert run("store", "save", "--store", one.ba, "--output", output).code == 0
    old = seen(one.ba)
    assert fix().code == 0
    newer = seen(one.ba)
    answer = run("store", "restore", "--from", output, "--yes")
    assert (answer.code, seen(one.ba)) == (0, old)
    assert run("rollback", answer.report["run"], "--yes").code == 0
    assert seen(one.ba) == newer


def test_what_others_can_write_does_not_come_in(one: Machine) -> None:
    output = saved(one)
    open_to_all(output / "dsmcert.kdb")
    assert restored(one, output) == (12, "saved-store-not-trusted")
    assert seen(one.ba) == {}


def test_what_was_changed_since_does_not_come_in(one: Machine) -> None:
    output = saved(one)
    with (output / "dsmcert.kdb").open("r+b") as file:
        file.seek(4000)
        file.write(b"\1\2\3")
    assert restored(one, output) == (14, "saved-store-unusable")
    assert seen(one.ba) == {}
