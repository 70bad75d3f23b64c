"""`server macro distribute` and `trust --piece`: a certificate comes by the server's client schedules.

The macro's commands are read as the server would, and each OBJECTS is run by /bin/sh, as a node's scheduler
does it on Unix. The server that keeps the schedules and the scheduler that runs them are not IBM's.
"""

from __future__ import annotations

import base64
import os
import random
import re
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.answers import checked
from tests.endtoend.machine import Machine, answer_of, identity
from tests.endtoend_trust.conftest import handed

import dsmcertfix
from dsmbench.identity import fingerprint

_DEFINE = re.compile(
    r"DEFINE SCHEDULE STANDARD (?P<name>[A-Z0-9_]{1,30}) ACTION=COMMAND OBJECTS='(?P<objects>[^']{1,512})' "
    r"PERUNITS=ONETIME DURATION=7 DURUNITS=DAYS"
)
_NEXT = "TSMA of next year"


def both(machine: Machine) -> Path:
    """What TSMA presents, and what it will."""
    old = machine.servers["TSMA"].state.identity.arm
    return handed(machine, old, identity(_NEXT).arm, name="both.arm")


def program(machine: Machine) -> Path:
    """dsmcertfix as the node's scheduler finds it: for this machine, at a path with a blank."""
    path = machine.directory / "opt with blank" / "dsmcertfix"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {shlex.join(machine.argv())} "$@" --json\n')
    path.chmod(0o755)
    return path


def distribute(machine: Machine, *more: str | Path) -> tuple[str | Path, ...]:
    """The command line that makes the macros, for no node yet."""
    told = ("server", "macro", "distribute", "--server", "TSMA", "--domain", "STANDARD")
    return (*told, "--file", both(machine), *more)


def macros(machine: Machine, *more: str | Path) -> tuple[list[str], list[str]]:
    """The commands of the macro that defines the schedules, and of the one that deletes them."""
    out = machine.directory / "spread.mac"
    for file in (out, out.with_name("spread.undo.mac")):
        file.unlink(missing_ok=True)
    where = ("--program", program(machine), "--node", "NODE_TSMA", "--output", out)
    answer = machine.text(*distribute(machine, *where, *more))
    assert (answer.code, answer.stdout) == (0, ""), answer.stderr
    made, deleted = (
        [line for line in file.read_text().splitlines() if not line.startswith("/*")]
        for file in (out, out.with_name("spread.undo.mac"))
    )
    return made, deleted


def scheduled(commands: list[str]) -> list[str]:
    """What the schedules of a macro run, in their order."""
    found = [_DEFINE.fullmatch(line) for line in commands if line.startswith("DEFINE SCHEDULE")]
    assert all(found)
    return [match["objects"] for match in found if match is not None]


def by_scheduler(command: str) -> tuple[int, Mapping[str, Any]]:
    """The node's scheduler ran it: exit code and report. It has no terminal, and hardly an environment."""
    done = answer_of(["/bin/sh", "-c", command], env={"PATH": "/usr/bin:/bin", "PYTHONPATH": _packages()})
    return done.code, checked(done).report


def _packages() -> str:
    return os.pathsep.join([str(Path(dsmcertfix.__file__).parents[1]), *filter(None, sys.path)])


def kept(machine: Machine) -> list[Path]:
    """The directories of certificates that are not whole yet."""
    pieces = machine.state / "pieces"
    return sorted(pieces.iterdir()) if pieces.exists() else []


def test_the_schedules_in_any_order_make_the_store_trust_both_and_nobody_is_refused(machine: Machine) -> None:
    commands, _ = macros(machine)
    runs = scheduled(commands)
    assert 3 < len(runs) <= 32
    random.Random(7).shuffle(runs)
    before = machine.everything()
    for command in [*runs[:2], *runs[:-1]]:  # Two of them twice.
        code, report = by_scheduler(command)
        assert (code, report["outcome"], report["changed"]) == (0, "unchanged", False)
        assert "nothing is trusted before the rest came" in str(report["comment"])
    assert machine.everything() == before

    code, report = by_scheduler(runs[-1])

    assert (code, report["outcome"]) == (0, "changed")
    new = identity(_NEXT)
    assert {machine.servers["TSMA"].sha256, new.sha256} <= set(machine.held().values())
    assert kept(machine) == []
    assert machine.endpoint.dsmc("query", "session", "-se=TSMA").returncode == 0
    machine.servers["TSMA"].state.renew(new)
    assert machine.endpoint.dsmc("query", "session", "-se=TSMA").returncode == 0
    assert set(machine.sign_ons("TSMA")) == {"session"}


