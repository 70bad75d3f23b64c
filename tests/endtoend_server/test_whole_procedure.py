"""The renewal of a site, as docs/renewal.md leads through it: the server, three clients, and its own host."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine
from tests.server.host import LIMIT, ServerHost, identity

from dsmbench.identity import fingerprint
from dsmbench.runtime import scratch

PEERS = ("TSM02", "STA1")


class Site:
    """A server on its host, which is a client too and backs the database up; three clients. All STRICT."""

    def __init__(self, stack: ExitStack):
        self.host = ServerHost(stack.enter_context(scratch()))
        stack.callback(self.host.stop)
        self.instance = self.host.instance
        self.instance.add_unit()
        self.backup = self.instance.add_database_backup()
        self.clients = tuple(Machine(stack.enter_context(scratch())) for _ in range(3))
        self.nodes = ("HOST", "WS01", "WS02", "WS03")
        self.instance.start()
        for machine, node in zip((self.host, *self.clients), self.nodes, strict=True):
            self.instance.register(node, "STRICT")
            machine.endpoint.stanza("TSM01", self.instance.server, node=node)
            machine.endpoint.store(certificates=[self.trusted("TSM01", machine)])
        for place in (None, self.instance.directory):
            self.host.endpoint.store(
                place, user=None if place else self.instance.owner, owner=self.instance.owner,
                certificates=[self.trusted(self.backup, self.host)],
            )  # fmt: skip
        self.instance.update_node("$$_TSMDBMGR_$$", "STRICT")

    def trusted(self, name: str, machine: Machine) -> tuple[str, bytes]:
        """Label and certificate as a client stores them for the server now."""
        return machine.endpoint.label(name), self.instance.presented

    @property
    def stores_of_backup(self) -> tuple[Path, ...]:
        """The stores with which the server's database may be backed up."""
        return self.host.endpoint.home_store(self.instance.owner), self.instance.directory

    def signs_on(self, machine: Machine) -> bool:
        """Whether the client of that machine can sign on."""
        return machine.endpoint.dsmc("query", "session").returncode == 0

    def database_is_backed_up(self) -> bool:
        """Whether Db2 could: the played client signs on with the API's own stanza, as the instance's user."""
        done = self.host.endpoint.dsmc(
            "query",
            "session",
            user=self.instance.owner,
            DSM_DIR=str(self.host.endpoint.dbbkapi_directory),
            DSM_CONFIG=str(self.instance.directory / "tsmdbmgr.opt"),
        )
        return done.returncode == 0

    def administrator(self, macro: Path) -> str:
        """The macro was run on the server; what it answered."""
        state, place = self.instance.state.directory, self.instance.directory
        words = ("--state", str(state.parent), "--server", state.name, "--instance", str(place))
        done = subprocess.run(
            [sys.executable, "-m", "dsmbench.dsmadmc", *words, "macro", str(macro)],
            capture_output=True,
            text=True,
            check=False,
        )
        self.instance.give_back()
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def macro(self, *words: str | Path) -> Path:
        """The macro that the tool makes of these words."""
        path = self.host.directory / "made.mac"
        assert self.host.text("server", "macro", *words, "--output", path).code == 0
        return path

    @property
    def securities(self) -> set[str]:
        """The session securities of all nodes."""
        return {node.session_security for node in self.instance.state.nodes.values()}


@pytest.fixture
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack)


