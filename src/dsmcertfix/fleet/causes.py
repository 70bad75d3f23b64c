"""Why endpoints are not well: one row a cause, ranked, each with who must act and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dsmcertfix.catalogue import CATALOGUE
from dsmcertfix.client import messages
from dsmcertfix.errors import Problem
from dsmcertfix.fleet.endpoints import GOOD, Endpoint

STATUSES = {
    "replaced": (
        "The server presents another certificate than the stored one: it was renewed",
        "Run `dsmcertfix plan`, then `dsmcertfix fix --yes`.",
    ),
    "expired": (
        "The stored certificate ran out",
        "Renew the certificate on the server where that is not done yet, then run `dsmcertfix fix --yes`.",
    ),
    "expiring": (
        "The stored certificate is about to run out",
        "Renew the certificate on the server (APAR IT42905), then run `dsmcertfix fix --yes`.",
    ),
}
"""What the statuses that need action mean, and what to do, the worst first."""

_SILENT = (
    "No result came from it",
    "See whether it is switched on, reached by the deployment, and has its result collected.",
)
_YOU = "you"


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason, with which `endpoints` (by number) are not well; `key` is the same in every report."""

    key: str
    meaning: str
    actor: str
    advice: str
    endpoints: tuple[int, ...]
    by_macro: bool = False


def causes(endpoints: Iterable[Endpoint]) -> tuple[Cause, ...]:
    """The causes, the most frequent first. An endpoint with two problems counts for both."""
    found: dict[str, list[int]] = {}
    examples: dict[str, Problem | None] = {}
    for number, endpoint in enumerate(endpoints):
        for key, problem in reasons(endpoint).items():
            found.setdefault(key, []).append(number)
            examples.setdefault(key, problem)
    made = [_cause(key, examples[key], tuple(numbers)) for key, numbers in found.items()]
    return tuple(sorted(made, key=lambda cause: (-len(cause.endpoints), cause.key)))


def reasons(endpoint: Endpoint) -> dict[str, Problem | None]:
    """The keys of its causes; none for an endpoint that is well."""
    if endpoint.state in GOOD:
        return {}
    if endpoint.state == "silent":
        return {"silent": None}
    found: dict[str, Problem | None] = {_key(problem): problem for problem in endpoint.problems}
    if endpoint.state == "needed" and endpoint.last is not None:
        seen = {status for store in endpoint.last.stores for _, status in store.certificates}
        found |= {f"certificate-{status}": None for status in STATUSES if status in seen}
    return found or {"no-reason-told": None}


def _key(problem: Problem) -> str:
    code = _ibms_code(problem)
    return f"{problem.code} {code}" if code else problem.code


def _ibms_code(problem: Problem) -> str | None:
    if problem.session is not None:
        return problem.session.code
    return messages.advice(messages.found_in(problem.message)).code


def _cause(key: str, problem: Problem | None, numbers: tuple[int, ...]) -> Cause:
    if problem is None:
        meaning, advice = _without_problem(key)
        return Cause(key, meaning, _YOU, advice, numbers)
    code = _ibms_code(problem)
    if code is not None:
        found = messages.advice((code,))
        by_macro = messages.refused_as_strict(code)
        return Cause(key, _sentence(found.meaning), found.actor.value, found.text, numbers, by_macro)
    entry = CATALOGUE.get(problem.code)
    if entry is None:
        return Cause(key, "A code that this release does not know", _YOU, "Use a newer release.", numbers)
    return Cause(key, entry.meaning.rstrip("."), _YOU, entry.after, numbers)


def _without_problem(key: str) -> tuple[str, str]:
    status = key.removeprefix("certificate-")
    if status in STATUSES:
        return STATUSES[status]
    return _SILENT if key == "silent" else ("The results do not say why", "Run `dsmcertfix detect` there.")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
