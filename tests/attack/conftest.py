"""One machine with many users who attack, and what must stay as it is whatever they do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.attack.scene import Scene
from tests.shown import not_shown

from dsmbench.endpoint import AS_ROOT
from dsmbench.runtime import scratch


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A machine with root's store and bob's, both affected; and a directory of root's that nobody may see."""
    if not AS_ROOT:
        not_shown("attacks by other users: it needs root to make them")
    with scratch() as directory:
        made = Scene(directory)
        try:
            yield made
        finally:
            made.machine.stop()
