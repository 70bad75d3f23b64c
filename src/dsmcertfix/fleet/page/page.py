"""A fleet as one page of HTML that needs nothing else: no network, no other file, no program. Pure.

What comes from results gets into the page as escaped text (`markup`), or as JSON for the one script, which
only ever makes text of it. The page's own policy (CSP) allows that script and the style sheet, by their
hashes, and nothing else: what a hostile result might bring in would not run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from string import Template

from dsmcertfix import __version__
from dsmcertfix.fleet.endpoints import STATES
from dsmcertfix.fleet.page import charts, sections
from dsmcertfix.fleet.page.data import Columns
from dsmcertfix.fleet.page.markup import Markup, commands, joined, tag, text
from dsmcertfix.fleet.page.words import minute, percent
from dsmcertfix.fleet.picture import Picture
from dsmcertfix.wording import number

MOST_NAMED = 5
"""Endpoints that are named in a warning at most."""


def page(picture: Picture, title: str) -> Iterator[str]:
    """The pieces of the page, in order."""
    columns = Columns(picture)
    before, _, after = asset("fleet.html").partition("$data")
    yield Template(before).substitute(
        policy=text(_policy()),
        title=text(title),
        style=asset("fleet.css"),
        verdict=_verdict(picture),
        made=_made(picture),
        alerts=joined(*_alerts(picture)),
        share=charts.share({str(state): count for state, count in picture.states().items()}),
        tiles=joined(*_tiles(picture)),
        causes=joined(*sections.causes(picture)),
        certificates=joined(*sections.certificates(picture, columns)),
        ends=sections.ends(picture),
        rest=joined(sections.unexpected(picture), sections.foreign(picture), sections.acting(picture)),
    )
    yield from columns.json()
    yield after.replace("$script", asset("fleet.js"))


@cache
def asset(name: str) -> str:
    """A file of the page's, as text."""
    return files("dsmcertfix.fleet.page").joinpath(name).read_text(encoding="utf-8")


def _policy() -> str:
    script, style = hashed(asset("fleet.js")), hashed(asset("fleet.css"))
    allowed = f"default-src 'none'; script-src '{script}'; style-src '{style}'"
    return f"{allowed}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"


def hashed(content: str) -> str:
    """What the page's policy allows that content by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _verdict(picture: Picture) -> Markup:
    total, rest = len(picture.endpoints), len(picture.endpoints) - picture.good
    if not rest:
        return text(f"Nobody has to act: {number(total, 'endpoint')} in order.")
    told = f" of {number(total, 'endpoint')} need{'s' * (rest == 1)} somebody; "
    return joined(tag("b", number(rest)), told, f"{percent(picture.good, total)} % are in order.")


def _made(picture: Picture) -> Markup:
    told = f"Made {minute(picture.made)} by dsmcertfix {__version__} from {number(picture.results, 'result')}"
    if picture.when is None:
        return text(f"{told}.")
    first, last = picture.when
    return text(f"{told}; those that count are from {minute(first)} to {minute(last)}.")


def _alerts(picture: Picture) -> Iterator[Markup]:
    """What must not be overlooked stands before everything else, and leads to its rows of the table."""
    odd, broken, old = picture.alarmed(), picture.states()["broken"], picture.old
    if odd:
        names = ", ".join(picture.endpoints[place].host for place in odd[:MOST_NAMED])
        more = f" and {number(len(odd) - MOST_NAMED)} more" if len(odd) > MOST_NAMED else ""
        yield tag(
            "p",
            _rows(len(odd), "#odd"),
            f" {'has' if len(odd) == 1 else 'have'} an odd certificate, one that hardly anybody else has: ",
            f"{names}{more}. Somebody may be in between: ",
            tag("a", "compare the fingerprints", href="#h-certificates"),
            ".",
            class_="alert",
        )
    if broken:
        told = (
            f" {'is' if broken == 1 else 'are'} broken: a store or a service is not as it was, or a run was "
            "cut off. The backups are intact; run `dsmcertfix recover` there, or call someone."
        )
        yield tag("p", _rows(broken, "#state-broken"), commands(told), class_="alert")
    if old:
        told = (
            f" {'has' if old == 1 else 'have'} only results that are older than a day, and may be otherwise "
            "by now. Look again there: `dsmcertfix detect`."
        )
        yield tag("p", _rows(old, "#older"), commands(told), class_="alert mild", id="older")


def _rows(count: int, href: str) -> Markup:
    """So many endpoints, as a link to their rows."""
    return tag("a", tag("b", number(count, "endpoint")), href=href)


def _tiles(picture: Picture) -> Iterator[Markup]:
    """A link to the rows of each state, the most urgent first."""
    for state, count in picture.states().items():
        unknown = state == "silent" and not picture.with_inventory
        tile = tag(
            "a",
            tag("span", state, class_=f"name s-{state}"),
            " ",
            tag("b", "?" if unknown else number(count)),
            " ",
            tag("span", "give --inventory to see them" if unknown else STATES[state], class_="what"),
            class_=f"tile b-{state}" if count else f"tile none b-{state}",
            href=f"#state-{state}",
        )
        yield tag("li", tile, id=f"state-{state}")
