"""The renewal of a server's certificate by the collection's playbook, over real ssh and sudo.

The nodes are those of `ssh_fleet.py`: each has an sshd on a port of loopback, and namespaces of files, name
and processes.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests import namespaces
from tests.shown import not_shown
from tests.unixpack import pythons
from tests.unixpack.ansible import Controller, recap
from tests.unixpack.fleet import hides_our_python, python_of_the_nodes
from tests.unixpack.ssh_fleet import SshFleet, require_programs
from tests.unixpack.test_ansible import playbook

from dsmbench import keystore
from dsmbench.identity import Identity
from dsmbench.runtime import scratch

pytestmark = pytest.mark.slow

CANARY, MODERN, STRICT, OTHERS = "node01", "node02", "node03", "node04"
"""The last one is a client of TSM02."""
DOWN, SILENT = "node05", "node06"
"""Nothing listens there; something does, and never says a word."""
THERE = (CANARY, MODERN, STRICT, OTHERS)
STAGED = {CANARY, MODERN, STRICT}
PLAY = "dsmcertfix.storage_protect.renew"
PROGRAM = "/usr/local/bin/dsmcertfix"
"""As if from a package: how the program is shipped is the matter of other tests."""
SESSION = ["/opt/tivoli/tsm/client/ba/bin/dsmc", "query", "session"]


@pytest.fixture
def fleet() -> Iterator[SshFleet]:
    """Six nodes of which four answer; their server's new certificate is made, and not presented yet."""
    namespaces.require()
    require_programs()
    if not python_of_the_nodes().exists() or hides_our_python():
        not_shown("a node needs a Python in /usr/bin, and the bench one that the nodes' view does not hide")
    with scratch() as directory:
        made = SshFleet(directory)
        made.start()
        try:
            for name in (*THERE, DOWN, SILENT):
                security = "STRICT" if name == STRICT else "TRANSITIONAL"
                made.add(name, "TSM02" if name == OTHERS else "TSM01", security=security)
                for program in (directory / "dsmcertfix", made.nodes[name].root / PROGRAM.lstrip("/")):
                    program.parent.mkdir(exist_ok=True)
                    program.write_text(
                        f'#!/bin/sh\nexec {sys.executable} -m dsmcertfix "$@"\n', encoding="utf-8"
                    )
                    program.chmod(0o755)
            for name in THERE:
                made.boot(name)
            made.down(DOWN)
            made.no_answer(SILENT)
            made.interpreters[CANARY] = str(pythons.find("3.6") or "/usr/bin/python3")
            yield made
        finally:
            made.shut_down()


class Renewal:
    """The renewal of TSM01's certificate at this site: its files, and the playbook."""

    def __init__(self, controller: Controller, fleet: SshFleet):
        self.controller, self.fleet = controller, fleet
        self.old, self.new = fleet.state("TSM01").identity, Identity.make()
        self.results = fleet.directory / "results/of TSM01"
        files = fleet.directory / "renewal"
        files.mkdir()
        for name, content in (
            ("old.arm", self.old.arm),
            ("new.arm", self.new.arm),
            ("new.pem", self.new.pem),
        ):
            (files / name).write_bytes(content)
        for name, allowed in (("both", (self.old, self.new)), ("afterwards", (self.new,))):
            (files / f"{name}.toml").write_text(policy(*allowed), encoding="utf-8")
        # What the server is to present is moved into its place: a second switch would fail.
        switch = ["/bin/mv", str(files / "new.pem"), str(fleet.directory / "servers/TSM01/identity.pem")]
        self.given: dict[str, Any] = {
            "ansible_pipelining": True,
            "ansible_timeout": 5,
            "repair_program": PROGRAM,
            "renew_program": str(fleet.directory / "dsmcertfix"),
            "repair_results": str(self.results),
            "repair_task_limit": 120,
            "repair_ask_limit": 20,
            "renew_server": "TSM01",
            "renew_old_certificate": str(files / "old.arm"),
            "renew_certificate": str(files / "new.arm"),
            "renew_policy": str(files / "both.toml"),
            "renew_policy_afterwards": str(files / "afterwards.toml"),
            "renew_switch_command": switch,
            "renew_session_command": SESSION,
            "renew_until": "clean",
        }

    def run(self, *words: str, **more: Any) -> tuple[int, str]:
        """The playbook has ended: its exit code, and what it said."""
        settings = json.dumps({"repair_batches": ["100%"], **more})
        options = ("--forks", "6", "--extra-vars", settings, *words)
        return playbook(self.controller, self.fleet.inventory(self.given), *options, play=PLAY)

    def holders(self, which: Identity) -> set[str]:
        """The nodes whose stores hold that certificate."""
        held = {name: keystore.certificates(node.ba_directory) for name, node in self.fleet.nodes.items()}
        return {name for name, found in held.items() if which.der in found.values()}

    @property
    def switched(self) -> bool:
        """Whether the server presents the new certificate."""
        return self.fleet.state("TSM01").identity.sha256 == self.new.sha256

    @property
    def refused(self) -> list[str]:
        """The sign-ons that its server did not grant."""
        return [event.node for event in self.fleet.state("TSM01").events if event.what == "refused"]


