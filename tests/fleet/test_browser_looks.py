"""The page of a fleet in a real Chromium: light, dark, narrow, on paper, and with a hundred thousand rows.

Pictures and figures are left in build/fleet.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from scripts import made_fleet
from tests.fleet.browser import Browser
from tests.fleet.pages import BUILD, click, count, data, made_page, matching, settled, shown

pytestmark = pytest.mark.slow

CONTRAST = """
const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
const over = ([r, g, b, a = 1], under) => [r, g, b].map((one, place) => one * a + under[place] * (1 - a));
const luminance = (rgb) => {
    const linear = (one) => (one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.map((one) => linear(one / 255));
    return .2126 * r + .7152 * g + .0722 * b;
};
const ground = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
        layers.push(parse(getComputedStyle(one).backgroundColor));
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
};
const poor = {};
for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest('script, style') || !element.getClientRects().length) continue;
    const style = getComputedStyle(element), under = ground(element);
    const ink = element.closest('svg') ? style.fill : style.color;
    if (element.tagName === 'title') continue;
    let opacity = 1;
    for (let one = element; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
    const [r, g, b] = parse(ink);
    const [one, other] = [luminance(over([r, g, b, opacity], under)), luminance(under)];
    const contrast = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    const name = `${element.tagName}.${element.className.baseVal ?? element.className}`;
    if (contrast < 4.5) poor[name] = contrast.toFixed(2);
}
return poor
"""


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [("light", 1280, False), ("dark", 1280, True), ("narrow", 360, False), ("narrow-dark", 360, True)],
)
def test_it_can_be_read_in_light_dark_and_on_a_telephone(
    chromium: Browser, page: Path, name: str, width: int, dark: bool
) -> None:
    chromium.open(page, width=width, dark=dark)
    assert chromium.run(CONTRAST) == {}, "text with less contrast than WCAG 2 AA asks for"
    assert chromium.run("return document.documentElement.scrollWidth") <= width, (
        "the page is wider than the window"
    )
    chromium.picture(BUILD / f"{name}.png")
    click(chromium, "#rows > [role=row]")
    assert chromium.run(CONTRAST) == {}
    assert chromium.complaints() == []


def test_on_paper_the_table_is_printed_and_what_is_for_hands_is_not(opened: Browser) -> None:
    opened.driver.find_element("id", "search").send_keys("ber-db")
    expected = matching(opened, "ber-db")
    settled(opened, f"{expected:,} of ")
    opened.run("dispatchEvent(new Event('beforeprint'))")
    assert opened.run("return document.querySelectorAll('#printed tbody tr').length") == min(expected, 1000)
    opened.command("Emulation.setEmulatedMedia", media="print")
    heights = "return arguments[0].map((one) => document.querySelector(one).getBoundingClientRect().height)"
    grid, tools, printed, timeline = opened.run(heights, ["#grid", "#tools", "#printed", ".timeline"])
    assert (grid, tools) == (0, 0) and printed > 100 and timeline > 50
    opened.command("Emulation.setEmulatedMedia", media="")
    opened.run("dispatchEvent(new Event('afterprint'))")
    assert opened.run("return document.querySelectorAll('#printed tr').length") == 0
    opened.paper(BUILD / "paper.pdf")
    assert (BUILD / "paper.pdf").read_bytes().startswith(b"%PDF")


def test_without_scripts_everything_but_the_table_is_there(chromium: Browser, page: Path) -> None:
    chromium.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(page)
        text = chromium.driver.find_element("tag name", "body").text
    finally:
        chromium.command("Emulation.setScriptExecutionDisabled", value=False)
    for words in ("State of the fleet", "Why, and what to do", "tsm01.example.com:1500", "Only here"):
        assert words in text
    assert "The table needs JavaScript" in text


TIMES = """
const turn = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
const timed = async (work) => {
    const start = performance.now();
    await work();
    await turn();
    return performance.now() - start;
};
const search = document.getElementById('search'), view = document.getElementById('view');
const PAUSE = 70;
const typed = async (words) => {
    search.value = words;
    search.dispatchEvent(new Event('input'));
    await new Promise((go) => setTimeout(go, PAUSE));
};
return (async () => {
    const found = {}, heads = document.querySelectorAll('#head button');
    for (const head of heads) found[`sort by ${head.textContent}`] = await timed(() => head.click());
    heads[0].click();
    for (const words of ['ber', 'rolled tsm03', '']) {
        found[`search for "${words}"`] = await timed(() => typed(words)) - PAUSE;
    }
    found['scroll to the end'] = await timed(() => { view.scrollTop = view.scrollHeight; });
    return found;
})()
"""


def test_a_hundred_thousand_endpoints_stay_usable(chromium: Browser, tmp_path: Path) -> None:
    made = made_page(tmp_path, 100_000)
    chromium.open(made)
    loaded = chromium.run("return performance.getEntriesByType('navigation')[0].loadEventEnd")
    counted = 100_000 - made_fleet.STRANGERS + len(made_fleet.silent(100_000))
    assert count(chromium) == f"{counted:,} endpoints"
    assert len(shown(chromium)) < 60
    assert chromium.run("return document.querySelectorAll('*').length") < 5000
    timed = chromium.run(TIMES)
    hosts = data(chromium)["hosts"]
    assert shown(chromium)[-1][0] == hosts[-1]
    told = {"load": loaded, **timed}
    lines = [f"{name}: {value:.0f} ms" for name, value in told.items()]
    lines += [f"file: {made.stat().st_size / 1e6:.1f} MB", f"load average: {os.getloadavg()[0]:.1f}"]
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "figures.txt").write_text("\n".join((*lines, "")), encoding="utf-8")
    # A reader waits; minutes would mean that something is quadratic.
    assert all(value < 20_000 for value in told.values()), told
    assert chromium.complaints() == []
