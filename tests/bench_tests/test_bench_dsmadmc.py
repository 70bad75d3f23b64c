"""The played administrator's client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dsmbench.identity import Identity
from dsmbench.state import Node, ServerState


def _dsmadmc(state: Path, command: str) -> subprocess.CompletedProcess[str]:
    options = ["--state", str(state), "--server", "TSM01", "-credentialsfile=/root/admin", "-dataonly=yes"]
    return subprocess.run(
        [sys.executable, "-m", "dsmbench.dsmadmc", *options, command],
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_sets_the_security_of_a_node_that_is_known(tmp_path: Path) -> None:
    state = ServerState.create(tmp_path / "TSM01", {"HOST1": Node("STRICT")}, Identity.make())
    done = _dsmadmc(tmp_path, "update node host1 SESSIONSECURITY=TRANSITIONAL")
    assert (done.returncode, done.stdout) == (0, "ANR2063I Node HOST1 updated.\n")
    assert state.nodes["HOST1"].session_security == "TRANSITIONAL"


def test_it_refuses_other_nodes_and_commands(tmp_path: Path) -> None:
    ServerState.create(tmp_path / "TSM01", {}, Identity.make())
    assert _dsmadmc(tmp_path, "UPDATE NODE HOST2 SESSIONSECURITY=TRANSITIONAL").returncode == 11
    assert _dsmadmc(tmp_path, "HALT").returncode == 3