def policy(*allowed: Identity) -> str:
    """The site's policy that allows these certificates of TSM01."""
    listed = "".join(f'\n[[server.certificate]]\nsha256 = "{each.sha256}"\n' for each in allowed)
    return f'schema = "dsmcertfix.policy/1"\n\n[[server]]\nname = "TSM01"\n{listed}'


def counted(said: str, what: str) -> dict[str, int]:
    """How often that happened on each node for which it did."""
    return {name: counts[what] for name, counts in recap(said).items() if counts[what]}


def test_a_renewal_of_which_one_node_is_down_one_strict_and_one_silent(
    oldest_controller: Controller, fleet: SshFleet
) -> None:
    renewal = Renewal(oldest_controller, fleet)
    before = fleet.stores()

    # Two of five clients did not answer: all others are staged, and the server is not switched.
    code, said = renewal.run(repair_batches=[1, "100%"])
    assert code == 2, said
    assert "no-go: Switching TSM01 today would refuse 2 of 5 endpoints (2 silent)." in said, said
    assert not renewal.switched
    assert renewal.holders(renewal.new) == STAGED
    assert renewal.holders(renewal.old) == STAGED | {DOWN, SILENT}
    assert fleet.stores()[OTHERS] == before[OTHERS]
    table = (renewal.results / "forecast.csv").read_text(encoding="utf-8").splitlines()
    refused = {row["host"] for row in csv.DictReader(table) if row["refused"] == "yes"}
    assert refused == {DOWN, SILENT}
    policy = fleet.nodes[STRICT].root / "etc/dsmcertfix/policy.toml"
    assert renewal.old.sha256 in policy.read_text(encoding="utf-8")

    # It goes on where it stopped: nobody is staged again, the server switches, the old one goes.
    code, said = renewal.run(renew_gate=60)
    assert code == 2, said
    assert set(counted(said, "failed")) == {DOWN, SILENT}, said
    assert "4 well, 0 failed, 2 did not answer, 0 left alone" in said, said
    assert renewal.switched
    assert renewal.holders(renewal.new) == STAGED
    assert renewal.holders(renewal.old) == {DOWN, SILENT}
    assert renewal.old.sha256 not in policy.read_text(encoding="utf-8")
    assert renewal.refused == []
    cleaned = fleet.stores()
    assert {name for name in cleaned if cleaned[name] != before[name]} == STAGED

    # A second time nothing changes. One that was down comes back after the switch, and is put in order
    # without a fetch: by the same run, which leaves all others as they are.
    fleet.boot(DOWN)
    code, said = renewal.run()
    assert (code, set(counted(said, "failed"))) == (2, {SILENT}), said
    assert set(counted(said, "changed")) == {DOWN}, said
    assert (renewal.holders(renewal.new), renewal.holders(renewal.old)) == ({*STAGED, DOWN}, {SILENT})
    assert {**fleet.stores(), DOWN: cleaned[DOWN]} == cleaned
    assert {event.what for event in fleet.state("TSM01").events}.isdisjoint({"fetched", "refused"})


def test_check_mode_a_switch_that_fails_and_one_that_nobody_made_take_nothing_from_anybody(
    oldest_controller: Controller, fleet: SshFleet
) -> None:
    renewal = Renewal(oldest_controller, fleet)
    before = fleet.stores()

    # Check mode tells what it would do, and changes no node and no server.
    code, said = renewal.run("--check", renew_gate=0)
    assert set(counted(said, "changed")) >= STAGED, said
    assert fleet.stores() == before
    assert not renewal.switched

    # The switch fails: it is an error, and nothing is taken out. Both certificates are trusted.
    code, said = renewal.run(renew_gate=60, renew_switch_command=["/bin/false"])
    assert code == 2, said
    assert not renewal.switched
    assert renewal.holders(renewal.new) == STAGED
    assert renewal.holders(renewal.old) == STAGED | {DOWN, SILENT}
    staged = fleet.stores()

    # Nobody is there to press Enter, and nobody switched: no node is proved, and none loses the old one.
    awaited = {"repair_awaited_times": 1, "repair_awaited_pause": 1}
    code, said = renewal.run(renew_gate=60, renew_switch_command=[], **awaited)
    assert code == 2, said
    assert set(counted(said, "failed")) >= STAGED, said
    assert fleet.stores() == staged

    # The same again with a switch that works goes on from there.
    code, said = renewal.run(renew_gate=60)
    assert renewal.switched, said
    assert renewal.holders(renewal.old) == {DOWN, SILENT}
    assert renewal.refused == []
