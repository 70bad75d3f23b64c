"""Windows: what runs in the child that works on users' files (`child`): one task after the other.

Nothing of the program is loaded here but what a task needs.
"""

from __future__ import annotations

import importlib
from typing import Any, NoReturn

from dsmcertfix.system import answers
from dsmcertfix.system.win32 import shared

SIZE = 40 << 20
"""Bytes of the memory in which a task and its answer stand: the files of a store, twice."""


def serve(memory: int, asked: int, answered: int) -> NoReturn:
    """Each task that stands in `memory` when `asked` is set is replaced by its answer, and `answered` is set.

    The first time it is set says that the child has started. The three are inherited handles.
    """
    place = shared.Shared(memory, SIZE)
    while True:
        shared.signal(answered)
        shared.wait((asked,), None)
        text = place.taken()
        answer = answers.answer_of(lambda text=text: _done(answers.unframed(text)))  # type: ignore[misc]
        place.put(answer if place.fits(answer) else answers.framed({"limit": "memory"}))


def load(module: str) -> None:
    """What a task of that module needs is loaded: the start of a program is nobody's work."""
    prepare = getattr(importlib.import_module(module), "prepare", None)
    if prepare is not None:
        prepare()


def _done(task: Any) -> object:
    module, name, arguments = task
    return getattr(importlib.import_module(module), name)(*arguments)
