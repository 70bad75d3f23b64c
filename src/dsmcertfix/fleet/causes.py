"""Why endpoints are not well: one row a cause, ranked, each with who must act and what to do."""

from __future__ import annotations

from collections.abc import Iterable

from dsmcertfix.fleet.endpoints import GOOD, Endpoint
from dsmcertfix.report.causes import Cause, Reasons, folded, key, of_statuses

_WORDS = {
    "silent": (
        "No result came from it",
        "See whether it is switched on, reached by the deployment, and has its result collected.",
    ),
    "no-reason-told": ("The results do not say why", "Run `dsmcertfix detect` there."),
}


def causes(endpoints: Iterable[Endpoint]) -> tuple[Cause, ...]:
    """The causes, the most frequent first, covering endpoints by their number."""
    return folded(map(reasons, endpoints), _WORDS)


def reasons(endpoint: Endpoint) -> Reasons:
    """The keys of its causes; none for an endpoint that is well."""
    if endpoint.state in GOOD:
        return {}
    if endpoint.state == "silent":
        return {"silent": None}
    found: Reasons = {key(problem): problem for problem in endpoint.problems}
    if endpoint.state == "needed" and endpoint.last is not None:
        held = (status for store in endpoint.last.stores for _, status in store.certificates)
        found = {**found, **of_statuses(held)}
    return found or {"no-reason-told": None}
