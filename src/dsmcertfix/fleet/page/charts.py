"""The bars of a fleet's page as SVG: drawn here, without any library or network. Pure.

Colours come from the page's style sheet, so that they suit light, dark and paper; numbers are text as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from dsmcertfix.fleet.page.markup import Markup, tag
from dsmcertfix.wording import number


def share(states: Mapping[str, int]) -> Markup:
    """A bar in which each state has its share, in that order."""
    total = sum(states.values())
    parts, at = [], 0.0
    for state, count in states.items():
        if count:
            width = 1000.0 * count / total
            title = tag("title", f"{state}: {number(count)}")
            parts.append(_rect(f"f-{state}", at, 24, max(width - 1.5, 1.0), title))
            at += width
    told = ", ".join(f"{state} {number(count)}" for state, count in states.items() if count)
    label = f"Endpoints by state: {told or 'none'}"
    return _svg(1000, 24, *parts, class_="share", role="img", aria_label=label)


def bar(part: int, most: int, kind: str) -> Markup:
    """A number as a bar of at most the whole width; the number itself stands beside it."""
    width = 100.0 * part / most if most else 0.0
    return _svg(
        100,
        8,
        _rect("ground", 0, 8, 100),
        _rect(kind, 0, 8, max(width, 0.6)),
        class_="bar",
        aria_hidden="true",
    )


def _svg(width: int, height: int, *inner: str, **attributes: str) -> Markup:
    return tag("svg", *inner, viewBox=f"0 0 {width} {height}", preserveAspectRatio="none", **attributes)


def _rect(kind: str, x: float, height: int, width: float, inner: str | None = None) -> Markup:
    return tag("rect", inner, class_=kind, x=f"{x:.1f}", y=0, width=f"{width:.1f}", height=height)
