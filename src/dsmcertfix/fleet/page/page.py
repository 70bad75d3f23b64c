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
from dsmcertfix.fleet.page.words import NAMES, WELL, minute, percent
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
        timeline=sections.ends(picture),
        rest=joined(sections.unexpected(picture), sections.foreign(picture)),
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
    share = tag("b", f"{percent(picture.good, total)} %")
    act = f"{number(rest, 'endpoint')} {'needs' if rest == 1 else 'need'} somebody."
    order = f" of {number(total, 'endpoint')} {'is' if total == 1 else 'are'} in order."
    return joined(share, order, " ", act if rest else "Nobody has to act.")


def _made(picture: Picture) -> Markup:
    told = f"Made {minute(picture.made)} by dsmcertfix {__version__} from {number(picture.results, 'result')}"
    if picture.when is None:
        return text(f"{told}.")
    first, last = picture.when
    return text(f"{told}; those that count are from {minute(first)} to {minute(last)}.")


def _alerts(picture: Picture) -> Iterator[Markup]:
    """What must not be overlooked stands before everything else."""
    odd, broken = picture.alarmed(), picture.states()["broken"]
    if odd:
        names = ", ".join(picture.endpoints[place].host for place in odd[:MOST_NAMED])
        more = f" and {number(len(odd) - MOST_NAMED)} more" if len(odd) > MOST_NAMED else ""
        yield tag(
            "p",
            tag("b", number(len(odd), "endpoint")),
            " has" if len(odd) == 1 else " have",
            f" a certificate that hardly anybody else has: {names}{more}. Somebody may be in between: ",
            tag("a", "compare the fingerprints", href="#h-certificates"),
            ".",
            class_="alert",
        )
    if broken:
        verb = " is" if broken == 1 else " are"
        told = (
            " broken: a store or a service is not as it was, or a run was cut off. "
            "The backups are intact; run `dsmcertfix recover` there, or call someone."
        )
        yield tag("p", tag("b", number(broken, "endpoint")), verb, commands(told), class_="alert")


def _tiles(picture: Picture) -> Iterator[Markup]:
    """A button for each state: what is well first, then the most urgent."""
    states, order = picture.states(), list(STATES)
    for state in sorted(order, key=lambda item: (item != WELL[0], item != WELL[1], item == WELL[2])):
        count = states[state]
        unknown = state == "silent" and not picture.with_inventory
        button = tag(
            "button",
            tag("span", NAMES[state], class_=f"name s-{state}"),
            " ",
            tag("b", "?" if unknown else number(count)),
            " ",
            tag("span", "give --inventory to see them" if unknown else STATES[state], class_="what"),
            type="button",
            class_=f"tile b-{state}" if count else f"tile none b-{state}",
            data_state=order.index(state),
            aria_pressed="false",
        )
        yield tag("li", button)
