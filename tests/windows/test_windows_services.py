"""The client's services on Windows: told of, restarted where that is asked for, and never left stopped."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

assert sys.platform == "win32"

from tests.windows.command import fix, run, text
from tests.windows.played import Machine, one_renewed

QUICK = ("--engine", "native", "--no-reconnect")


@pytest.fixture
def one() -> Iterator[Machine]:
    with one_renewed() as made:
        yield made


def process_of(name: str) -> int:
    """The number of the service's process; it has had a moment to run."""
    deadline = time.monotonic() + 60
    while psutil.win_service_get(name).status() != "running" and time.monotonic() < deadline:
        time.sleep(0.1)
    return psutil.win_service_get(name).pid() or 0


def test_the_clients_services_and_their_states_are_in_the_report_and_in_the_text(one: Machine) -> None:
    file = one.ba / "dsm.opt"
    one.endpoint.add_service("TSM Client Acceptor", option_file=file, running=True)
    one.endpoint.add_service("TSM Client Scheduler", option_file=file)
    process_of("TSM Client Acceptor")
    for command in ("locate", "detect", "plan"):
        services = {item["name"]: item for item in run(command).report["services"]}
        assert {name: item["state"] for name, item in services.items()} == {
            "TSM Client Acceptor": "running",
            "TSM Client Scheduler": "stopped",
        }
        assert services["TSM Client Acceptor"]["option_files"] == [str(file)]
    assert "service TSM Client Acceptor: running" in text("--verbose", "detect").stdout


def test_those_that_run_are_restarted_after_a_change_and_only_then(one: Machine) -> None:
    one.endpoint.add_service("TSM Client Acceptor", running=True)
    one.endpoint.add_service("TSM Client Scheduler")
    before = process_of("TSM Client Acceptor")
    answer = fix("--restart-services", *QUICK)
    told = {item["name"]: (item["state"], item["action"]) for item in answer.report["services"]}
    assert (answer.code, told) == (
        0,
        {"TSM Client Acceptor": ("running", "restarted"), "TSM Client Scheduler": ("stopped", "none")},
    )
    after = process_of("TSM Client Acceptor")
    assert after not in (0, before)
    again = fix("--restart-services", *QUICK)
    assert (again.code, process_of("TSM Client Acceptor")) == (0, after)


def test_without_the_option_no_service_is_touched(one: Machine) -> None:
    one.endpoint.add_service("TSM Client Acceptor", running=True)
    before = process_of("TSM Client Acceptor")
    answer = fix(*QUICK)
    assert (answer.code, answer.report["services"][0]["action"]) == (0, "none")
    assert process_of("TSM Client Acceptor") == before


def test_a_service_that_does_not_stop_is_told_and_the_store_stays_repaired(one: Machine) -> None:
    one.endpoint.add_service("TSM deaf", deaf=True, running=True)
    process_of("TSM deaf")
    answer = fix("--restart-services", "--timeout", "8", *QUICK)
    (service,) = answer.report["services"]
    assert (answer.code, answer.report["outcome"], service["action"]) == (32, "changed", "failed")
    assert service["problem"]["code"] == "service-not-restarted"
    assert "TSM deaf" in service["problem"]["hint"]


KILLED = """
import os, sys
from dsmcertfix.cli import main
from dsmcertfix.system.windows import services as windows_services
def dying(name, deadline):
    os.kill(os.getpid(), 9)
windows_services._start = dying
sys.argv[1:] = ["fix", "--yes", "--trust-on-first-use", "--restart-services", "--engine", "native"]
sys.argv.append("--no-reconnect")
main()
"""


def test_a_run_that_is_killed_between_stop_and_start_is_recovered_with_the_service(one: Machine) -> None:
    one.endpoint.add_service("TSM Client Acceptor", running=True)
    process_of("TSM Client Acceptor")
    killed = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    assert killed.returncode == 9, killed.stderr
    assert psutil.win_service_get("TSM Client Acceptor").status() == "stopped"
    assert run("recover").code == 0
    assert process_of("TSM Client Acceptor") != 0
    # The store was finished before: it stays as the run made it.
    assert run("recover").report["comment"] == "nothing to recover"
    assert fix(*QUICK).report["changed"] is False
