"""HTML in which nothing can be forgotten: text is escaped unless its type says that it is markup. Pure."""

from __future__ import annotations

import html
import re

from dsmcertfix.wording import printable


class Markup(str):
    """HTML that was made here: it goes into other HTML as it is."""

    __slots__ = ()


def text(value: str) -> Markup:
    """The text as HTML, for the inside of an element or of a quoted attribute; markup as it is."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(printable(value)))


def tag(name: str, *inner: str | None, **attributes: str | int | None) -> Markup:
    """An element. Inner text is escaped; None is left out, inside and as the value of an attribute.

    `class_` is the attribute class; other underscores stand for hyphens (`data_state`, `aria_label`).
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{told}>{joined(*inner)}</{name}>")


def joined(*parts: str | None) -> Markup:
    """The parts one after the other, text escaped."""
    return Markup("".join(text(part) for part in parts if part is not None))


def commands(value: str) -> Markup:
    """Text in which what stands between back quotes is a command."""
    parts = value.split("`")
    if len(parts) % 2 == 0:
        return text(value)
    return joined(*(_command(part) if place % 2 else part for place, part in enumerate(parts)))


def _command(value: str) -> Markup:
    """The command; a browser would break a line within the hyphens that an option begins with."""
    words = re.split("( )", value)
    return tag("code", *(tag("span", one, class_="option") if one.startswith("--") else one for one in words))
