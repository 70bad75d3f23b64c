"""A result that fits a window: what is so, why, who does what now, and where the rest is. Pure.

However many stores there are, it has at most `ROOM` lines, none wider than the window: each cause stands
there once, with what it covers; commands are complete, to be copied. What must be read before a question
comes last.
"""

from __future__ import annotations

from collections import Counter

from dsmcertfix import NamedTuple
from dsmcertfix.errors import ACTION_NEEDED, Outcome, Unrecovered
from dsmcertfix.report.causes import Cause
from dsmcertfix.report.reasons import causes_of, servers_of
from dsmcertfix.report.render.answer import AFFECTED
from dsmcertfix.report.render.lines import COMPARE, WHERE, command, fingerprint, with_fingerprints, wrap
from dsmcertfix.report.render.why import (
    LEVELS,
    ROOM,
    Level,
    Why,
    affected,
    answering,
    is_new,
    more,
    needs_root,
    sentence_of,
    server_name,
)
from dsmcertfix.report.result import Report, StoreReport
from dsmcertfix.wording import counted, printable

COMMANDS = ("detect", "plan", "fix", "trust", "rollback", "recover")
"""The commands whose results are told so."""

_STAGES = {
    "preflight": "ask the server",
    "back-up": "back up all files",
    "keep-password": "set the same password again",
    "delete-label": "take the old certificate out",
    "move-out": "move the old store away",
    "add-certificate": "put the new certificate in",
    "reconnect": "let the client fetch the new one",
    "restore": "put the files of the backup back",
}
_ENDS: dict[Outcome, str] = {
    "changed": "changed",
    "rolled-back": "as before (put back, proved by hash)",
    "unchanged": "left as before",
    "broken": "NOT as before (the backup is intact)",
}


class Typed(NamedTuple):
    """What was typed: the program with the options before its command, and the options after it.

    `for_repair` are those of the options of `detect` that `plan` and `fix` have, too; `verbose` is whether
    the details are wanted.
    """

    program: str = "dsmcertfix"
    options: str = ""
    verbose: bool = False
    for_repair: str = ""

    def line(self, name: str) -> str:
        """That command with the same options."""
        return f"{self.program} {name} {self.options}".rstrip()

    def after_detect(self, name: str) -> str:
        """That command about the same stores and certificates as the `detect` that was typed."""
        return f"{self.program} {name} {self.for_repair}".rstrip()


AS_TYPED = Typed()
"""Nothing is known of how the program was started."""


def told_so(report: Report) -> bool:
    """Whether the result is told here; what failed as a whole, before any store, is an error alone."""
    return report.command in COMMANDS and bool(report.stores or report.problem is None)


def brief(report: Report, width: int, typed: Typed, *, asking: bool = False) -> list[str]:
    """The lines of the result. With `asking`, a question about it stands below them."""
    lines: list[str] = []
    for level in LEVELS:
        lines = level.between.join(_Brief(report, width, typed, level, asking).parts).split("\n")
        if len(lines) <= ROOM:
            return lines
    return [*lines[: ROOM - 9], "...", *lines[-8:]]


