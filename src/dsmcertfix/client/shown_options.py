"""What of an option file may be shown to others: an allowlist, since more than one option can hold a secret.

Pure. Of PASSWORD it is told that it is there; of every other line that is not on the list, comments too, not
even the first word: it may be a password with a line break before it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dsmcertfix.client.options import lines_of, option_named
from dsmcertfix.client.secrets import HIDDEN

_ALSO_SHOWN = frozenset(
    (
        *("COMMMETHOD", "SSL", "SSLREQUIRED", "SSLFIPSMODE", "SSLDISABLELEGACYTLS"),
        *("TCPADMINPORT", "TCPCLIENTADDRESS", "TCPCLIENTPORT", "ERRORLOGRETENTION", "MANAGEDSERVICES"),
    )
)
"""Written in full; what the options that matter to the tool do not tell about the way to a server."""

_SHORTEST_PASSWORD = 3


def shown(data: bytes) -> str:
    """The lines that may be shown, each with its number, and how many are not. Never raises."""
    told: list[str] = []
    hidden = 0
    for number, raw in enumerate(lines_of(data), start=1):
        line = _line(raw)
        if line is None:
            hidden += 1
            continue
        told += _hidden(hidden)
        hidden = 0
        told.append(f"{number:5}  {line}")
    return "\n".join((*told, *_hidden(hidden), ""))


def _hidden(count: int) -> Iterator[str]:
    if count:
        yield f"       ({count} line{'' if count == 1 else 's'} not shown)"


def _line(raw: bytes) -> str | None:
    """The line as it may be shown, None when it may not."""
    words = raw.split(None, 1)
    if not words:
        return ""
    word = words[0].upper()
    if len(word) >= _SHORTEST_PASSWORD and b"PASSWORD".startswith(word):
        return f"PASSWORD {HIDDEN}"
    text = word.decode("ascii", "replace")
    name = option_named(words[0]) or (text if text in _ALSO_SHOWN else None)
    if name is None:
        return None
    return f"{name} {_value(words[1].strip() if len(words) > 1 else b'')}".rstrip()


def _value(value: bytes) -> str:
    """The value as one word, or in quotes: nothing that stands behind it."""
    quote = value[:1]
    if quote in (b'"', b"'"):
        inside, _, rest = value[1:].partition(quote)
        first, more = quote + inside + quote, rest.strip()
    else:
        first, _, more = value.partition(b" ")
    text = first.decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"{text} {HIDDEN}" if more.strip() else text
