"""A report in plain words, for someone who has never heard of a key database.

Pure. Every line fits the width that is given; nothing is said by colour or by a sign alone.
"""

from __future__ import annotations

import re
from datetime import datetime

from dsmcertfix.assess import label_names
from dsmcertfix.catalogue import next_step
from dsmcertfix.errors import Problem
from dsmcertfix.render.text import printable
from dsmcertfix.report import CertificateReport, PresentedReport, Report, StoreReport

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WELCOME = "This looks after the trust between this computer and its backup servers."
NOT_ADMINISTRATOR = (
    "You are not the administrator here: only what belongs to you can be looked at and repaired. Started as "
    "administrator (`sudo dsmcertfix`) it can do all of it."
)
STAGES = {
    "preflight": (1, "Asking the server"),
    "back-up": (2, "Making a safety copy"),
    "stage": (3, "Taking the old certificate out"),
    "move-out": (3, "Moving the old store away"),
    "add-certificate": (4, "Putting the new one in"),
    "reconnect": (4, "Letting the backup client fetch the new one"),
    "check-live": (5, "Checking the result"),
    "check-stanza": (5, "Checking the result"),
    "undo": (6, "That did not work. Putting everything back"),
}
"""What a step is called here, and its number; steps that are not named belong to the one before."""

_ACTOR = "to act: "
_COMMAND = re.compile(r"(UPDATE NODE \S+ SESSIONSECURITY=\w+)", re.IGNORECASE)
_AFFECTED = ("replaced", "expired", "expiring")
_STOPPED = (130, 143)
_FINE = (0, *_STOPPED)
_READ = (
    "Before you go on, read this fingerprint to the backup team. They must see the same one in the server's "
    "cert256.arm. If it differs, stop."
)
_ALSO_READ = "Read this one to them as well:"
_ANOTHER_CAUSE = (
    "If backups fail all the same, something else is the cause: `dsmcertfix explain` reads the error log of "
    "the backup client and says what it means."
)
_BUNDLE = "For the backup team: `dsmcertfix support-bundle` puts what they need into one file."


def findings(report: Report, width: int) -> str:
    """What is wrong, server by server, and what the server shows now: to be read before the question."""
    return "\n\n".join(_Findings(report, width).parts)


def question(report: Report) -> str:
    """The one question. Empty when there is nothing that could be done."""
    count = len({store.id for store in report.stores if not store.problem} & {s.store for s in report.steps})
    return "" if not count else f"Shall I replace {'it' if len(_affected(report)) == 1 else 'them'} now?"


def result(report: Report, width: int, *, asked: bool, before: Report | None = None) -> str:
    """What became of it, what to tell whom, and the reference for the ticket.

    Without a question before it (`not asked`) what was found is said first. `before` is what was found then.
    """
    found = _Findings(report, width)
    parts = [] if asked else found.parts
    parts.append(wrap(_verdict(report), width))
    for problem, directories in _problems(report).items():
        if asked or problem not in found.told:
            parts.append(_told(problem, width, directories if len(report.stores) > 1 else ()))
    trusted = _trusted_now(report, before)
    if trusted:
        parts.append(wrap(f"This computer now trusts the new certificate of {_listed(trusted)}.", width))
    if report.exit_code == 0 and report.outcome == "unchanged":
        parts.append(wrap(_ANOTHER_CAUSE, width))
    elif report.exit_code not in _FINE:
        parts.append(wrap(_BUNDLE, width))
    if report.run:
        parts.append(wrap(f"Reference for the ticket: {report.run}", width))
    return "\n\n".join(parts)


def stage(step: str, seen: int) -> tuple[int, str] | None:
    """The number and the words of a step when it begins something new after number `seen`, else None."""
    found = STAGES.get(step)
    return found if found is not None and found[0] > seen else None


def place(store: StoreReport) -> str:
    """Whose store it is, in words."""
    if any("home of" in origin for origin in store.origin):
        return f"the backups of user {printable(store.owner)}"
    if "api" in store.directory.lower():
        return "programs that back up by themselves (databases, for example)"
    return "the backup client of this computer"


