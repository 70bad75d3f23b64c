"""Why the stores of one machine are not well: the machine's causes, folded like a fleet's. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dsmcertfix.errors import FailedSession, Problem
from dsmcertfix.report.causes import Cause, Reasons, folded, key, of_statuses
from dsmcertfix.report.result import PresentedReport, Report, StoreReport

NO_SERVER, REFUSED = "no-server-answers", "refused-by-ibms-tls"
_BRING = "`dsmcertfix plan` says what brings it there."
_WORDS = {
    NO_SERVER: (
        "No server answers: is this computer on the network or VPN?",
        "Where it is, ask the administrator of the backup server whether it runs.",
    ),
    "policy-missing": ("A certificate that the site's policy wants is missing", _BRING),
    "policy-outdated": ("A stored certificate is outdated by the site's policy", _BRING),
    "policy-unexpected": (
        "A stored certificate is unexpected: the site's policy does not have it",
        "`dsmcertfix --verbose detect` says which, and `dsmcertfix plan` whether it goes.",
    ),
    REFUSED: ("IBM's TLS refuses the server with what the store holds", "Run `dsmcertfix plan`."),
}


def causes_of(report: Report) -> tuple[Cause, ...]:
    """The causes, covering the report's stores by their number; the one after them is the machine."""
    asked = [server for server in report.servers if server.sha256 or server.problem]
    silent = {server.problem.code for server in asked if server.problem is not None}
    if len(asked) < 2 or any(server.sha256 for server in asked):
        silent = set()

    def of_problem(problem: Problem) -> Reasons:
        return {NO_SERVER: None} if problem.code in silent else {key(problem): problem}

    things = [dict(_reasons(report, store, of_problem)) for store in report.stores]
    own = report.problem
    if own is not None and not any(key(own) in found or NO_SERVER in found for found in things):
        things.append(dict(of_problem(own)))
    return folded(things, _WORDS)


def _reasons(
    report: Report, store: StoreReport, of_problem: Callable[[Problem], Reasons]
) -> Iterator[tuple[str, Problem | None]]:
    if store.problem is not None:
        yield from of_problem(store.problem).items()
    if report.command not in ("detect", "plan"):
        return
    statuses = {one.status for one in store.certificates}
    yield from of_statuses(statuses).items()
    for server in servers_of(report, [store]):
        if server.problem is not None and server.sha256 is None:
            yield from of_problem(server.problem).items()
    for told in store.policy:
        if told.standing != "fine":
            yield f"policy-{told.standing}", None
    if any(proof.answer == "refused" for proof in store.proofs):
        yield REFUSED, None


def servers_of(report: Report, stores: list[StoreReport]) -> list[PresentedReport]:
    """The servers that these stores are used for."""
    names = {name for store in stores for name in store.stanzas}
    return [server for server in report.servers if names.intersection(server.stanzas)]


def sessions_of(stores: list[StoreReport]) -> list[FailedSession]:
    """The sessions that were not granted with these stores."""
    return [store.problem.session for store in stores if store.problem and store.problem.session]
