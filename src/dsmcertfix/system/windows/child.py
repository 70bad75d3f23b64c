"""Windows: work done in a child with a restricted token and in a job with limits, and its answer.

Nobody can be another user here, so the child is this program started once more (`serving`), with less rights.
It is asked a `Task` by memory that it shares with us, and its answer there may be made up by whoever
wrote the files that it works on (`answers`).
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

from dsmcertfix.system import answers
from dsmcertfix.system.answers import ChildDied, LimitReached
from dsmcertfix.system.seen import OwnerLimits, Task
from dsmcertfix.system.win32 import confined, environment, machine, shared
from dsmcertfix.system.win32.jobs import JobLimits
from dsmcertfix.system.windows.serving import SIZE, load

_STARTS_WITHIN_S = 60.0
_LOOK_S = 0.1
_NOT_ENOUGH_QUOTA = 1816
"""ERROR_NOT_ENOUGH_QUOTA, with which Windows ends what took more time than its job allows."""
_INTERPRETER = 128 << 20
"""Bytes that Python commits with everything of this program loaded."""

_SOURCE = (
    "import sys; sys.path = sys.argv[1].split(';'); "
    "from dsmcertfix.system.windows.serving import serve; serve(*map(int, sys.argv[2:]))"
)


class Child:
    """A child that has started and can be asked, until `close`. Raises ChildDied when it does not start."""

    def __init__(self, limits: OwnerLimits):
        self._limits = limits
        self._loaded: set[str] = set()
        with contextlib.ExitStack() as stack:
            handles = (
                stack.enter_context(shared.section(SIZE)),
                *(stack.enter_context(shared.event()) for _ in range(2)),
            )
            self._memory = shared.Shared(handles[0], SIZE)
            stack.callback(self._memory.close)
            self._asked, self._answered = handles[1:]
            self._program = _started(handles, limits)
            stack.callback(self._program.close)
            self._await(_STARTS_WITHIN_S)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """It has ended."""
        self._stack.close()

    def load(self, task: Task) -> None:
        """What the task needs is loaded there. Raises as `ask`."""
        module = task.told()[0]
        if module not in self._loaded:
            self.ask(Task(load, module), _STARTS_WITHIN_S)
            self._loaded.add(module)

    def ask(self, task: Task, wall_s: float) -> object:
        """What the task returned. Raises as `Platform.as_owner`, and LimitReached and ChildDied."""
        self._memory.put(answers.framed(task.told()))
        shared.signal(self._asked)
        self._await(wall_s)
        text = self._memory.taken()
        if len(text) > self._limits.answer:
            raise LimitReached("what it has to tell")
        return answers.understood(text)

    def _await(self, limit_s: float) -> None:
        """It has set its signal. Raises LimitReached, and ChildDied when it has ended."""
        end = time.monotonic() + limit_s
        while True:
            # In slices, so that a signal (Ctrl+C) is acted on meanwhile.
            left_s = end - time.monotonic()
            found = shared.wait((self._answered, self._program.process), min(left_s, _LOOK_S))
            if found == 0:
                return
            if found is not None:
                raise self._death()
            if left_s <= 0:
                raise LimitReached("time")

    def _death(self) -> LimitReached | ChildDied:
        status = self._program.status()
        if status == _NOT_ENOUGH_QUOTA:
            return LimitReached("CPU time")
        return ChildDied(f"status {status:#x}")


def run(task: Task, limits: OwnerLimits) -> object:
    """What the task returned in a child of its own. Raises as `Child.ask`."""
    with contextlib.closing(Child(limits)) as child:
        child.load(task)
        return child.ask(task, limits.wall_s)


def _started(handles: tuple[int, ...], limits: OwnerLimits) -> confined.Confined:
    numbers = " ".join(map(str, handles))
    if getattr(sys, "frozen", False):
        command = f'"{sys.executable}" (child) {numbers}'
    else:
        # Isolated: it imports from where this process does, whatever environment and directory it has.
        places = ";".join(place for place in sys.path if Path(place).is_absolute())
        command = f'"{sys.executable}" -I -S -B -c "{_SOURCE}" "{places}" {numbers}'
    try:
        return confined.started(
            command,
            sys.executable,
            directory=machine.system_directory(),
            environment=environment.clean(),
            handles=handles,
            limits=JobLimits(_INTERPRETER + limits.memory, limits.cpu_s),
        )
    except OSError as error:
        raise ChildDied(f"it does not start: {error.strerror}") from error
