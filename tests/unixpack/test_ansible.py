"""The Ansible collection on a fleet of ten played endpoints, and by Ansible's own checks."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests import namespaces
from tests.shown import not_shown
from tests.unixpack import ansible
from tests.unixpack.ansible import Controller, recap
from tests.unixpack.fleet import NOWHERE, Fleet, hides_our_python, python_of_the_nodes

from dsmbench.identity import Identity
from dsmbench.runtime import scratch

pytestmark = pytest.mark.slow

PROGRAM = "/opt/dsmcertfix.pyz"
REPAIR, DETECT = "dsmcertfix.storage_protect.repair", "dsmcertfix.storage_protect.detect"
HEALTHY = "node10"
REFUSED, UNREACHABLE, DAMAGED = "node03", "node05", "node08"
FAILING = {REFUSED: 21, UNREACHABLE: 16, DAMAGED: 14}
OPENED = "node07"


@pytest.fixture(scope="module")
def controller() -> Iterator[Controller]:
    """Ansible with the collection."""
    with scratch() as home:
        yield ansible.controller(home)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Servers, and no node yet."""
    namespaces.require()
    if not python_of_the_nodes().exists() or hides_our_python():
        not_shown("a node needs a Python in /usr/bin, and the bench one that the nodes' view does not hide")
    with scratch() as directory:
        made = Fleet(directory)
        made.start()
        try:
            yield made
        finally:
            made.stop()


def ten(fleet: Fleet) -> None:
    """Ten nodes: six to be repaired, one in order, three that fail in three ways."""
    for number in range(1, 11):
        name = f"node{number:02}"
        strict = name in (REFUSED, OPENED)
        variables = {"repair_administrator": "admin"} if name == OPENED else {}
        endpoint = fleet.add(
            name,
            "TSM02" if name == HEALTHY else "TSM01",
            security="STRICT" if strict else "TRANSITIONAL",
            **variables,
        )
        if name == UNREACHABLE:
            (endpoint.ba_directory / "dsm.sys").unlink()
            endpoint.stanza("TSM01", NOWHERE, node=name.upper())
        if name == DAMAGED:
            (endpoint.ba_directory / "dsmcert.kdb").write_bytes(b"not a key database")
    fleet.state("TSM01").renew(Identity.make())


def playbook(controller: Controller, inventory: Path, *words: str, play: str = REPAIR) -> tuple[int, str]:
    """The playbook has ended; its exit code and all that was said."""
    done = controller.run("ansible-playbook", "--inventory", inventory, *words, play)
    return done.returncode, done.stdout + done.stderr


def given(pyz: Path, fleet: Fleet) -> dict[str, object]:
    """Variables of every run."""
    return {
        "repair_pyz": str(pyz),
        "repair_results": str(fleet.directory / "results"),
        "repair_trust_on_first_use": True,
        "repair_administrator_command": [str(fleet.dsmadmc), "-credentialsfile=/root/admin", "-dataonly=yes"],
    }