def test_at_once_as_apar_it42905_says(site: Site, tmp_path: Path) -> None:
    host, old = site.host, site.instance.sha256
    assert all(map(site.signs_on, (host, *site.clients))) and site.database_is_backed_up()

    # Days before: there is work, and this is what it would be.
    assert host.inspect().code == 3
    assert host.run("server", "renew", "--dry-run").report["steps"]

    # The day: nodes to TRANSITIONAL, and the renewal, which ends with the new fingerprint.
    nodes = tmp_path / "nodes.txt"
    nodes.write_text("\n".join(site.nodes))
    said = site.administrator(site.macro("transitional", "--from", nodes))
    assert [said.count(f"ANR2063I Node {node} updated.") for node in site.nodes] == [1] * 4
    answer = host.text("server", "renew", "--yes", *LIMIT)
    assert answer.code == 0, answer.stderr
    (printed,) = {*re.findall(r"--expect-sha256 ([0-9a-f]{64})", answer.stdout)}
    assert printed == site.instance.sha256 == fingerprint(site.instance.presented) != old

    # Until it is repaired a client is refused; with another fingerprint it is not repaired.
    assert not any(map(site.signs_on, (host, *site.clients)))
    assert not site.database_is_backed_up()
    wrong = site.clients[0].fix("--expect-sha256", identity("another").sha256)
    assert (wrong.code, wrong.problem) == (16, "unexpected-certificate")

    # The host's own stores: its client's, and those of the database backup, which are left STRICT.
    own = host.fix("--expect-sha256", printed)
    assert own.code == 0, own.stderr
    outcomes = {store["directory"]: store["outcome"] for store in own.report["stores"]}
    assert outcomes == {str(path): "changed" for path in (host.ba, *site.stores_of_backup)}
    assert len(own.notes("check-stanza")) == 2
    assert site.signs_on(host) and site.database_is_backed_up()
    for place in site.stores_of_backup:
        assert host.held(place) == {host.endpoint.label(site.backup): printed}
        assert {path.stat().st_uid for path in place.glob("dsmcert.*")} == {site.instance.owner.uid}

    # The peers, and the clients.
    assert "ANR1662I" in site.administrator(
        site.macro("forcesync", *(w for peer in PEERS for w in ("--peer", peer)))
    )
    for client in site.clients:
        assert client.run("detect").code == 3
        assert client.fix("--expect-sha256", printed).code == 0
        assert client.held() == {client.endpoint.label("TSM01"): printed}
        assert site.signs_on(client)
        assert client.run("detect").code == 0

    # At the end everybody is STRICT again, and nothing is left to do.
    assert site.securities == {"STRICT"}
    assert host.inspect().code == 0
    assert host.run("detect").code == 0
    assert [machine.left_behind() for machine in (host, *site.clients)] == [[]] * 4


def test_ahead_of_time_nobody_is_ever_refused(site: Site, tmp_path: Path) -> None:
    host, directory = site.host, site.instance.directory
    everybody = (host, *site.clients)

    # The new certificate is made and exported; the old one is in use.
    site.administrator(site.macro("certificate", "--label", "TSM2027"))
    (arm,) = [item for item in host.inspect().report["instances"][0]["arms"] if item["name"] == "TSM2027.arm"]
    assert arm["label"] == "TSM2027"
    both = tmp_path / "both.arm"
    both.write_bytes((directory / "cert256.arm").read_bytes() + (directory / "TSM2027.arm").read_bytes())
    assert all(map(site.signs_on, everybody))

    # Every client gets both.
    for machine in everybody:
        assert machine.run("trust", "--server", "TSM01", "--file", both, "--yes").code == 0
        assert {site.instance.sha256, arm["sha256"]} <= {*machine.held().values()}
        assert site.signs_on(machine)
    given = host.run("trust", "--server", site.backup, "--file", both, "--yes")
    assert given.code == 0 and site.database_is_backed_up()

    # It becomes the default; the server is restarted.
    site.administrator(site.macro("default-certificate", "--label", "TSM2027"))
    site.instance.stop()
    site.instance.start()
    assert fingerprint(site.instance.presented) == arm["sha256"]

    # Nobody fetches anything, and nobody is refused: all nodes are STRICT.
    assert all(map(site.signs_on, everybody)) and site.database_is_backed_up()
    assert site.securities == {"STRICT"}
    for machine in everybody:
        assert machine.run("detect").code == 0
    (told,) = host.inspect("--expires-within", "0").report["instances"]
    assert (told["label"], told["sha256"]) == ("TSM2027", arm["sha256"])
    refused = host.run("server", "renew", "--yes")
    assert (refused.code, refused.problem) == (12, "label-not-default")


def test_when_it_already_ran_out() -> None:
    with ExitStack() as stack:
        late = ServerHost(stack.enter_context(scratch()), identity=identity("expired", -3))
        stack.callback(late.stop)
        client = Machine(stack.enter_context(scratch()))
        late.instance.start()
        late.instance.register("LATE")
        client.endpoint.stanza("TSM01", late.instance.server, node="LATE")
        client.endpoint.store(certificates=[(client.endpoint.label("TSM01"), late.instance.presented)])
        before = client.fix()
        assert (before.code, before.problem) == (16, "server-not-renewed")
        assert late.server_renew().code == 0
        assert client.fix("--expect-sha256", late.instance.sha256).code == 0
        assert client.held() == {client.endpoint.label("TSM01"): late.instance.sha256}
