"""The parts of a fleet's page: causes, who needs somebody, certificates, ends, what was left over. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dsmcertfix.fleet.certificates import ALARMING, STANDINGS, Group, Holding
from dsmcertfix.fleet.page import charts
from dsmcertfix.fleet.page.data import Columns
from dsmcertfix.fleet.page.markup import Markup, commands, joined, tag, text
from dsmcertfix.fleet.page.words import day, sentence
from dsmcertfix.fleet.picture import Picture, timeline
from dsmcertfix.report.causes import Cause
from dsmcertfix.wording import number

MOST_SERVERS, MOST_CERTIFICATES, MOST_NAMES, MOST_UNEXPECTED = 100, 30, 5, 500
"""How much of each kind stands on the page at most; what is left out is counted."""

PRINTED_ADVICE, PRINTED_CAUSES, PRINTED_SERVERS, PRINTED_CERTIFICATES = 8, 20, 10, 2
"""How much of each stands on the first two pages of paper; the list behind them has every cause."""

_ODD = "Compare its fingerprint with the server's `cert256.arm`. If they differ, somebody is in between."
_MACRO = (
    "All of them at once: `dsmcertfix admin-macro --from RESULTS` writes the macro for the administrator of "
    "the server."
)


def causes(picture: Picture) -> Iterator[Markup]:
    """The causes as items of a list."""
    most = len(picture.causes[0].covers) if picture.causes else 0
    for place, cause in enumerate(picture.causes):
        kind = "unprinted" if place >= PRINTED_CAUSES else "brief" if place >= PRINTED_ADVICE else None
        yield tag("li", *_cause(place, cause, most), class_=kind)
    if not picture.causes:
        yield tag("li", tag("p", "Nothing is wrong.", class_="what"))


def _cause(place: int, cause: Cause, most: int) -> tuple[Markup, ...]:
    count = number(len(cause.covers))
    return (
        tag(
            "div",
            tag("span", count, class_="number"),
            tag("span", " endpoints", class_="hidden"),
            charts.bar(len(cause.covers), most, "later"),
            class_="count",
        ),
        tag(
            "div",
            tag("h3", commands(cause.meaning)),
            _what_to_do(cause),
            class_="what",
        ),
        tag(
            "a",
            f"Show {count}",
            tag("span", f" endpoints: {cause.meaning}", class_="hidden"),
            class_="plain",
            href=f"#cause-{place}",
        ),
    )


def _what_to_do(cause: Cause) -> Markup:
    return joined(
        tag("p", commands(cause.advice), class_="advice"),
        tag("p", commands(_MACRO), class_="advice") if cause.by_macro else None,
        tag("p", f"To act: {cause.actor}. Code: ", tag("code", cause.key), class_="who"),
    )


def acting(picture: Picture) -> Markup | None:
    """Everybody who needs somebody, by cause and server: for paper, and where no script runs."""
    odd = picture.alarmed()
    if not odd and not picture.causes:
        return None
    return tag(
        "section",
        tag("h2", "Who needs somebody", id="h-acting"),
        _listed(picture, "odd", "Odd certificate", commands(_ODD), odd) if odd else None,
        *(
            _listed(picture, f"cause-{place}", cause.meaning, _what_to_do(cause), cause.covers)
            for place, cause in enumerate(picture.causes)
        ),
        class_="acting",
        aria_labelledby="h-acting",
    )


def _listed(picture: Picture, key: str, title: str, to_do: Markup, places: tuple[int, ...]) -> Markup:
    """The hosts of these endpoints, by the servers that they trust."""
    found: dict[str, list[str]] = {}
    for place in places:
        found.setdefault(", ".join(picture.servers[place]), []).append(picture.endpoints[place].host)
    parts = (
        tag(
            "div",
            tag("dt", f"{server or 'Server not known'} ({number(len(hosts))})"),
            tag("dd", Markup("\n".join(map(text, hosts))), class_=_width(hosts)),
        )
        for server, hosts in sorted(found.items())
    )
    count = f" ({number(len(places))})"
    return tag("div", tag("h3", commands(title), count), to_do, tag("dl", *parts), id=key)


def _width(hosts: list[str]) -> str:
    """How wide the columns must be in which no name of them is broken."""
    longest = max(map(len, hosts))
    return "narrow" if longest <= 18 else "wide" if longest <= 34 else "whole"


def certificates(picture: Picture, columns: Columns) -> Iterator[Markup]:
    """A table for each server."""
    for place, group in enumerate(picture.groups[:MOST_SERVERS]):
        yield _group(group, picture, columns, printed=place < PRINTED_SERVERS)
    if len(picture.groups) > MOST_SERVERS:
        left = number(len(picture.groups) - MOST_SERVERS, "more server")
        yield tag("p", f"{left} left out here.", class_="quiet")
    most = max((len(group.certificates) for group in picture.groups), default=0)
    if len(picture.groups) > PRINTED_SERVERS or most > PRINTED_CERTIFICATES:
        told = f"On paper {PRINTED_SERVERS} servers at most, with {PRINTED_CERTIFICATES} certificates each."
        yield tag("p", told, class_="paper")
    if not picture.groups:
        yield tag("p", "No certificate is in the results.")


_HEADS = ("Standing", "SHA-256 fingerprint", "Valid until", "Stored by", "Shown to", "Endpoints")


def _group(group: Group, picture: Picture, columns: Columns, *, printed: bool) -> Markup:
    found, left_out = group.certificates[:MOST_CERTIFICATES], len(group.certificates) - MOST_CERTIFICATES
    heads = (tag("th", name, scope="col") for name in _HEADS)
    rows = (_holding(place, item, picture, columns) for place, item in enumerate(found))
    return tag(
        "div",
        tag("h3", group.server or "Server not known"),
        tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows)),
        tag("p", f"{number(left_out, 'more certificate')} left out here.", class_="quiet")
        if left_out > 0
        else None,
        class_="server" if printed else "server unprinted",
    )


def _holding(place: int, item: Holding, picture: Picture, columns: Columns) -> Markup:
    alarming, end = item.standing in ALARMING, item.held.not_after
    holders = sorted({*item.stored, *item.presented})
    names = ", ".join(picture.endpoints[one].host for one in holders) if len(holders) <= MOST_NAMES else ""
    over = (
        tag("span", " expired", class_="s-broken badge") if end is not None and end < picture.made else None
    )
    key = f"certificate-{columns.number_of(item.held)}"
    show = tag(
        "a",
        "Show",
        tag("span", f" the endpoints with {item.held.sha256[:16]}", class_="hidden"),
        class_="plain",
        href=f"#{key}",
    )
    cells = (
        tag("span", item.standing, class_="badge", title=STANDINGS[item.standing]),
        joined(
            tag("span", item.held.sha256, class_="mono"),
            tag("div", sentence(STANDINGS[item.standing])) if alarming else None,
            tag("div", item.held.subject, class_="quiet") if item.standing == "authority" else None,
        ),
        joined(day(end), over),
        number(len(item.stored)),
        number(len(item.presented)),
        joined(f"{names} ", show),
    )
    kinds = (
        "alarm" if alarming else "dim" if item.standing == "old" else "",
        "unprinted" if place >= PRINTED_CERTIFICATES else "",
    )
    return tag(
        "tr",
        *(tag("td", cell, data_label=label) for label, cell in zip(_HEADS, cells, strict=True)),
        class_=" ".join(filter(None, kinds)) or None,
        id=key,
    )


def ends(picture: Picture) -> Markup:
    """How many endpoints' certificates expire when, as bars."""
    spans = [span for span in timeline(picture.ends, picture.made) if span.endpoints]
    most = max((span.endpoints for span in spans), default=0)
    rows = (
        tag(
            "tr",
            tag("th", span.name, scope="row"),
            tag("td", number(span.endpoints)),
            tag("td", charts.bar(span.endpoints, most, span.kind)),
        )
        for span in spans
    )
    return tag("table", *rows, class_="ends") if spans else tag("p", "No end is in the results.")


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
            class_="unprinted",
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
        tag("table", tag("thead", heads), tag("tbody", *rows), class_="listing unprinted"),
        tag("p", f"and {number(more)} more", class_="quiet unprinted") if more > 0 else None,
    )
