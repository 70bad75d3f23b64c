"""A forecast as one page of HTML that needs nothing else, not even a script. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from string import Template

from dsmcertfix import __version__
from dsmcertfix.fleet.forecast import GOES_ON, STANDINGS, Forecast, Row, Standing
from dsmcertfix.fleet.page.markup import Markup, commands, joined, tag, text
from dsmcertfix.fleet.page.page import asset, hashed
from dsmcertfix.fleet.page.words import minute, sentence
from dsmcertfix.wording import number

MOST_NAMED = 500
"""Endpoints and nodes of a kind that are named; what is left out is counted."""


def page(made: Forecast, sha256: str, at: int) -> Iterator[str]:
    """The pieces of the page, in order. `sha256` is the new certificate's; `at` is now, in Unix time."""
    style = asset("fleet.css")
    policy = f"default-src 'none'; style-src '{hashed(style)}'; base-uri 'none'; form-action 'none'"
    yield Template(asset("forecast.html")).substitute(
        policy=text(policy),
        title=text(f"Switching {made.switch.server}"),
        style=style,
        verdict=text(made.verdict()),
        made=_made(made, sha256, at),
        standings=joined(*_standings(made)),
        lists=joined(*_lists(made)),
        nodes=joined(_nodes(made) if made.listed else None),
    )


def _made(made: Forecast, sha256: str, at: int) -> Markup:
    told = (
        f"Made {minute(at)} by dsmcertfix {__version__}. Results older than {minute(made.switch.oldest)} do "
        f"not count; {number(made.elsewhere, 'endpoint')} of other servers not counted. "
        "New certificate: SHA-256 "
    )
    return joined(told, tag("code", sha256))


def _standings(made: Forecast) -> Iterator[Markup]:
    for standing, count in made.standings().items():
        yield tag(
            "tr",
            tag("td", number(count), class_="n"),
            tag("td", tag("span", standing, class_="badge")),
            tag("td", commands(sentence(STANDINGS[standing][1]))),
            class_="dim" if not count else "alarm" if standing not in GOES_ON else None,
        )


def _lists(made: Forecast) -> Iterator[Markup]:
    """The names of those that would be refused, by standing."""
    for standing in STANDINGS:
        rows = [row for row in made.rows if row.standing == standing]
        if rows and standing not in GOES_ON:
            yield _names(f"Refused: {STANDINGS[standing][0]}", standing, map(_name, rows), len(rows))


def _name(row: Row) -> str:
    nodes = [name for name in row.node_names if name.lower() != row.name.lower()]
    return f"{row.name} ({', '.join(nodes)})" if nodes else row.name


def _names(title: str, key: Standing | str, names: Iterable[str], in_all: int) -> Markup:
    listed = [name for _, name in zip(range(MOST_NAMED), names, strict=False)]
    more = in_all - len(listed)
    return tag(
        "section",
        tag("h2", title, id=f"h-{key}"),
        tag(
            "details",
            tag("summary", f"Show {number(in_all)}"),
            tag("ul", *(tag("li", name) for name in listed), class_="names"),
            tag("p", f"and {number(more)} more", class_="quiet") if more > 0 else None,
        ),
        aria_labelledby=f"h-{key}",
    )


def _nodes(made: Forecast) -> Markup:
    several = [row for row in made.rows if len(row.nodes) > 1]
    listed = {node.name: node for row in made.rows for node in row.nodes}
    open_still = [name for name, node in listed.items() if node.security == "TRANSITIONAL"]
    parts = (
        ("Nodes to be opened", "open", made.to_open()),
        ("Nodes that are TRANSITIONAL", "transitional", tuple(open_still)),
        ("Endpoints with several nodes", "several", tuple(map(_name, several))),
    )
    return joined(*(_names(title, key, names, len(names)) for title, key, names in parts if names))
