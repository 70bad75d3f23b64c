"""Records what is asked of the file system, in order: what a power cut leaves depends on nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What succeeds from now on: "sync NAME", "rename NAME NAME", and so on with link, unlink and mkdir."""
    calls: list[str] = []

    def fsync(handle: int) -> None:
        calls.append("sync " + Path(os.readlink(f"/proc/self/fd/{handle}")).name)

    def watched(word: str, call: Callable[..., Any], names: int) -> Callable[..., Any]:
        def record(*arguments: Any, **options: Any) -> Any:
            result = call(*arguments, **options)
            calls.append(" ".join([word, *(Path(name).name for name in arguments[:names])]))
            return result

        return record

    monkeypatch.setattr(os, "fsync", fsync)
    for word, names in {"rename": 2, "replace": 2, "link": 2, "unlink": 1, "mkdir": 1}.items():
        monkeypatch.setattr(os, word, watched(word.replace("replace", "rename"), getattr(os, word), names))
    return calls
