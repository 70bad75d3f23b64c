"""A fleet of played endpoints that Ansible manages: each sees its own /etc, /opt, /home, /var and name.

Ansible's connection is local, and what stands for sudo enters the node's namespaces. All nodes are clients of
servers in one process; an administrator's host has a played dsmadmc.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.namespaces import View

from dsmbench import console
from dsmbench.endpoint import Endpoint
from dsmbench.runtime import write_program
from dsmbench.server import HOST
from dsmbench.snapshot import Seen, snapshot
from dsmbench.state import Node, ServerState

OWN = ("etc", "home", "opt", "root", "usr/local", "var")
SERVERS = ("TSM01", "TSM02")
NOWHERE = (HOST, 1)


@dataclass(slots=True)
class Fleet:
    """Nodes by name, below a directory that every user can enter."""

    directory: Path
    nodes: dict[str, Endpoint] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def start(self) -> None:
        """The servers run, and the administrator's client can reach them."""
        console.start(self._servers, list(SERVERS))
        write_program(self.dsmadmc, "dsmbench.dsmadmc", "--state", self._servers, "--server", "TSM01")

    def stop(self) -> None:
        """No server runs."""
        console.stop(self._servers)

    @property
    def dsmadmc(self) -> Path:
        """The administrator's client."""
        return self.directory / "admin/dsmadmc"

    @property
    def _servers(self) -> Path:
        return self.directory / "servers"

    def state(self, server: str) -> ServerState:
        """What that server knows."""
        return ServerState(self._servers / server)

    def add(
        self, name: str, server: str = "TSM01", *, security: str = "TRANSITIONAL", **variables: Any
    ) -> Endpoint:
        """A node of that name whose client trusts the server's certificate of now."""
        state = self.state(server)
        node = name.upper()
        state.set_node(node, Node(security))  # type: ignore[arg-type]
        endpoint = Endpoint(self.directory / name)
        endpoint.stanza(server, (HOST, console.ports(self._servers)[server]), node=node)
        endpoint.store(certificates=[(endpoint.label(server), state.identity.der)])
        for place in (*OWN, "var/lib", "var/cache", "var/tmp"):
            (endpoint.root / place).mkdir(parents=True, exist_ok=True)
        self.nodes[name] = endpoint
        self.variables[name] = variables
        return endpoint

    def view(self, name: str) -> View:
        """What a program on that node sees."""
        return View({f"/{place}": self.nodes[name].root / place for place in OWN}, host_name=name)

    def inventory(self, variables: Mapping[str, Any], names: Sequence[str] = ()) -> Path:
        """An inventory of these nodes (without any, all), in this order, and the administrator's host."""
        hosts: dict[str, Mapping[str, Any]] = {}
        for name in names or self.nodes:
            enter = self.directory / f"enter-{name}"
            argv = self.view(name).argv(PATH="/usr/sbin:/usr/bin:/sbin:/bin", HOME="/root")
            # Ansible says: sudo -H -S -n -u root /bin/sh -c ...
            loop = 'while [ "$1" != /bin/sh ]; do shift; done'
            enter.write_text(f'#!/bin/sh\n{loop}\nexec {shlex.join(argv)} "$@"\n', encoding="utf-8")
            enter.chmod(0o755)
            hosts[name] = {"ansible_become_exe": str(enter), **self.variables[name]}
        everywhere = {
            "ansible_connection": "local",
            # Nothing is ever done as root but in a node.
            "ansible_become_exe": "/bin/false",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_remote_tmp": str(self.directory / "ansible-tmp"),
            **variables,
        }
        file = self.directory / "inventory.json"
        told = {
            "all": {
                "vars": everywhere,
                "children": {"storage_protect_clients": {"hosts": hosts}, "admins": {"hosts": {"admin": {}}}},
            }
        }
        file.write_text(json.dumps(told), encoding="utf-8")
        return file

    def stores(self) -> dict[str, dict[str, Seen]]:
        """The files of each node's store."""
        return {name: snapshot(endpoint.ba_directory, "dsmcert.*") for name, endpoint in self.nodes.items()}


def python_of_the_nodes() -> Path:
    """The Python that Ansible's modules run on."""
    return Path("/usr/bin/python3")


def hides_our_python() -> bool:
    """Whether the Python that the bench runs on lies where the nodes see something else."""
    base = Path(sys.base_prefix)
    return any(base.is_relative_to(Path("/", place)) for place in OWN if place != "root")
