"""The page of a fleet in a real Chromium: light, dark, narrow, on paper, and with a hundred thousand rows.

Pictures and figures are left in build/fleet.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from scripts import made_fleet
from tests.fleet.browser import Browser
from tests.fleet.pages import (
    BUILD,
    becomes,
    click,
    count,
    data,
    hard_page,
    made_page,
    matching,
    settled,
    shown,
)

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


LEFT = """
const left = (one) => [...one.children].map((cell) => Math.round(cell.getBoundingClientRect().left));
return ['#head [role=row]', '#rows [role=row]'].map((one) => left(document.querySelector(one)))
"""
"""Where the headings begin, and the cells below them."""

WIDER = """
const page = document.documentElement, wide = [];
if (page.scrollWidth > page.clientWidth) wide.push(`the page: ${page.scrollWidth} of ${page.clientWidth}`);
for (const element of document.querySelectorAll('body *')) {
    const { tagName, className, scrollWidth, clientWidth } = element;
    // An element with one pixel is for those who listen.
    if (clientWidth > 1 && scrollWidth > clientWidth + 1 && !element.closest('.skip')) {
        wide.push(`${tagName}.${className}: ${scrollWidth} of ${clientWidth}`);
    }
}
return wide
"""
"""What is wider than its place, so that it has to be scrolled or is cut off."""


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [
        ("light", 1400, False),
        ("dark", 1400, True),
        ("tablet", 800, False),
        ("narrow", 400, False),
        ("narrow-dark", 400, True),
        ("narrowest", 320, False),
    ],
)
def test_it_can_be_read_in_light_dark_and_on_a_telephone(
    chromium: Browser, page: Path, name: str, width: int, dark: bool
) -> None:
    chromium.open(page, width=width, dark=dark)
    assert chromium.run(CONTRAST) == {}, "text with less contrast than WCAG 2 AA asks for"
    assert chromium.run(WIDER) == []
    heads, cells = chromium.run(LEFT)
    assert heads == cells or width < 1024
    chromium.picture(BUILD / f"{name}.png")
    click(chromium, "#rows > [role=row]")
    assert chromium.run(CONTRAST) == {}
    assert chromium.run(WIDER) == []
    assert chromium.complaints() == []


LOST = """
const lost = [], grid = '#rows [role=gridcell], #head [role=columnheader]';
const cells = [...document.querySelectorAll(`${grid}, td`)];
for (const cell of cells) {
    if (!cell.textContent.trim() || cell.closest('[hidden], .acting, dialog')) continue;
    const { width, height } = cell.getBoundingClientRect();
    const cut = cell.scrollWidth > cell.clientWidth || cell.scrollHeight > cell.clientHeight;
    if (!width || !height || cut) lost.push(cell.textContent);
}
return [lost, cells.length]
"""


def test_at_400_pixels_every_cell_of_every_table_is_there_and_whole(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=400)
    everything = count(chromium)
    for link in (None, *(f"a[href='#cause-{number}']" for number in range(8)), "a[href='#older']"):
        if link is not None:
            click(chromium, link)
            becomes(lambda: count(chromium) != everything, True)
        lost, cells = chromium.run(LOST)
        assert lost == [] and cells > 60
        assert len(shown(chromium)[0]) == 7 and chromium.run(WIDER) == []


@pytest.mark.parametrize("a4", [True, False], ids=["a4", "letter"])
@pytest.mark.parametrize("hard", [False, True], ids=["usual", "hard"])
def test_3000_endpoints_are_two_pages_of_paper_and_the_list_of_who_needs_somebody(
    chromium: Browser, tmp_path: Path, hard: bool, a4: bool
) -> None:
    chromium.open(hard_page(tmp_path) if hard else made_page(tmp_path, 3000))
    name = f"paper-{'hard' if hard else 'usual'}-{'a4' if a4 else 'letter'}.pdf"
    whole, size = chromium.paper(BUILD / name, a4=a4)
    listed = {name for text in chromium.run(NAMES) for name in text.split()}
    found = data(chromium)
    wanted = {host for row, host in enumerate(found["hosts"]) if found["cause"][row] >= 0}
    wanted |= {found["hosts"][row] for row in found["alarmed"]}
    assert listed == wanted and 300 < len(wanted) < 1000
    chromium.run("document.querySelector('.acting').remove()")
    assert chromium.paper(tmp_path / "without.pdf", a4=a4)[0] <= 2
    assert 2 < whole <= 12 and size == pytest.approx(1, abs=0.01)


NAMES = "return [...document.querySelectorAll('.acting dd')].map((one) => one.textContent)"


def test_on_paper_who_needs_somebody_is_there_and_what_is_for_hands_is_not(opened: Browser) -> None:
    opened.driver.find_element("id", "search").send_keys("ber-db")
    settled(opened, f"{matching(opened, 'ber-db'):,} of ")
    opened.command("Emulation.setEmulatedMedia", media="print")
    try:
        told = str(opened.run("return document.body.innerText"))
        titles = opened.run(
            """return [...document.querySelectorAll('h2')].filter((one) => one.offsetHeight)
                .map((one) => one.innerText)"""
        )
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            opened.command("Emulation.setEmulatedMedia", media="print", features=features)
            assert opened.run(CONTRAST) == {}
    finally:
        opened.command("Emulation.setEmulatedMedia", media="")
    assert (titles[0], titles[-1]) == ("Why, and what to do", "Who needs somebody")
    found = data(opened)
    good = [name for name, _ in found["states"]][-3:]
    names = set(told.split())
    alarmed = {found["hosts"][row] for row in found["alarmed"]}
    for row, host in enumerate(found["hosts"]):
        well = found["states"][found["state"][row]][0] in good and host not in alarmed
        assert (host in names) == (not well)
    assert not {"Show", "Search", "Choose"} & names


def test_without_scripts_everything_but_the_table_is_there(chromium: Browser, page: Path) -> None:
    chromium.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(page)
        text = chromium.driver.find_element("tag name", "body").text
    finally:
        chromium.command("Emulation.setScriptExecutionDisabled", value=False)
    for words in ("State of the fleet", "Why, and what to do", "tsm01.example.com:1500", "only-here"):
        assert words in text
    names = set(text.split())
    assert all(host in names for hosts in chromium.run(NAMES) for host in hosts.split())
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
