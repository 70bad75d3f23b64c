"""What a child that works on a user's files is asked and answers, as bytes: JSON-ready data, and bytes in it.

An answer is checked in form and size and never unpickled: whoever the child works as may have made it up.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from dsmcertfix.errors import DsmcertfixError, InternalError, Problem
from dsmcertfix.system.seen import NoAnswer

_LENGTH = 8
_BYTES = "bytes"

TOLD = frozenset(
    (
        *("StoreUnreadable", "NotPermitted", "NotFound", "Busy", "PlanOutdated", "InternalError"),
        *("BackupFailed", "EditFailed", "SwapFailed", "NotRestored"),
    )
)
"""The errors of ours that work on a user's files has; a child that tells of another one made it up."""


class LimitReached(Exception):
    """The child was ended because it took more than it may; the text says of what."""


class ChildDied(Exception):
    """The child ended without an answer, or with none that can be understood; the text says how."""


@contextlib.contextmanager
def no_answer_told() -> Iterator[None]:
    """A child inside that gave no answer, for whatever reason, is told as NoAnswer."""
    try:
        yield
    except LimitReached as error:
        raise NoAnswer(f"its process took more {error} than is allowed") from error
    except ChildDied as error:
        raise NoAnswer(f"its process ended without an answer ({error})") from error


def answer_of(work: Callable[[], object]) -> tuple[bytes, ...]:
    """What `work` returned or raised, in parts. Raises nothing."""
    try:
        return framed({"data": work()})
    except DsmcertfixError as error:
        return framed({"problem": error.problem().to_data()})
    except MemoryError:
        return framed({"limit": "memory"})
    except OSError as error:
        return framed({"system": [error.errno or 0, error.strerror or str(error)]})
    except Exception as error:
        return framed({"problem": InternalError("child-failed", repr(error)).problem().to_data()})


def framed(data: object) -> tuple[bytes, ...]:
    """The data in parts that `unframed` reads: the length of its text, the text, and the bytes in it."""
    parts: list[bytes] = []
    text = json.dumps(data, default=lambda value: _apart(value, parts)).encode()
    return (len(text).to_bytes(_LENGTH, "big"), text, *parts)


def _apart(value: object, parts: list[bytes]) -> dict[str, int]:
    """What stands in the text for bytes, which follow after it."""
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} is no data")
    parts.append(value)
    return {_BYTES: len(value)}


def understood(text: bytes) -> object:
    """The data in an answer. Raises what it says was raised, or ChildDied when it is no answer."""
    try:
        head = unframed(text)
    except (ValueError, RecursionError) as error:
        raise ChildDied("its answer cannot be understood") from error
    if not isinstance(head, dict) or len(head) != 1:
        raise ChildDied("its answer is none")
    if "limit" in head:
        raise LimitReached("memory")
    if "data" in head:
        return head["data"]
    if "system" in head:
        raise _system_error(head["system"])
    problem = Problem.from_data(head.get("problem"))
    if problem is None or problem.kind not in TOLD:
        raise ChildDied("its answer is none")
    raise problem.error()


def unframed(text: bytes) -> object:
    """What `framed` was given. Raises ValueError and RecursionError for anything else."""
    size = int.from_bytes(text[:_LENGTH], "big")
    parts = _Parts(text, _LENGTH + size)
    data = json.loads(text[_LENGTH : _LENGTH + size], object_hook=parts.put_in)
    parts.require_all_used()
    # No text is one that could be no file's name: escapes can write characters that there are not.
    json.dumps(data, ensure_ascii=False, default=len).encode("utf-8", "surrogateescape")
    return data


def _system_error(told: object) -> OSError | ChildDied:
    if not isinstance(told, list) or list(map(type, told)) != [int, str]:
        return ChildDied("its answer is none")
    return OSError(*told)


class _Parts:
    """The bytes that follow an answer's text, in the order in which they stand in it."""

    def __init__(self, text: bytes, start: int):
        self._text = text
        self._at = start

    def put_in(self, data: dict[str, Any]) -> object:
        """The bytes that a form stands for; any other data as they are. Raises ValueError."""
        size = data.get(_BYTES)
        if len(data) != 1 or type(size) is not int:
            return data
        if not 0 <= size <= len(self._text) - self._at:
            raise ValueError("bytes are missing")
        self._at += size
        return self._text[self._at - size : self._at]

    def require_all_used(self) -> None:
        """Raises ValueError when something is left over."""
        if self._at != len(self._text):
            raise ValueError("bytes are left over")
