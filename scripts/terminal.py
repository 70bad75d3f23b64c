"""A program in a real terminal, which is tmux: typed to, and captured with what scrolled away."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

LIMIT_S = 120.0
_ENDED = "ended with "


def can_show() -> bool:
    """Whether there is a tmux."""
    return shutil.which("tmux") is not None


class Terminal:
    """A window of that size in which `command` runs, or has run."""

    def __init__(self, socket: str):
        self._socket = socket

    def tmux(self, *words: str) -> str:
        """What tmux said. Raises CalledProcessError when it could not do that."""
        # readline may have put COLUMNS into the environment of this process, behind os.environ.
        unset = ("env", "-u", "COLUMNS", "-u", "LINES")
        command = [*unset, "tmux", "-L", self._socket, "-f", os.devnull, *words]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout

    def screen(self) -> str:
        """The lines of the window and of those above it, without blanks at their ends."""
        lines = [line.rstrip() for line in self.tmux("capture-pane", "-p", "-S", "-2000").splitlines()]
        return "\n".join(lines).strip("\n")

    def type(self, *keys: str) -> None:
        """The keys were pressed: text, or names as "Enter" and "C-c"."""
        self.tmux("send-keys", *keys)

    def wait(self, holds: Callable[[str], bool]) -> str:
        """The screen, once that holds. Raises TimeoutError when it does not within two minutes."""
        end = time.monotonic() + LIMIT_S
        while not holds(screen := self.screen()):
            if time.monotonic() > end:
                raise TimeoutError(f"waited in vain; the screen is:\n{screen}")
            time.sleep(0.1)
        return screen

    def ended(self) -> tuple[int, str]:
        """The exit code of the command, and the screen it left."""
        end = time.monotonic() + LIMIT_S
        # The title comes after all that the command said, on the same way: then the screen is whole.
        while not (title := self.tmux("display-message", "-p", "#{pane_title}").strip()).startswith(_ENDED):
            if time.monotonic() > end:
                raise TimeoutError(f"it did not end; the screen is:\n{self.screen()}")
            time.sleep(0.1)
        return int(title.removeprefix(_ENDED)), self.screen()


@contextmanager
def terminal(
    command: Sequence[str], columns: int, rows: int = 24, environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """The command runs in a new window of that size; both are gone afterwards."""
    settings = [word for name, value in (environment or {}).items() for word in ("-e", f"{name}={value}")]
    # tmux itself sometimes does not notice that a command has ended.
    told = f"printf '\\033]2;{_ENDED}%d\\033\\\\' $?"
    line = f"trap : INT; {shlex.join(command)}; {told}; exec sleep {2 * LIMIT_S:.0f}"
    made = Terminal(f"dsmcertfix-{os.getpid()}-{time.monotonic_ns()}")
    window = ("new-session", "-d", "-x", str(columns), "-y", str(rows), *settings, "sh", "-c", line)
    made.tmux("start-server", ";", "set", "-g", "status", "off", ";", *window)
    try:
        yield made
    finally:
        made.tmux("kill-server")
