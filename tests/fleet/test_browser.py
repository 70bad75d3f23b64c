"""The page of a fleet in a real Chromium: sorted, searched, and used by keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys
from tests.fleet.browser import Browser
from tests.fleet.pages import becomes, click, count, data, focused, matching, settled, shown

pytestmark = pytest.mark.slow

COLUMNS = ("host", "state", "causes", "servers", "valid until", "seen at", "exit code")


@pytest.mark.parametrize("column", range(len(COLUMNS)), ids=COLUMNS)
def test_every_column_sorts_up_and_down(opened: Browser, column: int) -> None:
    header = f"#head [role=columnheader]:nth-child({column + 1}) button"
    click(opened, header)
    ordered: dict[str, list[str]] = {}
    for way in ("ascending", "descending"):
        sort = opened.run(
            f"return document.querySelector('{header}').parentElement.getAttribute('aria-sort')"
        )
        assert sort == way
        ordered[way] = [row[column] for row in whole_table(opened)]
        click(opened, header)
    assert sorted(ordered["ascending"]) == sorted(ordered["descending"])
    up, down = ([value for value in ordered[way] if value] for way in ("ascending", "descending"))
    key = keys(opened)[column]
    assert [key(value) for value in up] == sorted(map(key, up))
    assert [key(value) for value in down] == sorted(map(key, down), reverse=True)
    # What is empty stands last, whichever way.
    for values in ordered.values():
        empty = [not value for value in values]
        assert empty == sorted(empty)


def keys(chromium: Browser) -> list[Any]:
    order = [name for name, _ in data(chromium)["states"]]
    return [str, order.index, str, str, lambda text: text[:10], str, int]


def whole_table(chromium: Browser) -> list[list[str]]:
    """Every row of the table, by scrolling through it as a reader does."""
    rows: dict[int, list[str]] = chromium.run(
        """const view = document.getElementById('view'), rows = {};
        view.style.height = '3000px';
        dispatchEvent(new Event('resize'));
        const turn = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
        return (async () => {
            for (let top = 0; ; top += view.clientHeight) {
                view.scrollTop = top;
                await turn();
                for (const row of document.querySelectorAll('#rows > [role=row]')) {
                    if (row.hidden) continue;
                    rows[row.dataset.place] = [...row.children].map((cell) => cell.textContent);
                }
                if (top >= view.scrollHeight - view.clientHeight) return rows;
            }
        })()"""
    )
    assert sorted(map(int, rows)) == list(range(len(rows)))
    return [cells for _, cells in sorted(rows.items(), key=lambda item: int(item[0]))]


def test_search_finds_hosts_states_causes_and_servers_and_every_word_must_fit(opened: Browser) -> None:
    everything = count(opened)
    for words, column in (("ber-db-", 0), ("rolled-back", 1), ("did not answer", 2), ("tsm03.example", 3)):
        opened.driver.find_element("id", "search").clear()
        opened.driver.find_element("id", "search").send_keys(words)
        settled(opened, f"{matching(opened, words):,} of ")
        assert all(words in row[column].lower() for row in shown(opened))
    opened.driver.find_element("id", "search").clear()
    opened.driver.find_element("id", "search").send_keys("Healthy TSM03.example ber-")
    settled(opened, f"{matching(opened, 'healthy', 'tsm03.example', 'ber-'):,} of ")
    opened.driver.find_element("id", "search").send_keys(" no-such-thing")
    settled(opened, "0 of ")
    assert opened.run("return document.getElementById('nothing').offsetHeight") > 0
    click(opened, "#reset")
    assert count(opened) == everything and focused(opened) == "search"


def test_the_links_of_alerts_causes_states_and_certificates_lead_to_their_rows(opened: Browser) -> None:
    found = data(opened)
    everything = f"{len(found['hosts']):,} endpoints"
    causes = [found["causesOf"].get(str(row), [cause]) for row, cause in enumerate(found["cause"])]
    old = sum(at is not None and at < found["oldest"] for at in found["at"])
    assert old
    for link, number, column, words in (
        (".alert a[href='#odd']", 1, 0, "sin-web-000777"),
        (".alert a[href='#state-broken']", 2, 1, "broken"),
        (".alert a[href='#older']", old, 5, "older than a day"),
        (".causes a[href='#cause-1']", sum(1 in of for of in causes), 2, found["causes"][1][1]),
        (
            ".tiles a[href='#state-needed']",
            sum(found["state"][row] == 2 for row in range(len(causes))),
            1,
            "needed",
        ),
        ("tr.alarm a[href^='#certificate-']", 1, 2, "odd certificate"),
    ):
        click(opened, link)
        settled(opened, f"{number:,} of ")
        assert shown(opened) and all(words in row[column] for row in shown(opened))
        assert opened.run("return document.querySelector(arguments[0]).getAttribute('aria-current')", link)
        becomes(lambda: focused(opened), "view")
        becomes(lambda: at_the_top(opened), True)
    # Once more, when the reader went away: the address is the same already.
    opened.run("scrollTo(0, 0)")
    click(opened, "tr.alarm a[href^='#certificate-']")
    becomes(lambda: at_the_top(opened), True)
    click(opened, "#reset")
    settled(opened, everything)
    assert opened.run("return document.querySelector('[aria-current]') === null")


def at_the_top(chromium: Browser) -> bool:
    """Whether the section with the table begins where the window does."""
    where = "return document.getElementById('endpoints').getBoundingClientRect().top"
    return abs(int(chromium.run(where))) < 3


def test_a_certificate_s_link_shows_all_who_store_it_or_are_shown_it(opened: Browser) -> None:
    found = data(opened)
    sha256 = opened.run("return document.querySelector('.server tr:not(.alarm) .mono').textContent")
    numbers = {number for number, one in enumerate(found["certificates"]) if one[0] == sha256}
    holders = sum(
        any(numbers & {*store[2::2]} for store in stores)
        or bool(numbers & {*found["presented"].get(str(row), [])})
        for row, stores in enumerate(found["detail"])
    )
    stored = opened.run(
        "return document.querySelector('.server tr:not(.alarm) .mono').closest('tr').children[3].textContent"
    )
    assert holders > int(stored)
    opened.run(
        "document.querySelector('.server tr:not(.alarm) .mono').closest('tr').querySelector('a').click()"
    )
    settled(opened, f"{holders:,} of ")


def test_an_address_with_a_cause_opens_with_its_rows_and_one_that_means_nothing_with_all(
    chromium: Browser, page: Path
) -> None:
    chromium.open(page)
    everything = count(chromium)
    chromium.driver.get(page.resolve().as_uri() + "#cause-0")
    chromium.driver.refresh()
    most = chromium.run("return document.querySelector('.causes .number').textContent")
    settled(chromium, f"{most} of ")
    for name in ("cause-999", "state-nonsense", "constructor", "%ff", "__proto__-1"):
        chromium.driver.get(f"{page.resolve().as_uri()}#{name}")
        chromium.driver.refresh()
        assert count(chromium) == everything
    assert chromium.complaints() == []


def test_who_needs_somebody_stands_first_cause_by_cause(opened: Browser) -> None:
    found = data(opened)
    good = [name for name, _ in found["states"]][-3:]
    assert good == ["repaired", "healthy", "absent"]
    rows = whole_table(opened)
    acting = [row[1] not in good or "odd certificate" in row[2] for row in rows]
    assert acting == sorted(acting, reverse=True) and 0 < sum(acting) < len(acting)
    assert "odd certificate" in rows[0][2] and rows[1][1] == "broken"
    meanings = [meaning for _, meaning in found["causes"]]
    places = [meanings.index(row[2]) for row in rows if row[1] not in (*good, "broken")]
    assert places == sorted(places)


# --- keyboard


def test_everything_can_be_done_with_the_keyboard(opened: Browser) -> None:
    opened.run("document.querySelector('#head button').click()")
    hosts = data(opened)["hosts"]
    opened.press(Keys.TAB)
    assert focused(opened) == "Go to the table of endpoints"
    opened.press("/")
    assert focused(opened) == "search"
    order = []
    for _ in range(9):
        opened.press(Keys.TAB)
        order.append(focused(opened))
    assert order == [*(name.capitalize() for name in COLUMNS), "view", order[-1]]
    opened.run("document.getElementById('view').focus()")
    assert active(opened) == hosts[0]
    opened.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP)
    assert active(opened) == hosts[1]
    opened.press(Keys.PAGE_DOWN)
    assert active(opened) != hosts[1]
    opened.press(Keys.END)
    assert active(opened) == hosts[-1]
    assert in_view(opened)
    opened.press(Keys.ARROW_DOWN)
    assert active(opened) == hosts[-1]
    opened.press(Keys.HOME)
    assert active(opened) == hosts[0]

    opened.press(Keys.ENTER)
    assert opened.run("return document.getElementById('detail').open")
    assert opened.run("return document.getElementById('detail-title').textContent") == hosts[0]
    assert opened.run("return document.getElementById('detail').contains(document.activeElement)")
    opened.press(Keys.ESCAPE)
    assert not opened.run("return document.getElementById('detail').open")
    assert focused(opened) == "view"
    # Nothing takes the focus away a moment later.
    opened.run(
        "document.getElementById('search').focus(); return new Promise((done) => setTimeout(done, 200))"
    )
    assert focused(opened) == "search"

    opened.run("document.querySelector('#head [role=columnheader]:nth-child(2) button').focus()")
    opened.press(Keys.ENTER)
    becomes(lambda: shown(opened)[0][1], "broken")


def active(chromium: Browser) -> str:
    """The host of the row that a screen reader would read."""
    return str(
        chromium.run(
            """const row = document.getElementById(
                document.getElementById('view').getAttribute('aria-activedescendant'));
            return row.getAttribute('aria-selected') === 'true' ? row.children[0].textContent : ''"""
        )
    )


def in_view(chromium: Browser) -> bool:
    return bool(
        chromium.run(
            """const view = document.getElementById('view').getBoundingClientRect();
            const row = document.querySelector('#rows .active').getBoundingClientRect();
            return row.top >= view.top - 1 && row.bottom <= view.bottom + 1"""
        )
    )


def test_the_details_tell_the_whole_story_of_an_endpoint(opened: Browser) -> None:
    opened.driver.find_element("id", "search").send_keys("rolled ANS1592E")
    settled(opened, f"{matching(opened, 'rolled', 'ans1592e'):,} of ")
    click(opened, "#rows > [role=row]")
    text = opened.run("return document.getElementById('detail-body').innerText")
    for words in (
        "rolled-back",
        "UPDATE NODE",
        "client-not-connected",
        "/opt/tivoli/tsm/client/ba/bin",
        "exit code 21",
    ):
        assert words in text
    click(opened, "#detail-close")


def test_what_is_on_the_page_has_names_for_those_who_cannot_see_it(opened: Browser) -> None:
    wrong = opened.run(
        """const wrong = [], ids = new Set();
        for (const element of document.querySelectorAll('[id]')) {
            if (ids.has(element.id)) wrong.push(`two elements are called ${element.id}`);
            ids.add(element.id);
        }
        for (const name of ['aria-labelledby', 'aria-activedescendant', 'for']) {
            for (const element of document.querySelectorAll(`[${name}]`)) {
                if (!ids.has(element.getAttribute(name))) wrong.push(`${name} leads nowhere`);
            }
        }
        for (const element of document.querySelectorAll('button, a, summary')) {
            if (!element.textContent.trim()) wrong.push(`no name: ${element.outerHTML}`);
        }
        for (const element of document.querySelectorAll('svg')) {
            if (element.getAttribute('aria-hidden') !== 'true' && !element.getAttribute('aria-label')) {
                wrong.push('a picture without words');
            }
        }
        const levels = [...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]));
        levels.forEach((level, place) => {
            if (place && level > levels[place - 1] + 1) wrong.push('a level of headings is left out');
        });
        for (const row of document.querySelectorAll('[role=row]')) {
            const cells = [...row.children].map((one) => one.getAttribute('role'));
            if (cells.length !== 7 || new Set(cells).size !== 1) wrong.push(`odd row: ${cells}`);
        }
        return wrong"""
    )
    assert wrong == []
