"""Runs dsmcertfix's own command line many times, and kills it at a chosen event of the journal.

    python killing.py

takes JSON lines on its input: {"arguments": [...], "kill": ["before" | "after", NUMBER] or null}. For each
it forks a process that runs the command, and answers with a line {"code", "stdout", "stderr"}. (Forked,
because a sweep has hundreds of runs, and the start of Python is the longest part of each.)

The process is gone, by SIGKILL, right before or right after the event of that number (from 0) was written.
When there is no such event the command ends as usual. Children that work as a store's owner are not counted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from typing import Any

from dsmcertfix.cli import main
from dsmcertfix.commands import backups as housekeeping
from dsmcertfix.commands import look as commands
from dsmcertfix.system import processes
from dsmcertfix.transaction.journal import Event, Journal

# So that no fork has to load them: what commands import where they use it.
LOADED = (
    commands,
    housekeeping,
    __import__("cryptography.x509"),
    __import__("filelock"),
    processes.library(),
)


def kill_at(when: str, number: int) -> None:
    """From now on this process dies there."""
    append, appended = Journal.append, 0

    def dying(journal: Journal, kind: str, store: str | None = None, **data: Any) -> Event:
        nonlocal appended
        if (when, number) == ("before", appended):
            os.kill(os.getpid(), signal.SIGKILL)
        event = append(journal, kind, store, **data)
        if (when, number) == ("after", appended):
            os.kill(os.getpid(), signal.SIGKILL)
        appended += 1
        return event

    Journal.append = dying  # type: ignore[assignment, method-assign]


def command(arguments: list[str], kill: tuple[str, int] | None, stdout: int, stderr: int) -> None:
    """This process is the command now. Does not return."""
    for number, target in ((os.open(os.devnull, os.O_RDONLY), 0), (stdout, 1), (stderr, 2)):
        os.dup2(number, target)
    if kill is not None:
        kill_at(*kill)
    sys.argv[1:] = arguments
    code = 1
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What a command answered."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        child = os.fork()
        if child == 0:
            command(request["arguments"], request["kill"], stdout.fileno(), stderr.fileno())
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (stdout, stderr):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return {"code": os.waitstatus_to_exitcode(status), "stdout": texts[0], "stderr": texts[1]}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
