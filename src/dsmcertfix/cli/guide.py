"""The guided repair: for a person on a terminal, in plain words, one question."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from typing import TYPE_CHECKING

import typer

from dsmcertfix.cli.context import Settings, ask, end_log, keep_log, observed
from dsmcertfix.cli.formats import whatever_comes
from dsmcertfix.cli.output import print_to
from dsmcertfix.errors import UsageError
from dsmcertfix.system import exit_codes_are_wide

if TYPE_CHECKING:
    from dsmcertfix.commands.contract import Observe
    from dsmcertfix.report.result import Report

_WIDEST = 78
_SILENCE_S = 2.0
_NAMED = 2
"""Servers that are named while they are silent."""


def guide(context: typer.Context) -> None:
    """Find out what is wrong, in plain words; ask once; repair it. The same as no command at all."""
    from dsmcertfix.commands.contract import reported
    from dsmcertfix.commands.fix import fix
    from dsmcertfix.planning.selection import Selection
    from dsmcertfix.planning.steps import RunOptions
    from dsmcertfix.report.render import guide as words
    from dsmcertfix.system.host import Limits

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "nobody-to-guide", "without a command dsmcertfix talks to a person, and there is no terminal"
        )
    settings: Settings = context.obj
    width = min(shutil.get_terminal_size().columns - 1, _WIDEST)
    conversation = _Conversation(width)
    _say(words.WELCOME, width)
    host = settings.host()
    if not host.platform.may_act_for_others():
        _say(words.not_administrator(sudo=not exit_codes_are_wide()), width)
    conversation.look()
    keep_log(context, "guide", host)
    observe = observed(context, conversation.observer())
    how, confirm = RunOptions(), conversation.confirm
    done = reported("fix", lambda: fix(host, Selection(), how, Limits(), observe, confirm))
    report = end_log(context, "guide", conversation.over(done))

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
        self._stores = 0
        self._begun = 0
        self.looking = _Looking(width)
        self.answer: bool | None = None
        self.found: Report | None = None
        self.ended: Report | None = None

    def look(self) -> None:
        """Says that the looking begins, and from then on that it goes on."""
        _say("Looking. This takes a moment ...", self._width)
        self.looking.begin()

    def over(self, done: Report) -> Report:
        """How the conversation ended, where the work has `done` that."""
        self.looking.end()
        return self.ended or done

    def confirm(self, report: Report) -> bool:
        """What the person answered when the findings were shown; no where nothing can be done."""
        from dsmcertfix.report.render import guide as words
        from dsmcertfix.report.result import Report

        self.looking.end()
        question = words.question(report)
        if not question:
            self.ended = report
            return False
        print_to(sys.stdout, f"\n{words.findings(report, self._width)}\n")
        self.found = report
        self._stores = len({step.store for step in report.steps if step.state == "planned"})
        self.answer = True  # asked, whatever comes
        self.answer = ask(question, sys.stdout)
        if not self.answer:
            self.ended = Report("guide", report.host, comment="nothing was done: the answer was no")
        return self.answer

    def observer(self) -> Observe:
        """Says each stage of the repair once, when it begins; of several stores only which is repaired."""
        from dsmcertfix.report.render import guide as words
        from dsmcertfix.report.render.lines import wrap
        from dsmcertfix.transaction.journal import Event
        from dsmcertfix.wording import printable

        def observe(event: Event) -> None:
            self.looking.end()
            if event.kind == "store-started":
                self._seen = 0
                self._begun += 1
                which = f" {self._begun} of {self._stores}:" if self._stores > 1 else ""
                told = wrap(f"Repairing{which} {printable(str(event.data.get('directory')))}", self._width)
                print_to(sys.stdout, told if which and self._begun > 1 else f"\n{told}")
            elif event.kind == "step-started" and self._stores > 1:
                return
            elif event.kind in ("step-started", "undo-started"):
                found = words.stage(str(event.data.get("step")), self._seen)
                if found is not None:
                    self._seen = found[0]
                    number = f"{found[0]} of 5: " if found[0] <= 5 else ""
                    self._line(f"{number}{found[1]} ...")
            elif event.kind == "store-finished":
                outcome = str(event.data.get("outcome"))
                if outcome != "changed" or self._stores < 2:
                    self._line("Done." if outcome == "changed" else _ENDS.get(outcome, outcome))

        return observe

    def _line(self, text: str) -> None:
        from dsmcertfix.report.render.lines import wrap

        print_to(sys.stdout, wrap(text, self._width, "  ", "       "))


class _Looking:
    """Breaks the silence of a server that takes its time: after two seconds, four, eight and so on.

    By an alarm of the system, where there is one: a thread would be in the way of children that are forked.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._begun = 0.0
        self._next = _SILENCE_S

    def begin(self) -> None:
        """From now on it is told that somebody is at work."""
        if hasattr(signal, "setitimer"):
            self._begun = time.monotonic()
            signal.signal(signal.SIGALRM, self._tell)
            signal.setitimer(signal.ITIMER_REAL, self._next)

    def end(self) -> None:
        """Nothing is told any more."""
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _tell(self, *_: object) -> None:
        from dsmcertfix.ibm.tls import being_asked
        from dsmcertfix.report.render.lines import wrap
        from dsmcertfix.wording import printable

        passed = time.monotonic() - self._begun
        silent = being_asked()
        more = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
        doing = f"asking {', '.join(silent[:_NAMED])}{more}" if silent else "looking"
        line = wrap(printable(f"still {doing}, {passed:.0f} s ..."), self._width, "  ", "  ") + "\n"
        # Not through the stream: it may just be written to.
        with contextlib.suppress(OSError):
            os.write(sys.stdout.fileno(), line.encode("ascii", "backslashreplace"))
        signal.setitimer(signal.ITIMER_REAL, self._next)
        self._next *= 2


_ENDS = {
    "unchanged": "Left as it was.",
    "rolled-back": "Everything is as it was before.",
    "broken": "NOT everything could be put back.",
}


def _say(text: str, width: int) -> None:
    from dsmcertfix.report.render.lines import wrap

    print_to(sys.stdout, f"\n{wrap(text, width)}")
