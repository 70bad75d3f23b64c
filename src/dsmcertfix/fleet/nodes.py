"""The nodes that their servers refused because they are STRICT, by server.

Only what an endpoint's newest state still says counts: a node that was repaired since is not in it. A result
speaks for its own host alone. Whose node a node is the inventory says; where it does not, a node is a host's
that is called like it, which is what a client does without NODENAME.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dsmcertfix.errors import FailedSession
from dsmcertfix.fleet.endpoints import Endpoint
from dsmcertfix.ibm.client.messages import refused_as_strict
from dsmcertfix.ibm.server.macros import is_name
from dsmcertfix.report.details import NodeReport

_BETWEEN = re.compile(r"[^A-Z0-9]+")


def refused(endpoints: Iterable[Endpoint]) -> tuple[NodeReport, ...]:
    """Each refused node of each server once, in order; those that do not go into a macro say why not."""
    found: dict[tuple[str, str, str | None], list[tuple[str, FailedSession]]] = {}
    for endpoint, session in _sessions(endpoints):
        node = (session.node or "").upper()
        unusable = _unusable(node, session) or _not_its_own(node, endpoint)
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
    """The sessions that were refused: the server's own code for it stands in the result of a repair."""
    for endpoint in endpoints:
        for problem in endpoint.problems:
            if problem.session is not None and refused_as_strict(problem.session.code):
                yield endpoint, problem.session


def _unusable(node: str, session: FailedSession) -> str | None:
    if not node:
        return "the stanza has no NODENAME: the client takes the name of its host"
    if not is_name(node):
        return "this is no name that a node can have"
    return None if session.server else "it is not known of which server it is a node"


def _not_its_own(node: str, endpoint: Endpoint) -> str | None:
    """Why a result of that endpoint does not speak for the node; None when it does."""
    if endpoint.expected is False:
        return "the inventory does not have this host"
    if endpoint.nodes:
        return None if node in endpoint.nodes else "the inventory does not have this node on this host"
    host = endpoint.host.upper()
    if alike(node) in (alike(host), alike(host.partition(".")[0])):
        return None
    return "no inventory says that it is a node of this host, and it is called otherwise"


def alike(name: str) -> str:
    """The name with one separator: hosts have hyphens where nodes have underscores."""
    return _BETWEEN.sub("-", name)
