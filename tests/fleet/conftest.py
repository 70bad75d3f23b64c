"""Machines whose results are collected, a fleet's page, and a browser to open it in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.endtoend.conftest import machine, make_machine, three
from tests.shown import not_shown

if TYPE_CHECKING:
    from tests.fleet.browser import Browser

__all__ = ["machine", "make_machine", "three"]

ENDPOINTS = 1200


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    from tests.fleet.browser import browser, missing

    why = missing()
    if why is not None:
        not_shown(why)
    with browser() as started:
        yield started


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a fleet."""
    from tests.fleet.pages import made_page

    return made_page(tmp_path_factory.mktemp("fleet"), ENDPOINTS)


@pytest.fixture
def opened(chromium: Browser, page: Path) -> Iterator[Browser]:
    """The browser with that page, about which it has nothing to complain in the end."""
    chromium.open(page)
    yield chromium
    assert chromium.complaints() == []
