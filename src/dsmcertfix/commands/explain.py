"""Understands codes as people paste them, and says what each means, who must act and how. Pure.

IBM's messages are in `client.message_table`, the tool's own errors and exit codes in `catalogue`: nothing is
known here about any single code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dsmcertfix.errors import KINDS, NotFound, UsageError
from dsmcertfix.fleet.endpoints import STATES as ENDPOINTS
from dsmcertfix.ibm.client.error_logs import ErrorLog, ErrorLogs, Logged, read_error_logs
from dsmcertfix.ibm.client.message_table import MESSAGES
from dsmcertfix.ibm.client.messages import advice
from dsmcertfix.ibm.return_codes import API, KEYS, SESSION, names, table, with_number
from dsmcertfix.model import Stanza
from dsmcertfix.report.catalogue import CATALOGUE, EXITS
from dsmcertfix.report.catalogue.states import NODES, OUTCOMES, STATUSES, Word
from dsmcertfix.report.details import ExplanationReport, Source
from dsmcertfix.report.result import Report, decided
from dsmcertfix.system.host import Host, host_name
from dsmcertfix.wording import counted

_EXIT = "exit "
_REPORT = "`dsmcertfix report` lists the endpoints in each state, and what to do."
_SOURCES: tuple[tuple[str, Source], ...] = (
    ("ANR", "server"),
    ("CTGSK", "key-database"),
    (SESSION, "gskit"),
    (KEYS, "gskit"),
)
_STATES: tuple[tuple[str, Mapping[str, Word]], ...] = (
    ("status", STATUSES),
    ("outcome", OUTCOMES),
    ("node", NODES),
    ("endpoint", {state: Word(text, _REPORT) for state, text in ENDPOINTS.items()}),
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
    state = text.strip().strip(_MARKS).lower()
    # Only alone: in a longer text they are words like any other.
    known = {f"{kind} {state}": None for kind, words in _STATES if state in words}
    if known:
        return Asked((*known, *(code for code in (state,) if code in CATALOGUE)), ())
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
    kind, _, word = code.partition(" ")
    for name, words in _STATES:
        if kind == name:
            return ExplanationReport(code, "state", words[word].meaning, None, words[word].after)
    if code in CATALOGUE:
        error = CATALOGUE[code]
        return ExplanationReport(
            code, "dsmcertfix", error.meaning, None, error.after, error.state, exit_codes(error.kinds)
        )
    numbered = table().get(code)
    if numbered is not None and code not in MESSAGES:
        source: Source = "client" if code.startswith(API) else "gskit"
        meaning = f"{numbered.meaning} ({numbered.name})"
        return ExplanationReport(code, source, meaning, numbered.actor.value, numbered.advice)
    found = advice(
        [code],
        node=stanza.node if stanza else None,
        server=str(stanza.server) if stanza and stanza.server else None,
        stanza=stanza.name if stanza else None,
        met=True,
    )
    sources = (source for start, source in _SOURCES if code.startswith(start))
    named = f" ({numbered.name})" if numbered is not None else ""
    return ExplanationReport(
        code, next(sources, "client"), f"{found.meaning}{named}", found.actor.value, found.text
    )


def exit_codes(kinds: tuple[str, ...]) -> tuple[int, ...]:
    """The exit codes that errors of these kinds lead to while a store is untouched."""
    return tuple(sorted({KINDS[kind].untouched for kind in kinds}))


def _codes_of_word(word: str) -> list[str]:
    if word.lower() in CATALOGUE:
        return [word.lower()]
    if word.upper() in MESSAGES or word.upper() in table():
        return [word.upper()]
    if word.upper() in names():
        return [names()[word.upper()]]
    if not word.isascii() or not word.isdigit():
        return []
    if len(word) == 4:
        return _completed("ANS", word) + _completed("ANR", word) + _of_api(word)
    return _exit_code(word) + _gskit(word)


def _completed(start: str, digits: str) -> list[str]:
    """The messages with that number, whatever letter ends them."""
    return [code for code in MESSAGES if code.startswith(start + digits) and len(code) <= len(start) + 5]


def _exit_code(digits: str) -> list[str]:
    return [f"{_EXIT}{int(digits)}"] if int(digits) in EXITS else []


def _gskit(digits: str) -> list[str]:
    return with_number(int(digits))


def _of_api(digits: str) -> list[str]:
    return [code for code in (f"{API}{digits}",) if code in table()]


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], list[str]]], ...] = (
    (
        re.compile(r"(?i)\bgsk\d?capicmd(?:_64)?\b[^\d\n]{0,30}(\d{1,3})\b(?!\.\d)"),
        lambda match: [code for code in (f"{KEYS}{int(match[1])}",) if code in table()],
    ),
    (
        re.compile(
            r"(?i)\bgskit[\s_-]*(?:(?:return|error)[\s_-]*)?(?:code|rc|error)?[\s:=#-]*(?:is\s+)?"
            r"(\d{1,6})\b(?!\.\d)"
        ),
        lambda match: _gskit(match[1]),
    ),
    (
        re.compile(
            r"(?i)\b(?:exit[\s_-]*(?:code|status)?|return[\s_-]*code|errorlevel|rc)[\s:=#-]*(?:(?:was|is)\s+)?"
            r"(\d{1,6})\b"
        ),
        lambda match: _exit_code(match[1]) or _of_api(match[1]) or _gskit(match[1]),
    ),
    (
        re.compile(r"(?i)\b(ANS|ANR|CTGSK)[\s-]?(\d{4})(?![A-Za-z0-9])"),
        lambda match: _completed(match[1].upper(), match[2]),
    ),
)


MOST = 20
"""Codes of error logs that are explained; how many more there are is told."""

_TOGETHER = timedelta(seconds=60)


def explain(host: Host, words: tuple[str, ...]) -> Report:
    """Each code in the words, explained; without words what the client's error logs say, the newest first.

    Raises NotFound when there is no error log, UsageError for words with nothing in them. A code that is not
    known is the report's problem.
    """
    return _explain_logs(read_error_logs(host.platform.places)) if not words else _explain_words(words)


def _explain_words(words: tuple[str, ...]) -> Report:
    found = asked(" ".join(words))
    if not (found.known or found.unknown):
        raise UsageError("no-code-given", "there is no code in what was given")
    told = tuple(explanation(code) for code in found.known)
    report = Report("explain", host_name(), explanations=told, warnings=_ambiguous(found.known))
    if not found.unknown:
        return report._replace(comment=", ".join(found.known))
    named = ", ".join(f"`{word}`" for word in found.unknown)
    problem = NotFound(
        "code-not-known",
        f"there is no explanation for {named}",
        hint="Check the spelling. IBM's manuals explain every ANS and ANR message by its code.",
    )
    return decided(report._replace(comment=problem.message, problem=problem.problem()))


def _ambiguous(codes: tuple[str, ...]) -> tuple[str, ...]:
    """What to know where a number of GSKit is in both of its tables."""
    both = {code.removeprefix(SESSION) for code in codes if code.startswith(SESSION)}
    both &= {code.removeprefix(KEYS) for code in codes if code.startswith(KEYS)}
    return tuple(
        f"GSKit's code {number} has two meanings: {SESSION}{number} where a session failed, {KEYS}{number} "
        "where a key database was opened or edited (gsk8capicmd)"
        for number in sorted(both)
    )


def _explain_logs(read: ErrorLogs) -> Report:
    if not read.logs:
        raise NotFound(
            "error-log-not-found",
            "no error log of a backup client was found (dsmerror.log, or what ERRORLOGNAME and DSM_LOG name)",
            context=read.warnings,
        )
    found = sorted(_counted(read.logs), key=lambda item: item.last.at or datetime.min, reverse=True)
    known = [item for item in found if item.last.code in MESSAGES]
    others = len(found) - len(known)
    warnings = [*read.warnings]
    if len(known) > MOST:
        warnings.append(f"{len(known) - MOST} older codes are not shown")
    if others:
        warnings.append(f"{others} other codes are there that have nothing to do with certificates")
    return Report(
        "explain",
        host_name(),
        explanations=tuple(item.told() for item in known[:MOST]),
        warnings=tuple(warnings),
        comment=_comment(known, len(read.logs)),
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    """A code in a log: where it stands last, and how often."""

    log: ErrorLog
    last: Logged
    count: int

    def told(self) -> ExplanationReport:
        """The explanation with where and when it was found."""
        stanzas = self.log.stanzas
        return replace(
            explanation(self.last.code, stanzas[0] if len(stanzas) == 1 else None),
            at=self.last.at.isoformat() if self.last.at else None,
            count=self.count,
            log=str(self.log.path),
            stanzas=tuple(stanza.name for stanza in stanzas),
            user=self.log.user,
            line=self.last.line,
        )


def _counted(logs: Iterable[ErrorLog]) -> list[_Counted]:
    found: list[_Counted] = []
    for log in logs:
        last: dict[str, tuple[Logged, int]] = {}
        for entry in log.entries:
            before, count = last.get(entry.code, (entry, 0))
            newer = (entry.at or datetime.min) >= (before.at or datetime.min)
            last[entry.code] = (entry if newer else before, count + 1)
        found += [_Counted(log, entry, count) for entry, count in last.values()]
    return found


def _comment(known: list[_Counted], logs: int) -> str:
    """What happened last: of the codes that came together the cause."""
    if not known:
        return f"nothing about certificates or sessions in {counted(logs, 'error log')}"
    newest = known[0]
    since = (newest.last.at or datetime.min) - (_TOGETHER if newest.last.at else timedelta())
    together = [
        item.last.code for item in known if item.log is newest.log and (item.last.at or datetime.min) >= since
    ]
    cause = advice(together, met=True)
    when = f" ({newest.last.at.isoformat(' ')})" if newest.last.at else ""
    return f"last{when}: {cause.code}: {cause.meaning}; to act: {cause.actor.value}"
