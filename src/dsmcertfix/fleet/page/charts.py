"""The pictures of a fleet's page as SVG: drawn here, without any library or network. Pure.

Colours come from the page's style sheet, so that they suit light, dark and paper; numbers are text as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsmcertfix.fleet.page.markup import Markup, tag
from dsmcertfix.fleet.page.words import NAMES, WELL
from dsmcertfix.fleet.picture import Span
from dsmcertfix.wording import number

_WIDTH, _HEIGHT, _TOP, _BOTTOM = 960.0, 210.0, 26.0, 34.0


def share(states: Mapping[str, int]) -> Markup:
    """A bar in which each state has its share."""
    total = sum(states.values())
    parts, at = [], 0.0
    # What is well begins on the left; the rest follows, the most urgent on the right.
    for state in (*WELL, *(state for state in reversed(list(states)) if state not in WELL)):
        if states[state]:
            width = 1000.0 * states[state] / total
            title = tag("title", f"{NAMES[state]}: {number(states[state])}")
            parts.append(_rect(f"f-{state}", at, 0, max(width - 1.5, 1.0), 24, title))
            at += width
    told = ", ".join(f"{NAMES[state]} {number(count)}" for state, count in states.items() if count)
    label = f"Endpoints by state: {told or 'none'}"
    return _svg(1000, 24, *parts, class_="share", preserveAspectRatio="none", role="img", aria_label=label)


def bar(part: int, most: int) -> Markup:
    """A number as a bar of at most the whole width; the number itself stands beside it."""
    width = 100.0 * part / most if most else 0.0
    ground, value = _rect("ground", 0, 0, 100, 8), _rect("later", 0, 0, max(width, 0.6), 8)
    return _svg(100, 8, ground, value, preserveAspectRatio="none", aria_hidden="true")


def timeline(spans: Sequence[Span]) -> Markup:
    """How many endpoints' certificates expire when."""
    most = max((span.endpoints for span in spans), default=0) or 1
    step, foot = _WIDTH / max(len(spans), 1), _HEIGHT - _BOTTOM
    axis = tag("line", class_="axis", x1=0, x2=f"{_WIDTH:.0f}", y1=f"{foot:.0f}", y2=f"{foot:.0f}")
    bars = (_span(span, place, step, most) for place, span in enumerate(spans))
    told = ", ".join(f"{span.name}: {number(span.endpoints)}" for span in spans if span.endpoints)
    label = f"Endpoints by when their certificate expires. {told or 'None is known.'}"
    return _svg(_WIDTH, _HEIGHT, axis, *bars, class_="timeline", role="img", aria_label=label)


def _span(span: Span, place: int, step: float, most: int) -> Markup:
    middle, foot, wide = (place + 0.5) * step, _HEIGHT - _BOTTOM, min(step * 0.62, 64.0)
    # A few endpoints beside many must still be seen.
    height = max((foot - _TOP) * span.endpoints / most, 3.0) if span.endpoints else 0.0
    year, _, quarter = span.name.partition(" Q")
    below = [_label(f"Q{quarter}" if quarter else year, middle, foot + 15)]
    if quarter and (place == 1 or quarter == "1"):
        below.append(_label(year, middle, foot + 29))
    value = (
        _label(_short(span.endpoints), middle, foot - height - 6, class_="value") if span.endpoints else None
    )
    title = tag("title", f"{span.name}: {number(span.endpoints, 'endpoint')}")
    drawn = _rect(span.kind, middle - wide / 2, foot - height, wide, height)
    # The whole column answers to a pointer.
    return tag("g", title, _rect("clear", place * step, 0, step, _HEIGHT), drawn, value, *below)


def swatch(kind: str) -> Markup:
    """A small square in that colour, for a key."""
    return _svg(10, 10, _rect(kind, 0, 0, 10, 10), aria_hidden="true")


def _svg(width: float, height: float, *inner: str, **attributes: str) -> Markup:
    return tag("svg", *inner, viewBox=f"0 0 {width:.0f} {height:.0f}", **attributes)


def _rect(kind: str, x: float, y: float, width: float, height: float, inner: str | None = None) -> Markup:
    return tag(
        "rect", inner, class_=kind, x=f"{x:.1f}", y=f"{y:.1f}", width=f"{width:.1f}", height=f"{height:.1f}"
    )


def _label(told: str, x: float, y: float, **attributes: str) -> Markup:
    return tag("text", told, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor="middle", **attributes)


def _short(value: int) -> str:
    """Five figures at most."""
    return number(value) if value < 100_000 else f"{value / 1000:.0f}k"
