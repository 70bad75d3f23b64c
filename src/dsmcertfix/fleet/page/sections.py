"""The parts of a fleet's page: causes, certificates, the timeline, and what was left over. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dsmcertfix.fleet.certificates import ALARMING, STANDINGS, Group, Holding
from dsmcertfix.fleet.page import charts
from dsmcertfix.fleet.page.data import Columns
from dsmcertfix.fleet.page.markup import Markup, commands, joined, tag
from dsmcertfix.fleet.page.words import day, sentence
from dsmcertfix.fleet.picture import Picture, timeline
from dsmcertfix.report.causes import Cause
from dsmcertfix.wording import number

MOST_SERVERS, MOST_CERTIFICATES, MOST_NAMES, MOST_UNEXPECTED = 100, 30, 5, 500
"""How much of each kind stands on the page at most; what is left out is counted."""

_STANDING = {
    "main": "Most endpoints",
    "only-here": "Only here",
    "rare": "Hardly anywhere else",
    "other": "Another one",
    "old": "Old",
    "authority": "CA",
}
_MACRO = (
    "All of them at once: `dsmcertfix admin-macro --from RESULTS` writes the macro for the administrator of "
    "the server."
)


def causes(picture: Picture) -> Iterator[Markup]:
    """The causes as items of a list."""
    most = len(picture.causes[0].covers) if picture.causes else 0
    for place, cause in enumerate(picture.causes):
        yield tag("li", *_cause(place, cause, most))
    if not picture.causes:
        yield tag("li", tag("p", "Nothing is wrong.", class_="what"))


def _cause(place: int, cause: Cause, most: int) -> tuple[Markup, ...]:
    count = number(len(cause.covers))
    return (
        tag(
            "div",
            tag("span", count, class_="number"),
            tag("span", " endpoints", class_="hidden"),
            charts.bar(len(cause.covers), most),
            class_="count",
        ),
        tag(
            "div",
            tag("h3", cause.meaning),
            tag("p", commands(cause.advice), class_="advice"),
            tag("p", commands(_MACRO), class_="note") if cause.by_macro else None,
            tag("p", f"To act: {cause.actor}. Code: ", tag("code", cause.key), class_="who"),
            class_="what",
        ),
        tag(
            "button",
            f"Show {count}",
            tag("span", f" endpoints: {cause.meaning}", class_="hidden"),
            type="button",
            class_="plain",
            data_cause=place,
        ),
    )


def certificates(picture: Picture, columns: Columns) -> Iterator[Markup]:
    """A table for each server."""
    for group in picture.groups[:MOST_SERVERS]:
        yield _group(group, picture, columns)
    if len(picture.groups) > MOST_SERVERS:
        left = number(len(picture.groups) - MOST_SERVERS, "more server")
        yield tag("p", f"{left} left out here.", class_="quiet")
    if not picture.groups:
        yield tag("p", "No certificate is in the results.")


def _group(group: Group, picture: Picture, columns: Columns) -> Markup:
    left_out = len(group.certificates) - MOST_CERTIFICATES
    heads = (
        *(tag("th", name, scope="col") for name in ("Standing", "SHA-256 fingerprint", "Valid until")),
        *(tag("th", name, scope="col", class_="n") for name in ("Stored by", "Shown to")),
        tag("th", "Endpoints", scope="col"),
    )
    rows = (_holding(item, picture, columns) for item in group.certificates[:MOST_CERTIFICATES])
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows))
    return tag(
        "div",
        tag("h3", group.server or "Server not known"),
        tag(
            "div",
            table,
            class_="scroll",
            tabindex=0,
            role="region",
            aria_label=group.server or "Server not known",
        ),
        tag("p", f"{number(left_out, 'more certificate')} left out here.", class_="quiet")
        if left_out > 0
        else None,
        class_="server",
    )


def _holding(item: Holding, picture: Picture, columns: Columns) -> Markup:
    alarming, end = item.standing in ALARMING, item.held.not_after
    holders = sorted({*item.stored, *item.presented})
    names = (
        ", ".join(picture.endpoints[place].host for place in holders) if len(holders) <= MOST_NAMES else ""
    )
    over = (
        tag("span", " expired", class_="s-broken badge") if end is not None and end < picture.made else None
    )
    button = tag(
        "button",
        "Show",
        tag("span", f" the endpoints with {item.held.sha256[:16]}", class_="hidden"),
        type="button",
        class_="plain",
        data_certificate=columns.number_of(item.held),
    )
    return tag(
        "tr",
        tag("td", tag("span", _STANDING[item.standing], class_="badge")),
        tag(
            "td",
            item.held.sha256,
            tag("div", sentence(STANDINGS[item.standing]), class_="note") if alarming else None,
            tag("div", item.held.subject, class_="quiet note") if item.standing == "authority" else None,
            class_="sha mono",
        ),
        tag("td", day(end), over),
        tag("td", number(len(item.stored)), class_="n"),
        tag("td", number(len(item.presented)), class_="n"),
        tag("td", f"{names} ", button),
        class_="alarm" if alarming else "dim" if item.standing == "old" else None,
    )


def ends(picture: Picture) -> Markup:
    """The timeline with its key."""
    spans = timeline(picture.ends, picture.made)
    told = (("over", "expired"), ("soon", "this quarter and the next"), ("later", "later"))
    key = (tag("span", charts.swatch(kind), name) for kind, name in told)
    drawn = tag(
        "div", charts.timeline(spans), class_="scroll", tabindex=0, role="region", aria_label="Timeline"
    )
    return joined(drawn, tag("div", *key, class_="key"))


def unexpected(picture: Picture) -> Markup | None:
    """The hosts that the inventory does not have; None when it has all, or there is none."""
    hosts = picture.unexpected
    if not hosts:
        return None
    more = len(hosts) - MOST_UNEXPECTED
    return tag(
        "section",
        tag("h2", "Not in the inventory"),
        tag(
            "p",
            f"Results came from {number(len(hosts), 'host')} that the inventory does not have. "
            "They are not counted on this page.",
            class_="about",
        ),
        tag(
            "details",
            tag("summary", "Show the names"),
            tag("ul", *(tag("li", host) for host in hosts[:MOST_UNEXPECTED]), class_="names"),
            tag("p", f"and {number(more)} more", class_="quiet") if more > 0 else None,
        ),
    )


def foreign(picture: Picture) -> Markup | None:
    """What could not be used; None when everything was."""
    found = picture.foreign
    if not found.in_all:
        return None
    heads = tag("tr", *(tag("th", name, scope="col") for name in ("File", "Line", "What is wrong")))
    rows = (
        tag(
            "tr",
            tag("td", item.file),
            tag("td", "" if item.line is None else number(item.line)),
            tag("td", item.reason),
        )
        for item in found.listed
    )
    more = found.in_all - len(found.listed)
    count = number(found.in_all, "file or part of a file")
    if found.in_all != 1:
        count = f"{number(found.in_all)} files or parts of files"
    return tag(
        "section",
        tag("h2", "What could not be used"),
        tag("p", f"{count}: damaged, or no result of dsmcertfix.", class_="about"),
        tag("table", tag("thead", heads), tag("tbody", *rows), class_="foreign"),
        tag("p", f"and {number(more)} more", class_="quiet") if more > 0 else None,
    )
