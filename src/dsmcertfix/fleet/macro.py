"""The macro for the server's administrator: what lets refused nodes fetch the certificate once more. Pure.

A macro of dsmadmc has one command a line; comments stand between /* and */. Without a COMMIT after each
command one unknown node would roll all of them back.
https://www.ibm.com/docs/en/SSGSG7_7.1.7/srv.admin/r_srv_auto_macro.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dsmcertfix import __version__
from dsmcertfix.ibm.server.macros import update_node
from dsmcertfix.report.details import NodeReport

_NOBODY_VOUCHES = (
    "/* LOOK FIRST: no inventory was given. A result says itself of which host it is, and its node is */",
    "/* here because it is called like that host. Take out each node that you did not expect in here. */",
)

_PLAIN = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}\Z")


def macro(nodes: Sequence[NodeReport], server: str, results: int, *, inventory: bool) -> str:
    """The text of the macro for one server, in ASCII; with each node the hosts whose results asked for it.

    Without an `inventory` it says that nobody vouched for these hosts.

    Raises UsageError for a node name that is none.
    """
    usable = [node for node in nodes if node.unusable is None and node.server == server]
    lines = [
        f"/* dsmcertfix {__version__}: nodes of {_plain(server)} that are STRICT, from {results} results. */",
        "/* With TRANSITIONAL the server hands its certificate out once more; the next session of the */",
        "/* client makes the node STRICT again. Run it on that server, then dsmcertfix fix on the hosts. */",
        *(() if inventory else _NOBODY_VOUCHES),
    ]
    for node in usable:
        lines.append(f"/* asked for by the result of {_hosts(node.hosts)} */")
        lines += update_node(node.node or "", "TRANSITIONAL")
    if not usable:
        lines.append("/* No node of this server was refused. */")
    return "\n".join(lines)


def file_names(servers: Sequence[str], wanted: str = "refused.mac") -> dict[str, str]:
    """For each of several servers the name of its own macro: `refused-tsm01.example.com-1500.mac`.

    What a result calls a server is a claim: nothing but letters, digits, dots and hyphens comes into a name.
    """
    start, dot, end = wanted.rpartition(".")
    names: dict[str, str] = {}
    for number, server in enumerate(servers, 1):
        plain = re.sub(r"[^a-z0-9.-]+", "-", server.lower()).strip("-.")[:100] or str(number)
        if any(name == _file_name(start, plain, dot, end) for name in names.values()):
            plain = f"{plain}-{number}"
        names[server] = _file_name(start, plain, dot, end)
    return names


def _file_name(start: str, server: str, dot: str, end: str) -> str:
    return f"{start}-{server}{dot}{end}" if start else f"{end}-{server}"


def _hosts(hosts: Iterable[str]) -> str:
    named = [_plain(host) for host in hosts]
    return ", ".join(named[:5]) + (f" and {len(named) - 5} more hosts" if len(named) > 5 else "")


def _plain(text: str) -> str:
    """Nothing from a result may end the comment."""
    return text if _PLAIN.match(text) else "(a name that is not plain)"