class _Findings:
    """The paragraphs about what was found, and the problems that are told in them."""

    def __init__(self, report: Report, width: int):
        self.parts: list[str] = []
        self.told: set[Problem] = set()
        self._width = width
        self._asked = False
        for server in report.servers:
            stale = [(store, one) for store in report.stores for one in _stale(store, server)]
            if stale:
                self._server_with_stale(server, stale)
            elif server.sha256 is None:
                self._say(f"Server {_name(server)} could not be asked for its certificate.")
                self._tell(server.problem)
            else:
                self._say(_fine(report, server))
        for store in report.stores:
            if store.problem and store.problem not in self.told:
                self.parts.append(
                    f"{wrap('Something else is wrong in', width)}\n{_path(store.directory, width)}"
                )
                self._tell(store.problem)

    def _server_with_stale(
        self, server: PresentedReport, stale: list[tuple[StoreReport, CertificateReport]]
    ) -> None:
        problems = list(dict.fromkeys(store.problem for store, _ in stale if store.problem))
        can = [store for store, _ in stale if not store.problem]
        self._say(_old_and_new(server, stale))
        for problem in problems:
            self._tell(problem)
        if can and server.sha256 is not None:
            self._say(_ALSO_READ if self._asked else _READ)
            self._asked = True
            self.parts.append(_fingerprint(server.sha256, self._width))
        lines = ["It is used by:" if _is_same(server, stale) else "The old certificate is used by:"]
        for words, directory in dict.fromkeys((place(store), store.directory) for store, _ in stale):
            lines += [wrap(f"- {words}", self._width, "  ", "    "), _path(directory, self._width, "    ")]
        self.parts.append("\n".join(lines))

    def _say(self, text: str) -> None:
        self.parts.append(wrap(text, self._width))

    def _tell(self, problem: Problem | None) -> None:
        if problem is not None and problem not in self.told:
            self.told.add(problem)
            self.parts.append(_told(problem, self._width))


def _old_and_new(server: PresentedReport, stale: list[tuple[StoreReport, CertificateReport]]) -> str:
    """What this computer trusts of that server, and what the server shows."""
    name, first = _name(server), stale[0][1]
    over = first.days_left is not None and first.days_left < 0
    runs = f" It ran out on {_date(first.not_after)}." if over else ""
    if first.status == "expiring" and not over:
        runs = f" It runs out on {_date(first.not_after)}."
    if server.sha256 is None:
        return (
            f"This computer still trusts the old certificate of server {name}.{runs} The server does not "
            "answer now, so no new one can be fetched."
        )
    if _is_same(server, stale):
        return (
            f"This computer trusts the certificate of server {name}.{runs} The server still shows the same "
            "one: it has to be renewed there first, and only then here."
        )
    return (
        f"This computer still trusts the old certificate of server {name}.{runs} The server now shows a new "
        f"one, valid until {_date(server.not_after)}."
    )


def _is_same(server: PresentedReport, stale: list[tuple[StoreReport, CertificateReport]]) -> bool:
    """Whether the server still shows the certificate that has run out."""
    return all(one.sha256 == server.sha256 for _, one in stale)


def _fine(report: Report, server: PresentedReport) -> str:
    """A server of which this computer trusts no old certificate."""
    held = {
        one.status for store in report.stores for one in store.certificates if one.sha256 == server.sha256
    }
    until = f"valid until {_date(server.not_after)}" if server.not_after else "without an end"
    if "ok" in held:
        return f"Server {_name(server)}: all is well. This computer trusts its certificate, {until}."
    if any(store.problem for store in report.stores if set(store.stanzas) & set(server.stanzas)):
        return (
            f"Server {_name(server)} shows a certificate, {until}. Whether this computer trusts it could not "
            "be seen everywhere."
        )
    if "pending" in held:
        return f"Server {_name(server)}: all is well. The next backup fetches its certificate, {until}."
    return f"Server {_name(server)}: nothing is wrong. It shows a certificate, {until}."


def _affected(report: Report) -> set[str]:
    """The fingerprints of the old certificates that can be replaced."""
    can = [store for store in report.stores if not store.problem]
    return {one.sha256 for store in can for one in store.certificates if one.status in _AFFECTED}


def _stale(store: StoreReport, server: PresentedReport) -> list[CertificateReport]:
    if not set(store.stanzas) & set(server.stanzas):
        return []
    found = [one for one in store.certificates if one.status in _AFFECTED]
    names = server.stanzas
    return [
        one for one in found if any(label_names(one.reason, n) or label_names(one.label, n) for n in names)
    ] or [one for one in found if len(store.stanzas) == 1]