def test_the_same_again_changes_nothing_and_leaves_nothing(machine: Machine) -> None:
    runs = scheduled(macros(machine)[0])
    assert [by_scheduler(command)[0] for command in runs] == [0] * len(runs)
    before = machine.everything()
    assert {by_scheduler(command)[1]["outcome"] for command in reversed(runs)} == {"unchanged"}
    assert machine.everything() == before
    assert kept(machine) == []


def test_each_schedule_gets_each_node_and_a_commit_and_the_other_macro_deletes_just_these(
    machine: Machine,
) -> None:
    commands, deleted = macros(machine, "--node", "WS*")
    assert commands[1::2] == ["COMMIT"] * (len(commands) // 2)
    assert deleted[1::2] == ["COMMIT"] * (len(deleted) // 2)
    names = [match["name"] for line in commands if (match := _DEFINE.fullmatch(line))]
    assert deleted[::2] == [f"DELETE SCHEDULE STANDARD {name}" for name in names]
    assert [line for line in commands if line.startswith("DEFINE ASSOCIATION")] == [
        f'DEFINE ASSOCIATION STANDARD {name} "{node}"' for name in names for node in ("NODE_TSMA", "WS*")
    ]


def test_windows_gets_its_program_between_the_one_pair_of_quotation_marks(machine: Machine) -> None:
    there = r"C:\Program Files\dsmcertfix\dsmcertfix.exe"
    for command in scheduled(macros(machine, "--program", there)[0]):
        assert command.startswith(f'"{there}" trust --server TSMA --yes --wait 600 --piece ')
        assert command.count('"') == 2
        assert not set(command) & set("&<>()@^|%!")


class TestTrouble:
    @pytest.fixture
    def runs(self, machine: Machine) -> list[str]:
        return scheduled(macros(machine)[0])

    @pytest.mark.parametrize(
        "piece",
        [
            "",
            "1/2",
            "0/2:{0}:AAAA",
            "3/2:{0}:AAAA",
            "1/33:{0}:AAAA",
            "1/2:{1}:AAAA",
            "1/2:{0}:",
            "1/2:{0}:A B",
        ],
    )
    def test_what_is_no_piece_is_an_error_and_nothing_is_kept(self, machine: Machine, piece: str) -> None:
        told = piece.format("0" * 64, "0" * 63)
        answer = machine.run("trust", "--server", "TSMA", "--yes", "--piece", told)
        assert (answer.code, answer.report["problem"]["code"]) == (2, "not-a-piece")
        assert kept(machine) == []

    @pytest.mark.parametrize("more", [(), ("--file", "a.arm", "--piece", "1/2")])
    def test_a_file_or_a_piece_and_not_both(self, machine: Machine, more: tuple[str, ...]) -> None:
        answer = machine.run("trust", "--server", "TSMA", "--yes", *more)
        assert (answer.code, answer.report["problem"]["code"]) == (2, "certificate-not-given")

    def test_a_changed_piece_is_found_out_and_mends_when_it_comes_again(
        self, machine: Machine, runs: list[str]
    ) -> None:
        before = machine.everything()
        spoiled = runs[1][:-4] + ("AAAA" if not runs[1].endswith("AAAA") else "BBBB")
        for command in (runs[0], spoiled, *runs[2:-1]):
            assert by_scheduler(command)[0] == 0
        code, report = by_scheduler(runs[-1])
        assert (code, report["problem"]["code"]) == (2, "pieces-do-not-fit")
        assert machine.everything() == before
        assert by_scheduler(runs[1])[1]["outcome"] == "changed"
        assert kept(machine) == []

    def test_pieces_of_another_certificate_do_not_mix(self, machine: Machine, runs: list[str]) -> None:
        other = runs[0].replace(re.findall("[0-9a-f]{64}", runs[0])[0], "0" * 64)
        for command in (runs[1], other, *runs[2:]):
            assert by_scheduler(command)[1]["outcome"] == "unchanged"
        assert len(kept(machine)) == 2
        assert by_scheduler(runs[0])[1]["outcome"] == "changed"
        assert [directory.name for directory in kept(machine)] == [f"{'0' * 64}-{len(runs)}"]

    def test_no_more_certificates_are_kept_than_eight_and_old_ones_make_room(self, machine: Machine) -> None:
        def send(number: int) -> Mapping[str, Any]:
            piece = f"1/2:{number:064x}:AAAA"
            return machine.run("trust", "--server", "TSMA", "--yes", "--piece", piece).report

        for number in range(8):
            assert send(number)["problem"] is None
        problem = send(8)["problem"]
        assert isinstance(problem, dict) and problem["code"] == "too-many-pieces"
        assert str(machine.state / "pieces") in str(problem["context"])
        assert send(7)["problem"] is None
        assert len(kept(machine)) == 8
        past = time.time() - 31 * 86400
        os.utime(kept(machine)[0], (past, past))
        assert send(8)["problem"] is None
        assert len(kept(machine)) == 8

    def test_where_the_store_cannot_be_changed_the_pieces_stay_and_any_of_them_tries_again(
        self, machine: Machine, runs: list[str]
    ) -> None:
        for command in runs[:-1]:
            by_scheduler(command)
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        password, away = machine.ba / "dsmcert.sth", machine.directory / "away"
        password.rename(away)
        before = machine.everything()
        code, report = by_scheduler(runs[-1])
        assert code not in (0, 2), report
        assert machine.everything() == before
        assert len(kept(machine)) == 1
        away.rename(password)
        assert by_scheduler(runs[0])[1]["outcome"] == "changed"
        assert kept(machine) == []

    def test_only_its_owner_can_read_what_is_kept(self, machine: Machine, runs: list[str]) -> None:
        by_scheduler(runs[0])
        for path in (machine.state / "pieces", *kept(machine)):
            assert path.stat().st_mode & 0o077 == 0
        (piece,) = kept(machine)[0].iterdir()
        assert piece.stat().st_mode & 0o777 == 0o600

    def test_a_directory_that_somebody_else_prepared_is_refused(
        self, machine: Machine, runs: list[str]
    ) -> None:
        by_scheduler(runs[0])
        (machine.state / "pieces").chmod(0o777)
        code, report = by_scheduler(runs[1])
        assert (code, report["problem"]["code"]) == (12, "state-directory-not-ours")


class TestMacro:
    @pytest.mark.parametrize(
        ("more", "code"),
        [
            (("--server", "TSM'A"), "not-safe-for-schedule"),
            (("--server", "-x"), "not-safe-for-schedule"),
            (("--program", "dsmcertfix"), "not-safe-for-schedule"),
            (("--program", r"C:\Program Files (x86)\dsmcertfix.exe"), "not-safe-for-schedule"),
            (("--program", "/opt/" + "a" * 380), "not-safe-for-schedule"),
            (("--domain", "A B"), "not-a-server-s-name"),
            (("--node", 'A"B'), "not-safe-for-schedule"),
            (("--label", "TSM2027"), "option-not-for-this-macro"),
            (("--peer", "TSM02"), "option-not-for-this-macro"),
        ],
    )
    def test_what_could_change_a_command_is_refused(
        self, machine: Machine, more: tuple[str, str], code: str
    ) -> None:
        answer = machine.run(*distribute(machine, "--node", "A"), *more)
        assert (answer.code, answer.report["problem"]["code"]) == (2, code)

    @pytest.mark.parametrize("left_out", ["--file", "--server", "--domain"])
    def test_what_schedules_need_is_asked_for(self, machine: Machine, left_out: str) -> None:
        told = {"--server": "TSMA", "--domain": "STANDARD", "--node": "A", "--file": str(both(machine))}
        words = [word for option, value in told.items() if option != left_out for word in (option, value)]
        answer = machine.run("server", "macro", "distribute", *words)
        assert (answer.code, answer.report["problem"]["code"]) == (2, "macro-without-certificate")

    def test_too_many_certificates_do_not_go(self, machine: Machine) -> None:
        many = handed(machine, *(identity(f"number {number}").arm for number in range(12)), name="many.arm")
        answer = machine.run(*distribute(machine, "--node", "A", "--file", many))
        assert (answer.code, answer.report["problem"]["code"]) == (2, "too-long-for-schedules")

    def test_the_macro_that_deletes_is_never_overwritten(self, machine: Machine) -> None:
        macros(machine)
        out = machine.directory / "spread.mac"
        before = out.with_name("spread.undo.mac").read_bytes()
        assert machine.text(*distribute(machine, "--node", "A", "--output", out)).code == 12
        assert out.with_name("spread.undo.mac").read_bytes() == before

    def test_without_a_place_for_two_macros_none_is_made(self, machine: Machine) -> None:
        answer = machine.text(*distribute(machine, "--node", "A"))
        assert (answer.code, answer.stdout) == (2, "")


def test_what_goes_by_schedules_is_what_the_file_holds(machine: Machine) -> None:
    texts = ["".join(re.findall("[0-9a-f]{64}:(.*)", command)) for command in scheduled(macros(machine)[0])]
    ders = [base64.b64decode(one) for one in "".join(texts).split(".")]
    assert [fingerprint(der) for der in ders] == [machine.servers["TSMA"].sha256, identity(_NEXT).sha256]
