"""The macro for the server's administrator: what lets refused nodes fetch the certificate once more. Pure.

A macro of dsmadmc has one command a line; comments stand between /* and */. Without a COMMIT after each
command one unknown node would roll all of them back.
https://www.ibm.com/docs/en/SSGSG7_7.1.7/srv.admin/r_srv_auto_macro.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dsmcertfix import __version__
from dsmcertfix.fleet_report import NodeReport

_PLAIN = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}\Z")


def macro(nodes: Sequence[NodeReport], server: str, results: int) -> str:
    """The text of the macro for one server, in ASCII; nodes that cannot be named are only counted in it.

    Raises ValueError for a node name that is none: nothing else than a name gets between the quotation marks.
    """
    usable = [node for node in nodes if node.unusable is None and node.server == server]
    lines = [
        f"/* dsmcertfix {__version__}: nodes of {_plain(server)} that are STRICT, from {results} results. */",
        "/* With TRANSITIONAL the server hands its certificate out once more; the next session of the */",
        "/* client makes the node STRICT again. Run it on that server, then dsmcertfix fix on the hosts. */",
    ]
    for node in usable:
        lines.append(f"/* {_hosts(node.hosts)} */")
        lines += [f'UPDATE NODE "{_name(node.node)}" SESSIONSECURITY=TRANSITIONAL', "COMMIT"]
    if not usable:
        lines.append("/* No node of this server was refused. */")
    return "\n".join(lines)


def _name(node: str | None) -> str:
    if node is None or not re.fullmatch(r"[A-Z0-9_.+&-]{1,64}", node):
        raise ValueError(f"{node!r} is no node name")
    return node


def _hosts(hosts: Iterable[str]) -> str:
    named = [_plain(host) for host in hosts]
    return ", ".join(named[:5]) + (f" and {len(named) - 5} more hosts" if len(named) > 5 else "")


def _plain(text: str) -> str:
    """Nothing from a result may end the comment."""
    return text if _PLAIN.match(text) else "(a name that is not plain)"
