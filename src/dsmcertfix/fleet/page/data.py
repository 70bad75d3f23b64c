"""The data of a fleet's page, column by column, so that a hundred thousand rows stay small. Pure.

What many rows have in common is in `texts`, `causes` and `certificates` once, and rows have its number. The
result may be put between the tags of a script element: no character of it can end that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dsmcertfix.fleet.causes import reasons
from dsmcertfix.fleet.endpoints import STATES, Endpoint
from dsmcertfix.fleet.picture import Picture
from dsmcertfix.fleet.seen import Held
from dsmcertfix.wording import printable


class _Numbered(dict[Any, int]):
    """Things with numbers, each once, in the order in which they were first asked for."""

    def __missing__(self, item: Any) -> int:
        number = self[item] = len(self)
        return number


class Columns:
    """The columns of a picture, and the numbers that its certificates have in them."""

    def __init__(self, picture: Picture):
        self._picture = picture
        self._texts, self._certificates = _Numbered(), _Numbered()
        self._cause_numbers = {cause.key: number for number, cause in enumerate(picture.causes)}
        self._texts[""]  # number 0

    def number_of(self, held: Held) -> int:
        """The number of a certificate, for what is drawn outside of the table."""
        return self._certificates[held]

    def json(self) -> Iterator[str]:
        """The data as pieces of one JSON object."""
        endpoints = self._picture.endpoints
        yield "{"
        for name, column in self._columns(endpoints):
            yield f'"{name}":{_safe(column)},\n'
        # What the columns refer to comes last: it is known only now.
        yield f'"certificates":{_safe([self._certificate(held) for held in self._certificates])},\n'
        yield f'"texts":{_safe([printable(text) for text in self._texts])}}}'

    def _columns(self, endpoints: tuple[Endpoint, ...]) -> Iterator[tuple[str, Any]]:
        picture, order = self._picture, list(STATES)
        last = [endpoint.last for endpoint in endpoints]
        yield "made", picture.made
        yield "oldest", picture.oldest
        yield "states", [*STATES.items()]
        yield (
            "causes",
            [[printable(item.key), printable(item.meaning.replace("`", ""))] for item in picture.causes],
        )
        yield "alarmed", list(picture.alarmed())
        yield "hosts", [printable(item.host) for item in endpoints]
        yield "state", [order.index(item.state) for item in endpoints]
        yield "at", [seen.at if seen is not None else None for seen in last]
        yield "end", picture.ends
        yield "code", [seen.exit_code if seen is not None else None for seen in last]
        for name in ("comment", "command", "version"):
            yield name, [self._texts[getattr(seen, name)] if seen is not None else 0 for seen in last]
        yield "server", [self._texts[", ".join(names)] for names in picture.servers]
        causes = [[self._cause_numbers[key] for key in reasons(item)] for item in endpoints]
        yield "cause", [found[0] if found else -1 for found in causes]
        yield "causesOf", {number: found for number, found in enumerate(causes) if len(found) > 1}
        yield "problems", {place: _told(item) for place, item in enumerate(endpoints) if item.problems}
        yield "detail", [self._stores(item) for item in endpoints]
        yield (
            "presented",
            {
                number: [self._certificates[held] for held in seen.presented]
                for number, seen in enumerate(last)
                if seen is not None and seen.presented
            },
        )

    def _stores(self, endpoint: Endpoint) -> list[list[int]]:
        """Each store: its directory, its outcome, then certificate and status by turns."""
        if endpoint.last is None:
            return []
        found = []
        for store in endpoint.last.stores:
            row = [self._texts[store.directory], self._texts[store.outcome]]
            for held, status in store.certificates:
                row += (self._certificates[held], self._texts[status])
            found.append(row)
        return found

    def _certificate(self, held: Held) -> list[Any]:
        numbers = [self._texts[text] for text in (held.label, held.server, held.subject)]
        return [held.sha256, *numbers, held.not_after]


def _told(endpoint: Endpoint) -> list[tuple[str, str, str]]:
    """Code, message and hint of each of its problems."""
    return [(item.code, printable(item.message), printable(item.hint or "")) for item in endpoint.problems]


def _safe(value: Any) -> str:
    """JSON in ASCII in which nothing looks like a tag or a comment."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