def _trusted_now(report: Report, before: Report | None) -> list[str]:
    """The servers whose certificate is new in a store, and that every store has that was to get it."""
    had = {(store.id, one.sha256) for store in before.stores for one in store.certificates} if before else ()
    failed = {name for store in report.stores if store.problem for name in store.stanzas}
    changed = [store for store in report.stores if store.outcome == "changed"]
    return [
        _name(server)
        for server in report.servers
        if not failed & set(server.stanzas)
        and any(
            one.sha256 == server.sha256 and (store.id, one.sha256) not in had
            for store in changed
            for one in store.certificates
        )
    ]


def _verdict(report: Report) -> str:
    outcomes = {store.outcome for store in report.stores}
    if report.outcome == "broken":
        return (
            "It did not work, and not everything could be put back. Do not try again: call the backup team. "
            "The safety copy is intact."
        )
    if "changed" in outcomes and report.exit_code == 0:
        return "Done. Backups can run again."
    if "changed" in outcomes:
        return "Some of it is done, some could not be done. What could not be done is as it was before."
    if report.exit_code in _STOPPED:
        return "It was stopped. Everything is as it was before."
    if report.outcome == "rolled-back":
        return "It did not work. Nothing is lost: everything is exactly as it was before."
    if report.exit_code == 0:
        return "Nothing is wrong with the certificates on this computer. Nothing was changed."
    return "Nothing was changed."


def _problems(report: Report) -> dict[Problem, tuple[str, ...]]:
    """Each problem once, with the directories of the stores that have it."""
    found: dict[Problem, tuple[str, ...]] = {report.problem: ()} if report.problem else {}
    for store in report.stores:
        if store.problem:
            found[store.problem] = (*found.get(store.problem, ()), store.directory)
    return found


def _told(problem: Problem, width: int, directories: tuple[str, ...] = ()) -> str:
    lines = [wrap(f"What happened: {_sentence(problem.message)}", width)]
    if directories:
        lines += ["Where:", *(_path(directory, width, "  ") for directory in directories)]
    who = next((line[len(_ACTOR) :] for line in problem.context if line.startswith(_ACTOR)), None)
    if who:
        lines.append(wrap(f"Who can help: {_sentence(who)}", width))
    hint = problem.hint or next_step(problem.code)
    if hint:
        lines += _advice(_sentence(hint), width)
    lines.append(wrap(f"Code: {problem.code}", width))
    return "\n".join(lines)


def _advice(hint: str, width: int) -> list[str]:
    """The hint, a server command in it on a line of its own: so it can be read out, or copied."""
    before, command, after = (*_COMMAND.split(hint, maxsplit=1), "", "")[:3]
    lines = [wrap(f"What to do: {before.rstrip()}", width)]
    if command:
        lines += [f"  {command}", *([wrap(after.strip(), width)] if after.strip() else [])]
    return lines


def _name(server: PresentedReport) -> str:
    return printable(server.stanzas[0]) if server.stanzas else printable(server.server)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _date(text: str | None) -> str:
    if not text:
        return "an unknown day"
    day = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _fingerprint(sha256: str, width: int) -> str:
    groups = [sha256[start : start + 4] for start in range(0, len(sha256), 4)]
    in_line = 8 if width >= 2 + 8 * 5 else 4
    return "\n".join(
        "  " + " ".join(groups[start : start + in_line]) for start in range(0, len(groups), in_line)
    )


def _sentence(text: str) -> str:
    text = printable(text).strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _path(directory: str, width: int, indent: str = "") -> str:
    return wrap(printable(directory), width, indent)


def wrap(text: str, width: int, indent: str = "", hanging: str | None = None) -> str:
    """The text in lines of that width; `hanging` is the indent of the second and later ones.

    What is longer than a line is broken before a slash where there is one: paths can still be read.
    """
    lines: list[str] = []
    current = indent
    later = indent if hanging is None else hanging
    for word in text.split():
        for number, part in enumerate(_parts(word, width - max(len(indent), len(later)))):
            gap = " " if number == 0 and current.strip() else ""
            if current.strip() and len(current) + len(gap) + len(part) > width:
                lines.append(current)
                current, gap = later, ""
            current += gap + part
    return "\n".join((*lines, current))


def _parts(word: str, width: int) -> list[str]:
    """The word, or what it is broken into because it is longer than that."""
    if len(word) <= width:
        return [word]
    pieces = [piece for piece in re.split(r"(?=/)", word) if piece]
    return [piece[start : start + width] for piece in pieces for start in range(0, len(piece), max(1, width))]
