"""The Ansible collection over real ssh and sudo, with the oldest Ansible and Pythons that it serves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests import namespaces
from tests.shown import not_shown
from tests.unixpack import pythons
from tests.unixpack.ansible import Controller, recap
from tests.unixpack.fleet import hides_our_python, python_of_the_nodes
from tests.unixpack.ssh_fleet import SshFleet, require_programs
from tests.unixpack.test_ansible import playbook

from dsmbench.identity import Identity
from dsmbench.runtime import scratch

pytestmark = pytest.mark.slow

TASK_LIMIT_S = 120
ALIVE = "-o ServerAliveInterval=5 -o ServerAliveCountMax=3"
CANARY, MODERN, OLD, REFUSED, HEALTHY = "node01", "node02", "node03", "node04", "node05"
DOWN, SILENT = "node06", "node07"
"""Nothing listens there; something does, and never says a word."""
LOST, STUCK = "node08", "node09"
"""The first one is cut off while it repairs, of the second one only the repair stands still."""
THERE = {CANARY, MODERN, OLD, REFUSED, HEALTHY, LOST, STUCK}
PYTHONS = {CANARY: "3.6", OLD: "3.8"}


@pytest.fixture
def fleet() -> Iterator[SshFleet]:
    """Nine nodes whose server has a new certificate; seven of them answer."""
    namespaces.require()
    require_programs()
    if not python_of_the_nodes().exists() or hides_our_python():
        not_shown("a node needs a Python in /usr/bin, and the bench one that the nodes' view does not hide")
    with scratch() as directory:
        made = SshFleet(directory)
        made.start()
        try:
            for number in range(1, 10):
                name = f"node{number:02}"
                server = "TSM02" if name == HEALTHY else "TSM01"
                made.add(name, server, security="STRICT" if name == REFUSED else "TRANSITIONAL")
                if name in THERE:
                    made.boot(name)
            made.down(DOWN)
            made.no_answer(SILENT)
            for name, version in PYTHONS.items():
                made.interpreters[name] = str(pythons.find(version) or "/usr/bin/python3")
            made.state("TSM01").renew(Identity.make())
            yield made
        finally:
            made.shut_down()


def given(pyz: Path, fleet: SshFleet) -> dict[str, Any]:
    """Variables of every run."""
    return {
        "repair_pyz": str(pyz),
        "repair_results": str(fleet.directory / "results/of the site"),
        "repair_expect_sha256": [fleet.state(name).identity.sha256 for name in ("TSM01", "TSM02")],
        "repair_task_limit": TASK_LIMIT_S,
        "repair_hosts": "storage_protect_clients",
    }


def while_it_repairs(
    fleet: SshFleet, name: str, act: Callable[[list[psutil.Process]], None]
) -> threading.Thread:
    """As soon as `fix` runs on the node, `act` is called with its processes."""

    def watch() -> None:
        while True:
            found = [process for process in fleet.processes(name) if _is_a_repair(process)]
            if found:
                return act(found)
            time.sleep(0.02)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def _is_a_repair(process: psutil.Process) -> bool:
    try:
        return {"fix", "--yes"} <= set(process.cmdline())
    except psutil.Error:
        return False


def stop(processes: list[psutil.Process]) -> None:
    """They stand still."""
    for process in processes:
        process.suspend()


def over(controller: Controller, fleet: SshFleet, pyz: Path, play: str, *words: str) -> str:
    """What the playbook said; it failed for nodes, so its exit code is 2."""
    settings = {"repair_batches": [1, 8], "repair_max_fail_percentage": 80}
    options = ("--forks", "9", "--extra-vars", json.dumps(settings), f"--ssh-extra-args={ALIVE}")
    inventory = fleet.inventory(given(pyz, fleet))
    code, said = playbook(controller, inventory, *options, *words, play=f"dsmcertfix.storage_protect.{play}")
    assert code == (0 if "--limit" in words else 2), said
    return said


def failed(fleet: SshFleet, said: str) -> set[str]:
    """The nodes for which the playbook failed."""
    return {name for name, counted in recap(said).items() if counted["failed"]}


def test_a_fleet_of_which_one_is_down_one_silent_one_refused_one_lost_and_one_stuck(
    oldest_controller: Controller, fleet: SshFleet, pyz: Path
) -> None:
    results = fleet.directory / "results/of the site"
    before = fleet.stores()

    said = over(oldest_controller, fleet, pyz, "detect")
    assert failed(fleet, said) == {DOWN, SILENT}, said
    assert "7 well, 0 failed, 2 did not answer, 0 left alone" in said, said
    assert fleet.stores() == before
    assert (results / "hosts.txt").read_text(encoding="utf-8").split() == list(fleet.nodes)

    watched = [
        while_it_repairs(fleet, LOST, lambda _: fleet.freeze(LOST)),
        while_it_repairs(fleet, STUCK, stop),
    ]
    said = over(oldest_controller, fleet, pyz, "repair")
    for thread in watched:
        thread.join(1)
        assert not thread.is_alive()
    assert failed(fleet, said) == {DOWN, SILENT, REFUSED, LOST, STUCK}, said
    assert "4 well, 3 failed, 2 did not answer, 0 left alone" in said, said
    repaired = {CANARY, MODERN, OLD}
    after = fleet.stores()
    assert {name for name in after if after[name] != before[name]} - {LOST, STUCK} == repaired
    done = {path.name for path in results.glob("*.fix.json")}
    assert done == {f"{name}.fix.json" for name in (*repaired, REFUSED)}

    # Both go on: what they had begun ends by itself, or is ended by `recover`.
    for name in (LOST, STUCK):
        fleet.thaw(name)
        while any(map(_is_a_repair, fleet.processes(name))):
            time.sleep(0.1)
    said = over(oldest_controller, fleet, pyz, "recover")
    assert failed(fleet, said) == {DOWN, SILENT}, said
    said = over(oldest_controller, fleet, pyz, "repair")
    assert failed(fleet, said) == {DOWN, SILENT, REFUSED}, said
    after = fleet.stores()
    assert {name for name in after if after[name] != before[name]} == {*repaired, LOST, STUCK}
    said = over(oldest_controller, fleet, pyz, "repair")
    assert failed(fleet, said) == {DOWN, SILENT, REFUSED}, said
    assert {counted["changed"] for counted in recap(said).values()} == {0}, said
    assert fleet.stores() == after

    # And back, and the certificate put in without any fetch.
    said = over(oldest_controller, fleet, pyz, "rollback", "--limit", CANARY)
    assert "1 well, 0 failed" in said and recap(said)[CANARY]["changed"] == 1, said
    assert fleet.stores()[CANARY] == before[CANARY]
    arm = fleet.directory / "cert256.arm"
    arm.write_bytes(fleet.state("TSM01").identity.arm)
    extra = json.dumps({"repair_certificate": str(arm), "repair_servers": ["TSM01"]})
    said = over(oldest_controller, fleet, pyz, "trust", "--limit", CANARY, "--extra-vars", extra)
    # The file comes to the node, and into the store.
    assert recap(said)[CANARY]["changed"] == 2, said
    told = json.loads((results / f"{CANARY}.trust.json").read_text(encoding="utf-8"))
    assert (told["exit_code"], told["changed"]) == (0, True)