def require_schema(report: object) -> None:
    schema = json.loads(files("dsmcertfix").joinpath("report.schema.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(report)] == []


def test_a_playbook_over_ten_endpoints_of_which_three_fail(
    controller: Controller, fleet: Fleet, pyz: Path
) -> None:
    ten(fleet)
    before = fleet.stores()

    # The canary fails: nothing else is touched.
    first = fleet.inventory(given(pyz, fleet), [REFUSED, "node01", "node02"])
    code, said = playbook(controller, first)
    assert code == 2, said
    assert {name for name, counted in recap(said).items() if counted["failed"]} == {REFUSED}, said
    assert "left alone, because too many had failed: node01, node02" in said
    assert fleet.stores() == before
    assert not (fleet.nodes["node01"].root / PROGRAM.lstrip("/")).exists()

    inventory = fleet.inventory({**given(pyz, fleet), "repair_reconnects_at_once": 3})
    batches = ["--extra-vars", json.dumps({"repair_batches": [2, 8], "repair_max_fail_percentage": 60})]
    code, said = playbook(controller, inventory, *batches)
    assert code == 2, said
    counted = recap(said)
    assert set(counted) >= set(fleet.nodes), said
    assert {name for name in fleet.nodes if counted[name]["failed"]} == set(FAILING), said
    assert {name for name in fleet.nodes if counted[name]["unreachable"]} == set()
    repaired = set(fleet.nodes) - set(FAILING) - {HEALTHY}
    require_results(fleet, repaired)
    after = fleet.stores()
    assert {name for name in after if after[name] != before[name]} == repaired
    # Only what the administrator was to open was opened, and the server closed it again.
    nodes = fleet.state("TSM01").nodes
    assert [nodes[name.upper()].session_security for name in (REFUSED, OPENED)] == ["STRICT", "STRICT"]

    code, said = playbook(controller, inventory, *batches)
    counted = recap(said)
    assert {name: counted[name]["changed"] for name in fleet.nodes} == dict.fromkeys(fleet.nodes, 0), said
    assert {name for name in fleet.nodes if counted[name]["failed"]} == set(FAILING), said
    assert fleet.stores() == after
    require_page(fleet, repaired)


def require_page(fleet: Fleet, repaired: set[str]) -> None:
    """`report` understands what was collected, after both runs."""
    table = fleet.directory / "fleet.csv"
    words = [
        "report",
        str(fleet.directory / "results"),
        "-o",
        str(fleet.directory / "fleet.html"),
        "--csv",
        str(table),
    ]
    subprocess.run([sys.executable, "-m", "dsmcertfix", *words], capture_output=True, check=True)
    states = {
        row["host"]: row["state"] for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    }
    told = {REFUSED: "rolled-back", UNREACHABLE: "untouched", DAMAGED: "untouched", HEALTHY: "healthy"}
    assert states == dict.fromkeys(repaired, "repaired") | told


def _result(fleet: Fleet, host: str, command: str) -> str:
    return (fleet.directory / "results" / f"{host}.{command}.json").read_text(encoding="utf-8")


def require_results(fleet: Fleet, repaired: set[str]) -> None:
    """What was found and done on each host, by the schema, says what became of it and names the host."""
    results = {
        name: json.loads(_result(fleet, name, "fix" if name != HEALTHY else "detect")) for name in fleet.nodes
    }
    found = {name: json.loads(_result(fleet, name, "detect")) for name in fleet.nodes}
    expected = {HEALTHY: 0, UNREACHABLE: FAILING[UNREACHABLE], DAMAGED: FAILING[DAMAGED]}
    assert {name: report["exit_code"] for name, report in found.items()} == dict.fromkeys(found, 3) | expected
    for name, report in results.items():
        require_schema(report)
        assert report["host"] == name
        assert report["exit_code"] == FAILING.get(name, 0), (name, report["comment"])
        assert report["changed"] is (name in repaired), name
    (hint,) = (store["problem"]["hint"] for store in results[REFUSED]["stores"])
    assert f"UPDATE NODE {REFUSED.upper()} SESSIONSECURITY=TRANSITIONAL" in hint


def test_check_mode_and_diff_show_certificates_and_change_nothing(
    controller: Controller, fleet: Fleet, pyz: Path
) -> None:
    endpoint = fleet.add("node01")
    old, new = fleet.state("TSM01").identity.sha256, fleet.state("TSM01").renew(Identity.make()).sha256
    variables = {**given(pyz, fleet), "repair_trust_on_first_use": False, "repair_facts": True}
    before = fleet.stores()

    # A repair that nobody told what to expect stops at once, a look does not.
    code, said = playbook(controller, fleet.inventory(variables))
    assert (code, "Nobody said which certificate to expect" in said) == (2, True), said
    assert not (endpoint.root / PROGRAM.lstrip("/")).exists()
    inventory = fleet.inventory({**variables, "repair_expect_sha256": [f"TSM01={new}"]})

    # On a node that has no program yet, check mode ships none.
    code, said = playbook(controller, inventory, "--check", "--diff")
    assert code == 0, said
    assert not (endpoint.root / PROGRAM.lstrip("/")).exists()

    # To look ships the program, collects what was found, and touches no store.
    code, said = playbook(controller, inventory, play=DETECT)
    assert code == 0, said
    found = json.loads(_result(fleet, "node01", "detect"))
    require_schema(found)
    assert (found["command"], found["exit_code"]) == ("detect", 3)
    assert fleet.stores() == before

    code, said = playbook(controller, inventory, "--check", "--diff")
    assert code == 0, said
    assert re.search(rf"^-.*, SHA-256 {old}$", said, re.MULTILINE), said
    assert re.search(rf"^\+.*fetched from TSM01.*, SHA-256 {new}$", said, re.MULTILINE), said
    assert fleet.stores() == before

    code, said = playbook(controller, inventory, "--diff", "-vvv")
    assert code == 0, said
    label = endpoint.label("TSM01")
    assert re.search(rf"^-.*{label}, valid until \d{{4}}-\d\d-\d\d, SHA-256 {old}$", said, re.MULTILINE), said
    assert re.search(rf"^\+.*{label}, valid until \d{{4}}-\d\d-\d\d, SHA-256 {new}$", said, re.MULTILINE), (
        said
    )
    stash = (endpoint.ba_directory / "dsmcert.sth").read_bytes()
    assert stash not in said.encode() and stash.hex() not in said and "played password" not in said

    facts = controller.run(
        "ansible",
        "-i",
        inventory,
        "all",
        "--limit",
        "node01",
        "-b",
        "-m",
        "setup",
        "-a",
        "filter=ansible_local",
    )
    assert facts.returncode == 0, facts.stdout
    told = json.loads(facts.stdout.partition("=>")[2])["ansible_facts"]["ansible_local"]["dsmcertfix"]
    require_schema(told)
    assert [one["sha256"] for store in told["stores"] for one in store["certificates"]] == [new]


def test_a_node_without_a_client_is_no_failure(controller: Controller, fleet: Fleet, pyz: Path) -> None:
    endpoint = fleet.add("node01")
    for file in endpoint.ba_directory.iterdir():
        file.unlink()
    code, said = playbook(controller, fleet.inventory({**given(pyz, fleet), "repair_results": ""}))
    assert code == 0, said
    assert recap(said)["node01"]["failed"] == 0


def test_ansible_lint_finds_nothing_for_production(controller: Controller) -> None:
    done = controller.run("ansible-lint", "--profile", "production", "--offline", cwd=controller.collection)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stderr + done.stdout


def test_the_documentation_of_the_modules_is_valid(controller: Controller) -> None:
    # ansible-test fetches a script that installs pip. Where it cannot, Python's own does the same.
    words = ("sanity", "--test", "validate-modules", "--python", "default", "--requirements")
    done = controller.run("ansible-test", *words, cwd=controller.collection)
    wanted = re.search(r"manually downloaded and saved to: (\S+)", done.stdout + done.stderr)
    if wanted:
        Path(wanted[1]).parent.mkdir(parents=True, exist_ok=True)
        Path(wanted[1]).write_text("import ensurepip\nensurepip.bootstrap()\n", encoding="utf-8")
        done = controller.run("ansible-test", *words, cwd=controller.collection)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("module", "certificates", "The SHA-256 fingerprints of which the new certificate must have one"),
        ("module", "certificates_info", "Whether action is needed."),
        ("role", "repair", "repair_reconnects_at_once"),
    ],
)
def test_ansible_doc_shows(kind: str, name: str, told: str, controller: Controller) -> None:
    done = controller.run("ansible-doc", "-t", kind, f"dsmcertfix.storage_protect.{name}")
    assert done.returncode == 0, done.stderr
    assert told in " ".join(done.stdout.split())
