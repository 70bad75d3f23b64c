"""A report in plain words, for someone who has never heard of a key database.

Pure. Every line fits the width that is given; nothing is said by colour or by a sign alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from dsmcertfix.planning.labels import label_names
from dsmcertfix.report.reasons import causes_of
from dsmcertfix.report.render.answer import AFFECTED
from dsmcertfix.report.render.lines import COMPARE, fingerprint, wrap
from dsmcertfix.report.render.why import LEVELS, ROOM, Level, Why
from dsmcertfix.report.result import CertificateReport, PresentedReport, Report, StoreReport
from dsmcertfix.wording import counted, printable

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WELCOME = "This looks after the trust between this computer and its backup servers."
STAGES = {
    "preflight": (1, "Asking the server"),
    "back-up": (2, "Making a safety copy"),
    "keep-password": (3, "Setting the same password again"),
    "delete-label": (3, "Taking the old certificate out"),
    "move-out": (3, "Moving the old store away"),
    "add-certificate": (4, "Putting the new one in"),
    "reconnect": (4, "Letting the backup client fetch the new one"),
    "check-live": (5, "Checking the result"),
    "check-stanza": (5, "Checking the result"),
    "undo": (6, "That did not work. Putting everything back"),
}
"""What a step is called here, and its number; steps that are not named belong to the one before."""

_STOPPED = (130, 143)
_FINE = (0, *_STOPPED)
_READ = (
    "Before you go on, read the fingerprint to the backup team. They must see the same one in the server's "
    f"cert256.arm with `{COMPARE}`. If it differs, stop."
)
_NO_CLIENT = (
    "No backup client has been used on this computer; there is nothing to repair. If one has been: "
    "`dsmcertfix locate` lists every place that was looked at."
)
_ANOTHER_CAUSE = (
    "If backups fail all the same, something else is the cause: `dsmcertfix explain` reads the error log of "
    "the backup client and says what it means."
)
_BUNDLE = "For the backup team: `dsmcertfix support-bundle` puts what they need into one file."

_RAN_OUT = (
    "The certificates of {} are kept in a file whose password expired: the backup client cannot open it any "
    "more. The same password can be set again, so that it no longer expires. That changes no certificate."
)


def not_administrator(*, sudo: bool) -> str:
    """What is told to who is not the administrator; `sudo` is whether the system has that."""
    how = " (`sudo dsmcertfix`)" if sudo else ""
    return (
        "You are not the administrator here: only what belongs to you can be looked at and repaired. Started "
        f"as administrator{how} it can do all of it."
    )


def findings(report: Report, width: int) -> str:
    """What is wrong, server by server, and what the server shows now: to be read before the question.

    It fits a window; only fingerprints are never left out.
    """
    return _fitting(lambda level: _Findings(report, width, level).parts)


def _fitting(parts: Callable[[Level], list[str]]) -> str:
    """The paragraphs with as much in them as a window takes."""
    text = ""
    for level in LEVELS:
        text = level.between.join(parts(level))
        if text.count("\n") < ROOM:
            break
    return text


def question(report: Report) -> str:
    """The one question. Empty when there is nothing that could be done."""
    count = len({store.id for store in report.stores if not store.problem} & {s.store for s in report.steps})
    if count and not _affected(report) and _password_over(report):
        return "Shall I set the password again now?"
    return "" if not count else f"Shall I replace {'it' if len(_affected(report)) == 1 else 'them'} now?"


def result(report: Report, width: int, *, asked: bool, before: Report | None = None) -> str:
    """What became of it, what to tell whom, and the reference for the ticket.

    Without a question before it (`not asked`) what was found is said first. `before` is what was found then.
    """
    return _fitting(lambda level: list(_result(report, width, level, asked, before)))


def _result(report: Report, width: int, level: Level, asked: bool, before: Report | None) -> Iterator[str]:
    if report.problem is not None and report.problem.code == "no-store-found":
        yield wrap(_NO_CLIENT, width)
        return
    if not asked:
        yield from _Findings(report, width, level).parts
    yield wrap(_verdict(report), width)
    trusted = _trusted_now(report, before)
    if trusted:
        yield wrap(f"This computer now trusts the new certificate of {_listed(trusted)}.", width)
    if asked:
        yield from _why(report, width, level)
        if any(cause.by_macro for cause in causes_of(report)):
            yield wrap("When that is done, start this once more.", width)
    if report.exit_code == 0 and report.outcome == "unchanged":
        yield wrap(_ANOTHER_CAUSE, width)
    elif report.exit_code not in _FINE:
        yield wrap(_BUNDLE, width)
    if report.run:
        yield wrap(f"Reference for the ticket: {report.run}", width)


def _why(report: Report, width: int, level: Level) -> Iterator[str]:
    """The causes that lie in no certificate: those are told in other words."""
    causes = tuple(cause for cause in causes_of(report) if not cause.key.startswith("certificate-"))
    return Why(report, width, level).paragraphs(causes)


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
    """The paragraphs about what was found; what is to be read to the backup team comes last."""

    def __init__(self, report: Report, width: int, level: Level):
        self.parts: list[str] = []
        self._width, self._level = width, level
        fingerprints: list[str] = []
        well: list[str] = []
        for server in report.servers:
            stale = [(store, one) for store in report.stores for one in _stale(store, server)]
            if stale:
                self._server_with_stale(server, stale)
                if server.sha256 is not None and any(not store.problem for store, _ in stale):
                    fingerprints.append(f"{_name(server)}:\n{fingerprint(server.sha256, width)}")
            elif server.sha256 is not None:
                well.append(_fine(report, server))
        for text in well[: level.causes]:
            self._say(text)
        if well[level.causes :]:
            self._say(f"And {counted(len(well) - level.causes, 'more server')} of which nothing is wrong.")
        if over := _password_over(report):
            self.parts.append("\n".join((wrap(_RAN_OUT.format(place(over[0])), width), *self._places(over))))
        self.parts += _why(report, width, level)
        if fingerprints:
            self._say(_READ)
            self.parts += fingerprints

    def _server_with_stale(
        self, server: PresentedReport, stale: list[tuple[StoreReport, CertificateReport]]
    ) -> None:
        stores = list({store.id: store for store, _ in stale}.values())
        used = "It is used by:" if _is_same(server, stale) else "The old certificate is used by:"
        told = wrap(_old_and_new(server, stale), self._width)
        self.parts.append("\n".join((told, wrap(used, self._width), *self._places(stores))))

    def _places(self, stores: list[StoreReport]) -> Iterator[str]:
        """Whose the first of these stores are, and where they lie."""
        most = max(1, self._level.places)
        for store in stores[:most]:
            yield wrap(f"- {place(store)}", self._width, "  ", "    ")
            yield _path(store.directory, self._width, "    ")
        if stores[most:]:
            yield wrap(f"- and {len(stores) - most} more", self._width, "  ", "    ")

    def _say(self, text: str) -> None:
        self.parts.append(wrap(text, self._width))


def _old_and_new(server: PresentedReport, stale: list[tuple[StoreReport, CertificateReport]]) -> str:
    """What this computer trusts of that server, and what the server shows."""
    name, first = _name(server), stale[0][1]
    over = first.days_left is not None and first.days_left < 0
    runs = f" It expired on {_date(first.not_after)}." if over else ""
    if first.status == "expiring" and not over:
        runs = f" It expires on {_date(first.not_after)}."
    if first.status in ("not-yet-valid", "untrusted"):
        return _refused(server, stale)
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


def _refused(server: PresentedReport, stale: list[tuple[StoreReport, CertificateReport]]) -> str:
    """What this computer has of that server, though the client does not go by it."""
    name, first = _name(server), stale[0][1]
    if first.status == "not-yet-valid":
        return (
            f"The certificate that this computer has for server {name} is not valid before "
            f"{_date(first.not_before)}, and the backup client does not trust it before. Check the clock of "
            "this computer and that of the server."
        )
    if _is_same(server, stale) and not any(one.problem for one, _ in stale):
        return (
            f"This computer has the certificate of server {name}, but it is marked there as not trusted, so "
            "the backup client refuses the server. It can be put in once more, as one that is trusted."
        )
    return (
        f"This computer has a certificate for server {name}, but the backup client does not trust the server "
        f"by it: {first.reason}."
    )


def _is_same(server: PresentedReport, stale: list[tuple[StoreReport, CertificateReport]]) -> bool:
    """Whether the server still shows the certificate that has expired."""
    return all(one.sha256 == server.sha256 for _, one in stale)


def _fine(report: Report, server: PresentedReport) -> str:
    """A server of which this computer trusts no old certificate."""
    held = {
        one.status for store in report.stores for one in store.certificates if one.sha256 == server.sha256
    }
    until = f"valid until {_date(server.not_after)}" if server.not_after else "without an end"
    if any(set(store.stanzas) & set(server.stanzas) for store in _password_over(report)):
        return f"Server {_name(server)} shows a certificate, {until}."
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


def _password_over(report: Report) -> list[StoreReport]:
    """The stores that cannot be opened because their password expired, where it can be set anew."""
    anew = {step.store for step in report.steps if step.step == "keep-password"}
    return [store for store in report.stores if store.id in anew and not store.problem]


def _affected(report: Report) -> set[str]:
    """The fingerprints of the old certificates that can be replaced."""
    can = [store for store in report.stores if not store.problem]
    return {one.sha256 for store in can for one in store.certificates if one.status in AFFECTED}


def _stale(store: StoreReport, server: PresentedReport) -> list[CertificateReport]:
    if not set(store.stanzas) & set(server.stanzas):
        return []
    found = [one for one in store.certificates if one.status in AFFECTED]
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


def _name(server: PresentedReport) -> str:
    return printable(server.stanzas[0]) if server.stanzas else printable(server.server)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _date(text: str | None) -> str:
    if not text:
        return "an unknown day"
    day = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _path(directory: str, width: int, indent: str = "") -> str:
    return wrap(printable(directory), width, indent)