class _Brief:
    """The paragraphs of a result, with so much in each as `level` says."""

    def __init__(self, report: Report, width: int, typed: Typed, level: Level, asking: bool):
        self.parts: list[str] = []
        self._report, self._width, self._typed = report, width, typed
        self._level = level
        causes = causes_of(report)
        why = Why(report, width, level)
        undone = report.stores if asking and report.command == "rollback" else ()
        self._say(_sentence(report), *why.places(undone))
        self.parts += why.paragraphs(causes)
        self._policy()
        if (report.command == "plan" or asking) and not level.terse:
            self._steps()
        if report.command == "detect":
            self._servers(causes)
            self._proofs()
        self._notes()
        self._services()
        if asking and any("SHA-256" in warning for warning in report.warnings):
            self._say(WHERE.capitalize(), command(COMPARE, width))
        if not asking:
            self._next(causes)

    def _say(self, text: str, *below: str) -> None:
        self.parts.append("\n".join((wrap(printable(text), self._width, "", "  "), *below)))

    def _more(self, count: int, noun: str) -> None:
        if count > 0:
            self.parts.append(more(count, noun, self._width))

    def _policy(self) -> None:
        """What is not as the site's policy says, each certificate once."""
        wrong = Counter(
            (told.standing, told.name or told.server, told.sha256, told.reason)
            for store in self._report.stores
            for told in store.policy
            if told.standing != "fine"
        )
        for (standing, name, sha256, reason), count in list(wrong.items())[:3]:
            what = f"By the site's policy {standing} in {counted(count, 'store')}, of {name}: {reason}."
            self._say(what, fingerprint(sha256, self._width))
        self._more(len(wrong) - 3, "certificate")

    def _steps(self) -> None:
        """What would be done, the same for all stores once."""
        steps = [step for step in self._report.steps if step.state == "planned"]
        words = list(dict.fromkeys(_STAGES[step.step] for step in steps if step.step in _STAGES))
        if words and _changing(self._report):
            self._say(f"For each store: {', '.join(words)}, check; where it fails, put all back.")

    def _servers(self, causes: tuple[Cause, ...]) -> None:
        """What the servers show: in full where it has to be compared."""
        wrong = [store for store in self._report.stores if any(affected(store))]
        whose = {one.server for store in wrong for one in store.certificates if one.status in AFFECTED}
        shown = [server for server in servers_of(self._report, wrong) if is_new(server, wrong)]
        shown = [server for server in shown if None in whose or server.server in whose]
        for server in shown[:2]:
            until = f", valid until {(server.not_after or '?')[:10]} UTC" if server.not_after else ""
            self._say(
                f"{server_name(server)} shows now{until}:", fingerprint(server.sha256 or "", self._width)
            )
        self._more(len(shown) - 2, "server")
        if shown:
            self._say(f"Compare with {WHERE}", command(COMPARE, self._width))
        if causes:
            return
        for server in [one for one in self._report.servers if one.sha256][:3]:
            until = f" valid until {server.not_after[:10]} UTC" if server.not_after else ""
            self._say(f"{server_name(server)} shows a certificate{until}.")

    def _proofs(self) -> None:
        """What IBM's own TLS said, where it was asked; each answer once."""
        told = Counter(proof.reason for store in self._report.stores for proof in store.proofs)
        if not self._level.terse:
            for reason, count in list(told.items())[:2]:
                self._say(f"{counted(count, 'store').capitalize()}: {reason}.")
            self._more(len(told) - 2, "proof")

    def _notes(self) -> None:
        """Notes on stores, and warnings; what has to be compared comes last, next to the question."""
        told = [note for store in self._report.stores if store.outcome == "changed" for note in store.notes]
        notes = sorted(dict.fromkeys((*told, *self._report.warnings)), key=lambda note: "SHA-256" in note)
        for note in notes[-self._level.notes :]:
            self.parts.append(with_fingerprints(f"Note: {printable(note)}", self._width, "", "  "))
        self._more(len(notes) - self._level.notes, "note")

    def _services(self) -> None:
        for item in self._report.services[:2]:
            if item.action != "none" or item.problem is not None:
                was = item.action.replace("failed", "not restarted")
                self._say(printable(f"Service {item.display or item.name}: {item.state}, {was}."))

    def _next(self, causes: tuple[Cause, ...]) -> None:
        report, typed = self._report, self._typed
        rights = any(needs_root(cause, report.stores) for cause in causes)
        lines: list[tuple[str, str]] = []
        if report.exit_code == Unrecovered.untouched and report.command != "recover":
            lines = [("finish or undo the run that was cut off", f"{typed.program} recover")]
        elif report.command == "detect":
            wrong = [store for store in report.stores if any(affected(store)) or store.problem]
            by_policy = any(map(_off_policy, report.stores))
            able = by_policy or answering(report, wrong) or not report.servers
            if report.exit_code == ACTION_NEEDED and able:
                lines = [("repair", typed.after_detect("fix"))]
                lines += [("only see what would be done", typed.after_detect("plan"))]
            elif not causes:
                lines = [("if backups fail all the same", f"{typed.program} explain")]
        elif report.command == "plan":
            lines = [("carry this out", typed.line("fix"))] if _changing(report) else []
        elif report.exit_code != 0:
            lines = [] if rights else [("then try again", typed.line(report.command))]
        elif report.command == "recover":
            lines = [("see whether all is well", f"{typed.program} detect")]
        if report.run and report.changed:
            lines.append(("undo this run", f"{typed.program} rollback {report.run}"))
        if report.command in ("detect", "plan") and report.exit_code:
            lines.append(("details", f"{typed.program} --verbose {report.command} {typed.options}".rstrip()))
        if rights:
            lines.insert(0, ("with all rights", f"sudo {typed.line(report.command)}"))
        if lines:
            told = lines[:1] if self._level.terse else lines
            self.parts.append("\n".join(("Next:", *(self._line(what, line) for what, line in told))))
        if report.log and report.exit_code:
            self._say(f"{f'Run {report.run}, log' if report.run else 'Log'}: {report.log}")

    def _line(self, what: str, line: str) -> str:
        """What a command is for, and the command: beside it, or below where that is too narrow."""
        one = f"  {what}: {line}"
        if len(one) <= self._width:
            return one
        return f"{wrap(f'{what}:', self._width, '  ')}\n{command(line, self._width, '    ')}"


