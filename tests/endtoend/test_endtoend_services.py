"""`--restart-services` on Unix: what runs is restarted after a change, by systemd or init scripts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.answers import Answer
from tests.endtoend.machine import Machine, wait_until
from tests.shown import shown_only_if

from dsmbench import systemctl
from dsmbench.places import AIX

pytestmark = shown_only_if(not AIX, "systemd and /etc/init.d; AIX has SRC: tests/played_aix/on_aix.py")

UNIT = """[Unit]
Description={name}

[Service]
Type=simple
ExecStart={program} {words}
"""
SCRIPT = """#!/bin/sh
# As LSB has it; dsmcad is {program}
runs() {{ grep -q '^State:.[^Z]' "/proc/$(cat "{pid}")/status" 2>/dev/null; }}
case "$1" in
start) "{program}" >/dev/null & echo $! >"{pid}" ;;
stop) {stop} ;;
status) runs || exit 3 ;;
*) exit 2 ;;
esac
"""
STOP = 'kill "$(cat "{pid}")"; while runs; do :; done'
DSMCAD, SCHEDULER = "dsmcad.service", "tsm-scheduler.service"


@pytest.fixture
def served(machine: Machine) -> Iterator[Machine]:
    """Its server has a new certificate; of its units, acceptor and scheduler, the first one runs."""
    machine.renew("TSMA")
    machine.endpoint.add_systemctl()
    ba = f"/{machine.ba.relative_to(machine.root)}"
    add_unit(machine, DSMCAD, f"{ba}/dsmcad")
    # IBM's scheduler is `dsmc sched`: what runs here is only called so.
    add_unit(machine, SCHEDULER, f"{ba}/dsmcad", "dsmc sched")
    # What needs the client, and what asks for it, are not the client's.
    add_unit(machine, "needs.service", "/usr/bin/oracle", "\nAfter=dsmcad.service")
    add_unit(machine, "asks.service", "/etc/init.d/dsmcad", "status")
    add_unit(machine, "watches.service", "/usr/bin/watch-dsmcad")
    systemd(machine, "start", DSMCAD)
    yield machine
    for mark in (machine.root / systemctl.ACTIVE).glob("*"):
        systemd(machine, "stop", mark.name)


def add_unit(machine: Machine, name: str, program: str, words: str = "") -> Path:
    """A unit that starts that program."""
    file = machine.root / systemctl.UNITS / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(UNIT.format(name=name, program=program, words=words), encoding="utf-8")
    return file


def systemd(machine: Machine, *words: str) -> None:
    """What the played systemctl was told is done."""
    subprocess.run([machine.root / "usr/bin/systemctl", *words], check=True, stdin=subprocess.DEVNULL)


def process_of(machine: Machine, unit: str) -> str:
    """The number of the process that the unit started last."""
    return (machine.root / systemctl.ACTIVE / unit).read_text(encoding="utf-8")


def told(answer: Answer) -> dict[str, tuple[str, str]]:
    """State and action of each service, by name."""
    return {item["name"]: (item["state"], item["action"]) for item in answer.report["services"]}


def hanging(machine: Machine) -> Path:
    """From now on systemctl restarts nothing, and does not end before the file that is returned is there."""
    program, go = machine.root / "usr/bin/systemctl", machine.directory / "go"
    played = program.read_text(encoding="utf-8").splitlines()
    waits = f'case "$*" in *restart*) until [ -e "{go}" ]; do sleep 0.1; done; exit 1 ;; esac'
    program.write_text("\n".join([played[0], waits, *played[1:]]) + "\n", encoding="utf-8")
    return go


def test_units_that_run_are_restarted_after_a_change_and_only_then(served: Machine) -> None:
    before = process_of(served, DSMCAD)
    answer = served.fix("--restart-services")
    assert (answer.code, answer.report["changed"]) == (0, True), answer.stdout
    assert told(answer) == {DSMCAD: ("running", "restarted"), SCHEDULER: ("stopped", "none")}
    after = process_of(served, DSMCAD)
    assert after != before
    again = served.fix("--restart-services")
    assert (again.code, again.report["changed"], process_of(served, DSMCAD)) == (0, False, after)
    assert "no service of the client is known here" not in answer.report["warnings"]


def test_trust_restarts_them_too(served: Machine) -> None:
    before = process_of(served, DSMCAD)
    arm = served.directory / "new.arm"
    arm.write_bytes(served.servers["TSMA"].state.identity.arm)
    answer = served.run("trust", "--server", "TSMA", "--file", arm, "--yes", "--restart-services")
    assert (answer.code, told(answer)[DSMCAD]) == (0, ("running", "restarted")), answer.stdout
    assert process_of(served, DSMCAD) != before


def test_without_the_option_systemd_is_not_even_asked(served: Machine) -> None:
    before, program = process_of(served, DSMCAD), served.root / "usr/bin/systemctl"
    played, asked = program.read_text(encoding="utf-8"), served.directory / "asked"
    program.write_text(played.replace("\n", f'\n: >"{asked}"\n', 1), encoding="utf-8")
    answer = served.fix()
    assert (answer.code, answer.report["changed"], answer.report["services"]) == (0, True, [])
    assert (process_of(served, DSMCAD), asked.exists()) == (before, False)


def test_a_unit_that_does_not_start_again_ends_in_32_and_the_store_stays_repaired(served: Machine) -> None:
    add_unit(served, DSMCAD, "/gone/dsmcad")
    answer = served.fix("--restart-services")
    (service,) = (item for item in answer.report["services"] if item["name"] == DSMCAD)
    assert (answer.code, answer.report["outcome"], service["action"]) == (32, "changed", "failed")
    assert service["problem"]["code"] == "service-not-restarted"
    assert f"`systemctl start {DSMCAD}`" in service["problem"]["hint"]
    assert served.run("detect").code == 0


def test_a_systemd_that_does_not_answer_costs_no_more_than_its_time(served: Machine) -> None:
    go = hanging(served)
    answer = served.fix("--restart-services", "--timeout", "2", "--no-reconnect")
    go.touch()
    assert (answer.code, told(answer)[DSMCAD][1]) == (32, "failed")
    assert "`systemctl try-restart` did not end within 4 seconds" in answer.report["problem"]["message"]


def test_a_run_that_is_killed_meanwhile_is_recovered_with_the_service(served: Machine) -> None:
    go = hanging(served)
    words = ("fix", "--yes", "--trust-on-first-use", "--restart-services")
    with served.start(*words) as process:
        wait_until(lambda: any("service-restarting" in each.read_text() for each in journals(served)))
        process.kill()
    go.touch()
    systemd(served, "stop", DSMCAD)
    answer = served.run("recover")
    assert answer.code == 0, answer.stdout
    assert int(process_of(served, DSMCAD)) > 0
    assert served.run("recover").report["comment"] == "nothing to recover"
    assert served.run("detect").code == 0


def journals(machine: Machine) -> list[Path]:
    """The journals of its runs."""
    return list(machine.state.rglob("journal.jsonl"))


@pytest.mark.parametrize("kind", ["systemctl", "script"])
def test_a_program_that_others_can_change_is_not_run(served: Machine, kind: str) -> None:
    before = process_of(served, DSMCAD)
    script = add_script(served)
    (script if kind == "script" else served.root / "usr/bin/systemctl").chmod(0o777)
    answer = served.fix("--restart-services")
    assert answer.code == 0
    assert set(told(answer)) == ({"acceptor"} if kind == "systemctl" else {DSMCAD, SCHEDULER})
    assert (process_of(served, DSMCAD) == before) is (kind == "systemctl")


def add_script(machine: Machine, name: str = "acceptor", stop: str = STOP) -> Path:
    """An init script that starts the acceptor."""
    file, pid = machine.root / "etc/init.d" / name, machine.directory / f"{name}.pid"
    file.parent.mkdir(parents=True, exist_ok=True)
    told = SCRIPT.format(program=machine.ba / "dsmcad", pid=pid, stop=stop.format(pid=pid))
    file.write_text(told, encoding="utf-8")
    file.chmod(0o755)
    return file


def test_where_there_is_no_systemd_init_scripts_do_it(served: Machine) -> None:
    (served.root / "usr/bin/systemctl").rename(served.root / "usr/bin/kept")
    script = add_script(served)
    # Nothing says whether what this one starts runs: it is left alone.
    add_script(served, "dumb").write_text(f"#!/bin/sh\n{served.ba}/dsmcad\n", encoding="utf-8")
    subprocess.run([script, "start"], check=True, stdin=subprocess.DEVNULL)
    pid = served.directory / "acceptor.pid"
    before = pid.read_text(encoding="utf-8")
    answer = served.fix("--restart-services")
    (served.root / "usr/bin/kept").rename(served.root / "usr/bin/systemctl")
    try:
        assert (answer.code, told(answer)) == (
            0,
            {"acceptor": ("running", "restarted"), "dumb": ("unknown", "none")},
        )
        assert pid.read_text(encoding="utf-8") != before
    finally:
        subprocess.run([script, "stop"], check=True, stdin=subprocess.DEVNULL)
