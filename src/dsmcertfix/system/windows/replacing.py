"""One file takes the place of another, which lies aside afterwards; whatever ReplaceFileW leaves half done is
brought to one of its two ends.

The states are those of the manual (ReplaceFileW, with a backup name): 1175 and 1176 leave both files under
their names, 1177 leaves the old one aside and the new one where it was, with the old one's DACL and streams.
What is there decides, not the number: a power cut has none.
"""

from __future__ import annotations

import time
from typing import Protocol

from dsmcertfix.system.win32.calls import LOCK_VIOLATION, SHARING_VIOLATION, code_of

UNABLE_TO_REMOVE_REPLACED = 1175
UNABLE_TO_MOVE_REPLACEMENT = 1176
UNABLE_TO_MOVE_REPLACEMENT_2 = 1177

HELD = frozenset((SHARING_VIOLATION, LOCK_VIOLATION))
"""What Windows answers while somebody has the file open and does not share it."""

_WORTH_WAITING = HELD | {UNABLE_TO_REMOVE_REPLACED, UNABLE_TO_MOVE_REPLACEMENT, UNABLE_TO_MOVE_REPLACEMENT_2}
_PAUSE_S = 0.1


class Calls(Protocol):
    """What is done to files, by name."""

    def replace(self, live: str, new: str, aside: str) -> None:
        """ReplaceFileW. Raises OSError."""
        ...

    def rename(self, source: str, target: str) -> None:
        """The file has the other name, which nothing has. Raises OSError."""
        ...

    def exists(self, path: str) -> bool:
        """Whether anything has that name."""
        ...


def replace(live: str, new: str, aside: str, calls: Calls, limit_s: float) -> None:
    """`new` is `live`, and what was live is `aside`.

    A file that others hold is waited for, `limit_s` seconds at most. Raises OSError when it was not done:
    then `live` is what it was, or lies aside where not even that could be undone.
    """
    deadline = time.monotonic() + limit_s
    while True:
        try:
            calls.replace(live, new, aside)
            return
        except OSError as error:
            if not calls.exists(live) and calls.exists(aside):
                # Only the second of two renames is missing.
                _finish_or_undo(live, new, aside, calls, deadline)
                return
            if code_of(error) not in _WORTH_WAITING or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_S)


def _finish_or_undo(live: str, new: str, aside: str, calls: Calls, deadline: float) -> None:
    while True:
        try:
            calls.rename(new, live)
            return
        except OSError:
            if time.monotonic() > deadline:
                calls.rename(aside, live)
                raise
        time.sleep(_PAUSE_S)
