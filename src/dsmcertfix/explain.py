"""Understands codes as people paste them, and says what each means, who must act and how. Pure.

IBM's messages are in `client.message_table`, the tool's own errors and exit codes in `catalogue`: nothing is
known here about any single code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dsmcertfix.catalogue import CATALOGUE, EXITS
from dsmcertfix.client.message_table import MESSAGES
from dsmcertfix.client.messages import advice
from dsmcertfix.errors import KINDS
from dsmcertfix.helpdesk_report import ExplanationReport, Source
from dsmcertfix.model import Stanza

_EXIT = "exit "
_GSKIT = "GSKIT-"
_SOURCES: tuple[tuple[str, Source], ...] = (
    ("ANR", "server"),
    ("CTGSK", "key-database"),
    (_GSKIT, "gskit"),
)
_LIKE_A_CODE = re.compile(r"(?i)(?:[a-z]{2,6}-?)?\d+[a-z]?\Z|[a-z0-9]+(?:[-_][a-z0-9]+)+\Z")
_LIKE_IBMS_CODE = re.compile(r"(?i)(?:ANS|ANR|CTGSK|GSKIT)\W?\d")
_MARKS = "()[]{}<>'\"`,;:.!?"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """The codes in what somebody pasted, as the tables have them; and what looks like one and is in none."""

    known: tuple[str, ...]
    unknown: tuple[str, ...]


def asked(text: str) -> Asked:
    """The codes in the text: `ANS1592E:`, `ans1592`, `1592`, `GSKit 401`, `rc 21`, `[server-not-renewed]`.

    In a longer text (a pasted line) what only looks like a code is passed over beside one that is known.
    """
    known: dict[str, None] = {}
    unknown: dict[str, None] = {}
    rest = text
    for pattern, codes_of in _PATTERNS:
        for match in pattern.finditer(rest):
            codes = codes_of(match)
            known |= dict.fromkeys(codes)
            unknown |= {} if codes else {match[0].strip(): None}
        rest = pattern.sub(" ", rest)
    # Numbers are everywhere in a line of a log: times, ports, counts.
    numbers = all(_LIKE_A_CODE.match(word.strip(_MARKS)) for word in rest.split())
    for word in _WORD.findall(rest):
        codes = _codes_of_word(word) if numbers or not word.isdigit() else []
        known |= dict.fromkeys(codes)
        if not codes and _LIKE_A_CODE.match(word):
            unknown[word] = None
    if not known and not unknown and rest.strip():
        unknown[rest.split()[0]] = None
    only_codes = len(text.split()) <= len(known) + len(unknown)
    certain = (word for word in unknown if only_codes or not known or _LIKE_IBMS_CODE.match(word))
    return Asked(tuple(known), tuple(certain))


def explanation(code: str, stanza: Stanza | None = None) -> ExplanationReport:
    """What `asked` or an error log found, explained; the stanza's names are filled into the advice."""
    if code.startswith(_EXIT):
        end = EXITS[int(code.removeprefix(_EXIT))]
        return ExplanationReport(code, "exit-code", end.meaning, None, end.after, end.state, (end.code,))
    if code in CATALOGUE:
        error = CATALOGUE[code]
        return ExplanationReport(
            code, "dsmcertfix", error.meaning, None, error.after, error.state, exit_codes(error.kinds)
        )
    found = advice(
        [code],
        node=stanza.node if stanza else None,
        server=str(stanza.server) if stanza and stanza.server else None,
        stanza=stanza.name if stanza else None,
        met=True,
    )
    sources = (source for start, source in _SOURCES if code.startswith(start))
    source: Source = next(sources, "client")
    return ExplanationReport(code, source, found.meaning, found.actor.value, found.text)


def exit_codes(kinds: tuple[str, ...]) -> tuple[int, ...]:
    """The exit codes that errors of these kinds lead to while a store is untouched."""
    return tuple(sorted({KINDS[kind].untouched for kind in kinds}))


def _codes_of_word(word: str) -> list[str]:
    if word.lower() in CATALOGUE:
        return [word.lower()]
    if word.upper() in MESSAGES:
        return [word.upper()]
    if not word.isascii() or not word.isdigit():
        return []
    if len(word) == 4:
        return _completed("ANS", word) + _completed("ANR", word)
    return _exit_code(word) + _gskit(word)


def _completed(start: str, digits: str) -> list[str]:
    """The messages with that number, whatever letter ends them."""
    return [code for code in MESSAGES if code.startswith(start + digits) and len(code) <= len(start) + 5]


def _exit_code(digits: str) -> list[str]:
    return [f"{_EXIT}{int(digits)}"] if int(digits) in EXITS else []


def _gskit(digits: str) -> list[str]:
    code = f"{_GSKIT}{int(digits)}"
    return [code] if code in MESSAGES else []


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], list[str]]], ...] = (
    (
        re.compile(
            r"(?i)\bgskit[\s_-]*(?:(?:return|error)[\s_-]*)?(?:code|rc|error)?[\s:=#-]*(?:is\s+)?"
            r"(\d{1,3})\b(?!\.\d)"
        ),
        lambda match: _gskit(match[1]),
    ),
    (
        re.compile(
            r"(?i)\b(?:exit[\s_-]*(?:code|status)?|return[\s_-]*code|errorlevel|rc)[\s:=#-]*(?:(?:was|is)\s+)?"
            r"(\d{1,3})\b"
        ),
        lambda match: _exit_code(match[1]),
    ),
    (
        re.compile(r"(?i)\b(ANS|ANR|CTGSK)[\s-]?(\d{4})(?![A-Za-z0-9])"),
        lambda match: _completed(match[1].upper(), match[2]),
    ),
)
