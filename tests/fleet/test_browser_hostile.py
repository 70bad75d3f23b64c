"""Hostile results in a real Chromium: nothing of them runs, and nothing is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scripts import made_fleet
from selenium.webdriver.common.keys import Keys
from tests.fleet.browser import Browser
from tests.fleet.made import certificate, problem, result
from tests.fleet.pages import becomes, click
from tests.fleet.test_page import HOSTILE

from dsmcertfix.commands.fleet import Wanted, overview

pytestmark = pytest.mark.slow

TAKE = "<script>window.taken=1</script>"
ATTACKS = (
    *HOSTILE,
    TAKE,
    "<img src=x onerror='window.taken=1'>",
    f"<svg>{TAKE}</svg>",
    f"</script>{TAKE}",
    "<iframe srcdoc='<script>parent.taken=1</script>'></iframe>",
    "<a href='javascript:window.taken=1'>click</a>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<base href=http://127.0.0.1:9/>",
    "<style>*{display:none}</style>",
    "<form action=http://127.0.0.1:9/><input name=x autofocus onfocus='window.taken=1'>",
    "__proto__",
    "constructor",
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A page of results that have an attack in every field, with a title and an inventory like them."""
    values = []
    for number, words in enumerate(ATTACKS):
        one = certificate(label=words, server=words, subject=words, status="replaced")
        session = {"stanza": words, "server": words, "node": words, "code": words}
        trouble = {**problem(message=words, session=session), "hint": words}
        told: dict[str, Any] = {
            "outcome": "rolled-back",
            "trouble": trouble,
            "comment": words,
            "version": words,
        }
        value = result("fix", 21, one, host=f"{number:03}{words}", presented=["A"], **told)
        value["stores"][0]["directory"] = words
        value["servers"][0]["server"] = words
        values.append(value)
    results, hosts, made = tmp_path / "results", tmp_path / "hosts", tmp_path / "report.html"
    results.write_text("\n".join((*map(json.dumps, values), TAKE)), encoding="utf-8")
    names = "\n".join(words.split()[0] for words in ATTACKS if words.split())
    hosts.write_bytes(names.encode("utf-8", "surrogatepass"))
    overview((results,), Wanted(made, None, hosts, TAKE), made_fleet.NOW)
    return made


def test_a_hostile_result_runs_nothing_and_loads_nothing(chromium: Browser, hostile: Path) -> None:
    chromium.open(hostile)
    for words in ("", "<script>", "rolled"):
        chromium.driver.find_element("id", "search").clear()
        chromium.driver.find_element("id", "search").send_keys(words)
    click(chromium, "#reset")
    rows = chromium.run("return document.getElementById('grid').getAttribute('aria-rowcount')")
    chromium.run("document.getElementById('view').focus()")
    for _ in range(int(rows) - 1):
        chromium.press(Keys.ENTER)
        assert chromium.run("return document.getElementById('detail').open")
        chromium.press(Keys.ESCAPE)
        chromium.press(Keys.ARROW_DOWN)
    chromium.run("dispatchEvent(new Event('beforeprint'))")
    assert chromium.run("return window.taken === undefined")
    assert chromium.run("return document.querySelectorAll('img, iframe, form, base, link').length") == 0
    assert chromium.run("return document.scripts.length") == 2
    assert chromium.run("return performance.getEntriesByType('resource').length") == 0
    assert chromium.complaints() == []


def test_the_policy_of_the_page_would_stop_what_got_in_all_the_same(
    chromium: Browser, page: Path, tmp_path: Path
) -> None:
    spoilt = tmp_path / "spoilt.html"
    planted = "<script>window.taken=1</script><img src=http://127.0.0.1:9/x onerror='window.taken=1'>"
    spoilt.write_text(
        page.read_text(encoding="utf-8").replace("<main>", f"<main>{planted}", 1), encoding="utf-8"
    )
    chromium.open(spoilt)
    assert chromium.run("return window.taken === undefined")
    complaints: list[str] = []

    def both_are_told() -> bool:
        complaints.extend(chromium.complaints())
        return len(complaints) >= 2

    becomes(both_are_told, True)
    assert all("Content Security Policy" in one for one in complaints)
    assert chromium.run("try { document.body.innerHTML = '<b>x</b>'; return false } catch { return true }")
