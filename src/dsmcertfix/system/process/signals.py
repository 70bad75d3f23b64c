"""Signals held back: while a program is started, and when the work is over but not yet told."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], object]


class UntilOver:
    """A handler that does what `before` does until the work is `over`, and then nothing.

    What was done is still to be told then, with its exit code: a signal must not make another end of it.
    """

    def __init__(self, before: Handler):
        self._before = before
        self.over = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handles the signal."""
        if not self.over:
            self._before(number, frame)


_HELD = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGTSTP", "SIGBREAK")


class SignalsHeld:
    """Signals that come meanwhile are delivered on release; a program started meanwhile has their defaults.

    So no exception can come between the start of a program and our knowing it; and exec() turns our stand-in
    handler into the default even where this process ignores a signal (nohup, a launcher). Python allows it
    in the main thread only; in another thread no handler runs, and what is ignored here stays ignored there.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._arrived: list[int] = []

    def __enter__(self) -> SignalsHeld:
        if threading.current_thread() is not threading.main_thread():
            return self
        if hasattr(signal, "SIGCHLD") and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
            # With SIGCHLD ignored the system drops every program's status, and failure looks like success.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        numbers = [getattr(signal, name) for name in _HELD if hasattr(signal, name)]
        # None is a handler that Python did not install and could not put back.
        self._before = {n: handler for n in numbers if (handler := signal.getsignal(n)) is not None}
        try:
            for number in self._before:
                signal.signal(number, self._remember)
        except BaseException:
            self.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Every handler is back, and what arrived was delivered: this may raise what a handler raises."""
        # Not taken out one by one: an exception on the way must leave the rest to the next release.
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        while self._arrived:
            signal.raise_signal(self._arrived.pop(0))

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        self._arrived.append(number)
