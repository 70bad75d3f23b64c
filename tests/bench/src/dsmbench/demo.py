"""The endpoint of the demo: `python -m dsmbench.endpoint demo ROOT --state DIR`.

Two servers, TSM01 and TSM02, in a process of their own (console.py; started when they do not run), and four
stores with four nodes:

    the BA client's directory    version 4  node ROOT    stanzas TSM01 and TSM02
    the API's directory          version 3  node API     stanzas TSM01 and TSM02
    alice's home                 version 6  node ALICE   stanza TSM02_ALICE, its PASSWORDDIR in her home
    the PASSWORDDIR of a stanza  version 4  node SECOND  stanza TSM02_SECOND, /opt/second/adsm

Every node is TRANSITIONAL but those named with --strict. `python -m dsmbench.server` does the rest.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dsmbench import console
from dsmbench.endpoint import Endpoint
from dsmbench.server import HOST
from dsmbench.state import Node, ServerState

SERVERS = ("TSM01", "TSM02")
NODES = {"ROOT": SERVERS, "API": SERVERS, "ALICE": ("TSM02",), "SECOND": ("TSM02",)}
SECOND = "/opt/second/adsm"


def build(root: Path, state: Path, strict: frozenset[str] = frozenset()) -> Endpoint:
    """The endpoint stands below `root`, and its servers run. Raises RuntimeError when they cannot."""
    ports = console.ports(state) if console.running(state) else console.start(state, list(SERVERS))
    servers = {name: ServerState(state / name) for name in SERVERS}
    for node, known_by in NODES.items():
        for server in known_by:
            servers[server].set_node(node, Node("STRICT" if node in strict else "TRANSITIONAL"))
    at = {name: (HOST, ports[name]) for name in SERVERS}
    der = {name: servers[name].identity.der for name in SERVERS}

    endpoint = Endpoint(root, client_mode="8.2.2")
    alice = endpoint.user("alice")
    endpoint.system_options("DEFAULTServer  TSM01\n\n")
    for name in SERVERS:
        endpoint.stanza(name, at[name], node="ROOT")
    endpoint.stanza("TSM02_ALICE", at["TSM02"], node="ALICE", passworddir="/home/alice/adsm", owner=alice)
    endpoint.stanza("TSM02_SECOND", at["TSM02"], node="SECOND", passworddir=SECOND)
    api = endpoint.add_api()
    for name in SERVERS:
        endpoint.stanza(name, at[name], node="API", directory=api)

    both = [(endpoint.label(name), der[name]) for name in SERVERS]
    endpoint.store(certificates=both, version=4)
    endpoint.store(api, certificates=both, version=3)
    endpoint.store(user=alice, certificates=[(endpoint.label("TSM02_ALICE"), der["TSM02"])], version=6)
    endpoint.store(SECOND, certificates=[(endpoint.label("TSM02_SECOND"), der["TSM02"])], version=4)
    return endpoint


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m dsmbench.endpoint", description="Builds a played endpoint."
    )
    demo = parser.add_subparsers(required=True).add_parser("demo", help="the endpoint of the demo")
    demo.add_argument("root", type=Path, metavar="ROOT")
    demo.add_argument("--state", type=Path, required=True, metavar="DIR", help="of the servers")
    demo.add_argument(
        "--strict", action="append", default=[], choices=list(NODES), help="a node that is STRICT"
    )
    options = parser.parse_args()
    try:
        build(options.root, options.state, frozenset(options.strict))
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"dsmbench.endpoint: {error}\n")
        return 1
    return 0