def _sentence(report: Report) -> str:
    """What is so."""
    total = len(report.stores)
    stores = counted(total, "store")
    if not total:
        return sentence_of(report.comment or "Nothing was to be done")
    match report.command:
        case "detect" if report.exit_code == 0:
            return f"No action is needed: {stores} checked."
        case "detect":
            if report.exit_code == Unrecovered.untouched:
                return f"A run was cut off, and its end is to come: {stores} checked."
            if report.exit_code == ACTION_NEEDED:
                return f"Action is needed: {sum(map(_needs_action, report.stores))} of {stores}."
            wrong = sum(store.problem is not None for store in report.stores)
            return f"Not all could be checked: {wrong or total} of {stores}."
        case "plan":
            able = _changing(report)
            if able:
                return f"A repair would change {able} of {stores}. Nothing was changed yet."
            return (
                f"There is nothing to repair: {stores} checked."
                if report.exit_code == 0
                else f"Nothing can be repaired now: {stores} checked."
            )
        case "fix" | "trust" if report.run is None and report.exit_code == 0:
            return f"There was nothing to do: {stores} checked."
        case "fix" | "trust":
            tally = Counter(store.outcome for store in report.stores)
            ends = _ENDS if report.exit_code else _ENDS | {"unchanged": "needed nothing"}
            parts = [f"{counted(tally[end], 'store')} {words}" for end, words in ends.items() if tally[end]]
            return f"{'Not all is done' if report.exit_code else 'Done'}: {', '.join(parts) or 'nothing'}."
    if report.run is None:
        return sentence_of(report.comment or "Nothing was to be done")
    return sentence_of(f"{'Not all is done' if report.exit_code else 'Done'}: {report.comment}")


def _off_policy(store: StoreReport) -> bool:
    """Whether the site's policy wants the store otherwise."""
    return any(told.standing in ("missing", "outdated") for told in store.policy)


def _needs_action(store: StoreReport) -> bool:
    needed = store.problem is not None and store.problem.code == "password-expired"
    needed = needed or any(told.standing != "fine" for told in store.policy)
    return needed or any(affected(store)) or any(proof.answer == "refused" for proof in store.proofs)


def _changing(report: Report) -> int:
    """How many stores a repair would change."""
    able = {store.id for store in report.stores if store.problem is None}
    return len(able & {step.store for step in report.steps})
