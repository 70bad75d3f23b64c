"""Signals that end a run, delivered where the run can bear it.

While a store is being changed a signal only raises a flag; it is acted on between steps, and at once while we
wait for a program. The handlers of before are back afterwards, on every path.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from dsmcertfix.errors import Interrupted, Terminated
from dsmcertfix.system.process.signals import UntilOver

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Interrupts:
    """The signals that came, and whether they may be raised now."""

    def __init__(self) -> None:
        self._seen: int | None = None
        self._open = False

    @property
    def came(self) -> bool:
        """Whether a signal came that ends the run."""
        return self._seen is not None

    def checkpoint(self) -> None:
        """Raises Interrupted or Terminated once such a signal came: no later store is begun after it."""
        if self._seen is not None:
            raise _error(self._seen)

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """A signal that comes inside is raised at once, and only the first: the undo is not interrupted."""
        try:
            self._open = True
            self.checkpoint()
            yield
        finally:
            self._open = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._seen = self._seen or number
        if self._open:
            self._open = False
            raise _error(number)


@contextlib.contextmanager
def watching(*, last: bool = True) -> Iterator[Interrupts]:
    """Ending signals go to the Interrupts yielded; the handlers of before are back afterwards.

    With `last` a signal that came too late to be raised stopped nothing: the run is over, and its report says
    how. A handler that is an UntilOver knows that from then on.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = {}
    try:
        for name in _NAMES:
            number = getattr(signal, name, None)
            # None: a handler that is not Python's, which could not be put back.
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, interrupts._handle)
        yield interrupts
    finally:
        for number, handler in before.items():
            if last and isinstance(handler, UntilOver):
                handler.over = True
            signal.signal(number, handler)


def _error(number: int) -> Interrupted | Terminated:
    if number == signal.SIGINT:
        return Interrupted("interrupted", "interrupted by Ctrl+C")
    name = signal.Signals(number).name
    return Terminated("terminated", f"ended by {name}")
