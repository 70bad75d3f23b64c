"""What of an option file may be shown to others: an allowlist, since more than one option can hold a secret.

Pure. Of PASSWORD it is told that it is there; of every other line that is not on the list, comments too, not
even the first word: it may be a password with a line break before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dsmcertfix import budgets
from dsmcertfix.ibm.client.options import lines_of, option_named
from dsmcertfix.ibm.client.secrets import HIDDEN
from dsmcertfix.wording import printable

_ALSO_SHOWN = frozenset(
    (
        *("COMMMETHOD", "SSL", "SSLREQUIRED", "SSLFIPSMODE", "SSLDISABLELEGACYTLS"),
        *("TCPADMINPORT", "TCPCLIENTADDRESS", "TCPCLIENTPORT", "ERRORLOGRETENTION", "MANAGEDSERVICES"),
    )
)
"""Written in full; what the options that matter to the tool do not tell about the way to a server."""

_NAME, _HOST, _NUMBER = r"[A-Za-z0-9_.+&$-]{1,64}", r"[A-Za-z0-9._:%-]{1,255}", r"[0-9]{1,5}"
_PATH = r"(?:/|[A-Za-z]:[\\/]|\\\\)[^\x00-\x1f*?<>|]{0,1023}"
_SWITCH = r"(?i:yes|no|on|off|true|false)"
_VALUES = {
    **dict.fromkeys(
        ("SERVERNAME", "REPLSERVERNAME", "DEFAULTSERVER", "NODENAME", "MYREPLICATIONSERVER"), _NAME
    ),
    **dict.fromkeys(("TCPSERVERADDRESS", "REPLTCPSERVERADDRESS", "TCPCLIENTADDRESS"), _HOST),
    **dict.fromkeys(("TCPPORT", "REPLTCPPORT", "TCPADMINPORT", "TCPCLIENTPORT"), _NUMBER),
    **dict.fromkeys(("PASSWORDDIR", "ERRORLOGNAME"), _PATH),
    **dict.fromkeys(("SSL", "SSLREQUIRED", "SSLFIPSMODE", "SSLDISABLELEGACYTLS"), _SWITCH),
    "SSLACCEPTCERTFROMSERV": _SWITCH,
    "PASSWORDACCESS": r"(?i:gen[erat]{0,5}|pro[mpt]{0,3})",
    "COMMMETHOD": r"(?i:tcp[ip]{0,2}|v6tcp[ip]{0,2}|shared[mem]{0,3}|named[pies]{0,4}|none|local)",
    "ERRORLOGRETENTION": r"(?i:n|[0-9]{1,4})",
    "MANAGEDSERVICES": r"(?i:none|schedule|webclient)",
}
"""What a value of each shown option can be; of another one only the option is shown."""

_SHORTEST_PASSWORD = 3


def shown(data: bytes) -> str:
    """The lines that may be shown, each with its number, and how many are not. Never raises."""
    told: list[str] = []
    hidden = 0
    lines, has_more = lines_of(data)
    for number, raw in enumerate(lines, start=1):
        line = _line(raw)
        if line is None:
            hidden += 1
            continue
        told += _hidden(hidden)
        hidden = 0
        told.append(f"{number:5}  {line}")
    more = (f"       ({budgets.LINES.exceeded()})",) if has_more else ()
    return "\n".join((*told, *_hidden(hidden), *more, ""))


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
    return f"{name} {_value(name, words[1].strip() if len(words) > 1 else b'')}".rstrip()


def _value(name: str, value: bytes) -> str:
    """The value as one word, or in quotes, if that option can have it: nothing behind it."""
    quote = value[:1]
    if quote in (b'"', b"'"):
        inside, _, rest = value[1:].partition(quote)
        first, more = quote + inside + quote, rest.strip()
    else:
        inside, _, more = value.partition(b" ")
        first = inside
    text = printable(first.decode("utf-8", "backslashreplace"))
    if inside and not re.fullmatch(_VALUES[name], inside.decode("utf-8", "backslashreplace")):
        text = HIDDEN
    return f"{text} {HIDDEN}" if more.strip() else text
