"""The log of what was changed: one line a step, with the run's id, to a file and to the system's log.

The journal is what a repair lives by; this is for people and for consoles that collect logs. Nothing here may
disturb a run: what cannot be written is lost. No secret reaches it, because none reaches journal or report.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from dsmcertfix import budgets
from dsmcertfix.errors import DsmcertfixError, Problem
from dsmcertfix.report.result import Report
from dsmcertfix.system.base import SystemLogs
from dsmcertfix.system.host import Host
from dsmcertfix.system.log_file import LogFile
from dsmcertfix.transaction.journal import Event, chain_of
from dsmcertfix.wording import printable

CHANGING = frozenset(
    ("fix", "trust", "rollback", "recover", "prune", "guide", "server renew", "store restore")
)
"""The commands that keep a log. Of the others only errors are logged, where a log is kept already."""

FILE = "dsmcertfix.log"

NO_RUN = "-"
"""Stands for the run's id while there is none: a refusal, say, comes before the run."""

_PRIORITIES = {"INFO": 6, "WARNING": 4, "ERROR": 3}
_PLAIN = re.compile(r"[A-Za-z0-9._:/+@,-]+\Z")
_NO_ERRORS = (0, 3)
_CUT, _SHORTEST_CUT = " [...]", 16
# Their ends are logged, and with them what they did; the beginnings are in the journal.
_TEXTS: Mapping[str, str] = {
    "recovery-started": "recover the run that was cut off",
    "run-finished": "finished",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log. The fields are named the same in the file and in the journal of the system."""

    at: datetime
    level: str
    message: str
    fields: Mapping[str, str]

    def within(self, cap: int) -> Line:
        """The line of at most `cap` characters, as the file has it: its longest texts lose their ends."""
        # Nothing is written out that is longer than the whole line may be.
        texts = {name: _cut(text, cap) for name, text in {**self.fields, "": self.message}.items()}
        while len((line := self._with(texts)).text()) > cap:
            name = max(texts, key=lambda name: len(json.dumps(texts[name])))
            if len(texts[name]) <= _SHORTEST_CUT:
                break
            texts[name] = _cut(texts[name], len(texts[name]) // 2)
        return line

    def _with(self, texts: Mapping[str, str]) -> Line:
        """The line with these fields, and the message under no name."""
        return replace(self, message=texts[""], fields={name: texts[name] for name in self.fields})

    def text(self) -> str:
        """The line as the file has it: time, level, `name=value`, and the message at the end."""
        at = self.at.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return " ".join((at, f"{self.level:7}", *self._pairs(), json.dumps(self.message)))

    def cmtrace(self) -> str:
        """The line as CMTrace reads it: the message first, which is what its window shows."""
        return line(
            self.at.astimezone(),
            self.level,
            " ".join((self.message, *self._pairs())),
            component="dsmcertfix",
            thread=os.getpid(),
            source=self.fields.get("step") or self.fields.get("event", ""),
        )

    def _pairs(self) -> list[str]:
        return [f"{name}={_value(value)}" for name, value in self.fields.items()]


class RunLog:
    """The log of one command on a machine. `tell` is handed each line as well.

    With `for_consoles` it is also written where management consoles collect logs.
    """

    def __init__(
        self,
        host: Host,
        command: str,
        tell: Callable[[str], None] | None = None,
        *,
        for_consoles: bool = False,
    ):
        self._host = host
        self._command = command
        self._tell = tell
        self._run = NO_RUN
        self._directories: dict[str, str] = {}
        self._file: LogFile | None = None
        self._consoles = (
            tuple(LogFile(path / FILE) for path in host.platform.console_directories())
            if for_consoles
            else ()
        )
        self._system: SystemLogs | None = None
        self._written = False
        self._shares: dict[str, int] = {}

    @property
    def path(self) -> Path | None:
        """The log file, None when nothing could be written to it."""
        return log_path(self._host) if self._written else None

    def observe(self, event: Event) -> None:
        """The event is logged, if it is the end of a step or of more."""
        if event.kind in ("run-started", "recovery-started"):
            self._run = str(event.data.get("run", NO_RUN))
        if event.kind == "store-started" and event.store:
            self._directories[event.store] = str(event.data.get("directory", ""))
        told = _told(event)
        if told is not None:
            level, message = told
            self._write(Line(event.at, level, message, self._fields(event)))

    def ended(self, report: Report) -> None:
        """The end of the command is logged; of a command that only reads, errors where a log is kept."""
        # It may not be known where: the state can be somebody else's.
        with contextlib.suppress(Exception):
            self._end(report)

    def _end(self, report: Report) -> None:
        failed = report.exit_code not in _NO_ERRORS
        if self._command not in CHANGING and not (failed and log_path(self._host).parent.is_dir()):
            return
        now = datetime.now(timezone.utc)
        for item in report.backups if report.changed and self._command == "prune" else ():
            fields = self._named("backup-removed", directory=item.directory, removed=item.run)
            self._write(Line(now, "INFO", f"removed the backup set {item.path}", fields))
        code = report.problem.code if report.problem else ""
        head = chain_of(Path(report.journal).read_bytes()).head if report.journal else ""
        fields = self._named(
            "ended", outcome=report.outcome, exit_code=str(report.exit_code), code=code, head=head
        )
        self._write(Line(now, "ERROR" if failed else "INFO", report.comment, fields))

    def close(self) -> None:
        """File and socket are closed."""
        for sink in (self._file, *self._consoles, self._system):
            if sink is not None:
                sink.close()

    def _fields(self, event: Event) -> dict[str, str]:
        problem = Problem.from_data(event.data.get("problem"))
        return self._named(
            event.kind,
            store=event.store or "",
            directory=self._directories.get(event.store or "", ""),
            step=str(event.data.get("step") or ""),
            outcome=str(event.data.get("outcome") or ""),
            code=problem.code if problem else "",
            context="; ".join(problem.context) if problem else "",
            hint=_advice(problem) if problem else "",
        )

    def _named(self, event: str, **fields: str) -> dict[str, str]:
        named = {"run": self._run, "command": self._command, "event": event, **fields}
        return {name: value for name, value in named.items() if value}

    def _write(self, line: Line) -> None:
        # Whatever goes wrong here is not what the user came for.
        with contextlib.suppress(Exception):
            shared = self._within_share(line.within(budgets.LOG_LINE.cap))
            if shared is None:
                return
            line, text = shared, shared.text()
            if self._tell is not None:
                self._tell(text)
            # Local time, as everything beside it in the same viewer.
            filed = line.cmtrace() if self._host.platform.log_style == "cmtrace" else text
            self._written = self._to_file(filed) or self._written
            for console in self._consoles:
                console.write(filed)
            self._to_system(line, text)

    def _within_share(self, line: Line) -> Line | None:
        """The line, None when its store has said too much in this run; of each its end is told."""
        store = line.fields.get("store")
        if not store or line.fields.get("event") == "store-finished":
            return line
        before, share = self._shares.get(store, 0), budgets.LOG_SHARE.cap
        self._shares[store] = before + len(line.text())
        if self._shares[store] <= share:
            return line
        told = "this store has said too much for the log: the rest is in the journal only"
        fields = {name: line.fields[name] for name in ("run", "command", "event", "store")}
        return replace(line, level="WARNING", message=told, fields=fields) if before <= share else None

    def _to_file(self, text: str) -> bool:
        if self._file is None:
            path = log_path(self._host)
            if not self._host.state.is_dir():
                return False
            with contextlib.suppress(DsmcertfixError, OSError):
                self._host.require_state()
                self._host.platform.private_directory(path.parent)
                self._file = LogFile(path)
        return self._file is not None and self._file.write(text)

    def _to_system(self, line: Line, text: str) -> None:
        if self._system is None:
            self._system = self._host.platform.system_log()
        # The daemon knows the time and the level.
        fields = {name: printable(value) for name, value in line.fields.items()}
        self._system.write(_PRIORITIES[line.level], text.split(" ", 2)[2].lstrip(), fields)


def log_path(host: Host) -> Path:
    """Where the log of a machine is."""
    return host.state / "log" / FILE


def _told(event: Event) -> tuple[str, str] | None:
    """Level and message of an event; None for one that has no line of its own."""
    data = event.data
    match event.kind:
        case "run-started":
            return "INFO", f"started: {data.get('command')} (dsmcertfix {data.get('version')})"
        case "store-started":
            return "INFO", str(data.get("directory", ""))
        case "step-done":
            return "INFO", str(data.get("note") or "done")
        case "step-failed":
            return "ERROR", str(data.get("note") or "failed")
        case "undo-started" | "undo-done":
            return "WARNING", str(data.get("text", ""))
        case "store-finished":
            return _store_finished(data)
        case "service-restarting":
            return "INFO", f"restart the service {data.get('service')}"
        case "service-restarted":
            problem = Problem.from_data(data.get("problem"))
            return ("ERROR", problem.message) if problem else ("INFO", f"{data.get('service')} runs again")
        case "run-removed":
            return "INFO", f"removed run {data.get('run')} with its backup sets: newer ones are there"
        case kind if kind in _TEXTS:
            return "INFO", _TEXTS[kind]
    return None


def _store_finished(data: Mapping[str, Any]) -> tuple[str, str]:
    problem = Problem.from_data(data.get("problem"))
    if problem is None:
        return "INFO", str(data.get("outcome"))
    return "ERROR", f"{data.get('outcome')}: {problem.message}"


def _advice(problem: Problem) -> str:
    from dsmcertfix.report.catalogue import next_step

    return problem.hint or next_step(problem.code) or ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].removesuffix(_CUT)}{_CUT}"


def _value(value: str) -> str:
    return value if _PLAIN.match(value) else json.dumps(value)


_TYPES = {"INFO": 1, "WARNING": 2, "ERROR": 3}
_END = "]LOG]!>"


def line(at: datetime, level: str, message: str, *, component: str, thread: int, source: str) -> str:
    """One line of such a log; `at` is aware, and is written in its own time zone."""
    ahead = -(at.utcoffset() or timedelta()) // timedelta(minutes=1)
    time = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}{ahead:+04}"
    text = printable(" ".join(message.replace(_END, "]LOG] !>").splitlines()))
    return (
        f'<![LOG[{text}{_END}<time="{time}" date="{at:%m-%d-%Y}" component="{_attribute(component)}" '
        f'context="" type="{_TYPES.get(level, 1)}" thread="{thread}" file="{_attribute(source)}">'
    )


def _attribute(text: str) -> str:
    return printable(text).replace('"', "'").replace("<", "(").replace(">", ")")
