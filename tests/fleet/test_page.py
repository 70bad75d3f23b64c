"""The page is one safe, whole file, whatever is in the results."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.fleet.made import NOW, SERVER, SHA, certificate, drawn, problem, refused, result

from dsmcertfix.fleet import table as fleet_csv
from dsmcertfix.fleet.page import page as fleet_page
from dsmcertfix.fleet.page import words as fleet_words
from dsmcertfix.fleet.page.markup import Markup, commands, tag, text
from dsmcertfix.fleet.picture import Foreign, Picture
from dsmcertfix.report.details import ForeignReport

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style><svg onload=alert(1)>",
    "javascript:alert(1)",
    "]]>",
    "${alert(1)}$title$$",
    "\u2028\u2029\u202e\x00\x1b[31m",
    "\ud800",
    "`<b>x</b>`",
    "&lt;&amp;&#60;",
)
TAGS = frozenset(
    {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "a",
        "header",
        "h1",
        "h2",
        "h3",
        "p",
        "b",
        "main",
        "section",
    }
    | {
        "svg",
        "rect",
        "dl",
        "dt",
        "dd",
        "ul",
        "ol",
        "li",
        "button",
        "span",
        "div",
        "code",
        "table",
        "thead",
    }
    | {"tbody", "tr", "th", "td", "label", "input", "output", "kbd", "dialog", "details", "summary", "footer"}
    | {"script"}
)


class Parsed(HTMLParser):
    """The elements of a page, their attributes, and what is in scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.words: list[str] = []
        self._in = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._in = tag
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in in self.raw:
            self.raw[self._in][-1] += data
        else:
            self.words.append(data)


def page(picture: Picture, title: str = "A fleet") -> str:
    return "".join(fleet_page.page(picture, title))


def hostile(text_: str) -> Picture:
    """A picture with that text in every field that a result has."""
    one = certificate(
        label=text_, server=text_, subject=text_, status="replaced", not_after="2026-01-01T00:00:00Z"
    )
    ca = certificate("B", "ca", server=None, kind="ca", subject=text_, label=text_)
    trouble = problem(message=text_, session={"stanza": text_, "server": text_, "node": text_, "code": text_})
    trouble["hint"] = text_
    value = result(
        "fix", 21, one, ca, host=text_, outcome="rolled-back", trouble=trouble, comment=text_, version=text_
    )
    value["stores"][0]["directory"] = text_
    other = result("detect", 0, certificate("C", text_, server=text_), host=f"x{text_}", presented=["D"])
    other["servers"][0]["server"] = text_
    odd = result(text_, 0, host=f"y{text_}", outcome=text_)
    foreign = Foreign((ForeignReport(text_, text_, 3),), 1)
    return drawn(value, other, odd, expected=(f"z{text_}",), foreign=foreign)


def names_of(parsed: Parsed) -> list[tuple[str, tuple[str, ...]]]:
    return [(name, tuple(sorted(attributes))) for name, attributes in parsed.elements]


@pytest.mark.parametrize("words", HOSTILE)
def test_nothing_from_a_result_becomes_an_element_or_an_attribute(words: str) -> None:
    made, harmless = Parsed(page(hostile(words), words)), Parsed(page(hostile("harmless"), "harmless"))
    assert names_of(made) == names_of(harmless)
    assert made.raw["style"] == harmless.raw["style"]
    assert made.raw["script"][1] == harmless.raw["script"][1]
    json.loads(made.raw["script"][0])


@pytest.mark.parametrize("words", HOSTILE)
def test_no_link_leads_out_of_the_page_and_nothing_is_loaded(words: str) -> None:
    for name, attributes in Parsed(page(hostile(words), words)).elements:
        assert name in TAGS
        assert "style" not in attributes and not any(item.startswith("on") for item in attributes)
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in page(hostile(words)) and "@import" not in page(hostile(words))


def test_a_reader_sees_the_hostile_text_as_text() -> None:
    words = " ".join(Parsed(page(hostile("<b>bold</b>"))).words)
    assert "<b>bold</b>" in words


def test_what_steers_a_terminal_or_turns_text_around_is_shown_and_not_obeyed() -> None:
    made = page(hostile("a\u202eb\x1bc"))
    assert "\u202e" not in made and "\x1b" not in made and "\\u202e" in made


