"""The nodes that their servers refused because they are STRICT, by server.

Only what an endpoint's newest state still says counts: a node that was repaired since is not in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dsmcertfix.client.messages import refused_as_strict
from dsmcertfix.errors import FailedSession
from dsmcertfix.fleet.endpoints import Endpoint
from dsmcertfix.fleet_report import NodeReport

# https://www.ibm.com/docs/SSSQZW_7.1.0/com.ibm.itsm.srv.ref.doc/t_cmdline_object_name.html: A-Z 0-9 _ . - + &
_NODE_NAME = re.compile(r"[A-Z0-9_.+&-]{1,64}\Z")


def refused(endpoints: Iterable[Endpoint]) -> tuple[NodeReport, ...]:
    """Each refused node of each server once, in order; those that cannot be named to a server say why not."""
    found: dict[tuple[str, str, str | None], list[tuple[str, FailedSession]]] = {}
    for endpoint, session in _sessions(endpoints):
        node = (session.node or "").upper()
        unusable = _unusable(node, session)
        # A node without a name is another one on every host.
        key = ((session.server or "").lower(), node or endpoint.host, unusable)
        found.setdefault(key, []).append((endpoint.host, session))
    return tuple(
        NodeReport(
            server,
            node if met[0][1].node else None,
            tuple(dict.fromkeys(host for host, _ in met)),
            tuple(dict.fromkeys(session.stanza for _, session in met)),
            met[0][1].code,
            unusable,
        )
        for (server, node, unusable), met in sorted(found.items(), key=lambda item: item[0][:2])
    )


def _sessions(endpoints: Iterable[Endpoint]) -> Iterator[tuple[Endpoint, FailedSession]]:
    for endpoint in endpoints:
        for problem in endpoint.problems:
            if problem.session is not None and refused_as_strict(problem.session.code):
                yield endpoint, problem.session


def _unusable(node: str, session: FailedSession) -> str | None:
    if not node:
        return "the stanza has no NODENAME: the client takes the name of its host"
    if not _NODE_NAME.match(node):
        return "this is no name that a node can have"
    return None if session.server else "it is not known of which server it is a node"
