"""Nothing is skipped in silence: what a machine cannot show is said, and listed at the end of the run."""

from __future__ import annotations

from typing import NoReturn

import pytest

PREFIX = "not shown: "


def not_shown(reason: str) -> NoReturn:
    """This machine cannot show what the test is about; conftest.py lists the reason at the end of the run."""
    pytest.skip(PREFIX + reason)


def shown_only_if(condition: bool, reason: str) -> pytest.MarkDecorator:
    """Marks a test that a machine shows only under that condition; elsewhere the reason is listed."""
    return pytest.mark.skipif(not condition, reason=PREFIX + reason)