def test_the_policy_allows_the_page_s_own_script_and_style_by_their_hashes_and_nothing_else() -> None:
    parsed = Parsed(page(drawn(result())))
    (policy,) = (
        attributes["content"]
        for name, attributes in parsed.elements
        if name == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    allowed = dict(item.strip().split(" ", 1) for item in policy.split(";"))

    def hashed(content: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"

    assert allowed == {
        "default-src": "'none'",
        "script-src": hashed(parsed.raw["script"][1]),
        "style-src": hashed(parsed.raw["style"][0]),
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
    }


def data_of(picture: Picture) -> dict[str, Any]:
    found = json.loads(Parsed(page(picture)).raw["script"][0])
    assert isinstance(found, dict)
    return found


def test_the_data_has_a_row_for_each_endpoint_with_its_state_cause_server_and_end() -> None:
    picture = drawn(
        result("detect", 0, certificate(), host="a", presented=["A"]),
        result("fix", 21, certificate("B", "replaced"), host="b", outcome="rolled-back", trouble=refused()),
        expected=("a", "b", "c"),
    )
    data = data_of(picture)
    assert data["hosts"] == ["a", "b", "c"]
    assert [data["states"][number][0] for number in data["state"]] == ["healthy", "rolled-back", "silent"]
    assert [data["causes"][number][0] if number >= 0 else None for number in data["cause"]] == [
        None,
        "client-not-connected ANS1592E",
        "silent",
    ]
    assert [data["texts"][number] for number in data["server"]] == [SERVER, SERVER, ""]
    assert data["end"] == [2110752000, 2110752000, None]
    assert data["code"] == [0, 21, None]
    assert list(data["problems"]) == ["1"]
    directory, outcome, number, status = data["detail"][1][0]
    assert (data["texts"][directory], data["texts"][outcome]) == ("/opt/ba", "rolled-back")
    assert data["certificates"][number][0].endswith("b") and data["texts"][status] == "replaced"


def test_a_page_of_nothing_but_silence_can_be_made() -> None:
    words = " ".join(Parsed(page(drawn(result("locate", 0, host="a", stores=[]), expected=("b",)))).words)
    assert "No certificate is in the results." in words


def test_what_is_too_much_for_a_page_is_counted() -> None:
    many = [
        result("detect", 0, certificate(f"{number:064x}", server=f"s{number}:1"), host=f"h{number}")
        for number in range(150)
    ]
    foreign = Foreign((ForeignReport("f", "why"),), 5000)
    words = " ".join(Parsed(page(drawn(*many, expected=None, foreign=foreign))).words)
    assert "50 more servers left out here." in words
    assert "and 4,999 more" in words


@pytest.mark.parametrize(
    ("part", "total", "told"),
    [
        (0, 0, "0"),
        (1, 1, "100"),
        (999, 1000, "99.9"),
        (9999, 10_000, "99.9"),
        (1, 3, "33.3"),
        (500, 1000, "50"),
    ],
)
def test_a_share_is_never_rounded_up_to_all(part: int, total: int, told: str) -> None:
    assert fleet_words.percent(part, total) == told


# --- markup


def test_text_is_escaped_and_markup_is_not_escaped_twice() -> None:
    assert tag("p", "<b>", tag("i", "&")) == "<p>&lt;b&gt;<i>&amp;</i></p>"
    assert text(Markup("<br>")) == "<br>"
    assert tag("p", "x", title='"<', hidden=None) == '<p title="&quot;&lt;">x</p>'


def test_a_command_in_back_quotes_is_set_as_one_and_is_escaped() -> None:
    assert commands("run `a <b>` now") == "run <code>a &lt;b&gt;</code> now"
    assert commands("one ` alone <") == "one ` alone &lt;"
    assert commands("`a --b <c>`") == '<code>a <span class="option">--b</span> &lt;c&gt;</code>'


# --- CSV


def rows(picture: Picture) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(fleet_csv.lines(picture)))))


def test_the_csv_has_a_line_for_each_endpoint() -> None:
    picture = drawn(
        result("detect", 0, certificate(), host="a", presented=["A"]),
        result("fix", 21, certificate("B", "replaced"), host="b", outcome="rolled-back", trouble=refused()),
        expected=("a", "b", "c"),
    )
    found = rows(picture)
    assert [(row["host"], row["state"], row["in_inventory"]) for row in found] == [
        ("a", "healthy", "yes"),
        ("b", "rolled-back", "yes"),
        ("c", "silent", "yes"),
    ]
    assert found[0]["valid_until"] == "2036-11-20"
    assert int(found[0]["days_left"]) == (2110752000 - NOW) // 86400
    assert found[1]["causes"] == "client-not-connected ANS1592E"
    assert found[2]["seen_at"] == ""
    assert [row["holds"] for row in found] == [SHA["A"], SHA["B"], ""]


@pytest.mark.parametrize(
    "words", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', *HOSTILE]
)
def test_no_cell_is_a_formula_and_none_ends_its_line(words: str) -> None:
    picture = hostile(words)
    found = rows(picture)
    assert len(found) == len(picture.endpoints)
    for row in found:
        for name, cell in row.items():
            if name != "days_left":
                assert not re.match(r"[=+@\t\r-]", cell), (name, cell)
            assert cell.isprintable()
