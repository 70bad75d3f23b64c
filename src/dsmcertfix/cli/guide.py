"""The guided repair: for a person on a terminal, in plain words, one question."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import typer

from dsmcertfix.cli.context import Settings, ask, end_log, keep_log, observed, print_to, whatever_comes
from dsmcertfix.errors import UsageError

if TYPE_CHECKING:
    from dsmcertfix.repair import Observe
    from dsmcertfix.report import Report

_WIDEST = 78


def guide(context: typer.Context) -> None:
    """Find out what is wrong, in plain words; ask once; repair it. The same as no command at all."""
    from dsmcertfix.commands import reported
    from dsmcertfix.host import Limits, open_host
    from dsmcertfix.plan import Policy
    from dsmcertfix.render import guide as words
    from dsmcertfix.repair import fix
    from dsmcertfix.selection import Selection

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "nobody-to-guide",
            "without a command dsmcertfix talks to a person, and there is no terminal",
            hint="`dsmcertfix detect` tells what is wrong, `dsmcertfix fix --yes` repairs it; see `--help`.",
        )
    settings: Settings = context.obj
    width = min(shutil.get_terminal_size().columns - 1, _WIDEST)
    conversation = _Conversation(width)
    _say(words.WELCOME, width)
    host = open_host(settings.root, settings.state_dir)
    if not host.platform.may_act_for_others():
        _say(words.NOT_ADMINISTRATOR, width)
    _say("Looking. This takes a moment ...", width)
    keep_log(context, "guide", host)
    observe = observed(context, conversation.observer())
    done = reported("fix", lambda: fix(host, Selection(), Policy(), Limits(), observe, conversation.confirm))
    report = end_log(context, "guide", conversation.ended or done)

    def end() -> int:
        if conversation.answer is False:
            _say("Nothing was changed.", width)
        else:
            asked = conversation.answer is not None
            said = words.result(report, width, asked=asked, before=conversation.found)
            print_to(sys.stdout, f"\n{said}")
        return report.exit_code

    raise typer.Exit(whatever_comes(end, report.exit_code))


class _Conversation:
    """What was said so far: how far the repair has come, and the answer, None when there was no question.

    `found` is what was shown before the question, `ended` the report of a conversation that came to no
    repair.
    """

    def __init__(self, width: int):
        self._width = width
        self._seen = 0
        self.answer: bool | None = None
        self.found: Report | None = None
        self.ended: Report | None = None

    def confirm(self, report: Report) -> bool:
        """What the person answered when the findings were shown; no where nothing can be done."""
        from dsmcertfix.render import guide as words
        from dsmcertfix.report import Report

        question = words.question(report)
        if not question:
            self.ended = report
            return False
        print_to(sys.stdout, f"\n{words.findings(report, self._width)}\n")
        self.found = report
        self.answer = True  # asked, whatever comes
        self.answer = ask(question, sys.stdout)
        if not self.answer:
            self.ended = Report("guide", report.host, comment="nothing was done: the answer was no")
        return self.answer

    def observer(self) -> Observe:
        """Says each stage of the repair once, when it begins."""
        from dsmcertfix.render import guide as words
        from dsmcertfix.render.text import printable
        from dsmcertfix.transaction.journal import Event

        def observe(event: Event) -> None:
            if event.kind == "store-started":
                self._seen = 0
                _say(f"Repairing {printable(str(event.data.get('directory')))}", self._width)
            elif event.kind in ("step-started", "undo-started"):
                found = words.stage(str(event.data.get("step")), self._seen)
                if found is not None:
                    self._seen = found[0]
                    number = f"{found[0]} of 5: " if found[0] <= 5 else ""
                    self._line(f"{number}{found[1]} ...")
            elif event.kind == "store-finished":
                outcome = str(event.data.get("outcome"))
                self._line("Done." if outcome == "changed" else _ENDS.get(outcome, outcome))

        return observe

    def _line(self, text: str) -> None:
        from dsmcertfix.render.guide import wrap

        print_to(sys.stdout, wrap(text, self._width, "  ", "       "))


_ENDS = {
    "unchanged": "Left as it was.",
    "rolled-back": "Everything is as it was before.",
    "broken": "NOT everything could be put back.",
}


def _say(text: str, width: int) -> None:
    from dsmcertfix.render.guide import wrap

    print_to(sys.stdout, f"\n{wrap(text, width)}")
