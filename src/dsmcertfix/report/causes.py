"""Why something is not well: each cause once, ranked, with what it covers, who must act and what to do.

One machine's screens fold the reasons of its stores with it, the fleet's page those of its endpoints. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsmcertfix.errors import Problem
from dsmcertfix.ibm.client import messages
from dsmcertfix.report.catalogue import CATALOGUE

Reasons = Mapping[str, Problem | None]
"""Why one thing is not well: each reason by its key, with its problem where it is one."""

STATUSES = {
    "replaced": (
        "The server was renewed, and presents another certificate than the stored one",
        "Run `dsmcertfix plan`, then `dsmcertfix fix --yes --expect-file cert256.arm`.",
    ),
    "expired": (
        "The stored certificate expired",
        "Renew the certificate on the server where that is not done yet, then run "
        "`dsmcertfix fix --yes --expect-file cert256.arm`.",
    ),
    "untrusted": (
        "The stored certificate is not one that IBM's TLS trusts the server by",
        "Run `dsmcertfix plan`: it says whether `dsmcertfix fix --yes` helps, or that a CA is needed.",
    ),
    "not-yet-valid": (
        "The stored certificate is not valid yet",
        "Check the clocks of the client and of the server. Where they are right, fetch what the server "
        "presents now: `dsmcertfix fix --yes --expect-file cert256.arm`.",
    ),
    "expiring": (
        "The stored certificate is about to expire",
        "Renew the certificate on the server (APAR IT42905), then run "
        "`dsmcertfix fix --yes --expect-file cert256.arm`.",
    ),
}
"""What the statuses that need action mean, and what to do, the worst first."""

YOU = "you"


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason, and what it covers (by number); `key` is the same in every report.

    `by_macro` says that the server refused because the node is STRICT: an UPDATE NODE for each helps.
    """

    key: str
    meaning: str
    actor: str
    advice: str
    covers: tuple[int, ...]
    by_macro: bool = False


def folded(all_reasons: Iterable[Reasons], words: Mapping[str, tuple[str, str]]) -> tuple[Cause, ...]:
    """The causes of these things, the most frequent first. One with two reasons counts for both.

    `words` has meaning and advice of the keys that stand for no problem, besides those of the statuses.
    """
    found: dict[str, list[int]] = {}
    examples: dict[str, Problem | None] = {}
    for number, reasons in enumerate(all_reasons):
        for key, problem in reasons.items():
            found.setdefault(key, []).append(number)
            examples.setdefault(key, problem)
    made = [_cause(key, examples[key], tuple(numbers), words) for key, numbers in found.items()]
    return tuple(sorted(made, key=lambda cause: (-len(cause.covers), cause.key)))


def key(problem: Problem) -> str:
    """What problems of the same cause have in common: our code, and IBM's, where it told one."""
    code = _ibms_code(problem)
    return f"{problem.code} {code}" if code else problem.code


def of_statuses(statuses: Iterable[str]) -> dict[str, None]:
    """The keys of those statuses of certificates that need action, the worst first."""
    seen = set(statuses)
    return {f"certificate-{status}": None for status in STATUSES if status in seen}


def _ibms_code(problem: Problem) -> str | None:
    if problem.session is not None:
        return problem.session.code
    return messages.advice(messages.found_in(problem.message)).code


def _cause(
    key: str, problem: Problem | None, covers: tuple[int, ...], words: Mapping[str, tuple[str, str]]
) -> Cause:
    if problem is None:
        meaning, advice = words.get(key) or STATUSES[key.removeprefix("certificate-")]
        return Cause(key, meaning, YOU, advice, covers)
    code = _ibms_code(problem)
    if code is not None:
        found = messages.advice((code,))
        by_macro = messages.refused_as_strict(code)
        return Cause(key, _sentence(found.meaning), found.actor.value, found.text, covers, by_macro)
    entry = CATALOGUE.get(problem.code)
    if entry is None:
        return Cause(key, "A code that this release does not know", YOU, "Use a newer release.", covers)
    return Cause(key, entry.meaning.rstrip("."), YOU, entry.after, covers)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
