"""Makes pages, and reads in the browser what is on them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts import made_fleet
from tests.fleet.browser import Browser
from tests.fleet.made import certificate, problem, result

from dsmcertfix.cli.fleet import TITLE
from dsmcertfix.commands.fleet import Wanted, overview
from dsmcertfix.report.catalogue import CATALOGUE

BUILD = Path(__file__).parents[2] / "build" / "fleet"
"""Where pictures and figures are left."""


def made_page(directory: Path, endpoints: int) -> Path:
    """The page of a fleet of that size."""
    made_fleet.write(directory / "results", endpoints)
    inventory, made = directory / "results" / "inventory.txt", directory / "report.html"
    overview((directory / "results",), Wanted(made, None, inventory, TITLE), made_fleet.NOW)
    return made


def hard_page(directory: Path) -> Path:
    """The page of 3,000 endpoints with thirty causes, and thirteen servers of four certificates each."""
    codes, values = sorted(CATALOGUE)[:30], []
    for number in range(3000):
        of, renewal = number % 13, number // 13 % 4
        one = certificate(
            f"{of:032x}{renewal:032x}",
            "replaced" if renewal else "ok",
            server=f"backup-server-{of:02}.berlin.example.com:1500",
            not_after=f"20{27 + renewal * 2 + of % 2}-11-20T00:00:00Z",
        )
        host, failed = f"host-{number:04}.berlin.example.com", number % 8 < 2
        told: dict[str, Any] = {"outcome": "rolled-back", "trouble": problem(codes[number % 30])}
        values.append(
            result("fix", 21, one, host=host, **told) if failed else result("detect", 0, one, host=host)
        )
    (directory / "results").write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    made = directory / "report.html"
    overview((directory / "results",), Wanted(made, None, None, TITLE), made_fleet.NOW)
    return made


def shown(chromium: Browser) -> list[list[str]]:
    """The rows that are in view, from top to bottom, cell by cell."""
    rows: list[tuple[int, list[str]]] = chromium.run(
        """return [...document.querySelectorAll('#rows > [role=row]')].filter((row) => !row.hidden).map(
            (row) => [Number(row.dataset.place), [...row.children].map((cell) => cell.textContent)])"""
    )
    return [cells for _, cells in sorted(rows)]


def count(chromium: Browser) -> str:
    """How many endpoints are said to be shown."""
    return str(chromium.run("return document.getElementById('count').textContent"))


def data(chromium: Browser) -> dict[str, Any]:
    """The data of the page."""
    found: dict[str, Any] = json.loads(chromium.run("return document.getElementById('data').textContent"))
    return found


def settled(chromium: Browser, told: str) -> None:
    """The table says so, at the latest after some time."""
    becomes(lambda: count(chromium)[: len(told)], told)


def becomes(look: Callable[[], object], wanted: object) -> None:
    """That is seen, at the latest after some time: the page draws when the browser has time for it."""
    end = time.monotonic() + 60
    while (seen := look()) != wanted:
        assert time.monotonic() < end, (seen, wanted)
        time.sleep(0.05)


def click(chromium: Browser, selector: str) -> None:
    """The first element of that selector is clicked."""
    chromium.run("document.querySelector(arguments[0]).click()", selector)


def focused(chromium: Browser) -> str:
    """The id of what has the focus, or its text."""
    return str(chromium.run("return document.activeElement.id || document.activeElement.textContent"))


def matching(chromium: Browser, *words: str) -> int:
    """How many endpoints of the data have all the words in what is shown of them."""
    found = data(chromium)
    total = 0
    for row, host in enumerate(found["hosts"]):
        cause = found["cause"][row]
        told = [host, found["states"][found["state"][row]][0], found["texts"][found["server"][row]]]
        told += [*(found["causes"][cause] if cause >= 0 else ()), found["texts"][found["comment"][row]]]
        told += ["older than a day"] * ((found["at"][row] or found["oldest"]) < found["oldest"])
        total += all(word in "\n".join(told).lower() for word in words)
    return total
